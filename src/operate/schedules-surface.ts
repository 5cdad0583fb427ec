// The one implementation of `app.schedules`, on a running app and on the store of a stopped one.
import { type Actor, checkActor, checkText } from '../model/desk.ts'
import { fault } from '../model/errors.ts'
import type { DelayedFilter, DelayedPage, FiredSchedule, ScheduleItem } from '../model/time-views.ts'
import type { Part } from '../parts/part.ts'
import type { Schedule } from '../parts/schedule.ts'
import type { ScheduleKept, TimeReads } from '../seam/time-reads.ts'
import { checked } from './calls.ts'
import type { Schedules } from './schedules.ts'

export interface SchedulesOf {
  /** Has a function read; ends what it opened for that. */
  reading<T>(read: (time: TimeReads) => Promise<T>): Promise<T>
  /** Those of the app; empty where its code is not known. */
  readonly parts: readonly Part[]
  now(): number
  /** Publishes the event of a schedule now; throws where no app runs. */
  fire(name: string, actor: Actor): Promise<FiredSchedule>
}

const rows = { default: 50, max: 200 }
/** Slots that are counted as waiting. */
const waitingMax = 1_000

export function schedulesOn({ reading, parts, now, fire }: SchedulesOf): Schedules {
  return checked<Schedules>('schedules', {
    list: () => reading(async (time) => listed(await time.kept(), parts, now())),
    fire: async (name, actor) => {
      checkText('fire', 'reason', actor.reason)
      return fire(name, checkActor('fire', actor))
    },
    delayed: (filter = {}) => reading((time) => delayed(time, filter)),
  })
}

function listed(kept: readonly ScheduleKept[], parts: readonly Part[], now: number): ScheduleItem[] {
  const own = parts.filter((part) => part.kind === 'schedule')
  const found = new Set<ScheduleKept>()
  const items = own.map((schedule) => {
    const names = [schedule.name, ...schedule.renamedFrom]
    const row = names.flatMap((name) => kept.find((one) => one.schedule === name) ?? []).at(0)
    if (row !== undefined) found.add(row)
    return itemOf(schedule, row, now)
  })
  return [...items, ...kept.filter((row) => !found.has(row)).map((row) => goneOf(row))]
}

function itemOf(schedule: Schedule, row: ScheduleKept | undefined, now: number): ScheduleItem {
  const { name, cron, timeZone, publishes, missed, owner = null, calendar } = schedule
  const lastAt = row?.lastMs ?? null
  // Of another calendar nothing has come yet: it begins when the app starts with it.
  const isSame = row?.cron === cron && row.timeZone === timeZone
  let waiting = 0
  if (isSame) {
    let slot = calendar.after(Math.max(row.seenMs, lastAt ?? row.seenMs))
    for (; slot !== undefined && slot <= now && waiting < waitingMax; slot = calendar.after(slot)) waiting++
  }
  const nextAt = calendar.after(now) ?? null
  const { skipped, skippedAt } = isSame ? row : { skipped: 0, skippedAt: null }
  const said = { cron, timeZone, publishes: publishes.name, missed, owner }
  return { name, gone: false, ...said, nextAt, lastAt, waiting, skipped, skippedAt }
}

function goneOf({ schedule: name, cron, timeZone, lastMs: lastAt, skipped, skippedAt }: ScheduleKept): ScheduleItem {
  return {
    name,
    gone: true,
    cron,
    timeZone,
    publishes: null,
    missed: null,
    owner: null,
    nextAt: null,
    lastAt,
    waiting: 0,
    skipped,
    skippedAt,
  }
}

async function delayed(time: TimeReads, { after, limit = rows.default }: DelayedFilter): Promise<DelayedPage> {
  if (limit > rows.max) {
    throw fault('millrace/bad-option', `schedules.delayed: limit is ${limit}, but must be at most ${rows.max}`)
  }
  const found = await time.delayed({ after: after === undefined ? undefined : placeIn(after), limit: limit + 1 })
  const shown = found.slice(0, limit)
  const last = shown.at(-1)
  const next = found.length > limit && last !== undefined ? `${last.dueMs}.${last.n}` : null
  return { items: shown.map(({ dueMs: _dueMs, n: _n, ...row }) => row), next }
}

function placeIn(after: string) {
  const [, due, n] = /^(\d+)\.(\d+)$/.exec(after) ?? []
  if (due !== undefined && n !== undefined) return { dueMs: Number(due), n: Number(n) }
  throw fault('millrace/bad-option', 'schedules.delayed: after must be the `next` of a page before')
}
