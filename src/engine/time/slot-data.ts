// The data of a slot, as the function of the user makes them.
import { fault, recordError } from '../../model/errors.ts'
import { isPromise } from '../../model/promise.ts'
import type { World } from '../../seam/world.ts'
import type { ScheduleSpec } from '../spec.ts'

/** @throws what the function throws; `millrace/bad-data` where it returns a promise */
export function dataOf(spec: ScheduleSpec, atMs: number, world: Pick<World, 'callback' | 'log'>): unknown {
  const late = (error: unknown) => {
    const what = `data of schedule "${spec.name}" threw after it had ended`
    world.log('error', what, { code: 'millrace/late-error', error: recordError(error).message })
  }
  const data = world.callback({ late }, () => spec.dataOf(atMs))
  if (!isPromise(data)) return data
  throw fault('millrace/bad-data', `schedule "${spec.name}": data returned a promise, but must return a value`)
}
