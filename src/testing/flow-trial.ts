// One run of a flow by a script. The run is the engine's own, with a host that only records: its messages go nowhere, and
// its steps end by the script.
import type { FlowHost, Outbox } from '../engine/flow/host.ts'
import { FlowRun } from '../engine/flow/run.ts'
import { decode, type Stored } from '../model/codec.ts'
import { fault } from '../model/errors.ts'
import { commandIdOf, type JournalEntry, outcomeOfFlow, type Outcome as StepOutcome } from '../model/flow.ts'
import { type FlowRow, newFlowRow } from '../model/flow-views.ts'
import type { Command, Message, MessageType } from '../model/message.ts'
import { suggest } from '../model/names.ts'
import type { Mediator } from '../parts/mediator.ts'
import type { World } from '../seam/world.ts'
import type { FlowOutcome } from './expected-flow.ts'
import { FlowRecord } from './flow-record.ts'
import type { Script } from './flow-script.ts'
import { origin, stored } from './trial.ts'

/** The most steps of one flow; after them it counts as endless. */
const stepsMax = 10_000

/** Runs a flow by a script. */
export class FlowTrial {
  private readonly part: Mediator
  private readonly script: Script
  private readonly world: World
  private readonly run: FlowRun
  private readonly types: ReadonlyMap<string, MessageType>
  private readonly open = new Map<number, { readonly entry: JournalEntry; readonly data: unknown }>()
  private readonly timers = new Map<number, number>()
  private readonly seen = new FlowRecord()
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
    const { name: mediator, spec } = this.part
    return newFlowRow({ id: this.flows++, mediator, version: spec.version, message, startedAt: this.now })
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
      prompted: () => {},
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
      unprompted: (why) => this.run.pause(why),
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
    const { called, sent, published, undone, steps } = this.seen
    const { result, error } = run.ending
    const { state } = run.status
    return Object.freeze({ called, sent, published, undone, steps, state, result, error: error ?? undefined })
  }

  private wrong(what: string): Error {
    return fault('millrace/bad-option', `given mediator "${this.part.name}": ${what}`)
  }

  /** Takes its pending requests; returns true when nothing more comes from it. */
  private rests(): boolean {
    this.take(this.run.journal.take())
    return this.run.status.hasEnded || this.run.status.isHalted
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
    const { n, of, kind } = entry
    if (of !== null) {
      this.open.delete(of)
      return
    }
    const type = message && this.types.get(message.type)
    const data = type === undefined ? undefined : (decode(type, message!) as Message).data
    if (!this.seen.add(entry, type, data)) return
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
      return this.ending(gone, effects)
    }
    for (const { entry, data } of this.open.values()) {
      const input = this.inputOf(entry, data)
      if (input !== undefined) return input
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

  private inputOf(entry: JournalEntry, data: unknown): (() => void) | undefined {
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
      return this.ending(entry, { ok: true, value: null })
    }
    if (kind === 'call') return this.ending(entry, end)
    const { flow } = entry.data as { flow: number }
    const row = { id: flow, mediator: what, error: null, result: end.ok ? end.value : undefined }
    if (end.ok) return this.ending(entry, outcomeOfFlow({ ...row, state: 'completed' }))
    const error = { code: 'Error', message: end.message }
    return this.ending(entry, outcomeOfFlow({ ...row, state: 'compensated', error }))
  }

  private ending({ n: of, kind }: JournalEntry, data: StepOutcome): () => void {
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
      if (this.seen.steps.includes(name)) continue
      throw this.wrong(`no step "${name}" began${suggest(name, this.seen.steps)}`)
    }
  }
}
