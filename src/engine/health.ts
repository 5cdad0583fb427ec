import type { MillraceError } from '../model/errors.ts'
import type { Service } from './service.ts'

/** Red when operators have to do something; the reasons say what. */
export interface Health {
  readonly status: 'green' | 'red'
  readonly reasons: readonly string[]
}

/** The facts that health is made of. */
export interface HealthFacts {
  /** The reasons of the store. */
  readonly store: readonly string[]
  readonly services: readonly Pick<Service, 'health'>[]
  /** Why the last commit was not written, while that is so. */
  readonly trouble: MillraceError | undefined
  /** The status of the run. */
  readonly status: string
  readonly isRunning: boolean
}

export function healthOf({ store, services, trouble, status, isRunning }: HealthFacts): Health {
  const reasons = [...store, ...services.flatMap((service) => service.health?.() ?? [])]
  // The store tells of a lock itself, and also sees its end.
  if (trouble !== undefined && trouble.code !== 'millrace/locked') reasons.push(trouble.message)
  if (!isRunning) reasons.push(`the app is ${status}`)
  return { status: reasons.length === 0 ? 'green' : 'red', reasons }
}
