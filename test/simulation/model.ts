// What may be observed of an engine, kept by itself: it looks at the disk whenever something has become durable, hears
// of each handler that starts and each publish that is acknowledged, and throws at the first thing that may not be.
import assert from 'node:assert/strict'
import type { Machine, Watch } from '../../src/testing/machine.ts'

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
}

interface DeskRow {
  readonly id: number
  readonly processor: string
  readonly stream: number
  readonly position: number
  readonly context: string | null
  readonly state: string
}

/** What the model has to know of a processor. */
export interface Known {
  readonly name: string
  readonly source: string
  /** Types that it handles; others are passed over. */
  readonly handles: ReadonlySet<string>
  /** Whether each message leaves a row. */
  readonly rows: boolean
}

interface Place {
  readonly known: Known
  readonly stream: number
  low: number
  readonly done: Set<number>
  /** Positions with a row, and in what order of the table. */
  readonly rows: Set<number>
  readonly lastOfLane: Map<string, number>
  desk: Set<number>
  /** Those that are held. */
  held: Set<number>
}

export class Model implements Watch {
  readonly log = new Map<number, Logged[]>()
  private readonly byId = new Map<string, Logged>()
  readonly places = new Map<string, Place>()
  readonly attempts = new Map<string, number>()
  private rowsSeen = 0
  private wrong: unknown
  private readonly processors: readonly Known[]
  private readonly streams = new Map<string, number>()

  constructor(processors: readonly Known[]) {
    this.processors = processors
  }

  // ── what becomes durable ───────────────────────────────────────────────────────────────────────────────────────

  durable(machine: Machine): void {
    if (this.wrong !== undefined) throw this.wrong
    machine.look((db) => {
      const all = <Row>(sql: string, ...values: (string | number)[]) => db.prepare(sql).all(...values) as Row[]
      if (all("select 1 from sqlite_schema where name = 'done'").length === 0) {
        assert.equal(this.byId.size, 0, 'the log was lost')
        return
      }
      for (const { id, name } of all<{ id: number; name: string }>('select id, name from millrace_streams')) {
        this.streams.set(name, id)
        this.readLog(id, all)
      }
      for (const row of all<{ processor: string; stream: number; low: number; done: Uint8Array | null }>(
        'select processor, stream, low, done from millrace_progress',
      )) {
        this.readProgress(row)
      }
      this.readDesk(
        all<DeskRow>(
          `select id, processor, stream, position, context, state from millrace_desk
           where resolved_at is null order by lane, place`,
        ),
      )
      for (const row of all<{ place: number; processor: string; id: string }>(
        'select place, processor, id from done where place > ? order by place',
        this.rowsSeen,
      )) {
        this.readRow(row)
      }
      for (const place of this.places.values()) this.judge(place)
    })
  }

  private readLog(stream: number, all: <Row>(sql: string, ...values: (string | number)[]) => Row[]): void {
    const known = this.log.get(stream) ?? []
    this.log.set(stream, known)
    const last = known.at(-1)
    if (last !== undefined) {
      const [kept] = all<{ id: string }>(`select id from millrace_log_${stream} where position = ?`, last.position)
      assert.equal(kept?.id, last.id, `position ${last.position} of stream ${stream} was durable and has changed`)
    }
    for (const row of all<Logged>(
      `select ${stream} as stream, position, m.id, type, context, causation, source, data as json
       from millrace_log_${stream} m join millrace_kinds k on k.id = m.kind where position > ? order by position`,
      last?.position ?? 0,
    )) {
      known.push(row)
      assert(!this.byId.has(row.id), `message ${row.id} is in the log twice`)
      this.byId.set(row.id, row)
    }
  }

  private readProgress(row: { processor: string; stream: number; low: number; done: Uint8Array | null }): void {
    const { processor, stream, low, done } = row
    let place = this.places.get(processor)
    if (place === undefined) {
      const known = this.processors.find(({ name }) => name === processor)!
      place = {
        known,
        stream,
        low: 0,
        done: new Set(),
        rows: new Set(),
        lastOfLane: new Map(),
        desk: new Set(),
        held: new Set(),
      }
      this.places.set(processor, place)
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

  private readDesk(rows: readonly DeskRow[]): void {
    for (const place of this.places.values()) Object.assign(place, { desk: new Set(), held: new Set() })
    const lines = new Map<string, number>()
    for (const { processor, position, context, state } of rows) {
      const place = this.places.get(processor)!
      assert(!place.desk.has(position), `"${processor}" has position ${position} at the desk twice`)
      place.desk.add(position)
      if (state === 'held') place.held.add(position)
      if (context === null) continue
      const lane = `${processor} ${context}`
      const before = lines.get(lane)
      assert(before === undefined || before < position, `the line of ${lane} has ${position} behind ${before}`)
      assert(before === undefined || state === 'line', `${state} position ${position} of ${lane} is not the head`)
      assert(before !== undefined || state !== 'line', `the line of ${lane} has no head before ${position}`)
      lines.set(lane, position)
    }
  }

  private readRow({ place: number, processor, id }: { place: number; processor: string; id: string }): void {
    this.rowsSeen = number
    const message = this.byId.get(id)
    assert(message !== undefined, `"${processor}" has a row of ${id}, which is not in the log`)
    const place = this.places.get(processor)!
    const { position, context } = message
    assert(!place.rows.has(position), `"${processor}" has two rows of ${id}`)
    place.rows.add(position)
    if (context === null) return
    const last = place.lastOfLane.get(context) ?? 0
    assert(last < position, `"${processor}" wrote ${position} of "${context}" after ${last}`)
    place.lastOfLane.set(context, position)
  }

  /** What is done has its row, what has a row is done, nothing is both done for good and at the desk. */
  private judge({ known, stream, done, desk, rows }: Place): void {
    for (const { position, type, id } of this.log.get(stream)!) {
      const resolved = done.has(position) && !desk.has(position)
      if (desk.has(position)) assert(done.has(position), `"${known.name}" has ${id} at the desk and in the log`)
      if (!known.rows) continue
      if (rows.has(position)) assert(resolved, `"${known.name}" has a row of ${id}, which is not done`)
      else if (resolved) assert(!known.handles.has(type), `"${known.name}" is done with ${id} and has no row of it`)
    }
  }

  // ── what leaves the process ────────────────────────────────────────────────────────────────────────────────────

  accepted(type: string, id: string): void {
    assert.equal(this.byId.get(id)?.type, type, `${type} ${id} was acknowledged and is not on disk`)
  }

  /** A handler starts; gives which attempt it is. What is thrown here the engine takes for a failure of the handler. */
  started(processor: string, id: string): number {
    try {
      this.mayStart(processor, id)
    } catch (error) {
      this.wrong ??= error
    }
    const key = `${processor} ${id}`
    const attempt = (this.attempts.get(key) ?? 0) + 1
    this.attempts.set(key, attempt)
    return attempt
  }

  private mayStart(processor: string, id: string): void {
    const message = this.byId.get(id)
    assert(message !== undefined, `"${processor}" handles ${id}, which is not on disk`)
    const place = this.places.get(processor)
    assert(place !== undefined, `"${processor}" handles ${id} before its start is on disk`)
    const { position, context } = message
    const resolved = (at: number) => place.done.has(at) && !place.desk.has(at)
    assert(!resolved(position), `"${processor}" handles ${id} again, which is done`)
    if (context !== null) {
      for (const earlier of this.log.get(message.stream)!) {
        if (earlier.position >= position) break
        if (earlier.context !== context || !place.known.handles.has(earlier.type)) continue
        assert(
          resolved(earlier.position),
          `"${processor}" handles ${position} of "${context}" before ${earlier.position} is resolved on disk`,
        )
      }
    }
  }

  /** How often each failure, and its end, was told on the topic of failures. */
  private told(): Map<string, { failed: number; resolved: number }> {
    const told = new Map<string, { failed: number; resolved: number }>()
    for (const { type, json } of this.log.get(this.streams.get('failures')!) ?? []) {
      const { processor, message } = JSON.parse(json) as { processor: string; message: { id: string } }
      const key = `${processor} ${message.id}`
      const { failed = 0, resolved = 0 } = told.get(key) ?? {}
      told.set(
        key,
        type === 'processing.failed' ? { failed: failed + 1, resolved } : { failed, resolved: resolved + 1 },
      )
    }
    return told
  }

  // ── in the end ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Everything is handled or at the desk, and what was handled has had its consequences, once each. */
  complete(expected: (processor: string, message: Logged) => readonly string[]): void {
    if (this.wrong !== undefined) throw this.wrong
    const caused = new Map<string, string[]>()
    const told = this.told()
    for (const [stream, messages] of this.log) {
      if (stream === this.streams.get('failures')) continue
      for (const { causation, source, json } of messages) {
        if (causation === null) continue
        const key = `${source} ${causation}`
        caused.set(key, [...(caused.get(key) ?? []), json])
      }
    }
    for (const { known, stream, done, desk, held } of this.places.values()) {
      for (const message of this.log.get(stream)!) {
        const { position, id, type } = message
        // What is passed over is written down lazily.
        const due = known.handles.has(type)
        assert(!due || done.has(position), `"${known.name}" is neither done with ${id} nor has it at the desk`)
        const handled = due && !desk.has(position)
        const { failed = 0, resolved = 0 } = told.get(`${known.name} ${id}`) ?? {}
        assert.equal(resolved, failed > 0 && handled ? 1 : 0, `"${known.name}" tells once that ${id} is resolved`)
        if (held.has(position)) assert(failed > 0, `"${known.name}" tells that ${id} has failed`)
        const outgoing = caused.get(`/simulated/${known.name} ${id}`) ?? []
        assert.deepEqual(
          outgoing,
          handled ? expected(known.name, message) : [],
          `what "${known.name}" published on ${id}`,
        )
      }
    }
    assert.equal(this.places.size, this.processors.length)
  }
}
