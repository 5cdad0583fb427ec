// Requests as the model follows them: their rows against the desk, and what callers are told against what was on disk
// since they asked.
import assert from 'node:assert/strict'
import { isMillraceError } from '../../src/index.ts'
import { isRefused } from '../../src/model/refused.ts'
import type { RequestState, WhenHeld } from '../../src/model/requests.ts'
import type { DeskModel, Read } from './desk.ts'
import { isOpen, type Model } from './model.ts'

interface Row {
  readonly id: string
  readonly state: RequestState
  readonly item: number | null
  readonly ended_at: number | null
}

interface Caller {
  readonly id: string
  readonly whenHeld: WhenHeld
  /** Why a person had to decide, at any time since it asked. */
  readonly seen: Set<string>
}

/** Rounds in the end in which a caller may still be told. */
const roundsMax = 10

export class RequestModel {
  private readonly model: Model
  private readonly desk: DeskModel
  private rows = new Map<string, Row>()
  /** Those that have not been told anything. */
  private callers = new Set<Caller>()
  private readonly looking = new Set<{ readonly id: string; readonly seen: Set<RequestState | undefined> }>()
  private rounds = 0

  constructor(model: Model, desk: DeskModel) {
    this.model = model
    this.desk = desk
  }

  // ── what becomes durable ───────────────────────────────────────────────────────────────────────────────────────

  read(all: Read): void {
    const rows = new Map(
      all<Row>('select id, state, item, ended_at from millrace_requests').map((row) => [row.id, row]),
    )
    for (const [id, before] of this.rows) {
      const now = rows.get(id)
      assert(now !== undefined, `request ${id} is gone`)
      if (before.ended_at !== null) assert.deepEqual(now, before, `request ${id} had ended and has changed`)
    }
    this.rows = rows
    for (const row of rows.values()) this.judge(row)
    for (const { id, seen } of this.callers) this.see(id, seen)
    for (const { id, seen } of this.looking) seen.add(rows.get(id)?.state)
  }

  private judge({ id, state, item, ended_at }: Row): void {
    const found = this.itemOf(id)
    if (ended_at !== null) {
      assert(!['waiting', 'held'].includes(state), `request ${id} has ended as ${state}`)
      // Its caller may have taken it back just before a person discards its command: the first end stays.
      const ends = found?.last === 'discarded' ? ['discarded', 'withdrawn'] : ['replied', 'refused', 'withdrawn']
      assert(ends.includes(state), `request ${id} is ${state} after ${found?.last}`)
      return
    }
    const held = isOpen(found) && found.row.state === 'held' ? found.id : null
    assert.deepEqual({ state, item }, { state: held === null ? 'waiting' : 'held', item: held }, `request ${id}`)
  }

  private itemOf(id: string) {
    const message = this.model.byId.get(id)
    assert(message !== undefined, `request ${id} has no command in the log`)
    for (const { stream, items } of this.model.places.values()) {
      if (stream === message.stream && items.has(message.position)) return items.get(message.position)
    }
    return undefined
  }

  /** Why a person has to decide about a request, as its callers are told. */
  private whyHeld(id: string): string | undefined {
    const row = this.rows.get(id)
    if (row === undefined || row.ended_at !== null) return undefined
    if (row.item !== null) return JSON.stringify({ id, item: row.item })
    const item = this.itemOf(id)
    if (!isOpen(item) || item.row.state !== 'line') return undefined
    const head = this.desk.headOf(item.processor, item.row.lane!)!
    return head.row!.state === 'held' ? JSON.stringify({ id, behind: head.id }) : undefined
  }

  private see(id: string, seen: Set<string>): void {
    const why = this.whyHeld(id)
    if (why !== undefined) seen.add(why)
  }

  /** Whether a command that was asked has ended without an effect. */
  leftNoRow(id: string): boolean {
    const state = this.rows.get(id)?.state
    return state === 'refused' || state === 'withdrawn'
  }

  mayStart(id: string): void {
    assert(this.rows.get(id)?.ended_at == null, `request ${id} is handled after its end`)
  }

  // ── what callers are told ──────────────────────────────────────────────────────────────────────────────────────

  /** Callers die with their process. */
  begins(): void {
    this.looking.clear()
    this.callers = new Set()
  }

  asks(id: string, whenHeld: WhenHeld): Caller {
    const caller = { id, whenHeld, seen: new Set<string>() }
    this.see(id, caller.seen)
    this.callers.add(caller)
    return caller
  }

  /** Collects the states of a request, until it is told to end. */
  states(id: string): { readonly seen: ReadonlySet<RequestState | undefined>; end(): void } {
    const look = { id, seen: new Set([this.rows.get(id)?.state]) }
    this.looking.add(look)
    return { seen: look.seen, end: () => void this.looking.delete(look) }
  }

  replied(caller: Caller): void {
    this.told(caller, 'replied')
  }

  failed(caller: Caller, error: unknown): void {
    if (isRefused(error)) this.told(caller, 'refused')
    else if (!isMillraceError(error)) throw error
    else if (error.code === 'millrace/request-discarded') this.told(caller, 'discarded')
    else if (error.code === 'millrace/request-withdrawn') this.told(caller, 'withdrawn')
    else if (!this.callers.delete(caller) || error.code !== 'millrace/request-held') return
    else {
      const why = JSON.stringify(error.data)
      assert.equal(caller.whenHeld, 'fail', `a caller of ${caller.id} that waits was told ${why}`)
      assert(caller.seen.has(why), `a caller of ${caller.id} was told ${why}, which is not on disk`)
    }
  }

  tookBack(id: string): void {
    const state = this.rows.get(id)?.state
    assert.equal(state, 'withdrawn', `request ${id} is ${state}, and its caller was told that it is taken back`)
  }

  private told(caller: Caller, as: RequestState): void {
    if (!this.callers.delete(caller)) return
    assert.equal(this.rows.get(caller.id)?.state, as, `a caller of ${caller.id} was told that it is ${as}`)
  }

  // ── in the end ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Whether somebody has still to be told, and may be in a moment. */
  rested(): boolean {
    return this.owed() !== undefined && this.rounds++ < roundsMax
  }

  complete(): void {
    assert.equal(this.owed(), undefined, 'what a caller was not told')
  }

  private owed(): string | undefined {
    for (const { id, whenHeld } of this.callers) {
      const row = this.rows.get(id)
      if (row === undefined) continue
      if (row.ended_at !== null) return `${id} is ${row.state}`
      const why = this.whyHeld(id)
      if (whenHeld === 'fail' && why !== undefined) return `it is held: ${why}`
    }
    return undefined
  }
}
