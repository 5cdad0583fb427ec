// One run of a mediator for one initiating event: the function of the mediator, and its journal.
//
//   running ──returns──→ completed
//      │ └──throws, or is cancelled──→ compensating ──each undo done, last first──→ compensated (failed where none was)
//      │                                   └──an undo throws──→ stuck ──resumed──→ compensating
//      ├──throws after the point of no return──→ stuck ──resumed──→ running: the step that failed is done again
//      └──its code does not fit its journal, or waits for what is no step──→ paused ──resumed──→ running
//
// The journal has an entry for each step that began and one for each that ended, in the order in which the function was
// told. A run that is not in memory is made anew from it: the function runs from its beginning, each step that it begins
// is found by its name, and the ends are told in the order of the journal, one by one, each when everything before it
// has come to rest. So it goes the same way again, and nothing that was done is done twice.
import { asJson, type Stored } from '../../model/codec.ts'
import { type ErrorRecord, fault, isErrorCode, recordError } from '../../model/errors.ts'
import {
  type Again,
  commandIdOf,
  type FlowState,
  flowEnds,
  isUndo,
  isUndoOf,
  type JournalEntry,
  type OpenCall,
  type Outcome,
  type StepKind,
  type SubflowFailed,
  withoutVoided,
} from '../../model/flow.ts'
import type { FlowRow } from '../../model/flow-views.ts'
import { toldOfFrozen } from '../../model/frozen.ts'
import type { Message } from '../../model/message.ts'
import { Refused } from '../../model/refused.ts'
import { check } from '../../model/schema.ts'
import { Flow } from './context.ts'
import { type Conduct, type FlowHost, nothing, type Outbox, type Step, type StepPlan, type StepResult } from './host.ts'
import { StepNames } from './names.ts'
import { Replay } from './replay.ts'

/** Code of a mediator that runs: its function, an undo, a branch of a race; and what it has begun. */
export class Branch {
  readonly run: FlowRun
  readonly outer: Branch | undefined
  readonly steps: Step[] = []
  over = false

  constructor(run: FlowRun, outer?: Branch) {
    this.run = run
    this.outer = outer
  }

  /** What is thrown by a promise or callback that the code has forgotten. */
  late(error: unknown): void {
    this.run.host.late(error)
  }
}

/** How something has ended. */
interface Ended {
  readonly ok: boolean
  readonly value: unknown
}

export class FlowRun {
  readonly id: number
  readonly row: FlowRow
  readonly host: FlowHost
  state: FlowState
  /** Why it failed; and what it cannot go on at. */
  failure: ErrorRecord | null = null
  obstacle: ErrorRecord | null = null
  result: unknown
  dismissed = false
  private readonly message: Message
  private readonly conduct: Conduct
  private replay = new Replay([])
  private readonly names = new StepNames()
  /** By the number of the entry with which they began. */
  private readonly steps = new Map<number, Step>()
  private readonly open = new Set<Step>()
  /** Beginnings without an end that the function has come by. */
  private noted: Set<number> | undefined
  /** The step to be done again, and the entries with which steps were. */
  private repeat: number | undefined
  private again: Map<number, number> | undefined
  /** Of that step the end that counts no more: what began after it may be on the way no more; and what of it is not. */
  private failedAt = Number.POSITIVE_INFINITY
  private gone: Set<number> | undefined
  private readonly goneNow: number[] = []
  /** Ends that wait for their turn to be told, in the order of the journal, by the entry with which their step began. */
  private coming = new Map<number, JournalEntry>()
  private lastComing = 0
  /** The last end that it was told of, the last that was looked up, and how many flows it has started are under way. */
  private toldUpTo = 0
  private lookedUpTo = 0
  private subflows = 0
  /** The function has ended: what its branches still begin leads nowhere. */
  private frozen = false
  /** There is no way back any more. */
  private forwardOnly = false
  private mismatch: Error | undefined
  private ended: Ended | undefined
  private undoing: { readonly step: Step; ended: Ended | undefined } | undefined
  /** An undo that waits for the end of a flow that this one has started. */
  private ending: Step | undefined
  private undone: Set<number> | undefined
  /** Steps that may have to be undone, in the order in which they began. */
  private readonly toUndo: Step[] = []
  private undid = false
  private outbox = nothing()
  /** Steps that lost a race and are not taken back yet: it does not end before they are. */
  private losing: Set<Step> | undefined
  /** Up to which number it has had mail, and those for which it goes on, by type: the oldest is always the next. */
  private mailAfter: Map<string, number> | undefined
  /** What goes on for it when its function has returned. */
  private successor: FlowRow | undefined
  /** Inputs that wait for their turn. */
  private inputs: (() => void)[] = []
  /** Whether something is being done with it; and what resolves when it has come to rest. */
  works = false
  private working = Promise.resolve()
  private begins = false
  /** Set when it has gone on by itself, though nothing was told to it. */
  stray: ErrorRecord | undefined

  constructor(host: FlowHost, row: FlowRow, message: Message, conduct: Conduct) {
    this.host = host
    this.row = row
    this.id = row.id
    this.message = message
    this.conduct = conduct
    if (row.mailAfter !== null) this.mailAfter = new Map(Object.entries(row.mailAfter))
    // It comes to what it is stuck at by its journal, as it did.
    this.state = row.state === 'stuck' ? 'running' : row.state
  }

  /** Begins the function; with a journal, up to where that ends, and does the step with the number `repeat` again. */
  async begin(journal: readonly JournalEntry[], repeat?: number): Promise<void> {
    const { entries, again, gone } = withoutVoided(journal)
    if (again.size > 0) this.again = new Map(again)
    for (const n of gone) this.gone = added(this.gone, n)
    this.repeat = repeat
    if (repeat !== undefined) this.failedAt = entries.findLast(({ of }) => of === repeat)?.n ?? this.failedAt
    this.toldUpTo = journal.at(-1)?.n ?? 0
    this.replay = new Replay(repeat === undefined ? entries : entries.filter(({ of }) => of !== repeat))
    if (this.state === 'queued') this.become('running')
    this.begins = true
    this.run(() => this.conduct(this.message, new Flow(this))).then((ended) => {
      this.ended ??= ended.ok ? this.returned(ended.value) : ended
    })
    await this.host.turn()
    while (this.mismatch === undefined) {
      // Cancelled while it was paused: what had ended till then it is not told any more.
      const cancel = this.replay.cancelAhead()
      if (cancel !== undefined) this.cancelNow(cancel.what)
      const entry = this.replay.next()
      if (entry === undefined) break
      this.freezeEnded()
      await this.retell(entry)
    }
    await this.comeToRest()
    this.begins = false
  }

  private async retell(entry: JournalEntry): Promise<void> {
    if (entry.of === null) {
      if (entry.kind === 'cancel') this.cancelNow(entry.what)
      else if (entry.kind === 'resume') this.goOn()
      else if (!this.began(entry.n)) {
        // Undos begin when everything before them has come to rest.
        await this.comeToRest()
        if (!this.began(entry.n)) this.notBegun(entry)
      }
    } else if (this.gone?.has(entry.of) !== true) this.tell(entry)
    await this.host.turn()
  }

  private notBegun(entry: JournalEntry): void {
    if (entry.n > this.failedAt) {
      // It began because a step had failed that is done again now.
      this.replay.drop(entry)
      this.gone = added(this.gone, entry.n)
      this.goneNow.push(entry.n)
    } else {
      const today = this.doing()
      this.mismatched(`the journal goes on with ${named(entry)}, today's code ${today} there`, entry, today)
    }
  }

  private began(n: number): boolean {
    return this.steps.has(n) || this.noted?.has(n) === true
  }

  /** Runs a function of the user outside any branch of another; it cannot throw at anybody. */
  private run(fn: () => unknown): Promise<Ended> {
    return this.host.guard(new Branch(this), async () => {
      try {
        return { ok: true, value: await fn() }
      } catch (value) {
        return { ok: false, value: toldOfFrozen(`mediator "${this.host.spec.name}"`, value) }
      }
    })
  }

  // ── inputs ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Something has come for it. Resolves when it has come to rest again; what it leaves is in the outbox. */
  input(apply: () => void): Promise<void> {
    this.inputs.push(apply)
    if (!this.works) {
      this.works = true
      this.working = this.work()
    }
    return this.working
  }

  private async work(): Promise<void> {
    try {
      while (!this.over && !this.dismissed) {
        // As at a replay: one after the other, in the order of the journal.
        const end = this.nextEnd()
        if (end !== undefined) this.tell(end)
        else {
          const apply = this.inputs.shift()
          if (apply === undefined) return
          apply()
          if (this.coming.size > 0) continue
        }
        await this.host.turn()
        await this.comeToRest()
      }
      this.inputs = []
    } finally {
      this.works = false
    }
  }

  /** The end of a step, which is in the journal already: it is told in its turn. */
  stepEnded(entry: JournalEntry): void {
    const of = this.again?.get(entry.of!) ?? entry.of!
    const step = this.steps.get(of)
    if (this.gone?.has(of) || this.coming.has(of) || step?.outcome !== undefined) return
    // Of an attempt that was given up: what it came to does not count.
    if (step !== undefined && step.attempt !== entry.of) return
    this.coming.set(of, of === entry.of ? entry : { ...entry, of })
    const { lastComing } = this
    this.lastComing = Math.max(lastComing, entry.n)
    if (entry.n < lastComing) this.coming = new Map([...this.coming].sort(([, one], [, other]) => one.n - other.n))
  }

  /** What the journal has comes before what it gets now. */
  private nextEnd(): JournalEntry | undefined {
    if (this.subflows > 0) {
      for (const end of this.host.endsInJournal(Math.max(this.toldUpTo, this.lookedUpTo))) {
        this.lookedUpTo = end.n
        this.stepEnded(end)
      }
    }
    for (const end of this.coming.values()) return end
    return undefined
  }

  /** A time has come: of a sleep, or of a step that took too long. Gives the step where that is to be withdrawn. */
  timeUp(n: number): Step | undefined {
    const step = this.steps.get(n)
    if (step === undefined || step.outcome !== undefined) return undefined
    const { kind, step: name } = step.entry
    if (kind === 'call' || kind === 'flow') return step
    const late = { ok: false, code: 'millrace/step-timed-out', message: `"${name}" took too long` } as const
    this.conclude(step, kind === 'sleep' ? { ok: true, value: null } : late)
    return undefined
  }

  /** The command of a step as it is to be withdrawn. */
  callOf({ entry, attempt }: Step): OpenCall {
    return { id: commandIdOf(this.id, attempt), type: entry.what }
  }

  /** A call that took too long, or that nobody waits for, was withdrawn. */
  withdrawn(step: Step, effects: 'never' | 'unknown', why: 'took too long' | 'lost a race'): void {
    const there = this.steps.get(step.entry.n)
    if (there === undefined || there.outcome !== undefined) return
    const code = why === 'took too long' ? 'millrace/step-timed-out' : 'millrace/step-cancelled'
    this.conclude(there, { ok: false, code, message: `"${step.entry.step}" ${why} and was withdrawn`, effects })
  }

  /** A flow that lost a race was told to end: what becomes of it is its own. */
  letGo(step: Step): void {
    this.losing?.delete(step)
  }

  /** Whether it does not end before a step is taken back. */
  waitsToLose(step: Step): boolean {
    return this.losing?.has(step) === true
  }

  private get loses(): boolean {
    const { losing } = this
    if (losing === undefined) return false
    for (const step of losing) {
      if (step.outcome === undefined) return true
      losing.delete(step)
    }
    return false
  }

  /** Whether a step is told what comes for it: once the function has ended, those of undos alone. */
  private hears({ entry: { step } }: Step): boolean {
    return !this.dismissed && (!this.frozen || isUndo(step))
  }

  /** Up to which number it has had mail of a type. */
  mailHad(type: string): number {
    return this.mailAfter?.get(type) ?? 0
  }

  /** An event that it may wait for; gives whether it took it. */
  mail(n: number, message: Message): boolean {
    if (n <= this.mailHad(message.type)) return false
    for (const step of this.open) {
      if (step.entry.kind !== 'wait' || step.entry.what !== message.type || !this.hears(step)) continue
      this.conclude(step, { ok: true, value: { ...message, context: message.context ?? null, mail: n } })
      return true
    }
    return false
  }

  /** What a person has answered. Errors: `millrace/not-asked`, `millrace/bad-data`. */
  answer(name: string, value: unknown): void {
    const asked = [...this.open].filter((step) => step.entry.kind === 'ask' && this.hears(step))
    const step = asked.find(({ entry }) => entry.step === name)
    if (step === undefined) {
      const names = asked.map(({ entry }) => `"${entry.step}"`)
      const open = names.length === 0 ? 'it asks nothing now' : `it asks ${names.join(', ')}`
      throw fault('millrace/not-asked', `flow ${this.id} does not ask "${name}": ${open}`)
    }
    const answer = check(`answer to "${name}"`, step.plan.schema!, value) ?? null
    this.conclude(step, { ok: true, value: asJson(`answer to "${name}"`, answer, Number.POSITIVE_INFINITY) })
  }

  /** Errors: `millrace/past-no-return`, `millrace/flow-ended`, `millrace/flow-mismatch`. */
  cancel(reason: string): void {
    if (this.mismatch !== undefined) throw this.mismatch
    if (this.forwardOnly) throw pastNoReturn(this.id)
    if (this.frozen) throw fault('millrace/flow-busy', `flow ${this.id} is ${this.state} and cannot be cancelled`)
    this.enter('cancel', '', reason, null)
    this.cancelNow(reason)
  }

  private cancelNow(reason: string): void {
    if (this.frozen || this.forwardOnly) return
    this.failure = { code: 'millrace/flow-cancelled', message: reason }
    this.ended = { ok: false, value: fault('millrace/flow-cancelled', reason) }
  }

  /** Tries the undo again at which it is stuck. */
  resume(): void {
    if (this.state !== 'stuck') return
    this.enter('resume', '', '', null)
    this.goOn()
  }

  private goOn(): void {
    this.undoing = undefined
    this.obstacle = null
    this.become('compensating')
  }

  /** The step at which a run without a way back is stuck. */
  get failedStep(): number | undefined {
    if (!this.forwardOnly || this.ended === undefined) return undefined
    const { value } = this.ended
    for (const { entry, thrown } of this.steps.values()) if (thrown !== undefined && thrown === value) return entry.n
    return undefined
  }

  /** Whether it has passed the point of no return. */
  get onlyForward(): boolean {
    return this.forwardOnly
  }

  /** What is to be written now, once. */
  takeOutbox(): Outbox {
    const { outbox } = this
    this.outbox = nothing()
    return outbox
  }

  /** What is in memory of it counts no more: a person has decided otherwise. */
  dismiss(): void {
    this.dismissed = true
    this.frozen = true
  }

  private readonly root = new Branch(this)
  /** Set while what it leaves is to be written ahead of the disk; resolves after that. */
  ahead: Promise<void> | undefined
  /** Whether it goes on undoing when what it has left is written. */
  waitsForDisk = false
  /** How often it has left something that is not written yet. */
  unwritten = 0

  async rests(): Promise<undefined> {
    await this.working
  }

  /** Whether nothing is being done with it and all of it is written. */
  get isFree(): boolean {
    if (this.works || this.unwritten > 0 || this.ahead !== undefined || this.loses) return false
    return this.outbox.changes.length === 0
  }

  get over(): boolean {
    return flowEnds.includes(this.state)
  }

  // ── steps ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Begins a step that will have an end. */
  step(kind: StepKind, name: string, what: string, plan: StepPlan = {}): Promise<unknown> {
    const entry = this.beginEntry(kind, name, what, plan)
    if (entry === undefined) return never()
    plan.begun?.(entry)
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    // Nobody has to look at it: a branch that lost, a call that was let go.
    promise.catch(() => {})
    let attempt = entry.n
    if (this.again !== undefined)
      for (const [later, first] of this.again) if (first === entry.n && later > attempt) attempt = later
    const step: Step = { entry, attempt, promise, resolve, reject, plan, outcome: undefined, thrown: undefined }
    this.steps.set(entry.n, step)
    this.toUndo.push(step)
    this.open.add(step)
    if (kind === 'flow') this.subflows++
    for (let branch = this.branch; branch !== undefined; branch = branch.outer) branch.steps.push(step)
    return promise
  }

  /** A step that ends as it begins: a value, or a message that leaves. */
  note(kind: StepKind, name: string, what: string, plan: StepPlan = {}): unknown {
    const entry = this.beginEntry(kind, name, what, plan)
    if (entry === undefined) return undefined
    this.noted = added(this.noted, entry.n)
    return entry.data
  }

  /** What a flow that had passed here before there was such a change finds: 0. */
  version(change: string, latest: number): number {
    const passed = this.replay.hasSteps && this.replay.step(this.names.next(change)) === undefined
    if (passed) {
      this.names.take(change)
      return 0
    }
    return (this.note('version', change, '', { data: () => latest }) as number | undefined) ?? latest
  }

  /** When the function has returned another flow goes on in its place. */
  continueAs(data: unknown): void {
    const { spec } = this.host
    let next: FlowRow | undefined
    const make = (n: number) => {
      next = this.host.newFlow(spec, data, commandIdOf(this.id, n))
      return null
    }
    const entry = this.beginEntry('continue', 'continue', spec.name, { data: make })
    if (entry === undefined) return
    this.noted = added(this.noted, entry.n)
    if (next === undefined) make(entry.n)
    this.successor = next
  }

  /** Another flow goes on in its place, which has what it had: its value of `oncePer`, its turn, its parent, its mail. */
  private goOnAs(next: FlowRow): void {
    const { once, parent, context } = this.row
    const inPlace = next.context === context
    const row: FlowRow = {
      ...next,
      state: inPlace ? 'running' : next.state,
      mailAfter: inPlace && this.mailAfter !== undefined ? Object.fromEntries(this.mailAfter) : null,
      continues: this.id,
      once,
      parent,
    }
    this.outbox.changes.push({ do: 'start', row })
    this.outbox.starts.push(row.id)
  }

  /** Whether it has ended and another flow goes on in its place. */
  get goesOn(): boolean {
    return this.state === 'completed' && this.successor !== undefined
  }

  noReturn(): void {
    this.note('no return', 'no return', '')
    if (!this.frozen) this.forwardOnly = true
  }

  /** Runs branches until one has ended; what the others have under way then is withdrawn. */
  async race(branchesOf: readonly (() => unknown)[]): Promise<unknown> {
    const outer = this.branch
    const all = branchesOf.map(() => new Branch(this, outer))
    const running = branchesOf.map((fn, index) => this.host.guard(all[index]!, async () => fn()))
    let first = -1
    try {
      return await Promise.race(
        running.map((one, index) =>
          one.finally(() => {
            if (first === -1) first = index
          }),
        ),
      )
    } finally {
      all.forEach((branch, index) => {
        if (index !== first) this.lose(branch)
      })
    }
  }

  private lose(branch: Branch): void {
    branch.over = true
    for (const step of branch.steps) {
      if (step.outcome !== undefined) continue
      const { kind, step: name } = step.entry
      if (kind === 'call' || kind === 'flow') {
        this.outbox.lost.push(step)
        this.losing = added(this.losing, step)
      } else this.conclude(step, { ok: false, code: 'millrace/step-cancelled', message: `"${name}" lost a race` })
    }
  }

  private get branch(): Branch | undefined {
    const owner = this.host.owner()
    return owner instanceof Branch && owner.run === this ? owner : undefined
  }

  private get leadsNowhere(): boolean {
    if (this.frozen && !this.names.inUndo) return true
    for (let { branch } = this; branch !== undefined; branch = branch.outer) if (branch.over) return true
    return this.mismatch !== undefined
  }

  private beginEntry(kind: StepKind, name: string, what: string, plan: StepPlan): JournalEntry | undefined {
    if (this.leadsNowhere) return undefined
    if (!this.works && !this.begins) {
      this.strays(kind, name, what)
      return undefined
    }
    const step = this.names.take(name)
    const known = this.replay.step(step)
    if (known !== undefined) {
      if (known.kind !== kind || known.what !== what) {
        const today = `${kind} "${step}"${what === '' ? '' : ` (${what})`}`
        this.mismatched(`today's code does ${today} where the journal has ${named(known)}`, known, today)
        return undefined
      }
      return known.n === this.repeat ? this.doAgain(known, plan) : known
    }
    const n = this.host.entryId()
    const leaves = whatLeaves(plan, n)
    if (this.replay.hasSteps) {
      const next = this.replay.steps().find(({ n }) => n <= this.failedAt && !this.began(n))
      if (next !== undefined) {
        const today = `${kind} "${step}"${what === '' ? '' : ` (${what})`}`
        this.mismatched(`today's code does ${today}, the journal goes on with ${named(next)}`, next, today)
        return undefined
      }
    }
    const entry = this.enter(kind, step, what, plan.data?.(n) ?? null, n)
    this.leave(entry, plan, leaves)
    return entry
  }

  /** A step that had failed is done again, as a new attempt of its own number. */
  private doAgain(entry: JournalEntry, plan: StepPlan): JournalEntry {
    this.repeat = undefined
    const n = this.host.entryId()
    const leaves = whatLeaves(plan, n)
    const data = plan.data?.(n) ?? {}
    // What is gone is known when the journal is told, before this is written.
    this.enter('again', entry.step, entry.what, { ...data, of: entry.n, gone: this.goneNow } satisfies Again, n)
    this.again ??= new Map()
    this.again.set(n, entry.n)
    const anew = { ...entry, data, at: this.host.now() }
    this.leave(anew, plan, leaves)
    return anew
  }

  private leave(entry: JournalEntry, { dueAt, change }: StepPlan, { outgoing, started }: Leaving): void {
    const { changes, starts } = this.outbox
    const { kind, n } = entry
    if (outgoing !== undefined) this.outbox.outgoing.push(outgoing)
    if (dueAt !== undefined) changes.push({ do: 'timer', flow: this.id, n, due: dueAt })
    if (kind === 'wait') this.outbox.waits = true
    if (kind === 'ask') changes.push({ do: 'ask', flow: this.id, entry })
    if (change !== undefined) changes.push(change)
    if (started === undefined) return
    changes.push({ do: 'start', row: started })
    starts.push(started.id)
  }

  private enter(kind: StepKind, step: string, what: string, data: unknown, n = this.host.entryId()): JournalEntry {
    const entry: JournalEntry = { n, of: null, kind, step, what, data, at: this.host.now() }
    this.outbox.changes.push({ do: 'entry', flow: this.id, entry })
    return entry
  }

  /** The end of a step, by the run itself. */
  private conclude(step: Step, outcome: Outcome): void {
    const { n, step: name, kind, what } = step.entry
    // Told before: the journal has it already.
    const before = this.replay.endOf(n)
    if (before !== undefined) {
      this.tellUpTo(before)
      return
    }
    for (let end = this.nextEnd(); end !== undefined; end = this.nextEnd()) this.tell(end)
    if (step.outcome !== undefined) return
    const entry: JournalEntry = {
      n: this.host.entryId(),
      of: n,
      kind,
      step: name,
      what,
      data: outcome,
      at: this.host.now(),
    }
    this.outbox.changes.push({ do: 'entry', flow: this.id, entry }, { do: 'untimer', flow: this.id, n })
    this.tell(entry)
  }

  /** What the journal has before an end was told before it then, and is so now. */
  private tellUpTo(last: JournalEntry): void {
    for (const end of this.replay.endsLeft()) {
      if (this.steps.has(end.of!)) {
        this.replay.tell(end)
        this.tell(end)
      }
      if (end === last) return
    }
  }

  /** Tells the function how a step has ended. */
  private tell(entry: JournalEntry): void {
    const step = this.steps.get(entry.of!)
    this.coming.delete(entry.of!)
    this.toldUpTo = Math.max(this.toldUpTo, entry.n)
    if (step === undefined) {
      const begun = this.replay.entry(entry.of!) ?? entry
      const what = `the journal has the end of ${named(begun)}, which today's code has not begun`
      this.mismatched(what, begun, this.doing())
      return
    }
    if (step.outcome !== undefined) return
    const outcome = entry.data as Outcome
    step.outcome = outcome
    this.open.delete(step)
    if (step.entry.kind === 'flow') this.subflows--
    const mail = outcome.ok ? (outcome.value as { mail?: number } | null)?.mail : undefined
    if (mail !== undefined && step.entry.kind === 'wait') {
      this.mailAfter ??= new Map()
      this.mailAfter.set(step.entry.what, mail)
    }
    // What belongs to the function is not told any more once it has ended; undos look at the outcome.
    if (this.frozen && !isUndo(step.entry.step)) return
    const { command } = step.plan
    if (outcome.ok) step.resolve(command === undefined || command.reply !== undefined ? outcome.value : undefined)
    else {
      const error = errorOf(outcome)
      this.host.blame(error, this.root)
      step.thrown = error
      step.reject(error)
    }
  }

  /** What the function does now, for people. */
  private doing(): string {
    const { ended, open } = this
    if (ended?.ok) return 'returns'
    if (ended !== undefined) return `fails with ${recordError(ended.value).message}`
    if (open.size === 0) return 'waits for something that is no step of `flow`'
    return `waits for ${[...open].map(({ entry }) => named(entry)).join(', ')}`
  }

  private mismatched(what: string, journal: JournalEntry, code: string): void {
    if (this.mismatch !== undefined) return
    const where = `mediator "${this.host.spec.name}" version ${this.row.version}, flow ${this.id}`
    const data = { journal: named(journal), code, after: this.passed(3) }
    this.mismatch = fault('millrace/flow-mismatch', `${where}: ${what}`, { data })
  }

  /** The last steps that the function has come by. */
  private passed(count: number): string[] {
    const begun = this.replay.steps().filter(({ n }) => this.began(n))
    return begun.slice(-count).map(named)
  }

  // ── the end ────────────────────────────────────────────────────────────────────────────────────────────────────

  private async comeToRest(): Promise<void> {
    if (this.mismatch !== undefined) {
      this.halt('paused', recordError(this.mismatch))
      return
    }
    if (this.over || this.state === 'stuck' || this.state === 'paused') return
    if (this.ended === undefined) {
      this.checkWaits()
      return
    }
    if (this.ended.ok) {
      this.frozen = true
      if (!this.loses) this.complete(this.ended.value)
      return
    }
    if (this.forwardOnly) {
      this.failure = recordError(this.ended.value)
      this.halt('stuck', this.failure)
      return
    }
    // What other branches were about to begin leads nowhere now.
    if (this.freezeFailed()) await this.host.turn()
    await this.compensate()
  }

  /** Once the function has returned or failed its branches are told nothing more. */
  private freezeEnded(): void {
    if (this.ended?.ok === true) this.frozen = true
    else this.freezeFailed()
  }

  private freezeFailed(): boolean {
    if (this.frozen || this.forwardOnly || this.ended === undefined || this.ended.ok) return false
    this.frozen = true
    this.failure ??= recordError(this.ended.value)
    return true
  }

  /** What the function has returned, where JSON carries it; else it has failed with that. */
  private returned(value: unknown): Ended {
    if (value === undefined) return { ok: true, value }
    try {
      const what = `result of mediator "${this.host.spec.name}"`
      return { ok: true, value: asJson(what, value, Number.POSITIVE_INFINITY) }
    } catch (error) {
      return { ok: false, value: error }
    }
  }

  private complete(result: unknown): void {
    this.result = result
    this.become('completed')
    if (this.successor !== undefined) this.goOnAs(this.successor)
  }

  /** Whoever waits and has no step under way waits for something that no journal has. */
  private checkWaits(): void {
    if (this.open.size > 0 || !this.replay.over || this.state !== 'running') return
    const where = `mediator "${this.host.spec.name}", flow ${this.id}`
    const last = [...this.steps.values()].at(-1)
    const after = last === undefined ? 'at its beginning' : `after "${last.entry.step}"`
    const what = `${where}: it waits ${after} for something that is no step of \`flow\``
    this.halt('paused', recordError(fault('millrace/flow-waits-outside', what)))
  }

  /** The same of an undo. */
  private checkUndoWaits({ entry }: Step): void {
    const isOfUndo = (step: Step) => isUndoOf(step.entry.step, entry.step)
    if (!this.replay.over || this.state !== 'compensating' || [...this.open].some(isOfUndo)) return
    const what = `undo of "${entry.step}": it waits for something that is no step of \`flow\``
    this.halt('stuck', recordError(fault('millrace/flow-waits-outside', what)))
  }

  /** It begins a step though nothing was told to it: it has waited for what is no step. */
  private strays(kind: StepKind, step: string, what: string): void {
    const where = `mediator "${this.host.spec.name}", flow ${this.id}`
    const said = `${where}: it came to ${named({ kind, step, what })} after waiting for something that is no step of \`flow\``
    this.stray ??= recordError(fault('millrace/flow-waits-outside', said))
    this.host.strayed(this.stray)
  }

  /** It is not run any more, with the reason why. */
  pause(why: ErrorRecord): void {
    if (this.state === 'running' || this.state === 'compensating') this.halt('paused', why)
  }

  private halt(state: 'paused' | 'stuck', why: ErrorRecord): void {
    this.obstacle = why
    this.become(state)
  }

  /** The last step that is to be undone; what is not, or is, is never looked at again. */
  private lastToUndo(): Step | undefined {
    for (; ; this.toUndo.pop()) {
      const step = this.toUndo.at(-1)
      if (step === undefined) return undefined
      const { plan, entry, outcome } = step
      const undoable = plan.undo !== undefined || (entry.kind === 'flow' && outcome === undefined)
      if (undoable && !this.undone?.has(entry.n)) return step
    }
  }

  /** Goes on undoing as far as that goes without waiting. */
  private async compensate(): Promise<void> {
    for (;;) {
      const { undoing } = this
      if (undoing !== undefined) {
        if (undoing.ended === undefined) {
          this.checkUndoWaits(undoing.step)
          return
        }
        this.undoing = undefined
        if (!undoing.ended.ok) {
          const why = recordError(undoing.ended.value)
          this.halt('stuck', { ...why, message: `undo of "${undoing.step.entry.step}": ${why.message}` })
          return
        }
        this.undone = added(this.undone, undoing.step.entry.n)
        this.undid = true
      }
      const step = this.lastToUndo()
      if (step === undefined) {
        if (this.loses) return
        this.become(this.undid ? 'compensated' : 'failed')
        return
      }
      if (step.entry.kind === 'flow' && step.outcome === undefined && !this.tellEnd(step)) {
        this.become('compensating')
        if (this.ending !== step) this.outbox.lost.push(step)
        this.ending = step
        return
      }
      if (this.isOpen(step) && this.outbox.changes.length > 0) {
        // Why it is taken back has to be on disk before a command is: else a crash would leave it neither way.
        this.become('compensating')
        this.waitsForDisk = true
        return
      }
      const taken = await this.takenBy(step)
      if (taken === undefined || step.plan.undo === undefined) {
        this.undone = added(this.undone, step.entry.n)
        this.undid ||= step.entry.kind === 'flow'
        continue
      }
      this.become('compensating')
      this.beginUndo(step, taken)
      await this.host.turn()
    }
  }

  /** Whether the end of a step is neither told nor in the journal. */
  private isOpen({ outcome, entry }: Step): boolean {
    return outcome === undefined && this.replay.endOf(entry.n) === undefined && !this.coming.has(entry.n)
  }

  /** What it has left is written. */
  saved(): void {
    this.waitsForDisk = false
  }

  /** Tells the end of a step that the journal has; gives whether it has it. */
  private tellEnd({ entry }: Step): boolean {
    const end = this.replay.endOf(entry.n)
    if (end === undefined) return false
    this.replay.tell(end)
    this.tell(end)
    return true
  }

  /** What a step with an undo has come to; an open one is withdrawn first. Undefined: it had no effect. */
  private async takenBy(step: Step): Promise<StepResult | undefined> {
    const commandId = this.commandId(step)
    if (step.outcome === undefined && !this.tellEnd(step)) {
      const effects = await this.host.withdraw(this.callOf(step))
      // It may have ended while it was being withdrawn.
      if (step.outcome === undefined) {
        this.conclude(step, { ok: false, code: 'millrace/flow-cancelled', message: 'withdrawn', effects })
      }
    }
    const outcome = step.outcome!
    if (outcome.ok) return { state: 'done', reply: outcome.value, commandId }
    return outcome.effects === 'unknown' ? { state: 'unknown', commandId } : undefined
  }

  private commandId({ entry, attempt }: Step): string {
    const copied = (entry.data as { commandId?: string } | null)?.commandId
    return attempt === entry.n ? (copied ?? commandIdOf(this.id, entry.n)) : commandIdOf(this.id, attempt)
  }

  private beginUndo(step: Step, taken: StepResult): void {
    this.names.openUndo(step.entry.step)
    const undoing: NonNullable<FlowRun['undoing']> = { step, ended: undefined }
    this.undoing = undoing
    this.run(() => step.plan.undo!(taken)).then((ended) => {
      undoing.ended = ended
    })
  }

  private become(state: FlowState): void {
    if (this.state === state && state !== 'paused') return
    this.state = state
    const endedAt = this.over ? this.host.now() : null
    const { result } = this
    const error = this.obstacle ?? this.failure
    this.outbox.changes.push({ do: 'state', flow: this.id, state, error, result, endedAt })
  }

  /** The types that it waits for now. */
  get awaited(): ReadonlySet<string> {
    const waits = [...this.open].filter((step) => step.entry.kind === 'wait' && this.hears(step))
    return new Set(waits.map(({ entry }) => entry.what))
  }
}

/** Sets that most flows need never are made when something comes into them: thousands of flows are in memory. */
const added = <T>(set: Set<T> | undefined, value: T): Set<T> => (set ?? new Set<T>()).add(value)

export const pastNoReturn = (id: number) =>
  fault('millrace/past-no-return', `flow ${id} has passed its point of no return: it only goes forward`)

interface Leaving {
  readonly outgoing: Stored | undefined
  readonly started: FlowRow | undefined
}

/** Made before anything is left, so that data that do not fit leave nothing, and throw at each replay as they did. */
const whatLeaves = (plan: StepPlan, n: number): Leaving => ({ outgoing: plan.outgoing?.(n), started: plan.starts?.(n) })

/** A step as people know it. */
function named({ kind, step, what }: Pick<JournalEntry, 'kind' | 'step' | 'what'>): string {
  return `${kind} "${step}"${what === '' || what === step ? '' : ` (${what})`}`
}

function errorOf(outcome: Outcome & { readonly ok: false }): Error {
  const { code, message, data } = outcome
  if (code === 'refused') return new Refused(message, data)
  const why = code === 'millrace/subflow-failed' ? (data as SubflowFailed | undefined)?.error : undefined
  const cause = why?.code === 'refused' ? new Refused(why.message, why.data) : undefined
  return fault(isErrorCode(code) ? code : 'millrace/step-timed-out', message, { data, cause })
}

const never = () => new Promise<never>(() => {})
