// The log and the state in one SQLite file.
//
//   closed ──open──→ opened (owned, migrated) ──takeOver──→ in use (marked as such, synced) ──close──→ closed
//                └──fails──→ closed: all is given back ←──fails──┘
//
// One connection writes, in the transactions of `commit.ts` and those beside them. What is written is durable when a thread
// of its own has synced the -wal file.
import { isMillraceError, type MillraceError } from '../../model/errors.ts'
import { inBrief } from '../../model/people.ts'
import type { Query } from '../../model/tx.ts'
import type { CommitGroup, Committed } from '../../seam/commit.ts'
import type { Leases } from '../../seam/leases.ts'
import type { OpenOptions, Store } from '../../seam/store.ts'
import type { World } from '../../seam/world.ts'
import { type Facets, WithFacets } from '../shared/facets.ts'
import { notOpen, writeDurably } from './beside-commits.ts'
import { checkFile } from './checked.ts'
import { Checkpoints } from './checkpoints.ts'
import type { CommitLimits } from './commit.ts'
import { Condition, type ConditionLimits } from './condition.ts'
import type { Disk } from './disk.ts'
import { Durability } from './durability.ts'
import { openFault } from './errors.ts'
import { FilesInPlace, type Left } from './in-place.ts'
import { SqliteLeases } from './leases.ts'
import { acceptAlone, isAlone } from './missing-wal.ts'
import { setMovedTo } from './moved-mark.ts'
import { type OpenStore, openStore, sayGoodbye } from './open-store.ts'
import { type OpenDatabase, type Owned, takeOwnership } from './owner.ts'
import { renewWal } from './renewed.ts'
import { finishRestore } from './restore.ts'
import { pendingBytesOf } from './wal-pending.ts'
import { WriteLock } from './write-lock.ts'

export interface SqliteLimits extends CommitLimits, ConditionLimits {
  readonly checkpointBytes: number
  readonly lockedMs: number
}

/** The parts that a store is made of. */
export interface StoreParts {
  readonly file: string
  /** The path that leads to the file, where that is a link. */
  readonly name?: string | undefined
  readonly world: World
  readonly disk: Disk
  readonly limits: SqliteLimits
  readonly database: OpenDatabase
  /** Whether a database of another program is taken up. */
  readonly adopt?: boolean | undefined
  /** Whether a file is opened whose data have moved elsewhere. Default: refused. */
  readonly moved?: 'refused' | 'opened' | undefined
  /** Shared by the stores that follow one another on the file. */
  readonly left?: Left | undefined
}

export class SqliteStore extends WithFacets implements Store {
  private readonly parts: StoreParts
  private readonly lock: WriteLock
  private readonly files: FilesInPlace
  private readonly durability: Durability
  private readonly checkpoints: Checkpoints
  private readonly condition: Condition
  readonly leases: Leases
  private owner: Owned | undefined
  /** The file that is open, or was: after the end its facets reject. */
  private last: OpenStore | undefined
  private closing: Promise<void> | undefined

  constructor(parts: StoreParts) {
    super()
    const { file, world, disk, limits, left = { files: [] }, moved = 'refused' } = parts
    this.parts = parts
    this.lock = new WriteLock(file, world, limits.lockedMs, () => this.last?.connection.tryLock())
    this.files = new FilesInPlace(left)
    this.durability = new Durability(disk, (error) => {
      if (isMillraceError(error, 'millrace/files-replaced')) this.files.replaced()
    })
    this.checkpoints = new Checkpoints(limits.checkpointBytes, {
      checkpoint: () => disk.checkpoint(),
      begins: () => this.opened.connection.walMarks.checkpointing(),
      failed: (error) => world.log('error', 'a checkpoint failed', { file, error: inBrief(error) }),
    })
    this.condition = new Condition(file, limits, world.log, {
      misplaced: () => this.files.misplaced(),
      walBytes: () => (isOpen(this.last) ? pendingBytesOf(this.opened.connection.reader) : undefined),
      disk: this.durability,
      locked: () => this.lock.held,
    })
    this.leases = new SqliteLeases({
      file,
      moved,
      disk,
      lock: this.lock,
      files: this.files,
      durability: this.durability,
      condition: this.condition,
      opened: () => this.opened,
      isClosing: () => this.closing !== undefined,
      failed: (error) => this.failed(error),
    })
  }

  async open({ same, waitMs = 0, stops }: OpenOptions): Promise<void> {
    const { file, name = file, disk, world, database, adopt = false } = this.parts
    const { lock, durability, checkpoints } = this
    const random = world.random()
    try {
      this.files.takeLeft()
      let alone = false
      const check = () => {
        endRestore(this.parts)
        checkFile(file, adopt ? 'taken up' : 'refused')
        alone = isAlone(file)
      }
      this.owner = await takeOwnership({ file, world, database, waitMs, stops, check })
      await renewWal({ file, disk, database, lock })
      const shared = { ...this.parts, lock, durability, checkpoints }
      this.last = await lock.run(() => openStore({ file, database, random, alone, adopt }, same, shared))
      if (this.last.connection.tookUp) world.log('warn', tookUpText(file))
      this.files.opened(file, name)
    } catch (error) {
      throw await this.failed(error)
    }
  }

  /** Gives back what a start has taken. @returns the error as one of Millrace */
  private async failed(error: unknown): Promise<unknown> {
    const { file, disk } = this.parts
    this.lock.end()
    if (isOpen(this.last)) this.last?.connection.close('left')
    this.last = undefined
    this.files.closed('clean')
    this.owner?.release()
    this.owner = undefined
    await disk.close()
    return openFault(file, error)
  }

  // ── facets ─────────────────────────────────────────────────────────────────────────────────────────────────────

  protected get facets(): Facets {
    if (this.last === undefined) throw notOpen(this.parts.file)
    return this.last.tables.facets
  }

  // ── messages and transactions ──────────────────────────────────────────────────────────────────────────────────

  commit(group: CommitGroup): Promise<Committed> {
    return isOpen(this.last) ? this.last!.commits.commit(group) : Promise.reject(notOpen(this.parts.file))
  }

  readonly query: Query = <Row>(text: TemplateStringsArray, ...values: unknown[]) => {
    if (this.last === undefined) return Promise.reject(notOpen(this.parts.file))
    const { beside, connection } = this.last
    return beside.durable(() => connection.reads.run<Row>(text, values))
  }

  // ── condition ──────────────────────────────────────────────────────────────────────────────────────────────────

  health(): readonly string[] {
    return this.condition.health()
  }

  room(): MillraceError | undefined {
    return this.condition.room()
  }

  async accept(): Promise<boolean> {
    const { beside, connection } = this.opened
    if (!this.condition.isIncomplete) return false
    await beside.write(() => acceptAlone(connection.db))
    await beside.sync()
    this.condition.accepted()
    return true
  }

  /** Writes down where the data went, or takes that back. Durable when it resolves. @returns what was written before */
  setMoved(to: string | undefined): Promise<string | undefined> {
    const { beside, connection } = this.opened
    return writeDurably(beside, () => setMovedTo(connection.db, to))
  }

  checkFiles(): void {
    this.files.check()
  }

  // ── closing ────────────────────────────────────────────────────────────────────────────────────────────────────

  close(end: 'clean' | 'left'): Promise<void> {
    this.closing ??= this.end(end)
    return this.closing
  }

  private async end(end: 'clean' | 'left'): Promise<void> {
    if (!isOpen(this.last)) return
    const open = this.opened
    let saidGoodbye = false
    try {
      await this.checkpoints.ended
      if (end === 'clean') saidGoodbye = await sayGoodbye(open, this.files, this.parts)
    } finally {
      this.lock.end()
      await this.parts.disk.close()
      try {
        this.files.closed(end)
        open.connection.close(saidGoodbye ? 'clean' : 'left')
      } finally {
        this.owner?.release()
        this.owner = undefined
      }
    }
  }

  private get opened(): OpenStore {
    if (!isOpen(this.last)) throw notOpen(this.parts.file)
    return this.last
  }
}

const isOpen = (store: OpenStore | undefined): store is OpenStore => store?.connection.isOpen === true

const tookUpText = (file: string) =>
  `${file} had tables of its own and is taken up: its journal mode is WAL now, and it has the tables of Millrace`

/** Ends a restore that was cut off, before the file is looked at. */
function endRestore({ file, world }: StoreParts): void {
  const aside = finishRestore(file)
  if (aside.length > 0) world.log('warn', `a restore of ${file} was cut off and is finished`, { aside })
}
