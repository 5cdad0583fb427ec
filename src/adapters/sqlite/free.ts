import { statfsSync } from 'node:fs'
import { dirname } from 'node:path'

/** The free bytes on the disk of a file. */
export function freeBytesOf(file: string): number {
  const { bavail, bsize } = statfsSync(dirname(file))
  return bavail * bsize
}
