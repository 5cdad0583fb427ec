// One run of a mediator for one initiating event: the function of the mediator, and its journal.
//
//   running ──returns──→ completed
//      │ └──throws, or is cancelled──→ compensating ──each undo done, last first──→ compensated (failed where none was)
//      │                                   └──an undo throws──→ stuck ──resumed──→ compensating
//      └──its code does not fit its journal──→ paused ──resumed──→ running
//
// The journal has an entry for each step that began and one for each that ended, in the order in which the function was
// told. A run that is not in memory is made anew from it: the function runs from its beginning, each step that it begins
// is found by its name, and the ends are told in the order of the journal, one by one, each when everything before it
// has come to rest. So it goes the same way again, and nothing that was done is done twice.
import type { Stored } from '../model/codec.ts'
import { type ErrorRecord, fault, recordError } from '../model/errors.ts'
import type { Command, Event, Message, MessageType } from '../model/message.ts'
import { Refused } from '../model/refused.ts'
import type { FlowChange, FlowRow, FlowState, JournalEntry, Outcome, RequestChange } from '../seam/store.ts'

/** What a call has come to, for its undo. `unknown`: it may have had effects outside. */
export type Taken<Reply = unknown> =
  | { readonly state: 'done'; readonly reply: Reply; readonly commandId: string }
  | { readonly state: 'unknown'; readonly commandId: string }

export interface CallOptions<Reply> {
  /** Time for the command to be handled, milliseconds; without it there is no limit. */
  readonly timeoutMs?: number
  /** Takes back what the call did. Registered before the attempt; called when the flow fails or is cancelled. */
  readonly undo?: (taken: Taken<Reply>) => unknown
}

/** A mediator as the engine runs it. */
export interface MediatorSpec {
  readonly name: string
  readonly startedBy: MessageType
  readonly declared: ReadonlySet<MessageType>
  /** What it may wait for: how an event names the context of its flow, by type. */
  readonly waits: ReadonlyMap<string, (message: Message) => string | undefined>
  readonly run: (message: Message, flow: unknown) => unknown
}

/** What a run needs of the engine. */
export interface FlowHost {
  readonly spec: MediatorSpec
  now(): number
  random(): number
  newId(): string
  /** A new number of an entry: higher than all before. */
  entryId(): number
  /** Makes a message that the flow sends or publishes. */
  encode(type: MessageType, data: unknown, id: string, asked: boolean): Stored
  /** Resolves when all that is ready now has had its turn. */
  turn(): Promise<void>
  /** Takes a command back that has not been handled; `unknown` where an attempt was under way and was fenced. */
  withdraw(command: {
    readonly id: string
    readonly type: string
    readonly context: string | null
  }): Promise<'never' | 'unknown'>
}

interface Step {
  readonly entry: JournalEntry
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  readonly promise: Promise<unknown>
  readonly command: Command | undefined
  readonly undo: ((taken: Taken) => unknown) | undefined
  outcome: Outcome | undefined
}

/** What a turn of a run leaves to be written. */
export interface Outbox {
  readonly changes: FlowChange[]
  readonly outgoing: Stored[]
  /** Waits that begin: what the mailbox has for them is to be offered. */
  readonly waits: number[]
}

export class FlowRun {
  readonly id: number
  readonly row: FlowRow
  state: FlowState
  private readonly host: FlowHost
  private readonly message: Message
  /** Entries of the journal that are not told yet. */
  private replay: JournalEntry[] = []
  private readonly known = new Map<string, JournalEntry>()
  private readonly names = new Map<string, number>()
  /** By the number of the entry with which they began. */
  private readonly steps = new Map<number, Step>()
  private scope = ''
  /** The function has ended: what its branches still begin leads nowhere. */
  private frozen = false
  private mismatch: Error | undefined
  private ended: { readonly ok: boolean; readonly value: unknown } | undefined
  private undoing: { step: Step; ended: { readonly ok: boolean; readonly value: unknown } | undefined } | undefined
  private readonly undone = new Set<number>()
  private undid = false
  private outbox: Outbox = { changes: [], outgoing: [], waits: [] }
  /** Mails that it has taken. */
  private readonly mails = new Set<number>()
  /** Why it failed; and what it cannot go on at. */
  private failure: ErrorRecord | null = null
  private obstacle: ErrorRecord | null = null
  /** Inputs that wait for their turn. */
  private inputs: (() => void)[] = []
  private working: Promise<void> | undefined

  constructor(host: FlowHost, row: FlowRow, message: Message) {
    this.host = host
    this.row = row
    this.id = row.id
    this.message = message
    this.state = row.state
  }

  /** Begins the function; with a journal, up to where that ends. */
  async begin(journal: readonly JournalEntry[]): Promise<void> {
    this.replay = [...journal]
    for (const entry of journal) if (entry.of === null) this.known.set(entry.step, entry)
    this.ended = undefined
    const started = this.run(() => this.host.spec.run(this.message, new Flow(this)))
    started.then((ended) => {
      this.ended = ended
    })
    await this.host.turn()
    while (this.replay.length > 0 && this.mismatch === undefined) {
      await this.retell(this.replay.shift()!)
    }
    await this.comeToRest()
  }

  private async retell(entry: JournalEntry): Promise<void> {
    if (entry.of === null) {
      if (entry.kind === 'cancel') this.cancelNow()
      else if (entry.kind === 'resume') this.goOn()
      else if (!this.began(entry.n)) {
        // Undos begin when everything before them has come to rest.
        await this.comeToRest()
        if (!this.began(entry.n)) {
          this.mismatched(`the journal has ${entry.kind} "${entry.step}" next, which today's code does not do`)
        }
      }
    } else this.tell(entry)
    await this.settleDown()
  }

  private began(n: number): boolean {
    return this.steps.has(n) || this.noted.has(n)
  }

  /** Entries without an end that the function has come by. */
  private readonly noted = new Set<number>()

  private run(fn: () => unknown): Promise<{ readonly ok: boolean; readonly value: unknown }> {
    return new Promise((resolve) => {
      const result = new Promise((inner) => inner(fn()))
      result.then(
        (value) => resolve({ ok: true, value }),
        (value: unknown) => resolve({ ok: false, value }),
      )
    })
  }

  // ── inputs ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Something has come for it. Resolves when it has come to rest again; what it leaves is in the outbox. */
  input(apply: () => void): Promise<void> {
    this.inputs.push(apply)
    this.working ??= this.work().finally(() => {
      this.working = undefined
    })
    return this.working
  }

  private async work(): Promise<void> {
    for (let apply = this.inputs.shift(); apply !== undefined; apply = this.inputs.shift()) {
      if (this.over) continue
      apply()
      await this.settleDown()
      await this.comeToRest()
    }
  }

  /** The end of a call, which is in the journal already. */
  callEnded(entry: JournalEntry): void {
    this.tell(entry)
  }

  /** A time has come: of a sleep, or of a step that took too long. Gives the command that is to be withdrawn. */
  timeUp(n: number): Step['entry'] | undefined {
    const step = this.steps.get(n)
    if (step === undefined || step.outcome !== undefined) return undefined
    if (step.entry.kind === 'call') return step.entry
    const late = { ok: false, code: 'millrace/step-timed-out', message: `"${step.entry.step}" took too long` } as const
    this.conclude(step, step.entry.kind === 'sleep' ? { ok: true, value: null } : late)
    return undefined
  }

  /** A call that took too long was withdrawn. */
  withdrawn(n: number, effects: 'never' | 'unknown'): void {
    const step = this.steps.get(n)
    if (step === undefined || step.outcome !== undefined) return
    const message = `"${step.entry.step}" took too long and was withdrawn`
    this.conclude(step, { ok: false, code: 'millrace/step-timed-out', message, effects })
  }

  /** An event that it may wait for; gives whether it took it. */
  mail(n: number, message: Message): boolean {
    if (this.mails.has(n) || this.frozen) return false
    for (const step of this.steps.values()) {
      if (step.outcome !== undefined || step.entry.kind !== 'wait' || step.entry.what !== message.type) continue
      this.conclude(step, { ok: true, value: { ...message, context: message.context ?? null, mail: n } })
      return true
    }
    return false
  }

  /** What a person has answered; gives whether that was asked. */
  answer(step: string, value: unknown): boolean {
    for (const open of this.steps.values()) {
      if (open.outcome !== undefined || open.entry.kind !== 'ask' || open.entry.step !== step) continue
      this.conclude(open, { ok: true, value })
      return true
    }
    return false
  }

  cancel(reason: string): void {
    if (this.frozen) return
    this.enter({ n: this.host.entryId(), of: null, kind: 'cancel', step: '', what: reason, data: null })
    this.failure = { code: 'millrace/flow-cancelled', message: reason }
    this.cancelNow()
  }

  /** Tries again what it is stuck at. */
  resume(): void {
    if (this.state !== 'stuck') return
    this.enter({ n: this.host.entryId(), of: null, kind: 'resume', step: '', what: '', data: null })
    this.goOn()
  }

  private goOn(): void {
    this.undoing = undefined
    this.obstacle = null
    this.become('compensating')
  }

  private cancelNow(): void {
    if (this.frozen) return
    this.ended = { ok: false, value: fault('millrace/flow-cancelled', 'the flow was cancelled') }
  }

  /** What is to be written now, once. */
  takeOutbox(): Outbox {
    const { outbox } = this
    this.outbox = { changes: [], outgoing: [], waits: [] }
    return outbox
  }

  /** Whether nothing is being done with it. */
  get atRest(): boolean {
    return this.working === undefined && this.outbox.changes.length === 0
  }

  get over(): boolean {
    return this.state === 'completed' || this.state === 'compensated' || this.state === 'failed'
  }

  // ── steps ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Begins a step that will have an end. */
  step(kind: JournalEntry['kind'], name: string, what: string, more: StepPlan = {}): Promise<unknown> {
    const entry = this.beginEntry(kind, name, what, more)
    if (entry === undefined) return never()
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    // Nobody has to look at it: a branch that lost, a call that was let go.
    promise.catch(() => {})
    const step: Step = { entry, promise, resolve, reject, command: more.command, undo: more.undo, outcome: undefined }
    this.steps.set(entry.n, step)
    return promise
  }

  /** A step that ends as it begins: a value, or a message that leaves. */
  note(kind: JournalEntry['kind'], name: string, what: string, more: StepPlan = {}): unknown {
    const entry = this.beginEntry(kind, name, what, more)
    if (entry === undefined) return undefined
    this.noted.add(entry.n)
    return entry.data
  }

  private beginEntry(kind: JournalEntry['kind'], name: string, what: string, more: StepPlan): JournalEntry | undefined {
    if (this.frozen && this.scope === '') return undefined
    if (this.mismatch !== undefined) return undefined
    const step = this.unique(`${this.scope}${name}`)
    const known = this.known.get(step)
    if (known !== undefined) {
      if (known.kind === kind && known.what === what) return known
      this.mismatched(`today's code does ${kind} ${what} as "${step}", the journal has ${known.kind} ${known.what}`)
      return undefined
    }
    if (this.replay.length > 0) {
      const next = this.replay.find(({ of }) => of === null)
      const has = next === undefined ? 'nothing of that name' : `${next.kind} "${next.step}" next`
      this.mismatched(`today's code does ${kind} "${step}", the journal has ${has}`)
      return undefined
    }
    const n = this.host.entryId()
    const outgoing = more.outgoing?.(n)
    const entry: JournalEntry = { n, of: null, kind, step, what, data: more.data?.() ?? null }
    this.enter(entry)
    if (outgoing !== undefined) this.outbox.outgoing.push(outgoing)
    if (more.dueAt !== undefined) this.outbox.changes.push({ do: 'timer', flow: this.id, n, due: more.dueAt })
    if (kind === 'wait') this.outbox.waits.push(n)
    return entry
  }

  private enter(entry: JournalEntry): void {
    this.outbox.changes.push({ do: 'entry', flow: this.id, entry })
  }

  private unique(name: string): string {
    const times = (this.names.get(name) ?? 0) + 1
    this.names.set(name, times)
    return times === 1 ? name : `${name}#${times}`
  }

  /** The end of a step, by the run itself. */
  private conclude(step: Step, outcome: Outcome): void {
    const { n, step: name, kind, what } = step.entry
    const entry: JournalEntry = { n: this.host.entryId(), of: n, kind, step: name, what, data: outcome }
    this.enter(entry)
    this.outbox.changes.push({ do: 'untimer', flow: this.id, n })
    this.tell(entry)
  }

  /** Tells the function how a step has ended. */
  private tell(entry: JournalEntry): void {
    const step = this.steps.get(entry.of!)
    if (step === undefined) {
      this.mismatched(`the journal has the end of "${entry.step}", which today's code has not begun`)
      return
    }
    if (step.outcome !== undefined) return
    const outcome = entry.data as Outcome
    step.outcome = outcome
    const mail = outcome.ok ? (outcome.value as { mail?: number } | null)?.mail : undefined
    if (mail !== undefined) this.mails.add(mail)
    // What belongs to the function is not told any more once it has ended; undos look at the outcome.
    if (this.frozen && !step.entry.step.startsWith('undo ')) return
    if (outcome.ok)
      step.resolve(step.command === undefined || step.command.reply !== undefined ? outcome.value : undefined)
    else step.reject(errorOf(outcome))
  }

  private mismatched(what: string): void {
    this.mismatch ??= fault('millrace/flow-mismatch', `mediator "${this.host.spec.name}", flow ${this.id}: ${what}`)
  }

  private settleDown(): Promise<void> {
    return this.host.turn()
  }

  // ── the end ────────────────────────────────────────────────────────────────────────────────────────────────────

  private async comeToRest(): Promise<void> {
    if (this.mismatch !== undefined) {
      this.obstacle = recordError(this.mismatch)
      this.become('paused')
      return
    }
    if (this.ended === undefined || this.over || this.state === 'stuck') return
    if (this.ended.ok) {
      this.frozen = true
      this.become('completed')
      return
    }
    if (!this.frozen) {
      this.frozen = true
      this.failure ??= recordError(this.ended.value)
      // What other branches were about to begin leads nowhere now.
      await this.settleDown()
    }
    await this.compensate()
  }

  private undoable(): Step[] {
    return [...this.steps.values()]
      .filter(({ undo, entry }) => undo !== undefined && !this.undone.has(entry.n))
      .reverse()
  }

  /** Goes on undoing as far as that goes without waiting. */
  private async compensate(): Promise<void> {
    for (;;) {
      const { undoing } = this
      if (undoing !== undefined) {
        if (undoing.ended === undefined) return
        this.undoing = undefined
        if (!undoing.ended.ok) {
          const why = recordError(undoing.ended.value)
          this.obstacle = { ...why, message: `undo of "${undoing.step.entry.step}": ${why.message}` }
          this.become('stuck')
          return
        }
        this.undone.add(undoing.step.entry.n)
        this.undid = true
      }
      const [step] = this.undoable()
      if (step === undefined) {
        this.become(this.undid ? 'compensated' : 'failed')
        return
      }
      const taken = await this.takenBy(step)
      if (taken === undefined) {
        this.undone.add(step.entry.n)
        continue
      }
      this.become('compensating')
      this.beginUndo(step, taken)
      await this.settleDown()
    }
  }

  /** What a step with an undo has come to; an open one is withdrawn first. Undefined: it had no effect. */
  private async takenBy({ entry, outcome }: Step): Promise<Taken | undefined> {
    const commandId = commandIdOf(this.id, entry.n)
    if (outcome?.ok) return { state: 'done', reply: outcome.value, commandId }
    if (outcome !== undefined) return outcome.effects === 'unknown' ? { state: 'unknown', commandId } : undefined
    const told = this.replay.findIndex(({ of }) => of === entry.n)
    if (told !== -1) {
      this.tell(this.replay.splice(told, 1)[0]!)
      return this.takenBy(this.steps.get(entry.n)!)
    }
    const call = entry.data as { context: string | null }
    const effects = await this.host.withdraw({ id: commandId, type: entry.what, context: call.context })
    const step = this.steps.get(entry.n)!
    // It may have ended while it was being withdrawn.
    if (step.outcome !== undefined) return this.takenBy(step)
    this.conclude(step, { ok: false, code: 'millrace/flow-cancelled', message: 'withdrawn', effects })
    return effects === 'unknown' ? { state: 'unknown', commandId } : undefined
  }

  private beginUndo(step: Step, taken: Taken): void {
    const attempt = this.unique(`undo ${step.entry.step}`)
    this.scope = `${attempt}/`
    const undoing: NonNullable<FlowRun['undoing']> = { step, ended: undefined }
    this.undoing = undoing
    this.run(() => step.undo!(taken)).then((ended) => {
      undoing.ended = ended
    })
  }

  private become(state: FlowState): void {
    if (this.state === state && state !== 'paused') return
    this.state = state
    const endedAt = this.over ? this.host.now() : null
    this.outbox.changes.push({ do: 'state', flow: this.id, state, error: this.obstacle ?? this.failure, endedAt })
  }

  /** The steps as they are, for people. */
  steppedSoFar(): { readonly entry: JournalEntry; readonly outcome: Outcome | undefined }[] {
    return [...this.steps.values()].map(({ entry, outcome }) => ({ entry, outcome }))
  }

  get hostNow(): number {
    return this.host.now()
  }

  get engine(): FlowHost {
    return this.host
  }
}

/** What goes with the beginning of a step. */
interface StepPlan {
  readonly data?: () => unknown
  readonly outgoing?: (n: number) => Stored
  readonly dueAt?: number
  readonly command?: Command
  readonly undo?: ((taken: Taken) => unknown) | undefined
}

/** The id of a command says whose it is: so its end finds the way back, whatever was restarted meanwhile. */
export const commandIdOf = (flow: number, n: number): string => `flow/${flow}/${n}`

export function stepOfCommand(id: string): { readonly flow: number; readonly n: number } {
  const [, flow, n] = id.split('/')
  return { flow: Number(flow), n: Number(n) }
}

/** How a command that a flow has called has ended, as its journal has it. */
export function outcomeOf({ state, outcome }: RequestChange & { readonly do: 'end' }): Outcome {
  if (state === 'replied') return { ok: true, value: outcome ?? null }
  const { message, data } = outcome as { message: string; data?: unknown }
  if (state === 'refused') return { ok: false, code: 'refused', message, ...(data === undefined ? {} : { data }) }
  return { ok: false, code: 'millrace/request-discarded', message, effects: 'unknown' }
}

function errorOf(outcome: Outcome & { readonly ok: false }): Error {
  if (outcome.code === 'refused') return new Refused(outcome.message, outcome.data)
  return fault(outcome.code as 'millrace/step-timed-out', outcome.message)
}

const never = () => new Promise<never>(() => {})

/** What the function of a mediator gets beside the message. */
export class Flow {
  readonly #run: FlowRun

  constructor(run: FlowRun) {
    this.#run = run
  }

  call(name: string, type: Command, data: unknown, { timeoutMs, undo }: CallOptions<unknown> = {}): Promise<unknown> {
    const run = this.#run
    this.#declared(type)
    const { engine } = run
    let context: string | null = null
    return run.step('call', name, type.name, {
      command: type,
      undo,
      outgoing: (n) => {
        const message = engine.encode(type, data, commandIdOf(run.id, n), true)
        context = message.context
        return message
      },
      data: () => ({ context }),
      ...(timeoutMs === undefined ? {} : { dueAt: engine.now() + timeoutMs }),
    })
  }

  send(type: Command, data: unknown): void {
    this.#leave('send', type, data)
  }

  publish(type: Event, data: unknown): void {
    this.#leave('publish', type, data)
  }

  wait(name: string, type: Event, { timeoutMs }: { readonly timeoutMs?: number } = {}): Promise<unknown> {
    const run = this.#run
    if (!run.engine.spec.waits.has(type.name)) {
      throw fault('millrace/undeclared', `mediator "${run.engine.spec.name}": "${type.name}" is not in its waits`)
    }
    return run.step('wait', name, type.name, timeoutMs === undefined ? {} : { dueAt: run.engine.now() + timeoutMs })
  }

  async sleep(name: string, ms: number): Promise<void> {
    if (!(Number.isFinite(ms) && ms >= 0))
      throw fault('millrace/bad-time', `sleep "${name}": ${String(ms)} milliseconds`)
    await this.#run.step('sleep', name, '', { dueAt: this.#run.engine.now() + ms })
  }

  all(branches: readonly unknown[]): Promise<unknown[]> {
    return Promise.all(branches)
  }

  race(branches: readonly unknown[]): Promise<unknown> {
    return Promise.race(branches)
  }

  async map(
    items: readonly unknown[],
    fn: (item: unknown, index: number) => unknown,
    { limit = 16 } = {},
  ): Promise<unknown[]> {
    const results: unknown[] = []
    let next = 0
    const branch = async () => {
      for (let index = next++; index < items.length; index = next++) results[index] = await fn(items[index], index)
    }
    await Promise.all(Array.from({ length: Math.min(limit, items.length) }, branch))
    return results
  }

  now(): number {
    return this.#run.note('value', 'now', 'now', { data: () => this.#run.engine.now() }) as number
  }

  random(): number {
    return this.#run.note('value', 'random', 'random', { data: () => this.#run.engine.random() }) as number
  }

  id(): string {
    return this.#run.note('value', 'id', 'id', { data: () => this.#run.engine.newId() }) as string
  }

  #leave(kind: 'send' | 'publish', type: MessageType, data: unknown): void {
    const run = this.#run
    this.#declared(type)
    run.note(kind, type.name, type.name, {
      outgoing: (n) => run.engine.encode(type, data, commandIdOf(run.id, n), false),
    })
  }

  #declared(type: MessageType): void {
    const { spec } = this.#run.engine
    if (spec.declared.has(type)) return
    const list = type?.kind === 'command' ? 'sends' : 'publishes'
    throw fault('millrace/undeclared', `mediator "${spec.name}": "${type?.name}" is not in its ${list}`)
  }
}
