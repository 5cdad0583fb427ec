// What may be observed of an engine, kept by itself: it looks at the disk whenever something has become durable, hears
// of each handler that starts, each rule that is asked, and each answer that a client or a person gets, and throws at
// the first thing that may not be. What happened at the desk it follows in the audit log (see desk.ts).
import assert from 'node:assert/strict'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { App } from '../../src/app/app.ts'
import { alertTopic } from '../../src/model/alerts.ts'
import type { WhenHeld } from '../../src/model/requests.ts'
import type { Watch, Watched } from '../../src/testing/machine/watch.ts'
import type { Random } from '../../src/testing/random.ts'
import { AlertModel } from './alerts.ts'
import { DeskModel, type Item, type Pausing, type Read } from './desk.ts'
import type { EdgeHost } from './edge.ts'
import { Fires } from './fires.ts'
import { foundIn } from './found.ts'
import { type FlowKnown, FlowModel } from './journals.ts'
import { firstNames, withFirstNames } from './names.ts'
import { addPending } from './pending.ts'
import { RequestModel } from './requests.ts'
import { Sink } from './sink.ts'
import { Theirs } from './theirs.ts'

/** A message as the log keeps it. */
export interface Logged {
  readonly stream: number
  readonly position: number
  readonly id: string
  readonly type: string
  readonly context: string | null
  readonly causation: string | null
  readonly source: string
  readonly json: string
  /** The source of a message of another system; null for the app's own. */
  readonly elsewhere: string | null
}

/** What the model has to know of a processor. */
export interface Known {
  readonly name: string
  readonly source: string
  /** Types that it handles; others are passed over. */
  readonly handles: ReadonlySet<string>
  /** Whether each message leaves a row. */
  readonly rows: boolean
  readonly onHold: 'block' | 'pass'
  readonly attemptsMax: number
  /** Whether it may come to probe, which uses up no attempts. */
  readonly probes: boolean
  /** How often the rule of its desk may decide about one message; 0 where there is none. */
  readonly decisionsMax: number
  /** It sends what it handles to the sink. */
  readonly delivers?: boolean | undefined
  /** It takes events for a mediator, or carries out what mediators want. */
  readonly role?: 'mediator' | 'worker' | undefined
}

export interface Place {
  readonly known: Known
  readonly stream: number
  /** The number of resets before. */
  readonly generation: number
  /** The position after which it began. */
  readonly after: number
  /** The data with which each message was handled before it was reset, by position. */
  readonly before: Map<number, string[]>
  low: number
  readonly done: Set<number>
  /** Positions with a row. */
  readonly rows: Set<number>
  /** The name in its idempotency keys. */
  readonly keyName: string
  readonly lastOfLane: Map<string, number>
  /** What was ever at the desk and has left traces there, by position. */
  readonly items: Map<number, Item>
}

interface ProgressRow {
  readonly processor: string
  /** Its name of today. */
  readonly today: string
  readonly stream: number
  readonly low: number
  readonly done: Uint8Array | null
  readonly generation: number
}

/** A row that a handler has written. */
interface DoneRow {
  readonly place: number
  readonly processor: string
  readonly id: string
  readonly n: number
  readonly generation: number
  /** The run of the engine in which it was written. */
  readonly run: number
}

/** What a handler was called with. */
export interface Call {
  readonly data: unknown
  readonly idempotencyKey: string
  /** The number of the attempt. */
  readonly number: number
  readonly now: number
}

/** The last start in a lane, and how often that message had failed for good. */
interface Start {
  readonly position: number
  readonly failed: number
}

/** Starts of one message since it was let run again, and how many it may have. */
interface Run {
  readonly runs: number
  readonly most: number
  starts: number
}

const newPlace = (known: Known, stream: number) => ({
  known,
  stream,
  low: 0,
  done: new Set<number>(),
  rows: new Set<number>(),
  lastOfLane: new Map<string, number>(),
  items: new Map<number, Item>(),
})

const togetherId = /^together (\d+), (\d+) of (\d+)$/

/** What people do in the end; gives whether something was left to do. */
export type Settle = (app: App) => Promise<boolean>

export class Model implements Watch {
  readonly stepsMax = 50_000
  readonly log = new Map<number, Logged[]>()
  readonly byId = new Map<string, Logged>()
  readonly places = new Map<string, Place>()
  readonly streams = new Map<string, number>()
  readonly attempts = new Map<string, number>()
  readonly asks = new Map<string, number>()
  private readonly desk: DeskModel
  readonly flows: FlowModel
  readonly requests: RequestModel
  readonly fires = new Fires()
  private readonly alerts = new AlertModel()
  readonly sink = new Sink({
    message: (id) => this.byId.get(id),
    displaced: (processor, position) => {
      const { known, items, generation } = this.places.get(processor)!
      const item = items.get(position)
      return generation > 0 || (item !== undefined && (displaced(known, item) || item.last === 'discarded'))
    },
    heard: (check) => this.heard(check),
  })
  /** How many runs of the engine have begun. */
  begun = 0
  /** Whether the app has its finder. */
  finds = false
  private machine: Watched | undefined
  private rowsSeen = 0
  /** Messages that each processor has handled in this run of the engine, by their rows. */
  private handledNow = new Map<string, number>()
  private wrong: unknown
  /** Whether a sync has failed since the store was opened. */
  private mayBeLost = false
  private readonly processors: readonly Known[]
  private readonly random: Random
  /** Rows of another program, where the app takes up a database. */
  private readonly theirs: Theirs | undefined
  private readonly settle: Settle | undefined
  /** Messages of flows that have just come into the log. */
  private readonly fromFlows: string[] = []
  private lastStarts = new Map<string, Start>()
  private runs = new Map<string, Run>()

  constructor(processors: readonly Known[], mediators: readonly FlowKnown[], random: Random, settle?: Settle) {
    this.settle = settle
    this.processors = processors
    this.random = random
    const takesUp = random.fork('theirs')
    this.theirs = takesUp.chance(0.3) ? new Theirs(takesUp) : undefined
    this.desk = new DeskModel(this)
    this.requests = new RequestModel(this, this.desk)
    this.flows = new FlowModel(this, mediators)
  }

  // ── what becomes durable ───────────────────────────────────────────────────────────────────────────────────────

  syncFailed(): void {
    this.mayBeLost = true
  }

  opening(): void {
    this.mayBeLost = false
  }

  durable(machine: Watched): void {
    if (this.wrong !== undefined) throw this.wrong
    assert(!this.mayBeLost, 'it goes on after a sync that failed')
    machine.look((db) => {
      this.theirs?.check(db)
      const all = readerOf(db)
      if (all("select 1 from sqlite_schema where name = 'done'").length === 0) {
        assert.equal(this.byId.size, 0, 'the log was lost')
        return
      }
      for (const { id, name } of all<{ id: number; name: string }>('select id, name from millrace_streams')) {
        this.streams.set(name, id)
        this.readLog(id, all)
      }
      for (const row of all<ProgressRow>(
        'select processor, processor as today, stream, low, done, generation from millrace_progress',
      )) {
        this.readProgress(row, all)
      }
      this.desk.read(all)
      for (const row of all<DoneRow>(
        'select place, processor, id, n, generation, run from done where place > ? order by place',
        this.rowsSeen,
      )) {
        this.readRow(row)
      }
      this.fires.judge()
      this.alerts.read(all, this.log.get(this.streams.get(alertTopic.name) ?? 0) ?? [])
      this.requests.read(all)
      this.flows.read(all, machine.now())
      for (const id of this.fromFlows.splice(0)) this.flows.logged(id)
      for (const place of this.places.values()) this.judge(place)
    })
  }

  /** Before a process starts, people may have written down what they want. */
  starting(machine: Watched): void {
    this.machine = machine
    this.theirs?.starting(machine)
    if (machine.starts > 0 && this.random.chance(0.3)) addPending(machine, this.random)
  }

  async rested(app: App): Promise<boolean> {
    await this.compareCounts(app)
    // The finder works at its own pace.
    if (this.finds && (await app.messages.list({ text: 'nothing' })).complete !== true) return true
    if (this.requests.rested()) return true
    // So are alerts, which end some time after it is well again.
    if (this.machine!.look((db) => this.alerts.areLate(readerOf(db), this.machine!.now()))) return true
    if (this.settle === undefined) return false
    this.flows.quiet()
    return this.settle(app)
  }

  /** What the engine counts of its processors is what their rows, and the desk, say of this run. */
  private async compareCounts(app: App): Promise<void> {
    const { parts } = await app.metrics()
    for (const { name: today, counts, held } of parts) {
      const name = firstNames(today)
      const { handled, failed, refused, attempt, critical } = counts
      assert.deepEqual(
        [attempt.count, critical.count],
        [handled + failed + refused, handled],
        `the durations of "${name}"`,
      )
      assert.equal(held, this.desk.heldBy(name), `how many messages "${name}" holds`)
      if (this.processors.find((one) => one.name === name)?.rows !== true) continue
      assert.equal(handled, this.handledNow.get(name) ?? 0, `how many messages "${name}" has handled in this run`)
    }
  }

  private readLog(stream: number, all: Read): void {
    const known = this.log.get(stream) ?? []
    this.log.set(stream, known)
    const last = known.at(-1)
    if (last !== undefined) {
      const [kept] = all<{ id: string }>(`select id from millrace_log_${stream} where position = ?`, last.position)
      assert.equal(kept?.id, last.id, `position ${last.position} of stream ${stream} was durable and has changed`)
    }
    for (const row of all<Logged>(
      `select ${stream} as stream, position, m.id, type, context, causation, source, data as json,
         attributes ->> 'source' as elsewhere
       from millrace_log_${stream} m join millrace_kinds k on k.id = m.kind where position > ? order by position`,
      last?.position ?? 0,
    )) {
      this.follows(known.at(-1), row)
      known.push(row)
      assert(!this.byId.has(row.id), `message ${row.id} is in the log twice`)
      this.byId.set(row.id, row)
      if (row.id.startsWith('flow/')) this.fromFlows.push(row.id)
      this.fires.read(row)
      if (stream === this.streams.get('failures')) this.desk.told(row)
    }
    const [, , at, of] = togetherId.exec(known.at(-1)?.id ?? '') ?? []
    assert.equal(at, of, `the log of stream ${stream} ends with entry ${at} of ${of}`)
  }

  /** What is published together is together in the log. */
  private follows(before: Logged | undefined, { id }: { readonly id: string }): void {
    const placeIn = (id: string | undefined) =>
      togetherId
        .exec(id ?? '')
        ?.slice(1)
        .map(Number) ?? []
    const [group, at = 1] = placeIn(id)
    const [groupBefore, atBefore, of] = placeIn(before?.id)
    const isNext = at === 1 ? atBefore === of : group === groupBefore && at === atBefore! + 1
    assert(isNext, `${id} is in the log behind ${before?.id}`)
  }

  private readProgress(row: ProgressRow, all: Read): void {
    const { processor, stream, low, done, generation } = row
    let place = this.places.get(processor)
    if (place === undefined) {
      const known = this.processors.find(({ name }) => name === processor)!
      place = {
        ...newPlace(known, stream),
        // What a start has renamed before the model looked has kept its name there.
        keyName:
          all<{ value: string }>('select value from millrace_meta where key = ?', `keys of ${row.today}`)[0]?.value ??
          row.today,
        generation,
        after: 0,
        before: new Map(),
      }
      this.places.set(processor, place)
    }
    if (generation !== place.generation) {
      assert.equal(generation, place.generation + 1, `the generation of "${processor}"`)
      place = this.beginsAnew(place, low)
    }
    assert(low >= place.low, `the progress of "${processor}" went back from ${place.low} to ${low}`)
    const now = new Set<number>()
    for (let bit = 0; bit < (done?.length ?? 0) * 8; bit++) {
      if (done![bit >> 3]! & (1 << (bit & 7))) now.add(low + 1 + bit)
    }
    for (const position of place.done) {
      assert(position <= low || now.has(position), `"${processor}" forgot that ${position} is done`)
    }
    for (let position = place.low + 1; position <= low; position++) place.done.add(position)
    for (const position of now) place.done.add(position)
    place.low = low
  }

  /** A processor was reset: what it has done counts for nothing, but for what it has put into the world. */
  private beginsAnew(old: Place, after: number): Place {
    const { known, stream, keyName, before } = old
    const lost = known.name
    for (const message of this.log.get(stream)!) {
      if (!this.handledBy(old, message)) continue
      const json = old.items.get(message.position)?.json ?? message.json
      before.set(message.position, [...(before.get(message.position) ?? []), json])
    }
    const place = { ...newPlace(known, stream), keyName, generation: old.generation + 1, after, low: after, before }
    for (let position = 1; position <= after; position++) place.done.add(position)
    for (const [position, item] of old.items) {
      // What was discarded and is not handled again may be taken back.
      if (position <= after && item.row?.state === 'discarded') place.items.set(position, item)
      else item.former = true
    }
    this.places.set(lost, place)
    for (const map of [this.lastStarts, this.runs]) {
      for (const key of map.keys()) if (key.startsWith(`${lost} `)) map.delete(key)
    }
    return place
  }

  /** Whether the present generation of a processor has handled a message, and not only passed it over or given it up. */
  private handledBy({ known, done, items, after }: Place, { position, type, id }: Logged): boolean {
    const item = items.get(position)
    if (!known.handles.has(type) || !done.has(position) || (position <= after && item === undefined)) return false
    return !isOpen(item) && item?.last !== 'discarded' && !this.requests.leftNoRow(id)
  }

  private readRow(row: DoneRow): void {
    const { place: number, processor, id, n, generation, run } = row
    this.rowsSeen = number
    if (run === this.begun) this.handledNow.set(processor, (this.handledNow.get(processor) ?? 0) + 1)
    const message = this.byId.get(id)
    assert(message !== undefined, `"${processor}" has a row of ${id}, which is not in the log`)
    const place = this.places.get(processor)!
    assert.equal(generation, place.generation, `"${processor}" has a row of ${id} of another generation`)
    const { position, context, json } = message
    const item = place.items.get(position)
    assert(!place.rows.has(position), `"${processor}" has two rows of ${id}`)
    assert.equal(
      n,
      (JSON.parse(item?.json ?? json) as { n?: number }).n ?? 0,
      `"${processor}" handled old data of ${id}`,
    )
    place.rows.add(position)
    if (context === null || (item !== undefined && displaced(place.known, item))) return
    const last = place.lastOfLane.get(context) ?? 0
    assert(last < position, `"${processor}" wrote ${position} of "${context}" after ${last}`)
    place.lastOfLane.set(context, position)
  }

  /** What is handled has its row, what has a row is handled, nothing is both done for good and at the desk. */
  private judge(place: Place): void {
    const { known, stream, done, rows, items, after } = place
    for (const { position, type, id } of this.log.get(stream)!) {
      const item = items.get(position)
      if (position <= after && item === undefined) continue
      if (isOpen(item)) assert(done.has(position), `"${known.name}" has ${id} at the desk and in the log`)
      if (!known.rows) continue
      const handled = done.has(position) && !isOpen(item) && item?.last !== 'discarded'
      if (rows.has(position)) {
        assert(handled, `"${known.name}" has a row of ${id}, which is not done`)
        assert(!this.requests.leftNoRow(id), `"${known.name}" has a row of ${id}, which it refused or passed over`)
      } else if (handled && known.role === 'worker' && this.flows.leftNoRow(id)) continue
      else if (handled && this.requests.leftNoRow(id)) continue
      else if (handled) assert(!known.handles.has(type), `"${known.name}" is done with ${id} and has no row of it`)
    }
  }

  // ── what leaves the process ────────────────────────────────────────────────────────────────────────────────────

  accepted(type: string, id: string): void {
    assert.equal(this.byId.get(id)?.type, type, `${type} ${id} was acknowledged and is not on disk`)
  }

  /** Somebody is about to write a number into many messages. */
  wantsChange(who: string, n: number): void {
    this.desk.wantsChange(who, n)
  }

  /** Somebody is about to send corrected data: a person, or `rule PROCESSOR ID`. */
  sees(who: string, revision: number): void {
    this.desk.sees(who, revision)
  }

  wants(who: string, data: unknown): void {
    this.desk.wants(who, data)
  }

  /** A person is about to reset a processor. */
  resets(who: string, to: unknown): void {
    this.desk.resets(who, to)
  }

  /** A person was told that it was done, or why it was not; what `is` so already needs not be done. */
  answered(who: string, refused: string | undefined, is?: Pausing): void {
    this.desk.answered(who, refused, is)
  }

  /** A run of the engine begins: what was only in memory is forgotten. */
  begins(): void {
    this.requests.begins()
    this.begun++
    this.handledNow = new Map()
    this.lastStarts = new Map()
    this.runs = new Map()
  }

  called(today: string): void {
    const processor = firstNames(today)
    this.heard(() => assert(!this.desk.paused.has(processor), `"${processor}" handles something while it is paused`))
  }

  /** A handler starts; gives which attempt it is. What is thrown here the engine takes for a failure of the handler. */
  started(processor: string, id: string, call: Call): number {
    this.heard(() => this.mayStart(processor, id, call))
    return counted(this.attempts, `${processor} ${id}`)
  }

  /** A rule is asked; gives how often it has been. */
  asked(processor: string, id: string): number {
    this.heard(() => {
      const place = this.places.get(processor)!
      const item = place.items.get(this.byId.get(id)!.position)
      assert.equal(item?.row?.state, 'deciding', `the rule is asked about ${id} of "${processor}"`)
      assert(item!.byRule < place.known.decisionsMax, `the rule is asked about ${id} of "${processor}" once more`)
    })
    return counted(this.asks, `${processor} ${id}`)
  }

  /** Clients over HTTP are told something. */
  readonly edge: EdgeHost = {
    app: () => this.machine?.app,
    message: (id) => this.byId.get(id),
    states: (id) => this.requests.states(id),
    heard: (check) => this.heard(check),
  }

  /** Somebody is told that a request is taken back. */
  readonly tookBack = (id: string): void => this.heard(() => this.requests.tookBack(id))

  /** Somebody asks for a reply; gives what is to be called with the answer. */
  caller(id: string, whenHeld: WhenHeld): { replied(): void; failed(error: unknown): void } {
    const caller = this.requests.asks(id, whenHeld)
    return {
      replied: () => this.heard(() => this.requests.replied(caller)),
      failed: (error) => this.heard(() => this.requests.failed(caller, error)),
    }
  }

  private heard(check: () => void): void {
    try {
      check()
    } catch (error) {
      this.wrong ??= error
    }
  }

  private mayStart(processor: string, id: string, call: Call): void {
    const message = this.byId.get(id)
    assert(message !== undefined, `"${processor}" handles ${id}, which is not on disk`)
    const place = this.places.get(processor)
    assert(place !== undefined, `"${processor}" handles ${id} before its start is on disk`)
    const { position, context, type } = message
    if (id.startsWith('flow/')) this.flows.mayStart(id)
    this.requests.mayStart(id)
    const item = place.items.get(position)
    assert(isOpen(item) || !place.done.has(position), `"${processor}" handles ${id} again, which is done`)
    if (isOpen(item)) {
      const { state, due_at: dueAt } = item.row
      assert.equal(state, 'trying', `"${processor}" handles ${id} from the desk`)
      assert(call.now >= dueAt - 1, `"${processor}" handles ${id} ${dueAt - call.now} ms too early`)
    }
    const { generation, keyName } = place
    const from = message.elsewhere === null ? '' : `/@${encodeURIComponent(message.elsewhere)}`
    const key = `${keyName}/${type}/${id}/${item?.corrections ?? 0}${generation === 0 ? '' : `.${generation}`}${from}`
    assert.equal(call.idempotencyKey, key, `the idempotency key of ${id}`)
    assert.deepEqual(call.data, JSON.parse(item?.json ?? message.json), `"${processor}" handles ${id} with its data`)
    this.countStart(place, item, `${processor} ${id}`)
    const failed = item?.row?.attempts ?? 0
    const isNext = call.number > failed && call.number <= place.known.attemptsMax
    assert(isNext, `"${processor}" handles ${id}, attempt ${call.number}, after ${failed} that failed`)
    if (context !== null) this.mayStartInLane(place, message, item)
  }

  private countStart({ known }: Place, item: Item | undefined, key: string): void {
    const runs = item?.runs ?? 0
    let run = this.runs.get(key)
    if (run === undefined || run.runs !== runs) {
      run = { runs, most: known.attemptsMax - (item?.row?.attempts ?? 0), starts: 0 }
      this.runs.set(key, run)
    }
    run.starts++
    assert(known.probes || run.starts <= run.most, `${key} starts ${run.starts} times, but has ${run.most} attempts`)
  }

  private mayStartInLane(place: Place, message: Logged, item: Item | undefined): void {
    const { known } = place
    const { position, context, stream } = message
    const what = `"${known.name}" handles ${position} of "${context}"`
    const head = this.desk.headOf(known.name, context!)
    assert(head === undefined || head === item, `${what} while ${head?.position} is at the head of its lane`)
    for (const earlier of this.log.get(stream)!) {
      if (earlier.position >= position) break
      if (earlier.context !== context || !known.handles.has(earlier.type)) continue
      const other = place.items.get(earlier.position)
      const resolved = place.done.has(earlier.position) && !isOpen(other)
      const passed = other !== undefined && displaced(known, other)
      const own = item !== undefined && displaced(known, item)
      assert(resolved || passed || own, `${what} before ${earlier.position} is resolved on disk`)
    }
    const lane = `${known.name} ${context}`
    const last = this.lastStarts.get(lane)
    if (last !== undefined && last.position !== position) {
      const other = place.items.get(last.position)
      const over = (place.done.has(last.position) && !isOpen(other)) || (other?.failed ?? 0) > last.failed
      assert(over, `${what} while ${last.position} is under way`)
    }
    this.lastStarts.set(lane, { position, failed: item?.failed ?? 0 })
  }

  // ── in the end ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Everything is handled or at the desk, and what was handled has had its consequences, once each. */
  complete(
    expected: (processor: string, message: Logged) => readonly string[],
    starts: (id: string) => number = () => 0,
  ): void {
    if (this.wrong !== undefined) throw this.wrong
    const caused = new Map<string, string[]>()
    for (const [stream, messages] of this.log) {
      if (stream === this.streams.get('failures')) continue
      for (const { causation, source, json } of messages) {
        if (causation === null) continue
        const key = `${source} ${causation}`
        caused.set(key, [...(caused.get(key) ?? []), json])
      }
    }
    for (const { known, stream, done, items, rows, after, before } of this.places.values()) {
      for (const message of this.log.get(stream)!) {
        const { position, id, type } = message
        // What is passed over is written down lazily.
        const due = known.handles.has(type)
        assert(!due || done.has(position), `"${known.name}" is neither done with ${id} nor has it at the desk`)
        const item = items.get(position)
        if (known.role === 'mediator') continue
        const well =
          known.role === 'worker' ? rows.has(position) : item?.last !== 'discarded' && !this.requests.leftNoRow(id)
        const handled = due && !isOpen(item) && well && (position > after || item !== undefined)
        if (known.delivers && handled) {
          assert(this.sink.hasTaken(known.name, id, item?.json ?? message.json), `the sink has not taken ${id}`)
        }
        const handlings = [...(before.get(position) ?? []), ...(handled ? [item?.json ?? message.json] : [])]
        const outgoing = caused.get(`/simulated/${known.name} ${id}`) ?? []
        const wanted = handlings.flatMap((json) => expected(known.name, { ...message, json }))
        // Of several generations each stream has its part.
        const order = (all: readonly string[]) => (handlings.length > 1 ? all.toSorted() : all)
        assert.deepEqual(order(outgoing), order(wanted), `what "${known.name}" published on ${id}`)
      }
    }
    this.desk.complete()
    this.requests.complete()
    if (this.finds) {
      const { log, found, words } = foundIn(this.machine!)
      assert.deepEqual([found, words], [log, log.length], 'the index of the finder')
    }
    this.flows.complete(starts)
    assert.equal(this.places.size, this.processors.length)
  }
}

/** Each statement is prepared once for a connection. */
const prepared = new WeakMap<DatabaseSync, Map<string, StatementSync>>()

function readerOf(db: DatabaseSync): Read {
  const statements = prepared.get(db) ?? new Map<string, StatementSync>()
  prepared.set(db, statements)
  return (sql, ...values) => {
    const statement = statements.get(sql) ?? db.prepare(sql)
    statements.set(sql, statement)
    return statement.all(...values).map(withFirstNames) as never
  }
}

/** Whether a message is at the desk and not resolved. */
export function isOpen(item: Item | undefined): item is Item & { row: NonNullable<Item['row']> } {
  return item?.row !== undefined && item.row.resolved_at === null && item.row.state !== 'reset'
}

/** Whether a message has lost its place in its lane, by choice: it was passed, or discarded and taken back. */
export function displaced({ onHold }: Known, { takenBack, failed }: Item): boolean {
  return takenBack || (onHold === 'pass' && failed > 0)
}

function counted(counts: Map<string, number>, key: string): number {
  const count = (counts.get(key) ?? 0) + 1
  counts.set(key, count)
  return count
}
