// What the owner of a store writes with: one transaction at a time, each with the next number of a commit.
//
//   idle ──its turn──→ begun ──work──→ numbered (fence, positions, progress) ──commit──→ committed ──→ told
//                        └──an error──→ rolled back        └──the connection breaks──→ looked up by its token
//
// A row of one's own is the evidence of a commit, never the number of its transaction: after a crash that is given out
// again. Before it looks, the owner raises its epoch, which waits for the old transaction where that still runs.
import { randomUUID } from 'node:crypto'
import type { Stored } from '../../model/codec.ts'
import { fault, isMillraceError } from '../../model/errors.ts'
import type { ProgressRow } from '../../seam/progress.ts'
import type { World } from '../../seam/world.ts'
import type { Turns } from './connections.ts'
import { type Numbered, number, type Run } from './numbering.ts'
import type { Identity } from './schema.ts'
import type { Snapshot } from './snapshot.ts'
import { snapshotText } from './snapshot.ts'
import { type Beginning, OpenTransaction, Unanswered } from './transaction.ts'

/** Commits and time after which progress is folded. */
const foldCommits = 1_000
const foldMs = 10_000

/** The state of a lease that is held. */
export interface Lease {
  readonly owner: string
  epoch: number
  /** The number of the last commit, and of the last that is folded. */
  n: number
  folded: number
  snapshot: Snapshot
}

/** What a transaction of the owner writes beside its rows. */
export interface Notes {
  /** The messages that it has appended, in the order of streams. */
  readonly own: readonly Stored[]
  /** Undefined: it needs no row of a commit where nothing is numbered. */
  readonly progress: readonly ProgressRow[] | undefined
}

export interface OwnerHost {
  readonly where: string
  readonly world: World
  readonly turns: Turns
  readonly identity: Identity
  readonly beginning: Beginning
  /** Writes progress: as a row of a commit has it, and folded. */
  writeProgress(db: OpenTransaction, rows: readonly ProgressRow[]): string
  fold(db: OpenTransaction, present: readonly ProgressRow[]): Promise<void>
  /** What is durable now. */
  arrived(runs: readonly Run[], own: readonly Stored[]): void
}

/** The result of a transaction, and how it became known. */
export interface Done<T> {
  readonly value: T
  readonly runs: readonly Run[]
  readonly isKnown: boolean
}

/** What a transaction has done. Its value may need answers that are still to come. */
export interface Worked<T> {
  readonly value: Promise<T>
  readonly notes: Notes
}

/** A transaction whose commit is sent. */
interface Sent<T> extends Worked<T> {
  readonly numbering: Promise<Numbered>
  readonly committing: Promise<void>
}

export class Owner {
  readonly lease: Lease
  private readonly host: OwnerHost
  private foldedAt: number

  constructor(lease: Lease, host: OwnerHost) {
    this.lease = lease
    this.host = host
    this.foldedAt = host.world.elapsed()
  }

  /**
   * One transaction. `work` gives its value and what goes with it.
   *
   * @throws what `work` throws; the errors of the server; `millrace/sync-failed` where it is unknown what is written
   */
  transact<T>(work: (db: OpenTransaction) => Promise<Worked<T>>): Promise<Done<T>> {
    const { turns, beginning } = this.host
    return turns.use(async (connection) => {
      const db = new OpenTransaction(connection, randomUUID(), beginning)
      let sent: Sent<T>
      try {
        const worked = await work(db)
        const folding = this.mayFold(db, worked.notes)
        const numbering = this.number(db, worked.notes)
        sent = { ...worked, numbering, committing: db.commit() }
        for (const ignored of [folding, numbering, worked.value]) ignored.catch(() => {})
      } catch (error) {
        await db.rollBack()
        throw error
      }
      return this.end(db, sent)
    })
  }

  /** Numbers what others have published. Returns whether there was any. */
  async poll(): Promise<boolean> {
    const nothing = { own: [], progress: undefined }
    const { runs } = await this.transact(async () => ({ value: Promise.resolve(), notes: nothing }))
    return runs.length > 0
  }

  private async end<T>(db: OpenTransaction, sent: Sent<T>): Promise<Done<T>> {
    const { lease, host } = this
    let isKnown = false
    try {
      await sent.committing
    } catch (error) {
      if (!(error instanceof Unanswered)) {
        await db.rollBack()
        throw error
      }
      if (!(await this.isCommitted(db.token))) {
        throw fault('millrace/server-away', awayText(host.where), { cause: error.cause })
      }
      isKnown = true
    }
    const answers = await Promise.all([sent.numbering, sent.value]).catch((error: unknown) => {
      throw isKnown ? fault('millrace/sync-failed', unknownText(host.where), { cause: error }) : error
    })
    const [{ runs, snapshot, noted }, value] = answers
    if (noted) lease.n++
    lease.snapshot = snapshot
    host.arrived(runs, sent.notes.own)
    return { value, runs, isKnown }
  }

  private number(db: OpenTransaction, { progress }: Notes): Promise<Numbered> {
    const { lease, host } = this
    const { offset, server } = host.identity
    return number(db, {
      last: lease.snapshot,
      offset,
      server,
      epoch: lease.epoch,
      n: lease.n + 1,
      token: db.token,
      progress: progress && host.writeProgress(db, progress),
    })
  }

  /** Folds progress when it is time, in the transaction of a commit. */
  private async mayFold(db: OpenTransaction, { progress }: Notes): Promise<void> {
    const { lease, host } = this
    const now = host.world.elapsed()
    if (progress === undefined || (lease.n - lease.folded < foldCommits && now - this.foldedAt < foldMs)) return
    if (lease.n === lease.folded) return
    const upTo = lease.n
    db.committed(() => {
      lease.folded = upTo
      this.foldedAt = now
    })
    await Promise.all([
      host.fold(db, progress),
      db.run('delete from millrace.commits where unit = 0 and n > $1 and n <= $2', [lease.folded, upTo]),
      db.run('update millrace.folded set n = $1, snapshot = $2 where unit = 0', [upTo, snapshotText(lease.snapshot)]),
    ])
  }

  /** Whether the transaction with this token is committed. From then on it cannot be, where it was not. */
  private async isCommitted(token: string): Promise<boolean> {
    const { host } = this
    const begun = host.world.elapsed()
    for (;;) {
      try {
        return await this.lookUp(token)
      } catch (error) {
        if (isMillraceError(error, 'millrace/ownership-lost')) throw error
        if (host.world.elapsed() - begun >= host.beginning.idleMs) {
          throw fault('millrace/sync-failed', unknownText(host.where), { cause: error })
        }
      }
      await new Promise<void>((resolve) => void host.world.after(lookAgainMs, resolve, { awake: true }))
    }
  }

  private async lookUp(token: string): Promise<boolean> {
    const { turns, beginning, where } = this.host
    const { lease } = this
    const db = new OpenTransaction(await turns.open(), randomUUID(), beginning)
    try {
      const [raised] = await db.all<{ epoch: number }>(raiseText, [lease.epoch, lease.owner])
      if (raised === undefined) throw fault('millrace/ownership-lost', `another process has taken over ${where}`)
      const [found] = await db.all(tokenText, [lease.n + 1, token])
      await db.commit()
      lease.epoch = raised.epoch
      return found !== undefined
    } catch (error) {
      await db.rollBack()
      throw error
    }
  }
}

const lookAgainMs = 50
const raiseText =
  'update millrace.leases set epoch = epoch + 1 where unit = 0 and epoch = $1 and owner = $2 returning epoch'
const tokenText = 'select 1 as found from millrace.commits where unit = 0 and n = $1 and token = $2'

const awayText = (where: string) => `the connection to ${where} broke, and nothing of it was written`
const unknownText = (where: string) => `the connection to ${where} broke, and what was decided is unknown`
