import { statfsSync } from 'node:fs'
import { dirname } from 'node:path'

/** What is free on the disk of a file, bytes. */
export function freeBytesOf(file: string): number {
  const { bavail, bsize } = statfsSync(dirname(file))
  return bavail * bsize
}
