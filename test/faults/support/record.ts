import { existsSync, openSync, readFileSync, writeSync } from 'node:fs'

/** A program's own record, apart from the database: a line is out of the process, and survives it, once it is written. */
export class Record {
  private readonly file: number

  constructor(path: string) {
    this.file = openSync(path, 'a')
  }

  write(...words: readonly (string | number)[]): void {
    writeSync(this.file, `${words.join(' ')}\n`)
  }
}

/** The lines of a record, as words; a last line that is cut off is no line. */
export function readRecord(path: string): string[][] {
  if (!existsSync(path)) return []
  return readFileSync(path, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split(' '))
}
