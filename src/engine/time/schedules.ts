// Schedules: each slot becomes one event, in one transaction with the row that says so.
//
//   waiting ──slots come──→ publishing the first of them ──written──→ publishing the next | waiting
//                               └ data fails, or the disk is full → resting, longer each time ──→ publishing again
//                                     └ data fails too often → waiting, as if the slot were written
//
// Invariants: one slot of a schedule at a time, in order; every slot up to `seenMs` is written, left out by policy, or in
// `slots`; a start finds from the rows of the store what was in memory only. The progress of a schedule belongs to its
// cron and time zone: when one of them changes, it begins after that moment, as a new schedule does.
import type { Stored } from '../../model/codec.ts'
import type { Actor } from '../../model/desk.ts'
import { recordError } from '../../model/errors.ts'
import { defaults } from '../../model/options.ts'
import type { FiredSchedule } from '../../model/time-views.ts'
import type { Store } from '../../seam/store.ts'
import type { ScheduleRow } from '../../seam/time-reads.ts'
import type { Timer, World } from '../../seam/world.ts'
import type { Committer } from '../commit/committer.ts'
import type { TimedWrite } from '../commit/timed-write.ts'
import { Heap } from '../kit/heap.ts'
import type { Service } from '../service.ts'
import type { ScheduleSpec } from '../spec.ts'
import { Alarm } from './alarm.ts'
import { fire } from './firing.ts'
import { dataOf } from './slot-data.ts'
import { isOf, missedMax, nextOf, slotsOf } from './slots.ts'

const attemptsMax = defaults.slotAttemptsMax.default
const firstRestMs = 1_000
const restMsMax = 60_000

const noneLeftOut = { skipped: 0, skippedAt: null }

type State = 'waiting' | 'publishing' | 'resting'

const transitions: Readonly<Record<State, readonly State[]>> = {
  waiting: ['publishing'],
  publishing: ['waiting', 'resting'],
  resting: ['publishing'],
}

interface Running {
  readonly spec: ScheduleSpec
  state: State
  /** Up to here every slot is dealt with, or in `slots`. */
  seenMs: number
  /** What its policy left out when it last did. */
  leftOut: Pick<ScheduleRow, 'skipped' | 'skippedAt'>
  /** The first slot after that. */
  nextMs: number
  /** The slots that are to be published, the oldest first. */
  slots: readonly number[]
  /** Failed attempts at the first of `slots`. */
  attempts: number
  /** The present trouble, until a slot is published. */
  trouble: string | undefined
}

/** The engine, as schedules need it. */
export interface SchedulesHost {
  readonly world: World
  readonly store: Store
  readonly committer: Pick<Committer, 'writeTimed' | 'written'>
  readonly specs: readonly ScheduleSpec[]
  encode(spec: ScheduleSpec, data: unknown, id: string | undefined): Stored
  /** Called when all may be published. */
  maybeIdle(): void
  /** Throws while the run takes nothing. */
  checkRunning(): void
}

export class Schedules implements Service {
  private readonly host: SchedulesHost
  private readonly all: Running[] = []
  /** Those that wait, by the time of their next slot. */
  private readonly waiting = new Heap<Running>(({ nextMs }) => nextMs)
  /** The number of schedules that are publishing. */
  private publishing = 0
  /** The newest time of the clock at which slots were looked for. */
  private newestMs = 0
  private readonly alarm: Alarm
  private readonly rests = new Set<Timer>()
  private ended = false

  constructor(host: SchedulesHost) {
    this.host = host
    this.alarm = new Alarm(host.world, () => this.look())
  }

  /** Finds where each schedule was; one that is new, or has another calendar, is noted and begins after now. */
  async takeUp(): Promise<void> {
    const { store, world, specs } = this.host
    const rows = new Map((await store.schedules.rows()).map((row) => [row.schedule, row]))
    for (const spec of specs) {
      const now = world.now()
      const row = rows.get(spec.name)
      const kept = row !== undefined && isOf(spec, row)
      // One that was written while the clock was ahead is no reason to wait until then.
      const since = kept ? Math.min(row.seenMs, now) : now
      const last = kept ? await store.schedules.lastSlot(spec.name, now) : undefined
      const seenMs = Math.max(since, last ?? since)
      const leftOut = kept ? { skipped: row.skipped, skippedAt: row.skippedAt } : noneLeftOut
      if (row?.cron !== spec.cron || row.timeZone !== spec.timeZone || row.gone || row.seenMs !== since) {
        this.keep({ spec, leftOut }, since)
      }
      const nextMs = nextOf(spec, seenMs)
      const waits = { state: 'waiting', slots: [], attempts: 0, trouble: undefined } as const
      const one: Running = { spec, seenMs, leftOut, nextMs, ...waits }
      this.all.push(one)
      this.waiting.push(one)
      this.newestMs = Math.max(this.newestMs, seenMs)
    }
  }

  /** Says once which schedules are gone: those that the store knows and that are not taken up. */
  async tellGone(): Promise<void> {
    const present = new Set(this.all.map(({ spec }) => spec.name))
    for (const row of await this.host.store.schedules.rows()) {
      if (row.gone || present.has(row.schedule)) continue
      const text = `schedule "${row.schedule}" is gone and publishes nothing; a schedule that was renamed needs renamedFrom`
      this.host.world.log('warn', text)
      this.write({ do: 'schedule', row: { ...row, gone: true } })
    }
  }

  begin(): void {
    this.look()
  }

  /** Publishes the event of a schedule once more, now, beside its slots. */
  fire(name: string, actor: Actor): Promise<FiredSchedule> {
    return fire(this.host, name, actor)
  }

  /** True when no slot is to be published now, apart from those that rest. */
  get idle(): boolean {
    return this.publishing === 0 && (this.waiting.first?.nextMs ?? Number.POSITIVE_INFINITY) > this.host.world.now()
  }

  health(): string[] {
    return this.all.flatMap(({ trouble }) => trouble ?? [])
  }

  end(): void {
    this.ended = true
    this.alarm.cancel()
    for (const rest of this.rests) rest.cancel()
  }

  private look(): void {
    if (this.ended) return
    const now = this.host.world.now()
    if (now < this.newestMs) this.lookAgain(now)
    while (this.waiting.first !== undefined && this.waiting.first.nextMs <= now) this.take(this.waiting.shift()!, now)
    const next = this.waiting.first?.nextMs ?? Number.POSITIVE_INFINITY
    if (next < Number.POSITIVE_INFINITY) this.alarm.set(next)
    this.host.maybeIdle()
  }

  /** Where the clock was set back, slots come again; what has a row is not published again. */
  private lookAgain(now: number): void {
    const again = this.all.filter(({ state }) => state === 'waiting')
    this.newestMs = 0
    this.waiting.clear()
    for (const one of again) {
      if (now < one.seenMs) this.take(one, now)
      else this.waiting.push(one)
    }
    for (const { seenMs } of this.all) this.newestMs = Math.max(this.newestMs, seenMs)
  }

  /** Takes the slots that have come. */
  private take(one: Running, now: number): void {
    const { name, missed } = one.spec
    const { slots, leftOut } = slotsOf(one.spec, Math.min(one.seenMs, now), now)
    if (leftOut > 0) {
      one.leftOut = { skipped: leftOut, skippedAt: now }
      this.keep(one, (slots[0] ?? now + 1) - 1)
    }
    if (leftOut > 0 && missed === 'all') {
      const text = `schedule "${name}" has missed more than ${missedMax} slots; the oldest are left out`
      this.host.world.log('warn', text, { from: new Date(slots[0]!).toISOString() })
    }
    one.seenMs = now
    one.nextMs = nextOf(one.spec, now)
    one.slots = slots
    this.newestMs = Math.max(this.newestMs, now)
    if (slots.length > 0) this.publish(one)
    else this.waiting.push(one)
  }

  private publish(one: Running): void {
    const { spec } = one
    const due = one.slots[0]!
    const id = `${spec.name}@${new Date(due).toISOString()}`
    become(one, 'publishing')
    this.publishing++
    let message: Stored
    try {
      message = this.host.encode(spec, dataOf(spec, due, this.host.world), id)
    } catch (error) {
      this.failed(one, id, error)
      return
    }
    const full = this.host.store.room()
    if (full !== undefined) {
      one.trouble = `schedule "${spec.name}" waits: ${full.message}`
      this.rest(one, firstRestMs)
      return
    }
    this.write<'slot'>({ do: 'slot', schedule: spec.name, due, message }, ({ appended }) => {
      if (appended === 'other') {
        this.host.world.log('warn', `event "${message.type}" ${id} was published before, with other data`)
      }
      one.trouble = undefined
      this.done(one)
    })
  }

  private done(one: Running): void {
    one.attempts = 0
    one.slots = one.slots.slice(1)
    become(one, 'waiting')
    this.publishing--
    if (this.ended) return
    if (one.slots.length > 0) {
      this.publish(one)
      return
    }
    this.waiting.push(one)
    this.look()
  }

  private failed(one: Running, id: string, error: unknown): void {
    const { world } = this.host
    const { code, message } = recordError(error)
    one.attempts++
    one.trouble = `schedule "${one.spec.name}" cannot publish ${id}: ${message}`
    if (one.attempts >= attemptsMax) {
      world.log('error', `schedule "${one.spec.name}" gives up a slot`, {
        id,
        attempts: one.attempts,
        code,
        error: message,
      })
      // Not within the look at all schedules that this may be part of.
      world.soon(() => this.done(one))
      return
    }
    const restMs = Math.min(restMsMax, firstRestMs * 2 ** (one.attempts - 1))
    world.log('error', `schedule "${one.spec.name}" cannot publish a slot; it is tried again`, {
      id,
      attempts: one.attempts,
      nextInMs: restMs,
      code,
      error: message,
    })
    this.rest(one, restMs)
  }

  private rest(one: Running, ms: number): void {
    become(one, 'resting')
    this.publishing--
    const rest = this.host.world.after(ms, () => {
      this.rests.delete(rest)
      this.publish(one)
    })
    this.rests.add(rest)
  }

  /** Every slot up to a time is dealt with, whatever becomes of cron, time zone or policy later. */
  private keep({ spec: { name, cron, timeZone }, leftOut }: Pick<Running, 'spec' | 'leftOut'>, seenMs: number): void {
    this.write({ do: 'schedule', row: { schedule: name, cron, timeZone, seenMs, gone: false, ...leftOut } })
  }

  private write<Do extends 'slot' | 'schedule'>(
    change: TimedWrite<Do>['change'],
    written: TimedWrite<Do>['written'] = () => {},
  ): void {
    this.host.committer.writeTimed<Do>({ change, written, dropped: () => {}, patient: true })
  }
}

function become(one: Running, state: State): void {
  if (!transitions[one.state].includes(state)) {
    throw new Error(`schedule "${one.spec.name}" goes from ${one.state} to ${state}`)
  }
  one.state = state
}
