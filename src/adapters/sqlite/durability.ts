// Committed is not durable: the answer to a commit waits for a sync of the disk, and so does each read for others.
//
//   durable ──commit──→ committed ──sync──→ durable
//                            └──fails──→ failed: every later wait rejects, until the store is opened anew
import type { Disk, SyncPace } from './disk.ts'

export class Durability {
  private readonly disk: Pick<Disk, 'sync' | 'freeBytes'>
  private readonly failed: (error: unknown) => void
  /** The sync under way, or the last one. */
  private last: Promise<unknown> = Promise.resolve()
  /** Free bytes on the disk, as last looked up. */
  freeBytes = Number.MAX_SAFE_INTEGER

  constructor(disk: Pick<Disk, 'sync' | 'freeBytes'>, failed: (error: unknown) => void) {
    this.disk = disk
    this.failed = failed
  }

  /** Resolves when all that was committed before the call is on disk. */
  sync(pace: SyncPace = 'single'): Promise<void> {
    const done = this.disk.sync(pace).then(({ freeBytes }) => {
      this.freeBytes = freeBytes
    })
    this.last = done
    done.catch(this.failed)
    return done
  }

  /** Resolves when the sync under way has ended: a read that begins then shows what is durable. */
  get reached(): Promise<unknown> {
    return this.last
  }

  /** Looks the free bytes up now: where nothing is published no sync does. */
  measure(): number {
    this.freeBytes = this.disk.freeBytes()
    return this.freeBytes
  }
}
