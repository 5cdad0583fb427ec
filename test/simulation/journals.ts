// Flows as the model follows them: the rows, the journals, the times and the mail of all, whenever something has become
// durable, and against these the log and the rows that the handlers of their commands have left.
import assert from 'node:assert/strict'
import { type FlowState, flowEnds } from '../../src/model/flow.ts'
import type { Item, Read } from './desk.ts'
import { isOpen, type Logged, type Model } from './model.ts'

/** What the model has to know of a mediator. */
export interface FlowKnown {
  readonly name: string
  readonly serial: boolean
  /** Whether only the first of some events starts a flow. */
  readonly once: boolean
  readonly startedBy: string
  /** The topic whose events start its flows; only others start those of one without. */
  readonly topic: string | undefined
}

interface FlowRow {
  readonly id: number
  readonly mediator: string
  readonly context: string
  readonly state: FlowState
  readonly message: string
  readonly once: string | null
  readonly parent_flow: number | null
  readonly parent_n: number | null
  /** The flow that it goes on for. */
  readonly continues: number | null
  readonly error: string | null
  readonly ended_at: number | null
}

interface EntryRow {
  readonly flow: number
  readonly n: number
  readonly of_n: number | null
  readonly kind: string
  readonly step: string
  readonly data: string | null
}

type End = { readonly ok: boolean; readonly code?: string; readonly effects?: string; readonly value?: unknown }

interface Flow {
  readonly known: FlowKnown
  readonly messageId: string
  row: FlowRow
  /** In the order of their numbers. */
  entries: EntryRow[]
  /** By the entry with which a step began, the last where it was done again. */
  readonly ends: Map<number, { readonly n: number; readonly end: End }>
  judged: boolean
}

interface Mail {
  readonly n: number
  readonly mediator: string
  readonly context: string
  readonly type: string
}

const undoOf = /^undo (.*?)(#\d+)?\/back$/
const codesOfCode = ['millrace/flow-mismatch', 'millrace/flow-waits-outside']

export class FlowModel {
  private readonly model: Model
  private readonly mediators: readonly FlowKnown[]
  private readonly flows = new Map<number, Flow>()
  private readonly started = new Map<string, number>()
  private readonly entries = new Map<number, EntryRow>()
  private mails: Mail[] = []
  private timers = new Set<string>()
  private dues = new Map<string, number>()
  private delayed = new Set<string>()
  private questions = 0
  private withdrawn: string[] = []
  /** When it was looked at last. */
  private now = 0
  private readonly checked = new Map<number, number>()

  constructor(model: Model, mediators: readonly FlowKnown[]) {
    this.model = model
    this.mediators = mediators
  }

  // ── what becomes durable ───────────────────────────────────────────────────────────────────────────────────────

  read(all: Read, now: number): void {
    if (this.mediators.length === 0) return
    this.now = now
    this.questions = all('select 1 from millrace_questions').length
    this.withdrawn = all<{ id: string }>('select id from millrace_withdrawn').map(({ id }) => id)
    this.mails = all<Mail>('select n, mediator, context, type from millrace_mail order by n')
    const timers = all<{ due: number; flow: number; n: number }>('select due, flow, n from millrace_flow_timers')
    this.timers = new Set(timers.map(({ flow, n }) => `${flow}/${n}`))
    this.dues = new Map(timers.map(({ due, flow, n }) => [`${flow}/${n}`, due]))
    this.delayed = new Set(
      all<{ id: string }>("select message_id as id from millrace_timers where message_id like 'flow/%'").map(
        ({ id }) => id,
      ),
    )
    const rows = all<FlowRow>(
      `select id, mediator, context, state, message, once, parent_flow, parent_n, continues, error, ended_at
       from millrace_flows order by id`,
    )
    assert.equal(rows.filter(({ id }) => this.flows.has(id)).length, this.flows.size, 'a flow is gone')
    for (const row of rows) this.readFlow(row)
    this.readJournals(all<EntryRow>('select flow, n, of_n, kind, step, data from millrace_journal order by n'))
    this.readTurns()
    for (const flow of this.flows.values()) this.judge(flow)
    this.readStarts()
    this.readCommands()
  }

  private readFlow(row: FlowRow): void {
    const { id, mediator, state, message, ended_at: endedAt } = row
    const what = `flow ${id} of "${mediator}"`
    const before = this.flows.get(id)
    if (before === undefined) {
      const known = this.mediators.find(({ name }) => name === mediator)!
      const { id: messageId } = JSON.parse(message) as { id: string }
      const key = `${mediator} ${messageId}`
      const other = this.started.get(key)
      assert(other === undefined, `${messageId} has started flows ${other} and ${id} of "${mediator}"`)
      this.started.set(key, id)
      this.flows.set(id, { known, messageId, row, entries: [], ends: new Map(), judged: false })
    } else {
      if (before.row.ended_at !== null)
        assert.deepEqual({ ...row }, { ...before.row }, `${what} had ended and has changed`)
      before.row = row
    }
    assert.equal(endedAt !== null, flowEnds.includes(state), `${what} is ${state}`)
    const { code, message: why } = JSON.parse(row.error ?? '{}') as { code?: string; message?: string }
    assert(state !== 'paused' || !codesOfCode.includes(code!), `${what} is paused: ${why}`)
  }

  /** An end gets a higher number where its flow was told something else before the end. */
  private forgetRenumbered(rows: readonly EntryRow[]): void {
    const there = new Set(rows.map(({ n }) => n))
    for (const { flow: id, n, of_n: of, data } of [...this.entries.values()]) {
      if (there.has(n) || of === null) continue
      if (!rows.some((row) => row.flow === id && row.of_n === of && row.data === data && row.n > n)) continue
      this.entries.delete(n)
      const flow = this.flows.get(id)!
      flow.entries = flow.entries.filter((entry) => entry.n !== n)
      if (flow.ends.get(of)?.n === n) flow.ends.delete(of)
    }
  }

  private readJournals(rows: readonly EntryRow[]): void {
    this.forgetRenumbered(rows)
    let known = 0
    const fresh: EntryRow[] = []
    for (const row of rows) {
      const before = this.entries.get(row.n)
      if (before === undefined) fresh.push(row)
      else {
        known++
        assert(before.flow === row.flow && before.data === row.data, `entry ${row.n} of flow ${row.flow} has changed`)
      }
    }
    assert.equal(known, this.entries.size, 'a journal has lost an entry')
    for (const row of fresh) {
      this.entries.set(row.n, row)
      const flow = this.flows.get(row.flow)
      assert(flow !== undefined, `entry ${row.n} is of flow ${row.flow}, which there is not`)
      flow.entries.push(row)
      this.readEntry(flow, row)
    }
    for (const id of new Set(fresh.map(({ flow }) => flow))) this.flows.get(id)!.entries.sort((a, b) => a.n - b.n)
  }

  private readEntry(flow: Flow, { n, of_n: of, data, flow: id, kind }: EntryRow): void {
    const what = `flow ${id} of "${flow.known.name}"`
    if (of === null) {
      if (kind === 'again') {
        // The end of the attempt before counts no more.
        const { of: first } = JSON.parse(data!) as { of: number }
        const before = this.attemptsOf(flow, first)
        for (const attempt of before) flow.ends.delete(attempt)
      }
      return
    }
    const began = this.entries.get(of)
    assert(
      began !== undefined && began.flow === id && began.of_n === null,
      `${what} has the end of ${of}, which began not`,
    )
    const last = this.attemptsOf(flow, of).at(-1)!
    const before = flow.ends.get(of)
    if (before !== undefined && last > before.n) {
      flow.ends.set(of, { n, end: JSON.parse(data!) as End })
      return
    }
    // People may discard what was withdrawn, and take back what was discarded: the flow has gone on before.
    const { code } = JSON.parse(data!) as End
    const byPeople = [before?.end.code, code].includes('millrace/request-discarded')
    if (before !== undefined && byPeople) return
    assert(before === undefined, `${what}: "${began.step}" has ended at ${before?.n} and at ${n}`)
    flow.ends.set(of, { n, end: JSON.parse(data!) as End })
  }

  /** The entries with which a step began, and with which it was done again. */
  private attemptsOf({ entries }: Flow, first: number): number[] {
    const again = entries.filter(({ kind, data, n }) => {
      if (kind !== 'again') return false
      return (JSON.parse(data!) as { of: number }).of === first && n !== first
    })
    return [first, ...again.map(({ n }) => n)]
  }

  private endOf(flow: Flow, first: number): End | undefined {
    for (const n of this.attemptsOf(flow, first).reverse()) {
      const found = flow.ends.get(n)
      if (found !== undefined) return found.end
    }
    return undefined
  }

  /** Flows of one context, one after the other. */
  private readTurns(): void {
    const begun = new Map<string, number>()
    for (const { row, known } of this.flows.values()) {
      if (!known.serial) {
        assert.notEqual(row.state, 'queued', `flow ${row.id} is queued`)
        continue
      }
      if (row.ended_at !== null || row.state === 'queued') continue
      if (row.continues !== null) {
        const { continues, id } = row
        const since = this.flows.get(continues)!.entries.at(-1)!.n
        const between = [...this.flows.values()].filter(({ row: other, known: its, entries }) => {
          const begun = its === known && other.context === row.context && entries.length > 0
          return begun && other.id !== id && entries[0]!.n > since
        })
        assert.deepEqual(between, [], `a flow has begun between ${continues} and ${id}, which goes on for it`)
      }
      const lane = `${row.mediator} ${row.context}`
      const other = begun.get(lane)
      assert(other === undefined, `flows ${other} and ${row.id} of "${lane}" run side by side`)
      begun.set(lane, row.id)
    }
  }

  // ── each flow ──────────────────────────────────────────────────────────────────────────────────────────────────

  private judge(flow: Flow): void {
    const { row, entries } = flow
    const what = `flow ${row.id} of "${row.mediator}"`
    if (row.parent_flow !== null && row.ended_at !== null && !this.isContinued(flow)) {
      const parent = this.flows.get(row.parent_flow)!
      const told = parent.entries.some(({ of_n: of }) => of === row.parent_n) || parent.row.ended_at !== null
      assert(told, `${what} has ended and flow ${row.parent_flow}, which waits for it, was not told`)
    }
    if (row.ended_at === null) {
      this.judgeTimes(flow)
      return
    }
    if (flow.judged) return
    flow.judged = true
    const steps = entries.filter(({ of_n: of, kind, step }) => {
      return of === null && (kind === 'call' || kind === 'flow') && !step.startsWith('undo ')
    })
    const undos = entries.filter(({ of_n: of, step }) => of === null && undoOf.test(step))
    const undone = undos.filter(({ n }) => this.endOf(flow, n)?.ok === true).map(({ step }) => undoOf.exec(step)![1]!)
    const effects = steps.filter(({ step, n }) => {
      const end = this.endOf(flow, n)
      return step.startsWith('u') && end !== undefined && (end.ok || end.effects === 'unknown')
    })
    const names = effects.map(({ step }) => step).reverse()
    if (row.state === 'completed') assert.equal(undos.length, 0, `${what} is completed, and undid something`)
    else if (row.state === 'compensated') assert.deepEqual(undone, names, `what ${what} has undone`)
    else if (row.state === 'failed') {
      assert.deepEqual([undos.length, names], [0, []], `${what} has failed, and had something to undo`)
    }
    const late = [...this.timers].filter((timer) => timer.startsWith(`${row.id}/`))
    assert.deepEqual(late, [], `times of ${what}, which has ended`)
  }

  private isContinued({ row: { id } }: Flow): boolean {
    for (const { row } of this.flows.values()) if (row.continues === id) return true
    return false
  }

  /** The numbers of the mail that a flow has had, and those for which it goes on. */
  private mailsOf(flow: Flow): number[] {
    const had = flow.entries.flatMap(({ of_n: of, data }) => {
      const mail = of === null ? undefined : ((JSON.parse(data!) as End).value as { mail?: number } | null)?.mail
      return mail ?? []
    })
    const before = flow.row.continues === null ? undefined : this.flows.get(flow.row.continues)
    return before?.row.context === flow.row.context ? [...this.mailsOf(before), ...had] : had
  }

  /** Who sleeps has a time to wake. */
  private judgeTimes({ row, entries, ends }: Flow): void {
    for (const { n, kind, of_n: of, step } of entries) {
      if (of !== null || kind !== 'sleep' || ends.has(n)) continue
      const due = this.dues.get(`${row.id}/${n}`)
      assert(row.state !== 'paused' || due === undefined || due < 0, `flow ${row.id} is paused, and its time comes`)
      assert(due !== undefined, `flow ${row.id} sleeps at "${step}" and has no time to wake`)
    }
  }

  // ── what starts flows, and what they leave ─────────────────────────────────────────────────────────────────────

  /** Whoever is done with an initiating event has started a flow. */
  private readStarts(): void {
    for (const { name, startedBy, once, topic } of this.mediators) {
      if (topic === undefined) continue
      const place = this.model.places.get(name)
      if (place === undefined) continue
      for (const { position, id, type } of this.model.log.get(place.stream)!) {
        if (type !== startedBy) continue
        const item = place.items.get(position)
        const handled: boolean = place.done.has(position) && !isOpen(item) && item?.last !== 'discarded'
        const started = this.started.has(`${name} ${id}`)
        if (once && !started) continue
        assert.equal(started, handled, `whether ${id} has started a flow of "${name}", and is done`)
      }
    }
  }

  /** Commands and events of flows are in the log, once, and were handled as their journals have it. */
  private readCommands(): void {
    const worker = this.model.places.get('worker')
    for (const [id, flow] of this.flows) {
      const from = this.checked.get(id) ?? 0
      let upTo = from
      for (const { n, of_n: of, kind, step } of flow.entries) {
        if (of !== null || !['call', 'send', 'publish', 'again'].includes(kind)) continue
        const command = `flow/${id}/${n}`
        if (n > from && kind !== 'again') {
          const left = this.model.byId.has(command) || this.delayed.has(command)
          assert(left, `flow ${id} began "${step}", and its message is not there`)
          upTo = Math.max(upTo, n)
        }
        if (kind !== 'call' && kind !== 'again') continue
        const message = this.model.byId.get(command)
        if (message === undefined || worker === undefined) continue
        const row = worker.rows.has(message.position)
        const end = this.everEnded(flow, n)
        if (row)
          assert(
            end?.ok === true || end?.code === 'millrace/request-discarded',
            `${command} was handled, and flow ${id} has it as ${JSON.stringify(end)}`,
          )
        else assert(end?.ok !== true, `flow ${id} has "${step}" as done, and it was not handled`)
      }
      this.checked.set(id, upTo)
    }
  }

  /** The end of an attempt, also where it was made again. */
  private everEnded({ entries, ends }: Flow, n: number): End | undefined {
    const found = ends.get(n)?.end
    if (found !== undefined) return found
    const entry = entries.find(({ of_n: of }) => of === n)
    return entry && (JSON.parse(entry.data!) as End)
  }

  /** A message of a flow is in its journal. */
  logged(id: string): void {
    const [, flow, n] = id.split('/')
    const entry = this.entries.get(Number(n))
    assert(entry?.flow === Number(flow), `${id} is in the log, and not in the journal of its flow`)
  }

  /** A command of a flow is about to be handled. */
  mayStart(id: string): void {
    const [, flow, n] = id.split('/')
    const entry = this.flows.get(Number(flow))
    const end = entry && this.everEnded(entry, Number(n))
    assert(
      end === undefined || end.code === 'millrace/request-discarded',
      `${id} is handled, and was ${JSON.stringify(end)}`,
    )
  }

  /** Whether a command that is done may have left no row: it was refused or withdrawn. */
  leftNoRow(id: string): boolean {
    const [kind, flow, n] = id.split('/')
    if (kind !== 'flow') return false
    const entry = this.flows.get(Number(flow))
    return entry === undefined || this.everEnded(entry, Number(n))?.ok !== true
  }

  // ── in the end ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Nothing is under way: whoever has not ended waits for something. */
  quiet(): void {
    const { now } = this
    const worker = this.model.places.get('worker')
    for (const id of this.withdrawn) {
      const message = this.model.byId.get(id)
      for (const { stream, items } of this.model.places.values()) {
        if (stream !== message?.stream) continue
        assert.notEqual(items.get(message.position)?.row?.state, 'held', `${id} was withdrawn, and is held`)
      }
    }
    for (const flow of this.flows.values()) {
      const { row, entries } = flow
      const what = `flow ${row.id} of "${row.mediator}", which is ${row.state},`
      if (row.ended_at !== null || row.state === 'paused' || row.state === 'stuck') continue
      if (row.state === 'queued') {
        const others = [...this.flows.values()].filter(({ row: other }) => {
          return other.mediator === row.mediator && other.context === row.context && other.ended_at === null
        })
        assert(
          others.some(({ row: other }) => other.id !== row.id),
          `${what} waits for nobody`,
        )
        continue
      }
      let waits = 0
      const had = new Set(this.mailsOf(flow))
      for (const { n, of_n: of, kind, step, flow: id } of entries) {
        if (of !== null || this.endOf(flow, n) !== undefined) continue
        const due = this.dues.get(`${id}/${n}`)
        assert(due === undefined || Math.abs(due) > now, `${what} was not told that the time of "${step}" has come`)
        if (kind === 'call') {
          const attempt = this.attemptsOf(flow, n).at(-1)!
          const message = this.model.byId.get(`flow/${id}/${attempt}`)!
          const item = worker!.items.get(message.position)
          assert(isOpen(item) || !worker!.done.has(message.position), `${what} was not told of the end of "${step}"`)
        } else if (kind === 'wait') {
          const mail = this.mails.find((one) => {
            return one.mediator === row.mediator && one.context === row.context && !had.has(one.n)
          })
          if (row.state === 'running')
            assert(mail === undefined, `${what} waits at "${step}" and was not told of mail ${mail?.n}`)
        } else if (kind === 'flow') {
          const attempt = this.attemptsOf(flow, n).at(-1)!
          const children = [...this.flows.values()].filter(
            ({ row: other }) => other.parent_flow === id && other.parent_n === attempt,
          )
          const runs = children.some(({ row: other }) => other.ended_at === null)
          assert(runs, `${what} was not told of the end of "${step}"`)
        } else if (kind !== 'ask' && kind !== 'sleep') continue
        waits++
      }
      assert(waits > 0, `${what} waits for nothing`)
    }
  }

  complete(starts: (id: string) => number): void {
    for (const { row } of this.flows.values())
      assert(row.ended_at !== null, `flow ${row.id} is ${row.state} in the end`)
    for (const { n, flow, of_n: of, data } of this.entries.values()) {
      const mail = of === null ? undefined : ((JSON.parse(data!) as End).value as { mail?: number } | null)?.mail
      if (mail !== undefined)
        assert(
          this.mails.some((one) => one.n === mail),
          `entry ${n} of flow ${flow} has no mail`,
        )
    }
    for (const flow of this.flows.values()) {
      const had = this.mailsOf(flow)
      const once = [...new Set(had)].sort((a, b) => a - b)
      assert.deepEqual(had, once, `the mails of flow ${flow.row.id}`)
    }
    const route = this.model.places.get('intake')
    const routed: readonly Logged[] = route === undefined ? [] : this.model.log.get(route.stream)!
    for (const { id, position, type } of routed) {
      const item: Item | undefined = route!.items.get(position)
      const handled = type === 'order.noted' && !isOpen(item) && item?.last !== 'discarded'
      for (let n = 0; n < 3; n++) {
        const started = this.started.has(`part ${id}/${n}`)
        assert.equal(started, handled && n < starts(id), `whether ${id} has started flow ${n}`)
      }
    }
    assert.equal(this.questions, 0, 'questions are left')
    assert.equal(this.timers.size, 0, 'times are left')
  }
}
