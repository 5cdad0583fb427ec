// What is written because of time: delayed messages, slots and rows of schedules, alerts.
import type { Stored } from '../../model/codec.ts'
import type { Appended } from '../../seam/log.ts'
import type { Cancel, TimedChange, TimedResult } from '../../seam/timers.ts'
import type { AlertTable } from './alerts.ts'
import type { Claimed } from './ids.ts'
import type { ScheduleTable } from './schedules.ts'
import type { Appending, PositionOf, TimerWrites } from './state.ts'
import type { Transaction } from './statements.ts'
import type { TimerTable } from './timers.ts'

export interface TimedTables {
  readonly timers: TimerTable
  readonly slots: ScheduleTable
  readonly alerts: AlertTable
}

type Change = Exclude<TimedChange, Cancel>
type Result = Exclude<TimedResult, { readonly do: 'cancel' }>

export function timedWrites(tables: TimedTables): TimerWrites {
  const { timers } = tables
  return {
    cancel: (db, cancels) => timers.cancel(db, cancels),
    keep: (db, messages) => timers.keep(db, messages),
    pending: (db, taken) => timers.pending(db, taken),
    nextDue: (db) => timers.nextDue(db),
    async write(db, changes, appending, now) {
      const results: ((positionOf: PositionOf) => Result)[] = []
      for (const change of changes) results.push(await writeOne(db, change, { ...tables, appending, now }))
      return (positionOf) => results.map((result) => result(positionOf))
    },
  }
}

/** Writes a change, each after the one before. Gives its result, once positions are known. */
async function writeOne(
  db: Transaction,
  change: Change,
  {
    timers,
    slots,
    alerts,
    appending,
    now,
  }: TimedTables & { readonly appending: Appending; readonly now: () => number },
): Promise<(positionOf: PositionOf) => Result> {
  switch (change.do) {
    case 'fire': {
      const fired = await timers.fire(db, change, now())
      appending.appendClaimed(fired.appended)
      return (positionOf) => {
        for (const message of fired.appended) message.position = positionOf(message)
        return fired
      }
    }
    case 'slot': {
      const appended = (await slots.add(db, change)) ? await append(appending, change.message) : nothing
      return (positionOf) => ({ do: 'slot', appended: appended(positionOf) })
    }
    case 'schedule':
      await slots.keep(db, change)
      return () => ({ do: 'schedule' })
    case 'alert': {
      const appended = (await alerts.write(db, change)) ? await append(appending, change.message) : nothing
      return (positionOf) => ({ do: 'alert', appended: appended(positionOf) })
    }
  }
}

const nothing = (): Appended => 0

async function append(appending: Appending, message: Stored): Promise<(positionOf: PositionOf) => Appended> {
  const [claimed]: Claimed[] = await appending.append([message])
  return (positionOf) => claimed ?? positionOf(message)
}
