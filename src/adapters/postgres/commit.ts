// The transactions of commit groups:
//
//   begun ──each function, behind a savepoint──→ the changes ──→ numbered, committed: durable
//     └──failed as a whole──→ rolled back ──→ its members one by one, each as above
//
// Only the first function of a transaction may wait for a lock or take long. One behind it that would is rolled back, the
// group ends there and is committed, and that function comes first in the next: so nobody waits for a lock while it holds
// the rows of others.
import { fault, isMillraceError, type MillraceError } from '../../model/errors.ts'
import type { CommitFunction, CommitGroup, Committed, Trouble, Written } from '../../seam/commit.ts'
import type { World } from '../../seam/world.ts'
import { storeLost, storeTrouble } from './errors.ts'
import type { Owner, Worked } from './owner.ts'
import { planOursAgain, planUsers } from './plans.ts'
import type { Decided, PostgresTables } from './tables.ts'
import type { OpenTransaction } from './transaction.ts'
import { settle, type TxHost, UserTx } from './user-tx.ts'

export interface CommitLimits {
  readonly queriesMax: number
  readonly functionsMax: number
}

export interface CommitNeeds {
  readonly where: string
  readonly world: World
  readonly limits: CommitLimits
  readonly owner: Owner
  readonly tables: PostgresTables
}

/** The time that a function behind the first may wait for a lock, and for a statement. */
const nextMs = 'set local lock_timeout = 20; set local statement_timeout = 50'
const savepoint = 'millrace_function'

/** Why some of a group is not written. */
type NotWritten = Pick<Trouble, 'rest' | 'why'>

export class PostgresCommit {
  private readonly needs: CommitNeeds

  constructor(needs: CommitNeeds) {
    this.needs = needs
  }

  async commit(group: CommitGroup): Promise<Committed> {
    const { where } = this.needs
    const written: Written[] = []
    let isKnown = false
    let trouble: NotWritten | undefined
    try {
      try {
        const done = await this.transaction(group, group.functions, 'all')
        written.push(done.written)
        ;({ isKnown } = done)
      } catch (error) {
        if (storeLost(where, error) !== undefined) throw error
        trouble = await this.oneByOne(group, written, error)
      }
      if (trouble !== undefined) return { state: 'trouble', ...trouble, written }
      return { state: isKnown ? 'known' : 'written', written }
    } catch (error) {
      const why = storeLost(where, error)
      if (why === undefined) throw error
      return { state: 'lost', why }
    }
  }

  /** Repeats a group that failed as a whole: the changes that need no function first, then one function after the other. */
  private async oneByOne(group: CommitGroup, written: Written[], error: unknown): Promise<NotWritten | undefined> {
    const { where } = this.needs
    const { functions } = group
    const troubleOf = (why: unknown) => storeTrouble(where, why) ?? raise(why)
    if (functions.length === 0) return { rest: 'again', why: troubleOf(error) }
    for (const fn of functions) fn.outcome = undefined
    try {
      written.push((await this.transaction(group, [], 'all')).written)
    } catch (alone) {
      return { rest: 'again', why: troubleOf(alone) }
    }
    let why: MillraceError | undefined
    for (const fn of functions) {
      try {
        written.push((await this.transaction(group, [fn], 'functions')).written)
      } catch (alone) {
        const ran = fn.outcome
        fn.outcome = undefined
        if (storeLost(where, alone) !== undefined) throw alone
        const other = storeTrouble(where, alone)
        // It lost its connection by itself, twice: it is the function that ends it.
        if (ran === undefined && isMillraceError(alone, 'millrace/server-away')) {
          fn.outcome = { ok: false, error: endedConnection(fn.label, alone) }
        } else if (other === undefined) fn.outcome = { ok: false, error: alone }
        else why = other
      }
    }
    return why && { rest: 'written', why }
  }

  /** One transaction: functions, each behind a savepoint, then the changes that follow. */
  private async transaction(
    group: CommitGroup,
    functions: readonly CommitFunction[],
    of: 'all' | 'functions',
  ): Promise<{ readonly written: Written; readonly isKnown: boolean }> {
    const { owner } = this.needs
    let asked = false
    try {
      const { value, runs, isKnown } = await owner.transact(async (db) => {
        const ran = await this.runFunctions(db, functions)
        asked = true
        return this.write(db, group, ran === functions.length ? functions : functions.slice(0, ran), of)
      })
      return { written: value(runs), isKnown }
    } catch (error) {
      if (asked) group.rolledBack()
      throw error
    }
  }

  private async write(
    db: OpenTransaction,
    group: CommitGroup,
    functions: readonly CommitFunction[],
    of: 'all' | 'functions',
  ): Promise<Worked<Decided>> {
    const { tables, world } = this.needs
    const changes = group.changes(functions, of)
    const { own, decided } = await tables.write(db, changes, () => world.now())
    return { value: decided, notes: { own, progress: changes.progress } }
  }

  /** Runs functions until one has to wait. Returns how many have run. */
  private async runFunctions(db: OpenTransaction, functions: readonly CommitFunction[]): Promise<number> {
    const { limits } = this.needs
    if (functions.length === 0) return 0
    let ran = 0
    db.db.words(planUsers).catch(() => {})
    for (const fn of functions) {
      if (ran >= limits.functionsMax) break
      if (!(await this.runFunction(db, fn, ran === 0 ? 'waits' : 'gives way'))) break
      ran++
    }
    db.db.words(planOursAgain).catch(() => {})
    return ran
  }

  /** Returns false where the function would have waited, and may not. */
  private async runFunction(db: OpenTransaction, fn: CommitFunction, where: TxHost['lock']): Promise<boolean> {
    const { limits, tables, world } = this.needs
    const tx = new UserTx({ db: db.db, queriesMax: limits.queriesMax, lock: where }, fn)
    const limited = where === 'waits' ? '' : `; ${nextMs}`
    db.db.words(`reset role; savepoint ${savepoint}${limited}`).catch(() => {})
    try {
      const value = await settle(() => fn.run(tx, tables.ownOf(tx.ours)), tx, fn.label, world)
      await tx.returned()
      tx.close()
      if (tx.calls > 0 && db.db.state !== 'open') throw ended()
      // Nobody waits for its answer: what comes next is answered after it.
      db.db.words(`reset role; release savepoint ${savepoint}`).catch(() => {})
      fn.outcome = { ok: true, value }
      return true
    } catch (error) {
      tx.close()
      if (!db.db.isOpen) throw db.db.why
      if (db.db.takeFailure() !== undefined && db.db.state === 'idle') throw ended()
      await db.db.words(`rollback to savepoint ${savepoint}; release savepoint ${savepoint}`)
      db.db.takeFailure()
      if (tx.gaveWay) return false
      fn.outcome = { ok: false, error }
      return true
    }
  }
}

function raise(error: unknown): never {
  throw error
}

const ended = () => fault('millrace/transaction-ended', 'a statement of the function ended the whole transaction')

const endedConnection = (label: string, cause: unknown) =>
  fault('millrace/connection-lost-in-commit', `the connection broke while ${label} ran, when it ran alone`, { cause })
