import { isRefused } from '../model/refused.ts'
import type { RetryPolicy } from './spec.ts'

export type Consequence = { readonly do: 'hold' } | { readonly do: 'retry'; readonly delayMs: number }

/** What follows from a failed attempt. `attempts` counts it. The delay doubles and varies by half of itself. */
export function consequence(error: unknown, attempts: number, policy: RetryPolicy, random: number): Consequence {
  if (isRefused(error) || attempts >= policy.attempts) return { do: 'hold' }
  const delay = Math.min(policy.maxDelayMs, policy.firstDelayMs * 2 ** (attempts - 1))
  return { do: 'retry', delayMs: delay / 2 + (delay / 2) * random }
}
