import { recordError } from '../../model/errors.ts'
import { promiseOf } from '../../model/promise.ts'
import type { World } from '../../seam/world.ts'

/**
 * A function of the user's that only looks on, made safe to call from the work of the engine: what it throws, at once or
 * later, is logged the first time and hurts nobody. It is called again all the same.
 */
export function apart<A>(world: World, what: string, fn: (given: A) => unknown): (given: A) => void {
  let told = false
  const failed = (error: unknown) => {
    if (told) return
    told = true
    const { code, message } = recordError(error)
    world.log('error', `${what} has failed; it is not logged again`, { code, error: message })
  }
  const owner = { late: failed }
  return (given) => {
    try {
      promiseOf(world.callback(owner, () => fn(given)))?.catch(failed)
    } catch (error) {
      failed(error)
    }
  }
}
