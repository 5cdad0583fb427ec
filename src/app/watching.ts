// The function of one start that is told of the ends of attempts.
import { observer } from '../engine/kit/observer.ts'
import type { Watching } from '../model/attempt-end.ts'
import { fault, recordError } from '../model/errors.ts'
import type { World } from '../seam/world.ts'
import type { AppOptions, StartOptions } from './options.ts'

interface Watched {
  readonly options: Pick<AppOptions, 'name' | 'log'>
  readonly world: World
}

/** @throws `millrace/bad-option` */
export function watchingOf(
  { options, world }: Watched,
  { onAttempt, log = options.log }: Pick<StartOptions, 'onAttempt' | 'log'>,
): Watching | undefined {
  if (onAttempt === undefined) return undefined
  if (typeof onAttempt !== 'function') throw fault('millrace/bad-option', 'start: onAttempt must be a function')
  const told = observer(world, `the function "onAttempt" given to app "${options.name}"`, onAttempt)
  return { told, logged: log !== undefined }
}

/** Tells that the watchdog has failed. */
export const unwatched = (world: Pick<World, 'log'>) => (error: unknown) =>
  world.log('error', 'the watchdog is off: nothing ends a handler that blocks the event loop', {
    error: recordError(error).message,
  })
