// The -wal is written out anew at each start, while no other program writes: the bytes that another appends in that
// moment would be overwritten by those that were read before.
import { statSync } from 'node:fs'
import type { Disk } from './disk.ts'
import type { OpenDatabase } from './owner.ts'
import type { WriteLock } from './write-lock.ts'

export interface RenewNeeds {
  readonly file: string
  readonly disk: Pick<Disk, 'renewWal'>
  readonly database: OpenDatabase
  readonly lock: Pick<WriteLock, 'run'>
}

/** Writes the -wal out anew, by the disk, under the write lock of the file. */
export async function renewWal({ file, disk, database, lock }: RenewNeeds): Promise<void> {
  const wal = statSync(`${file}-wal`, { throwIfNoEntry: false })
  if (wal === undefined || wal.size === 0) return await disk.renewWal(file)
  // The last connection to close checkpoints, which must not happen before the -wal is on disk: this one cannot.
  const reader = database(file, { timeout: 0, readOnly: true })
  try {
    const writer = database(file, { timeout: 0, readOnly: false })
    try {
      await lock.run(() => {
        reader.prepare('select count(*) from sqlite_schema').get()
        writer.exec('begin immediate')
      })
      await disk.renewWal(file)
    } finally {
      if (writer.isTransaction) writer.exec('rollback')
      writer.close()
    }
  } finally {
    reader.close()
  }
}
