import { fault } from '../../model/errors.ts'
import type { Message } from '../../model/message.ts'
import { checkOptions, limit, type Optional } from '../../model/options.ts'
import { isPromise } from '../../model/promise.ts'
import { isRefused } from '../../model/refused.ts'

/** When failed attempts are repeated. Options of `retry` of a processor. */
export interface RetryPolicy {
  /** Attempts before the message goes to the desk, the first one counted. */
  readonly attempts: number
  /** How many of them follow without a wait. */
  readonly immediate: number
  /** The first wait, milliseconds; each later one is `factor` times as long, up to `maxDelayMs`. */
  readonly firstDelayMs: number
  /** The longest wait, milliseconds. */
  readonly maxDelayMs: number
  /** By how much each wait is longer than the one before. */
  readonly factor: number
  /** The part of each wait that is left to chance, 0 to 1. */
  readonly jitter: number
  /** Chooses other numbers for one error; undefined keeps these. It must answer at once, without a promise. */
  readonly byError?: ((failure: FailedAttempt) => Optional<Omit<RetryPolicy, 'byError'>> | undefined) | undefined
}

/** The argument of `byError`: a failed attempt. */
export interface FailedAttempt {
  /** The error that was thrown. */
  readonly error: unknown
  /** The attempts that have failed, this one counted. */
  readonly attempts: number
  readonly message: Pick<Message, 'id' | 'type' | 'context'>
}

export const retryNumbers = ['attempts', 'immediate', 'firstDelayMs', 'maxDelayMs', 'factor', 'jitter'] as const

export type Consequence = { readonly do: 'hold' } | { readonly do: 'retry'; readonly delayMs: number }

/** The consequence of a failed attempt; `attempts` includes it. */
export function consequence(error: unknown, attempts: number, policy: RetryPolicy, random: number): Consequence {
  if (isRefused(error) || attempts >= policy.attempts) return { do: 'hold' }
  const waits = attempts - policy.immediate
  if (waits <= 0) return { do: 'retry', delayMs: 0 }
  // Bounded, because an infinite factor times a wait of 0 is not a number.
  const delay = Math.min(policy.maxDelayMs, policy.firstDelayMs * Math.min(policy.factor ** (waits - 1), 1e12))
  return { do: 'retry', delayMs: delay * (1 - policy.jitter) + delay * policy.jitter * random }
}

/**
 * The policy for one failure.
 *
 * @throws what `byError` throws; `millrace/bad-option`, `millrace/unknown-option` where it gives no such numbers
 */
export function policyFor(where: string, policy: RetryPolicy, failure: FailedAttempt): RetryPolicy {
  const own = policy.byError?.(failure)
  if (own === undefined || own === null) return policy
  if (isPromise(own))
    throw fault('millrace/bad-option', `${where}: byError returned a promise, but must return its value at once`)
  checkOptions(`${where}: byError`, own, retryNumbers)
  const numbers = retryNumbers.map((name) => [name, limit(`${where}: byError`, name, own[name] ?? policy[name])])
  return { ...policy, ...(Object.fromEntries(numbers) as Partial<RetryPolicy>) }
}
