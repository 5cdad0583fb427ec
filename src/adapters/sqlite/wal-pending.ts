import type { DatabaseSync } from 'node:sqlite'

/** The bytes of the -wal file for each page, besides the page. */
const frameHeaderBytes = 24

/**
 * Counts the bytes of the -wal file that are not in the database yet. The size of the file says nothing: it never shrinks,
 * and it is written from its beginning again once all of it is in the database. Undefined while the connection reads.
 */
export function pendingBytesOf(db: DatabaseSync): number | undefined {
  try {
    const { log, checkpointed } = db.prepare('pragma wal_checkpoint(noop)').get() as Record<string, number>
    const { page_size: pageBytes } = db.prepare('pragma page_size').get() as { page_size: number }
    // Both are -1 where there is no -wal file.
    return Math.max(0, log! - checkpointed!) * (pageBytes + frameHeaderBytes)
  } catch {
    return undefined
  }
}
