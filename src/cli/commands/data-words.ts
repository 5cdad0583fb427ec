// Corrected data, as words of a command give them: as text, in a file, or on standard input.
import { text as textOf } from 'node:stream/consumers'
import { parse, readJson } from '../json-file.ts'
import { UsageError } from '../output.ts'

export interface DataWords {
  readonly data?: string | undefined
  readonly dataFile?: string | undefined
}

export async function readData({ data, dataFile }: DataWords): Promise<unknown> {
  if (data !== undefined && dataFile !== undefined) throw new UsageError('--data and --data-file do not go together')
  if (data !== undefined) return parse('--data', data)
  if (dataFile !== undefined) return readJson('--data-file', dataFile)
  const ask = 'give the corrected data: --data JSON, --data-file FILE, or JSON on standard input'
  if (process.stdin.isTTY) throw new UsageError(ask)
  const given = await textOf(process.stdin)
  if (given.trim() === '') throw new UsageError(ask)
  return parse('standard input', given)
}
