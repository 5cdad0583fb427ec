// Tests one flow of a mediator: its function runs as in the engine, and a script gives the results of its steps.
import { AssertionError, deepStrictEqual } from 'node:assert'
import type { FlowHost, Outbox } from '../engine/flow/host.ts'
import { FlowRun } from '../engine/flow/run.ts'
import { decode, type Stored } from '../model/codec.ts'
import { type ErrorRecord, fault, recordError } from '../model/errors.ts'
import {
  commandIdOf,
  type FlowState,
  type JournalEntry,
  outcomeOf,
  outcomeOfFlow,
  type Outcome as StepOutcome,
} from '../model/flow.ts'
import type { FlowRow } from '../model/flow-views.ts'
import { isPattern } from '../model/kinds.ts'
import type { Command, DataFor, DataOf, Event, Message, MessageType, ReplyOf } from '../model/message.ts'
import { suggest } from '../model/names.ts'
import { checkOptions, type Optional } from '../model/options.ts'
import { isRefused } from '../model/refused.ts'
import { check } from '../model/schema.ts'
import type { AnyMediator, Mediator, StartedBy } from '../parts/mediator.ts'
import type { World } from '../seam/world.ts'
import type { Comparing } from './expected.ts'
import type { WhenOptions } from './given.ts'
import { origin, stored } from './trial.ts'

/** The outcome of a flow under test. */
export interface FlowOutcome {
  /** The commands that it called, also in undos, in the order in which they began. */
  readonly called: readonly (readonly [command: Command, data: unknown])[]
  /** The commands that it sent without waiting, in order. */
  readonly sent: readonly (readonly [command: Command, data: unknown])[]
  /** The events that it published, in order. */
  readonly published: readonly (readonly [type: Event, data: unknown])[]
  /** The steps whose undos did something, in the order of the undos. */
  readonly undone: readonly string[]
  /** Its steps by name, also those of undos, in the order in which they began. */
  readonly steps: readonly string[]
  /**
   * Its state: `stuck` after a failed undo or past the point of no return; `paused` where it awaits something other
   * than a step.
   */
  readonly state: FlowState
  /** The result of the function, as JSON keeps it. */
  readonly result: unknown
  /** The error with which it ended; undefined when it completed. */
  readonly error: ErrorRecord | undefined
}

/** The expected outcome of a flow. Only named fields are compared, each list as a whole and in order. */
export interface ExpectedFlow
  extends Optional<Pick<FlowOutcome, 'called' | 'sent' | 'published' | 'undone' | 'steps'>> {
  /** The result of the function. */
  readonly result?: unknown
  /**
   * A pattern for the message of the error with which it ends, or its code; without it the flow must complete.
   */
  readonly fails?: RegExp | string | undefined
  /** The final state; default `completed`, with `fails` any other. */
  readonly state?: FlowState | undefined
}

type Value<T, D> = T | ((data: D, times: number) => T)

/**
 * A flow, and a script of the results of its steps. It runs when its outcome is first needed, by `then(expected)` or
 * `await`. Steps end one by one, in the order in which they began, where the script has a result for them. Where it has
 * none, the next wait passes at once. Commands without a reply end by themselves.
 */
export interface FlowCase {
  /**
   * Replies to the calls of a command, or to the call with a name.
   *
   * @param call the command, or the name of the step
   * @param reply the reply, or a function of the data and the number of earlier calls, which may throw
   * @returns the case, for further lines of the script
   *
   * @example
   * ```ts
   * await given(fulfilment)
   *   .when(OrderPlaced, { orderId: 'o-1', customer: 'ada', sku: 'sieve', quantity: 1 })
   *   .replies(TakeStock, ({ quantity }) => ({ left: 1_000 - quantity }))
   *   .replies('charge', { receipt: 'r-1' })
   *   .then({ result: { receipt: 'r-1' } })
   * ```
   */
  replies<C extends Command | string>(
    call: C,
    reply: C extends Command ? Value<ReplyOf<C>, DataOf<C>> : unknown,
  ): FlowCase
  /**
   * Refuses a call.
   *
   * @param type the command, or the name of the step
   * @param message the message of the refusal
   * @param data the data of the refusal
   * @returns the case, for further lines of the script
   *
   * @example
   * ```ts
   * await given(fulfilment)
   *   .when(OrderPlaced, { orderId: 'o-1', customer: 'ada', sku: 'sieve', quantity: 1 })
   *   .refuses(TakeStock, 'none left', { left: 0 })
   *   .then({ fails: /none left/ })
   * ```
   */
  refuses(type: Command | string, message: string, data?: unknown): FlowCase
  /**
   * Discards a call at the desk, as a rule or a person does. The command may have had effects.
   *
   * @param type the command, or the name of the step
   * @param reason the reason
   * @returns the case, for further lines of the script
   *
   * @example
   * ```ts
   * await given(fulfilment)
   *   .when(OrderPlaced, { orderId: 'o-1', customer: 'ada', sku: 'sieve', quantity: 1 })
   *   .replies(TakeStock, { left: 999 })
   *   .discards(ChargeCard, 'the card is unknown')
   *   .then({ state: 'compensated', undone: ['take stock'], fails: /the card is unknown/ })
   * ```
   */
  discards(type: Command | string, reason: string): FlowCase
  /**
   * Publishes an event that the flow may wait for. Several come in this order, each once.
   *
   * @param type an event in `waits`
   * @param data its data
   * @returns the case, for further lines of the script
   * @throws `millrace/undeclared`, `millrace/bad-data`
   *
   * @example
   * ```ts
   * const dunning = mediator('dunning', {
   *   startedBy: OrderPlaced,
   *   waits: [OrderPaid],
   *   run: async (_order, flow) => (await flow.wait('payment', OrderPaid, { timeoutMs: 86_400_000 }))?.data.pence,
   * })
   * await given(dunning)
   *   .when(OrderPlaced, { orderId: 'o-1', customer: 'ada', sku: 'sieve', quantity: 1 })
   *   .happens(OrderPaid, { orderId: 'o-1', pence: 995 })
   *   .then({ result: 995 })
   * ```
   */
  happens<E extends Event>(type: E, data: DataFor<E>): FlowCase
  /**
   * Answers a question.
   *
   * @param step the name of the question
   * @param answer the answer, checked against the schema of the question
   * @returns the case, for further lines of the script
   *
   * @example
   * ```ts
   * await given(fulfilment)
   *   .when(OrderPlaced, { orderId: 'o-1', customer: 'ada', sku: 'sieve', quantity: 500 })
   *   .answers('approve', { yes: true })
   *   .replies(TakeStock, { left: 500 })
   *   .replies(ChargeCard, { receipt: 'r-1' })
   *   .then({ state: 'completed' })
   * ```
   */
  answers(step: string, answer: unknown): FlowCase
  /**
   * Ends flows of another mediator, or the subflow with a name.
   *
   * @param mediator the mediator, or the name of the step
   * @param result the result, or a function that returns it or throws
   * @returns the case, for further lines of the script
   *
   * @example
   * ```ts
   * const parcels = mediator('parcels', {
   *   startedBy: OrderPlaced,
   *   starts: [delivery],
   *   run: ({ data: { orderId } }, flow) => flow.subflow('deliver', delivery, { orderId }),
   * })
   * await given(parcels)
   *   .when(OrderPlaced, { orderId: 'o-1', customer: 'ada', sku: 'sieve', quantity: 1 })
   *   .returns(delivery, { parcel: 'p-1' })
   *   .then({ result: { parcel: 'p-1' } })
   * ```
   */
  returns(mediator: AnyMediator | string, result: unknown): FlowCase
  /**
   * Cancels the flow when the script has no result for its steps, instead of letting time pass.
   *
   * @param reason the reason, for its audit log
   * @returns the case, for further lines of the script
   *
   * @example
   * ```ts
   * await given(fulfilment)
   *   .when(OrderPlaced, { orderId: 'o-1', customer: 'ada', sku: 'sieve', quantity: 1 })
   *   .replies(TakeStock, { left: 999 })
   *   .cancelled('the customer has called')
   *   .then({ state: 'compensated', undone: ['take stock'], fails: /the customer has called/ })
   * ```
   */
  cancelled(reason?: string): FlowCase
  /**
   * Compares the outcome with the expected one, strictly. A flow that ended in another way fails the comparison, with
   * its error as `cause`.
   *
   * @param expected the fields to compare
   * @returns the whole outcome
   * @throws `AssertionError` with the difference; `millrace/bad-option` when a step of the script never began, or a
   *   step waits for a result that the script lacks; `millrace/undeclared`, `millrace/unknown-option`
   *
   * @example
   * ```ts
   * await given(fulfilment)
   *   .when(OrderPlaced, { orderId: 'o-1', customer: 'ada', sku: 'sieve', quantity: 1 })
   *   .replies(TakeStock, { left: 999 })
   *   .replies(ChargeCard, { receipt: 'r-1' })
   *   .then({ steps: ['take stock', 'charge'], result: { receipt: 'r-1' } })
   * ```
   */
  then(this: Comparing, expected: ExpectedFlow): Promise<FlowOutcome>
  then<A = FlowOutcome, B = never>(
    ended?: ((outcome: FlowOutcome) => A | PromiseLike<A>) | null,
    failed?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B>
  // biome-ignore lint/suspicious/noExplicitAny: see Comparing
  readonly _comparing?: any | undefined
}

/** A mediator under test. */
export interface GivenMediator<M> {
  /**
   * Makes the event that starts a flow, checked as `publish` does. Nothing runs at this point.
   *
   * @param type the event that starts its flows
   * @param data its data
   * @param options its id, time and correlation id
   * @returns the case: its methods write the script, `then(expected)` runs the flow and compares
   * @throws `millrace/bad-option` when the type does not start its flows, `millrace/bad-data`,
   *   `millrace/unknown-option`
   *
   * @example
   * ```ts
   * const { state } = await given(fulfilment)
   *   .when(OrderPlaced, { orderId: 'o-1', customer: 'ada', sku: 'sieve', quantity: 1 })
   *   .replies(TakeStock, { left: 999 })
   *   .replies(ChargeCard, { receipt: 'r-1' })
   * console.assert(state === 'completed')
   * ```
   */
  when<E extends StartedBy<M>>(type: E, data: DataFor<E>, options?: WhenOptions): FlowCase
}

/** The scripted result of a step, from its data and the number of earlier steps of the same line. */
type Line = (data: unknown, times: number) => StepOutcome

const known = ['called', 'sent', 'published', 'undone', 'steps', 'result', 'fails', 'state'] as const
/** The most steps of one flow; after them it counts as endless. */
const stepsMax = 10_000

export function givenMediator(part: Mediator, world: World): GivenMediator<Mediator> {
  const where = `given mediator "${part.name}"`
  return {
    when: (type, data, options = {}) => {
      if (type !== part.spec.startedBy) {
        const what = `"${type?.name}" starts no flow of it; "${part.spec.startedBy.name}" does`
        throw fault('millrace/bad-option', `${where}: ${what}`)
      }
      checkOptions(`${where}: when`, options, ['id', 'time', 'correlationId'])
      const { id = world.newId(), time = world.now(), correlationId = id } = options
      const ownId = options.id !== undefined
      const message = stored(type, data, { id, ownId, source: origin, time, correlationId, causationId: null })
      decode(type, message)
      return caseOf(part, new Script(part), message, world)
    },
  }
}

/** The scripted results of steps. */
class Script {
  readonly byStep = new Map<string, Line>()
  readonly byType = new Map<string, Line>()
  readonly events: { readonly type: Event; readonly data: unknown }[] = []
  cancels: string | undefined
  private readonly part: Mediator
  private readonly times = new Map<string, number>()

  constructor(part: Mediator) {
    this.part = part
  }

  put(what: MessageType | AnyMediator | string, list: 'sends' | 'starts' | undefined, line: Line): void {
    if (typeof what === 'string') {
      this.byStep.set(what, line)
      return
    }
    if (list !== undefined && !(this.part[list] as readonly unknown[]).includes(what)) {
      const names = this.part[list].map(({ name }) => name)
      const hint = suggest(String(what?.name), names)
      throw fault(
        'millrace/undeclared',
        `given mediator "${this.part.name}": "${what?.name}" is not in its ${list}${hint}`,
      )
    }
    this.byType.set(what.name, line)
  }

  /** The result of a step; undefined where the script has none. */
  endOf({ step, what, kind }: JournalEntry, data: unknown): StepOutcome | undefined {
    const line = this.byStep.get(step) ?? (kind === 'ask' ? undefined : this.byType.get(what))
    if (line === undefined) return undefined
    const key = this.byStep.has(step) ? `step ${step}` : what
    const times = this.times.get(key) ?? 0
    this.times.set(key, times + 1)
    return line(data, times)
  }
}

function caseOf(part: Mediator, script: Script, message: Stored, world: World): FlowCase {
  let outcome: Promise<FlowOutcome> | undefined
  const ask = () => {
    outcome ??= new Conducted(part, script, message, world).end()
    return outcome
  }
  const compare = async (expected: ExpectedFlow): Promise<FlowOutcome> => {
    checkExpected(part, expected)
    const is = await ask()
    const difference = endDiffers(part, is, expected) ?? partDiffers(is, expected)
    if (difference === undefined) return is
    throw is.error === undefined ? difference : Object.assign(difference, { cause: is.error })
  }
  const writing = (write: () => void): FlowCase => {
    if (outcome !== undefined) {
      throw fault('millrace/bad-option', `given mediator "${part.name}": the flow has run; write the script before`)
    }
    write()
    return one
  }
  const one = {
    replies: (what: Command | string, reply: unknown) =>
      writing(() =>
        script.put(what, 'sends', (data, times) =>
          given(() => scripted(reply, data, times), typeof what === 'string' ? undefined : what),
        ),
      ),
    refuses: (what: Command | string, text: string, data?: unknown) =>
      writing(() => script.put(what, 'sends', () => outcomeOf('refused', { message: text, data }))),
    discards: (what: Command | string, reason: string) =>
      writing(() => script.put(what, 'sends', () => outcomeOf('discarded', { message: reason }))),
    happens: (type: Event, data: unknown) =>
      writing(() => {
        if (!part.waits.includes(type)) {
          const hint = suggest(
            String(type?.name),
            part.waits.map(({ name }) => name),
          )
          throw fault(
            'millrace/undeclared',
            `given mediator "${part.name}": "${type?.name}" is not in its waits${hint}`,
          )
        }
        script.events.push({ type, data })
      }),
    answers: (step: string, answer: unknown) =>
      writing(() => script.put(step, undefined, () => ({ ok: true, value: answer }))),
    returns: (what: AnyMediator | string, result: unknown) =>
      writing(() => script.put(what, 'starts', (data, times) => given(() => scripted(result, data, times)))),
    cancelled: (reason = 'cancelled by a person') =>
      writing(() => {
        script.cancels = reason
      }),
    // biome-ignore lint/suspicious/noThenProperty: to be awaited
    then: (first: unknown, failed?: (error: unknown) => unknown) =>
      typeof (first ?? undefined) === 'object' ? compare(first as ExpectedFlow) : ask().then(first as never, failed),
  } as FlowCase
  return one
}

const scripted = (value: unknown, data: unknown, times: number): unknown =>
  typeof value === 'function' ? value(data, times) : value

/** Makes the result of a line: its value, a refusal or a failure. */
function given(value: () => unknown, type?: Command): StepOutcome {
  try {
    const is = value()
    return {
      ok: true,
      value: type?.reply === undefined ? (is ?? null) : check(`reply to "${type.name}"`, type.reply, is),
    }
  } catch (error) {
    const { code, message, data } = recordError(error)
    if (isRefused(error)) return outcomeOf('refused', { message, ...(data === undefined ? {} : { data }) })
    if (code === 'millrace/bad-data') throw error
    return { ok: false, code: 'millrace/subflow-failed', message, effects: 'never' }
  }
}

/** Runs a flow by a script. */
class Conducted {
  private readonly part: Mediator
  private readonly script: Script
  private readonly world: World
  private readonly run: FlowRun
  private readonly types: ReadonlyMap<string, MessageType>
  private readonly open = new Map<number, { readonly entry: JournalEntry; readonly data: unknown }>()
  private readonly timers = new Map<number, number>()
  private readonly steps: string[] = []
  private readonly called: (readonly [Command, unknown])[] = []
  private readonly sent: (readonly [Command, unknown])[] = []
  private readonly published: (readonly [Event, unknown])[] = []
  private readonly undone: string[] = []
  private readonly subflows = new Map<number, unknown>()
  private now: number
  private entries = 0
  private flows = 1

  constructor(part: Mediator, script: Script, message: Stored, world: World) {
    this.part = part
    this.script = script
    this.world = world
    this.now = world.now()
    const { spec } = part
    this.types = new Map([...spec.declared].map((type) => [type.name, type]))
    const row = this.rowOf(message)
    this.run = new FlowRun(this.host(row), row)
  }

  private rowOf(message: Stored): FlowRow {
    return {
      id: this.flows++,
      mediator: this.part.name,
      version: this.part.spec.version,
      context: message.context,
      state: 'running',
      message,
      once: null,
      parent: null,
      rerunOf: null,
      continues: null,
      mailAfter: null,
      error: null,
      result: undefined,
      startedAt: this.now,
      endedAt: null,
    }
  }

  private host({ message }: FlowRow): FlowHost {
    const { world, part } = this
    const { id: causationId, correlationId } = message
    const encoded = (type: MessageType, data: unknown, id: string) => {
      const stamp = { source: `${origin}/${part.name}`, time: this.now, correlationId, causationId }
      return stored(type, data, { ...stamp, id, ownId: false })
    }
    return {
      spec: part.spec,
      now: () => this.now,
      random: () => world.random(),
      newId: () => world.newId(),
      entryId: () => ++this.entries,
      endsBehind: () => [],
      encode: (type, data, id) => encoded(type, data, id),
      encodeCall: (type, data, id) => encoded(type, data, id),
      newFlow: (spec, data, id) => {
        const row = this.rowOf(encoded(spec.startedBy, data, id))
        this.subflows.set(row.id, decode(spec.startedBy, row.message).data)
        return { ...row, mediator: spec.name }
      },
      turn: () => new Promise((resolve) => world.soon(resolve)),
      guard: (owner, fn) => world.guard(owner, fn, undefined, undefined),
      blame: (error, owner) => world.blame(error, owner),
      owner: () => world.owner(),
      strayed: (why) => this.run.pause(why),
      late: (error) => {
        throw error
      },
      withdraw: async () => 'never',
    }
  }

  async end(): Promise<FlowOutcome> {
    const { run } = this
    await run.begin(decode(this.part.spec.startedBy, run.row.message), [])
    for (let step = 0; !this.rests(); step++) {
      if (step >= stepsMax) throw this.wrong(`it has more than ${stepsMax} steps`)
      await run.input(this.next())
    }
    this.checkSteps()
    const { state, called, sent, published, undone, steps } = this.seen()
    const error = run.ending.error ?? undefined
    return Object.freeze({ called, sent, published, undone, steps, state, result: run.ending.result, error })
  }

  private seen() {
    const { called, sent, published, undone, steps, run } = this
    return { called, sent, published, undone, steps, state: run.status.state }
  }

  private wrong(what: string): Error {
    return fault('millrace/bad-option', `given mediator "${this.part.name}": ${what}`)
  }

  /** Takes its pending requests; returns true when nothing more comes from it. */
  private rests(): boolean {
    this.take(this.run.journal.take())
    return this.run.status.hasEnded || this.run.status.state === 'stuck' || this.run.status.state === 'paused'
  }

  private take({ changes, outgoing, lost }: Outbox): void {
    const messages = new Map(outgoing.map((message) => [message.id, message]))
    for (const change of changes) {
      if (change.do === 'timer') this.timers.set(change.n, change.due)
      else if (change.do === 'untimer') this.timers.delete(change.n)
      else if (change.do === 'entry') this.enter(change.entry, messages.get(commandIdOf(this.run.id, change.entry.n)))
    }
    for (const { entry } of lost) {
      const end = this.open.get(entry.n)
      if (end !== undefined) this.lost.push(entry)
    }
  }

  private readonly lost: JournalEntry[] = []

  private enter(entry: JournalEntry, message: Stored | undefined): void {
    const { n, of, kind, step } = entry
    if (of !== null) {
      this.open.delete(of)
      return
    }
    const type = message && this.types.get(message.type)
    const data = type === undefined ? undefined : (decode(type, message!) as Message).data
    if (kind === 'value' || kind === 'version' || kind === 'no return' || kind === 'cancel') return
    this.steps.push(step)
    const undone = /^undo ([^/]*)/.exec(step)?.[1]
    if (undone !== undefined && !this.undone.includes(undone)) this.undone.push(undone)
    if (kind === 'call') this.called.push([type as Command, data])
    else if (kind === 'send') this.sent.push([type as Command, data])
    else if (kind === 'publish') this.published.push([type as Event, data])
    if (kind === 'flow') this.open.set(n, { entry, data: this.subflows.get((entry.data as { flow: number }).flow) })
    else if (kind === 'call' || kind === 'wait' || kind === 'ask' || kind === 'sleep') this.open.set(n, { entry, data })
  }

  /** Chooses the next result for the flow. */
  private next(): () => void {
    const { run, script } = this
    const gone = this.lost.shift()
    if (gone !== undefined) {
      this.open.delete(gone.n)
      const effects = {
        ok: false,
        code: 'millrace/step-cancelled',
        message: `"${gone.step}" lost a race`,
        effects: 'never',
      } as const
      return this.told(gone, effects)
    }
    for (const { entry, data } of this.open.values()) {
      const tell = this.tellingOf(entry, data)
      if (tell !== undefined) return tell
    }
    const { cancels } = script
    if (cancels !== undefined) {
      script.cancels = undefined
      return () => run.cancel(cancels)
    }
    const [first] = [...this.timers].sort(([n, due], [m, other]) => due - other || n - m)
    if (first === undefined) throw this.wrong(this.waitsFor())
    const [n, due] = first
    this.timers.delete(n)
    this.now = Math.max(this.now, due)
    return () => {
      const late = run.outside.timeUp(n)
      if (late !== undefined) run.outside.withdrawn(late, 'never', 'took too long')
    }
  }

  private tellingOf(entry: JournalEntry, data: unknown): (() => void) | undefined {
    const { run, script } = this
    const { kind, step, what, n } = entry
    if (kind === 'sleep') return undefined
    if (kind === 'wait') {
      const index = script.events.findIndex(({ type }) => type.name === what)
      const [event] = index === -1 ? [] : script.events.splice(index, 1)
      if (event === undefined) return undefined
      const stamp = { source: origin, time: this.now, correlationId: '', causationId: null }
      const message = stored(event.type, event.data, { ...stamp, id: this.world.newId(), ownId: false })
      const happened = decode(event.type, message)
      const context = this.part.spec.waits.get(what)!(happened)
      if (context !== run.row.context) {
        const is = context === undefined ? 'of no flow' : `of context "${context}"`
        throw this.wrong(
          `event "${what}" that happens is ${is}, the flow of ${JSON.stringify(run.row.context)}: it never gets it`,
        )
      }
      return () => void run.outside.mail(n, happened)
    }
    const end = script.endOf(entry, data)
    if (kind === 'ask') {
      if (end === undefined) return undefined
      const value = (end as { readonly value: unknown }).value
      return () => run.outside.answer(step, value)
    }
    if (end === undefined) {
      const type = this.types.get(what) as Command | undefined
      if (kind !== 'call' || type?.reply !== undefined) return undefined
      return this.told(entry, { ok: true, value: null })
    }
    if (kind === 'call') return this.told(entry, end)
    const { flow } = entry.data as { flow: number }
    const row = { id: flow, mediator: what, error: null, result: end.ok ? end.value : undefined }
    if (end.ok) return this.told(entry, outcomeOfFlow({ ...row, state: 'completed' }))
    const error = { code: 'Error', message: end.message }
    return this.told(entry, outcomeOfFlow({ ...row, state: 'compensated', error }))
  }

  private told({ n: of, kind }: JournalEntry, data: StepOutcome): () => void {
    this.open.delete(of)
    this.timers.delete(of)
    return () => this.run.delivery.receive({ n: ++this.entries, of, kind, step: '', what: '', data, at: this.now })
  }

  /** Describes the steps for which the script has no result. */
  private waitsFor(): string {
    const how: Partial<Record<JournalEntry['kind'], string>> = {
      call: 'replies',
      wait: 'happens',
      ask: 'answers',
      flow: 'returns',
    }
    const all = [...this.open.values()].map(({ entry: { kind, step, what } }) => {
      const of = what === '' || what === step || kind === 'ask' ? '' : ` (${what})`
      return `${kind} "${step}"${of}: add .${how[kind]}(…)`
    })
    return `the script has nothing for ${all.join(', ')}`
  }

  /** Refuses a name of the script that no step had: it is a mistake. */
  private checkSteps(): void {
    for (const name of this.script.byStep.keys()) {
      if (this.steps.includes(name)) continue
      throw this.wrong(`no step "${name}" began${suggest(name, this.steps)}`)
    }
  }
}

const lists = [
  { name: 'called', kind: 'command', option: 'sends' },
  { name: 'sent', kind: 'command', option: 'sends' },
  { name: 'published', kind: 'event', option: 'publishes' },
] as const

function checkExpected({ name: mediator, spec }: Mediator, expected: ExpectedFlow): void {
  const where = `mediator "${mediator}": then`
  checkOptions(where, expected, known)
  const wrong = (what: string) => fault('millrace/bad-option', `${where}: ${what}`)
  for (const { name, kind, option } of lists) {
    const pairs = expected[name] ?? []
    if (!Array.isArray(pairs)) throw wrong(`${name} must be a list`)
    for (const [index, pair] of pairs.entries()) {
      const type: MessageType | undefined = pair?.[0]
      if (type?.kind !== kind) throw wrong(`entry ${index} of ${name} must be a list of ${kind} and data`)
      if (spec.declared.has(type)) continue
      throw fault(
        'millrace/undeclared',
        `${where}: "${type.name}" is expected, but not in the ${option} of ${mediator}`,
      )
    }
  }
  const { fails } = expected
  if (fails !== undefined && typeof fails !== 'string' && !isPattern(fails)) {
    throw wrong('fails must be a pattern for the message or a code')
  }
}

/** Compares the end of the flow with the expected end. */
function endDiffers({ name }: Mediator, { state, error }: FlowOutcome, expected: ExpectedFlow): Error | undefined {
  const wanted = expected.state ?? (expected.fails === undefined ? 'completed' : undefined)
  if (wanted === undefined ? state !== 'completed' : state === wanted) return undefined
  const why = error === undefined ? '' : `: ${error.message}`
  const message = `the flow of mediator "${name}" is ${state}, but should be ${wanted ?? 'failed'}${why}`
  return new AssertionError({ message, actual: state, expected: wanted ?? 'failed' })
}

function partDiffers(outcome: FlowOutcome, expected: ExpectedFlow): Error | undefined {
  const pairs: [name: string, is: unknown, should: unknown][] = []
  const named = (all: readonly (readonly [MessageType, unknown])[]) => all.map(([type, data]) => [type.name, data])
  for (const { name } of lists) {
    const should = expected[name]
    if (should !== undefined) pairs.push([name, named(outcome[name]), named(should)])
  }
  for (const name of ['undone', 'steps', 'result'] as const) {
    if (name in expected) pairs.push([name, outcome[name], expected[name]])
  }
  const { fails } = expected
  if (fails !== undefined) {
    const { code, message = '' } = outcome.error ?? {}
    const is = typeof fails === 'string' ? code : message.search(fails) >= 0 ? fails : message
    pairs.push(['fails', is, fails])
  }
  try {
    deepStrictEqual(
      Object.fromEntries(pairs.map(([name, is]) => [name, is])),
      Object.fromEntries(pairs.map(([name, , should]) => [name, should])),
    )
    return undefined
  } catch (difference) {
    return difference as Error
  }
}
