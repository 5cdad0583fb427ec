// The tables of an open store, written together: the changes of one transaction.
import type { Stored } from '../../model/codec.ts'
import { idConflict } from '../../model/publish.ts'
import type { Changes, OwnTables, Written } from '../../seam/commit.ts'
import type { FlowsWritten } from '../../seam/flows.ts'
import type { SameData } from '../../seam/ids.ts'
import type { Appended } from '../../seam/log.ts'
import type { Cancel, TimedChange, TimedResult } from '../../seam/timers.ts'
import { type Claimed, IdTable } from './ids.ts'
import { Kinds } from './kinds.ts'
import { Log } from './log.ts'
import type { Run } from './numbering.ts'
import { ProgressTable } from './progress.ts'
import type { Appending, PositionOf, State, StateNeeds } from './state.ts'
import type { Beside, Statements, Transaction } from './statements.ts'

/** The parts of the store that the tables need. */
export interface TablesNeeds {
  readonly where: string
  readonly beside: Beside
  readonly offset: number
  readonly same: SameData
  /** Runs a statement outside any transaction. */
  readonly apart: <T>(work: (db: Statements) => Promise<T>) => Promise<T>
  readonly state: (needs: StateNeeds) => State
  /** Told where the store cannot go on. */
  readonly lost: (error: unknown) => void
}

/** The decisions about the changes of a transaction, once what it has appended has positions. */
export type Decided = (runs: readonly Run[]) => Written

/** Changes that are sent. */
export interface Writing {
  /** What was appended, in the order of streams. */
  readonly own: readonly Stored[]
  readonly decided: Promise<Decided>
}

const noFlows: FlowsWritten = { ended: [], nextDue: undefined }

export class PostgresTables {
  readonly kinds = new Kinds()
  readonly heads = new Map<number, number>()
  readonly log: Log
  readonly ids: IdTable
  readonly progress: ProgressTable
  readonly state: State
  private readonly apart: TablesNeeds['apart']

  constructor({ where, beside, offset, same, apart, state, lost }: TablesNeeds) {
    this.apart = apart
    this.log = new Log(this.kinds, beside, this.heads, lost)
    this.progress = new ProgressTable(where, beside, (stream) => this.heads.get(stream) ?? 0)
    this.ids = new IdTable(offset, same, (db, taken) => this.state.timers.pending(db, taken))
    this.state = state({ where, beside, kinds: this.kinds, log: this.log, ids: this.ids, progress: this.progress })
  }

  /** Tables that functions of the engine's own may write in their transaction. */
  ownOf(db: Statements): OwnTables {
    const { state } = this
    return { gathers: state.gathers(db), takeBack: (type, id) => state.takeBack(db, type, id) }
  }

  /**
   * Sends the changes of a transaction. It resolves when all is sent that has to wait for answers first; most changes have
   * not.
   */
  async write(db: Transaction, changes: Changes, now: () => number): Promise<Writing> {
    const { state, log, progress } = this
    const { append, timed = [], requests = [], flows = [], desk, marks } = changes
    await this.giveKinds(changes)
    const own: Stored[] = []
    const appending = this.appending(db, own)
    const cancels = timed.filter((change) => change.do === 'cancel')
    const others = timed.filter((change) => change.do !== 'cancel')
    const cancelled = cancels.length === 0 ? [] : await state.timers.cancel(db, cancels)
    const claimed = await this.appendAll(db, changes, own)
    const timedOf = others.length === 0 ? () => [] : await state.timers.write(db, others, appending, now)
    own.sort((one, other) => one.stream - other.stream)
    const sent: Promise<unknown>[] = [log.append(db, own), progress.mark(db, marks)]
    const heads = desk.length === 0 ? [] : await state.desk.write(db, desk)
    if (requests.length > 0) await state.requests.write(db, requests)
    const flowsWritten = flows.length === 0 ? noFlows : await state.flows.write(db, flows)
    const decided = Promise.all(sent).then(() => (runs: readonly Run[]): Written => {
      const positionOf = positionsIn(own, runs)
      const appended = append.map((message, index): Appended => claimed[index] ?? positionOf(message))
      return { appended, timed: inOrder(timed, cancelled, timedOf(positionOf)), flows: flowsWritten, heads }
    })
    return { own, decided }
  }

  /** Appends, keeps or refuses each message of a transaction. Gives what is no position. */
  private async appendAll(
    db: Transaction,
    { append, claims = [] }: Changes,
    own: Stored[],
  ): Promise<(Appended | undefined)[]> {
    const { state } = this
    const answers: (Appended | undefined)[] = append.map(() => undefined)
    const asked = append.filter(({ asked: by, ownId }) => by === 'app' && ownId)
    const conflicts = asked.length === 0 ? [] : await state.requests.conflicts(db, asked)
    const conflicting = new Set(asked.filter((_, index) => conflicts[index]))
    const withId = append.filter((message) => message.ownId && !conflicting.has(message))
    const claimed = withId.length === 0 ? [] : await this.ids.claim(db, withId)
    const repeats = new Map<Stored, Claimed>(withId.map((message, index) => [message, claimed[index]]))
    const delayed: Stored[] = []
    const requests: Stored[] = []
    for (const [index, message] of append.entries()) {
      const repeat = conflicting.has(message) ? 'other' : repeats.get(message)
      if (repeat !== undefined) answers[index] = repeat
      else if (message.asked !== 'app' && message.due !== 0) {
        answers[index] = 0
        delayed.push(message)
      } else {
        own.push(message)
        if (message.asked === 'app') requests.push(message)
      }
    }
    for (const index of claims) if (answers[index] === 'other') throw idConflict(append[index]!)
    if (delayed.length > 0) await state.timers.keep(db, delayed)
    if (requests.length > 0) await state.requests.ask(db, requests)
    return answers
  }

  private appending(db: Transaction, own: Stored[]): Appending {
    return {
      append: async (messages) => {
        const withId = messages.filter(({ ownId }) => ownId)
        const claimed = withId.length === 0 ? [] : await this.ids.claim(db, withId)
        const repeats = new Map(withId.map((message, index) => [message, claimed[index]]))
        const answers = messages.map((message) => repeats.get(message))
        own.push(...messages.filter((_, index) => answers[index] === undefined))
        return answers
      },
      appendClaimed: (messages) => void own.push(...messages),
    }
  }

  /** Gives numbers to kinds that are new, in a transaction of their own. */
  private async giveKinds({ append, desk, timed = [] }: Changes): Promise<void> {
    const unknown = this.kinds.unknown([
      ...append,
      ...desk.flatMap((change) => ('entry' in change ? [change.entry.message] : [])),
      ...timed.flatMap((change) => ('message' in change ? [change.message] : [])),
    ])
    if (unknown.length > 0) await this.apart((db) => this.kinds.add(db, unknown))
  }
}

/** The positions of what a transaction has appended. */
function positionsIn(own: readonly Stored[], runs: readonly Run[]): PositionOf {
  const positions = new Map<Stored, number>()
  let index = 0
  for (const run of runs) {
    if (!run.own) continue
    for (let at = 0; at < run.count; at++) positions.set(own[index++]!, run.position + at)
  }
  if (index !== own.length) throw new Error(`${index} of ${own.length} messages have a position`)
  return (message) => positions.get(message) ?? 0
}

/** The results of timed changes, each in the place of its change. */
function inOrder(
  timed: readonly TimedChange[],
  cancelled: readonly boolean[],
  others: readonly Exclude<TimedResult, { readonly do: 'cancel' }>[],
): TimedResult[] {
  let cancels = 0
  let next = 0
  return timed.map((change) => (isCancel(change) ? { do: 'cancel', found: cancelled[cancels++]! } : others[next++]!))
}

const isCancel = (change: TimedChange): change is Cancel => change.do === 'cancel'
