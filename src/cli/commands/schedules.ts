// Shows the schedules of an app, and the messages that come later.
import type { DelayedRow, ScheduleItem } from '../../index.ts'
import { type ActorWords, actorWithReason } from '../actor.ts'
import { type Call, type Reached, takeWords, withApp } from '../call.ts'
import { type Column, count, moment, safe, table, wrap } from '../print.ts'
import { time } from './desk-show.ts'

const when = (ms: number | null) => (ms === null ? '-' : moment(ms))

const columns: readonly Column<ScheduleItem>[] = [
  { title: 'NAME', value: ({ name }) => name, shrinksTo: 10 },
  { title: 'CRON', value: ({ cron }) => cron ?? '-', shrinksTo: 9 },
  { title: 'ZONE', value: ({ timeZone }) => timeZone ?? '-', shrinksTo: 6 },
  { title: 'NEXT', value: ({ nextAt }) => when(nextAt) },
  { title: 'LAST', value: ({ lastAt }) => when(lastAt) },
]

/** Shows the schedules, with the next and the last slot of each. */
export async function schedulesList(call: Call): Promise<number> {
  takeWords(call, [], 0)
  const { out } = call
  return withApp(call, async ({ schedules, running }) => {
    const rows = await schedules.list()
    if (out.json) for (const row of rows) await out.object(scheduleObject(row))
    else if (rows.length === 0) out.line('there is no schedule')
    else {
      await out.lines(table(columns, rows, out.columns))
      for (const row of rows) for (const text of notes(row, { running })) await out.lines(wrap(safe(text), out.columns))
    }
    return 0
  })
}

const iso = (ms: number | null) => (ms === null ? null : time(ms))

function scheduleObject({ nextAt, lastAt, skippedAt, ...row }: ScheduleItem) {
  return { ...row, nextAt: iso(nextAt), lastAt: iso(lastAt), skippedAt: iso(skippedAt) }
}

function notes(row: ScheduleItem, { running }: Pick<Reached, 'running'>): string[] {
  const { name, gone, waiting, missed, skipped, skippedAt } = row
  if (gone) return [`${name} is not in the code that is known here: it publishes nothing`]
  const slots = count(waiting, 'slot')
  const waits = running ? `${name} has ${slots} waiting` : `${name} has missed ${slots}; the next start: ${missed}`
  const left = `${name} left out ${atMost(skipped)} at ${when(skippedAt)}`
  return [...(waiting === 0 ? [] : [waits]), ...(skipped === 0 ? [] : [left])]
}

const atMost = (skipped: number) => (skipped < 1_000 ? count(skipped, 'slot') : '1000 slots or more')

/** Publishes the event of a schedule once more, now. */
export async function schedulesFire(call: Call, words: ActorWords): Promise<number> {
  const actor = actorWithReason('fire', words)
  const [name] = takeWords(call, ['NAME'], 1)
  const { out } = call
  return withApp(call, async ({ schedules }) => {
    const { id, type, at } = await schedules.fire(name!, actor)
    if (out.json) await out.object({ schedule: name, id, type, at: time(at) })
    else await out.line(`${name} is fired: ${type} ${id}`)
    return 0
  })
}

export interface DelayedWords {
  readonly after?: string | undefined
  readonly limit?: number | undefined
}

const delayedColumns: readonly Column<DelayedRow>[] = [
  { title: 'DUE', value: ({ dueAt }) => moment(dueAt) },
  { title: 'TYPE', value: ({ type }) => type, shrinksTo: 10 },
  { title: 'ID', value: ({ id }) => id, shrinksTo: 12 },
  { title: 'CONTEXT', value: ({ context }) => context ?? '-', shrinksTo: 8 },
]

/** Shows a page of the messages that come later. */
export async function schedulesDelayed(call: Call, { after, limit }: DelayedWords): Promise<number> {
  takeWords(call, [], 0)
  const { out } = call
  return withApp(call, async ({ schedules }) => {
    const { items, next } = await schedules.delayed({ after, limit })
    if (out.json) {
      for (const { dueAt, acceptedAt, ...row } of items) {
        await out.object({ ...row, dueAt: time(dueAt), acceptedAt: time(acceptedAt) })
      }
    } else if (items.length === 0) out.line('no message comes later')
    else await out.lines(table(delayedColumns, items, out.columns))
    if (next !== null) out.note(`there are more: --after ${next}`)
    return 0
  })
}
