import { recordError } from '../../model/errors.ts'
import { promiseOf } from '../../model/promise.ts'
import type { World } from '../../seam/world.ts'

/**
 * Makes a function of the user's that only looks on safe to call from the engine. Its first error, thrown at once or
 * later, is logged and goes nowhere else. The function is called again after it.
 */
export function observer<A>(world: World, what: string, fn: (given: A) => unknown): (given: A) => void {
  let logged = false
  const failed = (error: unknown) => {
    if (logged) return
    logged = true
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
