// The take-over of a file. Its lock is held since the file was opened, so nothing else can be in its way, and ownership is
// lost only with the file.
import type { SourcePlan } from '../../model/streams.ts'
import type { Leases, TakenOver } from '../../seam/leases.ts'
import type { FoundParts, Rename } from '../../seam/names.ts'
import type { Condition } from './condition.ts'
import type { Disk } from './disk.ts'
import type { Durability } from './durability.ts'
import type { FilesInPlace } from './in-place.ts'
import { markedAlone } from './missing-wal.ts'
import { checkNotMoved } from './moved-mark.ts'
import type { OpenStore } from './open-store.ts'
import type { WriteLock } from './write-lock.ts'

type Renames = (found: FoundParts) => readonly Rename[]

/** The parts of its store that a take-over needs. */
export interface LeasesNeeds {
  readonly file: string
  /** Whether a file is taken over whose data have moved elsewhere. */
  readonly moved: 'refused' | 'opened'
  readonly disk: Disk
  readonly lock: WriteLock
  readonly files: FilesInPlace
  readonly durability: Durability
  readonly condition: Condition
  opened(): OpenStore
  isClosing(): boolean
  /** Closes the store. @returns the error to throw */
  failed(error: unknown): Promise<unknown>
}

export class SqliteLeases implements Leases {
  private readonly needs: LeasesNeeds

  constructor(needs: LeasesNeeds) {
    this.needs = needs
  }

  async takeOver(sources: readonly SourcePlan[], renames: Renames = () => []): Promise<TakenOver> {
    const { file, moved, disk, lock, files, durability, condition, isClosing } = this.needs
    const { connection, tables } = this.needs.opened()
    try {
      if (moved === 'refused') checkNotMoved(connection.db, file)
      const taken = await lock.run(() => connection.unmarked(() => tables.takeOver(sources, renames)))
      // At every start, so that no copy made after an earlier stop is the file that the -wal of this run begins on.
      connection.empty()
      await lock.run(() => connection.walMarks.write())
      await disk.open(file, files.files)
      await durability.sync()
      // Beside the work: a start does not wait for it.
      if (!taken.clean) condition.checking(disk.quickCheck(), isClosing)
      const newest = markedAlone(connection.db)
      if (newest !== undefined) condition.foundIncomplete(newest)
      return taken
    } catch (error) {
      throw await this.needs.failed(error)
    }
  }
}
