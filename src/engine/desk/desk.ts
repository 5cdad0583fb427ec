// The desk of a run: decisions of people and rules find the processor that owns the message and are carried out there.
//
//   closed ──begin──→ opening (what people asked for while no app ran) ──open──→ open (rules are asked) ──→ ended
//      └────────────────────────┴─────────────────end─────────────────────────────────────────────────────────┘
//
// Messages that wait for a rule queue in every state. Operations and decisions of people are carried out in every state
// but `ended`.
import type { Stored } from '../../model/codec.ts'
import type { Actor, Audit, Change, Decision, DeskEntry, Resubmit } from '../../model/desk.ts'
import type { NewOperation, Operation, OperationRun, PendingAction, Selection } from '../../model/desk-views.ts'
import { fault, isMillraceError } from '../../model/errors.ts'
import type { Repair } from '../../model/repairs.ts'
import type { Claims } from '../../seam/claims.ts'
import type { DeskReads } from '../../seam/desk-reads.ts'
import type { OperationReads } from '../../seam/operations.ts'
import type { Store } from '../../seam/store.ts'
import type { Committer } from '../commit/committer.ts'
import type { Decisions } from '../consumer/decisions.ts'
import type { Service } from '../service.ts'
import type { DeskSpec } from '../spec.ts'
import { Operations, type OperationsHost } from './operations.ts'
import { type Judged, Rules, type RulesHost } from './rules.ts'
import type { Trials, Tried } from './trials.ts'

/** A processor that owns messages at the desk. */
export interface Owner {
  readonly decisions: Pick<Decisions, 'decide' | 'repair' | 'takeBack' | 'corrected' | 'inTurn'>
  readonly progress: { readonly stream: number }
}

/** A processor, and the desk whose rules decide about its messages. */
export interface RuledBy extends Judged {
  readonly spec: Judged['spec'] & { readonly desk: DeskSpec | undefined }
}

/** The engine, as the desk needs it. */
export interface DeskHost {
  readonly world: RulesHost['world'] & OperationsHost['world']
  readonly store: RulesHost['store'] & OperationsHost['store'] & Pick<Store, 'desk' | 'deskReads' | 'pendingActions'>
  readonly committer: Pick<Committer, 'alone' | 'write' | 'written'>
  /** The names of the processors that do not run this time, and may run the next. */
  readonly leftOut: ReadonlySet<string>
  /** The processor with a name; undefined where it does not run. */
  owner(processor: string): Owner | undefined
  readonly trials: Pick<Trials, 'try' | 'end'>
  /** Called when all may be done. */
  maybeIdle(): void
}

type State = 'closed' | 'opening' | 'open' | 'ended'

const transitions: Readonly<Record<State, readonly State[]>> = {
  closed: ['opening', 'ended'],
  opening: ['open', 'ended'],
  open: ['ended'],
  ended: [],
}

/** The desk of messages that wait for a rule of a desk that the app does not have any longer. */
const noDesk: DeskSpec = { name: 'none', rules: new Map(), decideMs: 1, decisionsMax: 1, rulesAtOnce: 1 }
const pendingAtOnce = 16

export class Desk implements Service {
  private readonly host: DeskHost
  private readonly operations: Operations
  private readonly rules = new Map<DeskSpec, Rules>()
  private state: State = 'closed'

  constructor(host: DeskHost) {
    const { world, store, committer, maybeIdle } = host
    this.host = host
    const decisionsOf = (processor: string) => host.owner(processor)?.decisions
    this.operations = new Operations({ world, store, committer, decisionsOf, maybeIdle })
  }

  // ── the life of the desk ───────────────────────────────────────────────────────────────────────────────────────

  /** Carries out what people asked for while no app ran. */
  async begin(): Promise<void> {
    if (this.state === 'ended') return
    this.become('opening')
    for await (const pending of this.pendingActions()) {
      if (!(await this.carryOut(pending))) return
    }
  }

  /**
   * Continues the operations of earlier runs, unless processors are left out: an operation may be about one of them, and
   * continues in a run that has all.
   */
  continueOperations(): Promise<void> | void {
    if (this.host.leftOut.size === 0) return this.operations.takeUp()
  }

  /** Asks the rules from now on. */
  open(): void {
    if (this.state === 'ended') return
    this.become('open')
    for (const rules of this.rules.values()) rules.begin()
  }

  end(): void {
    if (this.state === 'ended') return
    this.become('ended')
    this.operations.end()
    this.host.trials.end()
    for (const rules of this.rules.values()) rules.end()
  }

  get idle(): boolean {
    if (!this.operations.idle) return false
    for (const rules of this.rules.values()) if (!rules.idle) return false
    return true
  }

  // ── what processors tell ───────────────────────────────────────────────────────────────────────────────────────

  /** A message waits for a rule. */
  askRule(processor: RuledBy, item: number): void {
    this.rulesOf(processor.spec.desk ?? noDesk).ask(processor, item)
  }

  /** A released message has come to an end, or is held again. */
  ended(item: number, outcome: 'handled' | 'not handled'): void {
    this.operations.ended(item, outcome)
  }

  // ── what people decide ─────────────────────────────────────────────────────────────────────────────────────────

  /** @throws as `Decisions.repair`; `millrace/unknown-item`, `millrace/unknown-processor` */
  async decide(item: number, decision: Decision | Change, actor: Repair): Promise<void> {
    await (await this.owning(item)).decisions.repair(item, decision, actor)
  }

  /** @throws as `Decisions.takeBack`; `millrace/unknown-item`, `millrace/unknown-processor` */
  async takeBack(item: number, actor: Repair): Promise<void> {
    await (await this.owning(item)).decisions.takeBack(item, actor)
  }

  /** Claims, notes, snoozes. What is about a message comes before or after a decision about it. */
  async tell(item: number | undefined, write: (claims: Claims) => Promise<void>): Promise<void> {
    const { committer, store } = this.host
    const work = () => committer.alone(() => write(store.desk.claims))
    const entry = item === undefined ? undefined : await store.desk.entry(item)
    const owner = entry && this.host.owner(entry.processor)
    await (owner === undefined ? work() : owner.decisions.inTurn(item!, work))
  }

  look<T>(read: (desk: DeskReads, operations: OperationReads) => Promise<T>): Promise<T> {
    return read(this.host.store.deskReads, this.host.store.operations)
  }

  select(operation: NewOperation, what: Selection): Promise<Operation> {
    return this.operations.start(operation, what)
  }

  /** @throws as `Decisions.corrected`; `millrace/unknown-processor` */
  corrected(entry: DeskEntry, decision: Resubmit | Change): Stored {
    return this.ownerOf(entry).decisions.corrected(entry.message, decision)
  }

  /** @throws as `Trials.try` */
  try(item: number, edit: Resubmit | Change | undefined, actor: Actor): Promise<Tried> {
    return this.host.trials.try(item, edit, actor)
  }

  run(operation: number, how: OperationRun): Promise<Operation> {
    return this.operations.resume(operation, how)
  }

  async abort(operation: number, actor: Actor): Promise<void> {
    const { committer, store, world } = this.host
    await this.operations.abort(operation, () =>
      committer.alone(() => store.operations.abort(operation, actor, world.now())),
    )
  }

  private rulesOf(spec: DeskSpec): Rules {
    let rules = this.rules.get(spec)
    if (rules === undefined) {
      rules = new Rules(spec, this.host)
      this.rules.set(spec, rules)
      if (this.state === 'open') rules.begin()
    }
    return rules
  }

  private async owning(item: number): Promise<Owner> {
    const entry = await this.host.store.desk.entry(item)
    if (entry === undefined) throw fault('millrace/unknown-item', `there is no message ${item} at the desk`)
    return this.ownerOf(entry)
  }

  private ownerOf({ id, processor, message }: DeskEntry): Owner {
    const owner = this.host.owner(processor)
    if (owner !== undefined && owner.progress.stream === message.stream) return owner
    throw fault('millrace/unknown-processor', `processor "${processor}" of message ${id} is not running`)
  }

  /** The actions that wait, a slice at a time: each may have the data of a message. */
  private async *pendingActions(): AsyncGenerator<PendingAction> {
    for (let last: PendingAction | undefined; ; ) {
      const slice = await this.host.store.pendingActions.list(last, pendingAtOnce)
      if (slice.length === 0) return
      yield* slice
      last = slice.at(-1)
    }
  }

  /** An action about a processor that is left out stays. Returns false when the run ended before it was carried out. */
  private async carryOut({ item, action, by, reason }: PendingAction): Promise<boolean> {
    const { store, world, committer } = this.host
    const actor = { by, reason }
    // Forgotten in the commit that carries it out, so that a crash leaves both or neither.
    const changes = [{ do: 'granted', item } as const]
    try {
      if (await this.isLeftOut(item)) return true
      const { decisions } = await this.owning(item)
      if (action.do === 'take back') await decisions.takeBack(item, actor, { changes })
      else await decisions.repair(item, action, actor, { changes })
    } catch (error) {
      if (this.state === 'ended') return false
      if (!isMillraceError(error)) throw error
      world.log('error', `the action that ${by} asked for on message ${item} is not possible`, { error: error.message })
      const entry = await store.desk.entry(item)
      const about = { at: world.now(), by, item, subject: entry?.processor ?? '-' }
      const detail = { action, why: reason ?? null }
      const audit: Audit = { ...about, action: 'not possible', reason: error.message, detail }
      committer.write({ changes: [...changes, { do: 'record', audit }] })
    }
    return true
  }

  private async isLeftOut(item: number): Promise<boolean> {
    const entry = await this.host.store.desk.entry(item)
    return entry !== undefined && this.host.leftOut.has(entry.processor)
  }

  private become(state: State): void {
    if (!transitions[this.state].includes(state)) throw new Error(`the desk goes from ${this.state} to ${state}`)
    this.state = state
  }
}
