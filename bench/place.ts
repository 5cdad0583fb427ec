import { cpSync, mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { join } from 'node:path'

const memoryFileSystems = new Map([
  [0x01021994, 'tmpfs'],
  [0x858458f6, 'ramfs'],
])

/** The name of the file system of a folder if it keeps files in memory, where a sync costs nothing; else null. */
export function memoryFileSystem(folder: string): string | null {
  return memoryFileSystems.get(statfsSync(folder).type) ?? null
}

/** A folder of the bench's own, removed when the process ends, with numbered folders for single runs. */
export class Place {
  readonly folder: string
  #count = 0

  constructor(parent: string) {
    mkdirSync(parent, { recursive: true })
    this.folder = mkdtempSync(join(parent, 'millrace-bench-'))
    process.once('exit', () => this.remove(this.folder))
  }

  next(): string {
    const folder = join(this.folder, String(++this.#count))
    mkdirSync(folder)
    return folder
  }

  copy(from: string): string {
    const folder = this.next()
    cpSync(from, folder, { recursive: true })
    return folder
  }

  remove(folder: string): void {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}
