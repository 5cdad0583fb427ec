import { fault } from '../model/errors.ts'
import type { Message } from '../model/message.ts'
import { checkOptions, limit, type Optional } from '../model/options.ts'
import { isPromise } from '../model/promise.ts'
import { isRefused } from '../model/refused.ts'

/** When failed attempts are made again. */
export interface RetryPolicy {
  /** How many attempts there are, the first one included; then the message has failed for good. */
  readonly attempts: number
  /** How many of them follow at once upon the one before. */
  readonly immediate: number
  /** The first wait, milliseconds; each later one is `factor` times as long, up to `maxDelayMs`. */
  readonly firstDelayMs: number
  readonly maxDelayMs: number
  readonly factor: number
  /** 0 to 1: the part of each wait that is left to chance. */
  readonly jitter: number
  /** What holds for one error instead; nothing for what holds anyway. */
  readonly byError?: ((failure: FailedAttempt) => Optional<Omit<RetryPolicy, 'byError'>> | undefined) | undefined
}

/** What a function that chooses by the error gets. */
export interface FailedAttempt {
  /** What was thrown. */
  readonly error: unknown
  /** How many attempts have failed, this one included. */
  readonly attempts: number
  readonly message: Pick<Message, 'id' | 'type' | 'context'>
}

export const retryNumbers = ['attempts', 'immediate', 'firstDelayMs', 'maxDelayMs', 'factor', 'jitter'] as const

export type Consequence = { readonly do: 'hold' } | { readonly do: 'retry'; readonly delayMs: number }

/** What follows from a failed attempt; `attempts` counts it. */
export function consequence(error: unknown, attempts: number, policy: RetryPolicy, random: number): Consequence {
  if (isRefused(error) || attempts >= policy.attempts) return { do: 'hold' }
  const waits = attempts - policy.immediate
  if (waits <= 0) return { do: 'retry', delayMs: 0 }
  // Not beyond what a number can hold, where any factor of a wait of 0 would be none.
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
  if (isPromise(own)) throw fault('millrace/bad-option', `${where}: byError gave a promise, but must answer at once`)
  checkOptions(`${where}: byError`, own, retryNumbers)
  const numbers = retryNumbers.map((name) => [name, limit(`${where}: byError`, name, own[name] ?? policy[name])])
  return { ...policy, ...(Object.fromEntries(numbers) as Partial<RetryPolicy>) }
}
