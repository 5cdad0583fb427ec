// The `log` of an app is a function of its user. Whatever it does, no line of it ends an attempt, the store or the process.
import { recordError } from '../../model/errors.ts'
import { promiseOf } from '../../model/promise.ts'
import type { World } from '../../seam/world.ts'
import { callback } from './late-errors.ts'
import { printLog } from './print-log.ts'

/**
 * The same log, which never throws: lines that it fails at go to `fallback`, the first time with the reason. What it
 * throws later (a promise that rejects, a callback) is its own failure too.
 */
export function safeLog(log: World['log'], fallback: World['log'] = printLog): World['log'] {
  let told = false
  const failed = (error: unknown) => {
    if (told) return
    told = true
    fallback('error', 'the `log` of the app has failed; lines that it fails at come to standard error', {
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
