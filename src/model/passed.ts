// The systems that a message has passed, as it carries them from one to the next: names of apps, oldest first.
import type { Attributes } from './attributes.ts'

/** The attribute of CloudEvents that holds them. */
export const passedName = 'millracepath'

/** The most systems that a message passes. */
export const passedMax = 8

/** The systems that a message from elsewhere has passed. */
export function passedIn(attributes: Attributes | null | undefined): readonly string[] {
  const path = attributes?.[passedName]
  return typeof path === 'string' && path !== '' ? path.split(',') : []
}

/** The same with one more. */
export const withPassed = (passed: readonly string[], app: string): string => [...passed, app].join(',')
