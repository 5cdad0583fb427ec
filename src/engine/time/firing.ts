// A schedule that a person fires: its event is published once more, now, beside its slots.
//
// Invariants: the event and the line of the audit log are one write, so that a crash leaves both or neither; slots and the
// progress of the schedule stay as they are; an event that was fired has an id of its own, never that of a slot.
import type { Stored } from '../../model/codec.ts'
import type { Actor } from '../../model/desk.ts'
import { fault, isMillraceError, recordError } from '../../model/errors.ts'
import { suggest } from '../../model/names.ts'
import type { FiredSchedule } from '../../model/time-views.ts'
import type { Store } from '../../seam/store.ts'
import type { World } from '../../seam/world.ts'
import type { Committer } from '../commit/committer.ts'
import type { ScheduleSpec } from '../spec.ts'
import { dataOf } from './slot-data.ts'

/** The engine, as firing needs it. */
export interface FiringHost {
  readonly world: World
  readonly store: Pick<Store, 'room'>
  readonly committer: Pick<Committer, 'written'>
  /** The schedules of this run. */
  readonly specs: readonly ScheduleSpec[]
  encode(spec: ScheduleSpec, data: unknown, id: string | undefined): Stored
  checkRunning(): void
}

/**
 * Publishes the event of a schedule now. Resolves when it is durable.
 *
 * @throws `millrace/unknown-schedule`; `millrace/bad-data` where its function for the data fails, or they do not fit; why
 *   the store takes nothing
 */
export async function fire(host: FiringHost, name: string, { by, reason }: Actor): Promise<FiredSchedule> {
  const { world, store, committer, specs, encode } = host
  host.checkRunning()
  const spec = specs.find((one) => one.name === name)
  if (spec === undefined) {
    const names = specs.map((one) => one.name)
    throw fault('millrace/unknown-schedule', `schedule "${name}" does not run${suggest(name, names)}`)
  }
  const full = store.room()
  if (full !== undefined) throw full
  const at = world.now()
  const message = encode(spec, made(spec, at, world), undefined)
  const { id, type } = message
  const detail = { id, type }
  const audit = {
    at,
    by,
    item: null,
    subject: `schedule ${name}`,
    action: 'fired',
    reason: reason ?? null,
    detail,
  } as const
  await committer.written({ outgoing: [message], changes: [{ do: 'record', audit }] })
  return { id, type, at }
}

function made(spec: ScheduleSpec, at: number, world: World): unknown {
  try {
    return dataOf(spec, at, world)
  } catch (cause) {
    if (isMillraceError(cause)) throw cause
    const { code, message } = recordError(cause)
    throw fault('millrace/bad-data', `schedule "${spec.name}": data threw ${code}: ${message}`, { cause })
  }
}
