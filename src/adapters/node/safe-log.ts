// The `log` of an app is a function of its user. It cannot end an attempt, the store or the process.
import { recordError } from '../../model/errors.ts'
import { promiseOf } from '../../model/promise.ts'
import type { World } from '../../seam/world.ts'
import { callback } from './late-errors.ts'
import { printLog } from './print-log.ts'

/**
 * Wraps a log so that it never throws. Lines on which it fails go to `fallback`, the first time with the reason. Errors
 * that it throws later (a rejected promise, a callback) also count as its failure.
 */
export function safeLog(log: World['log'], fallback: World['log'] = printLog): World['log'] {
  let told = false
  const failed = (error: unknown) => {
    if (told) return
    told = true
    fallback('error', 'the `log` of the app failed; each line at which it fails is written to standard error', {
      error: recordError(error).message,
    })
  }
  const owner = { late: failed }
  return (level, text, fields) => {
    try {
      promiseOf(callback(owner, () => log(level, text, fields) as unknown))?.catch(failed)
    } catch (error) {
      failed(error)
      fallback(level, text, fields)
    }
  }
}
