// The `tx` of one function, and how the function is run: it may wait for its statements, and for nothing else.
import { fault } from '../../model/errors.ts'
import { promiseOf } from '../../model/promise.ts'
import { askedBy } from '../../model/sql.ts'
import type { Query, Tx } from '../../model/tx.ts'
import type { CommitFunction, CommitTx } from '../../seam/commit.ts'
import { type Savepoint, TxScope } from '../../seam/tx-scope.ts'
import type { World } from '../../seam/world.ts'
import { Client, type ClientHost } from './client.ts'
import { type Answer, type Connection, codeOf, type Sent } from './connection.ts'
import type { Statements } from './statements.ts'
import { checkStatement, userStatement } from './user-sql.ts'

/** The place of an attempt in its function. */
interface Nested {
  readonly root: UserTx
  readonly scope: TxScope
  readonly depth: number
}

/** How a function runs in its transaction. */
export interface TxHost {
  readonly db: Connection
  readonly queriesMax: number
  /** What it does where a lock is another's: only the first of a transaction waits. */
  readonly lock: 'waits' | 'gives way'
}

type Collecting = Pick<CommitFunction, 'label' | 'savepoint' | 'watch'>

/** Errors of a statement that would have waited, or taken long. */
const waits = ['55P03', '57014']

export class UserTx implements CommitTx, ClientHost {
  /** Whether it was to wait and may not: it comes first in the next transaction. */
  gaveWay = false
  readonly query: Query
  private readonly host: TxHost
  private readonly fn: Collecting
  private readonly scope: TxScope
  private readonly root: UserTx
  private readonly depth: number
  private facade: Client | undefined
  private underWay = 0

  constructor(host: TxHost, fn: Collecting, nested?: Nested) {
    this.host = host
    this.fn = fn
    this.scope = nested?.scope ?? new TxScope({ label: fn.label, queriesMax: host.queriesMax })
    this.root = nested?.root ?? this
    this.depth = nested?.depth ?? 0
    this.query = <Row>(text: TemplateStringsArray, ...values: unknown[]) =>
      this.later(() => userStatement(text, values), fn.watch && askedBy(text, values)).then(({ rows }) => rows as Row[])
  }

  /** Statements and attempts so far. */
  get calls(): number {
    return this.scope.calls
  }

  /** Whether a statement is under way. */
  get isAsking(): boolean {
    return this.underWay > 0
  }

  get attempt(): Tx['attempt'] {
    return (fn) => this.scope.attempt(fn, this.inner)
  }

  /** For query builders. */
  get client(): unknown {
    this.facade ??= new Client(this)
    return this.facade
  }

  get ended(): boolean {
    return this.scope.ended
  }

  returned(): Promise<void> | undefined {
    return this.scope.returned()
  }

  close(): void {
    this.scope.close()
  }

  /** Runs a statement of the user by the rule of the scope. `asked` is what who watches is told of it. */
  later(make: () => Sent, asked?: readonly [text: string, values: readonly unknown[]]): Promise<Answer> {
    return this.scope.later(() => {
      const sent = make()
      checkStatement(sent.text)
      const answer = this.watched(this.host.db.send({ ...sent, queryMode: 'extended' }))
      const { watch } = this.fn
      return watch === undefined ? answer : toldTo(watch, asked ?? [sent.text, sent.values ?? []], answer)
    })
  }

  /** Statements of ours for its function, which are waited for as its own. */
  get ours(): Statements {
    const { db } = this.host
    return {
      all: (text, values) => this.watched(db.all(text, values)),
      run: (text, values) => this.watched(db.run(text, values)),
    }
  }

  /** The host of an attempt in this one. */
  private get inner() {
    const { host, fn, root } = this
    const depth = this.depth + 1
    return {
      savepoint: (): Savepoint => this.savepoint(depth),
      txOf: (scope: TxScope): Tx => new UserTx(host, fn, { root, scope, depth }),
    }
  }

  private savepoint(depth: number): Savepoint {
    const name = `millrace_attempt_${depth}`
    const words = (text: string) => this.watched(this.host.db.words(text))
    words(`savepoint ${name}`).catch(() => {})
    const dropCollected = this.fn.savepoint?.()
    return {
      release: () => words(`release savepoint ${name}`),
      rollBack: () => {
        dropCollected?.()
        return words(`rollback to savepoint ${name}; release savepoint ${name}`)
      },
    }
  }

  private watched<T>(answer: Promise<T>): Promise<T> {
    const { root } = this
    root.underWay++
    return answer.then(
      (found) => {
        root.underWay--
        return found
      },
      (error: unknown) => {
        root.underWay--
        if (this.host.lock === 'gives way' && waits.includes(codeOf(error) ?? '')) root.gaveWay = true
        throw error
      },
    )
  }
}

const writes = ['INSERT', 'UPDATE', 'DELETE', 'MERGE']

/** Tells of a statement when it has run. */
async function toldTo(
  watch: NonNullable<CommitFunction['watch']>,
  [text, values]: readonly [string, readonly unknown[]],
  answer: Promise<Answer>,
): Promise<Answer> {
  const asked = { text, values }
  let answered: Answer
  try {
    answered = await answer
  } catch (error) {
    watch({ ...asked, rows: [], changed: 0, error })
    throw error
  }
  const { rows, rowCount, command } = answered
  watch({ ...asked, rows: rows as object[], changed: writes.includes(command) ? (rowCount ?? 0) : 0 })
  return answered
}

/** The time that a function may be without a statement under way, milliseconds. */
const silentMs = 50
/** A look counts only after the event loop was free: a process that is busy is not a function that waits. */
const looks = 2

/**
 * Runs a function to its end.
 *
 * @throws what the function throws; `millrace/commit-waited`; the reason why the connection is lost
 */
export function settle(run: () => unknown, tx: UserTx, label: string, world: World): unknown {
  const first = run()
  const promise = promiseOf(first)
  if (promise === undefined) return first
  return new Promise((resolve, reject) => {
    let settled = false
    let quiet = 0
    let { calls } = tx
    const look = () => {
      if (settled) return
      quiet = tx.isAsking || tx.calls !== calls ? 0 : quiet + 1
      ;({ calls } = tx)
      if (quiet > looks) {
        settled = true
        reject(fault('millrace/commit-waited', `${label} awaited something other than tx for ${silentMs} ms`))
      } else world.after(silentMs / looks, look, { awake: true })
    }
    world.after(silentMs / looks, look, { awake: true })
    promise.then(
      (value) => {
        if (!settled) resolve(value)
        settled = true
      },
      (error: unknown) => {
        if (!settled) reject(error)
        settled = true
      },
    )
  })
}
