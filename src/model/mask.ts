// Hides the secret fields of data from people. It imports nothing, so that a thread may carry it.

/** What people see in place of a secret. */
export const mask = '***'

/**
 * Hides the secret fields of data.
 *
 * @param json the data of a message, as they are stored
 * @param secret the paths of its type
 * @returns the data as JSON, in which `"***"` stands in place of each secret; the same text where there is none
 */
export function masked(json: string, secret: readonly string[]): string {
  if (secret.length === 0) return json
  try {
    let data: unknown = JSON.parse(json)
    for (const path of secret) data = maskAt(data, stepsOf(path), 0)
    return JSON.stringify(data)
  } catch {
    return JSON.stringify(mask)
  }
}

/** The steps of a JSON Pointer. */
export const stepsOf = (path: string) =>
  path
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))

/** A copy in which the mask stands at the end of a path. */
function maskAt(value: unknown, steps: readonly string[], at: number): unknown {
  if (at === steps.length) return mask
  if (typeof value !== 'object' || value === null) return value
  const copy = (Array.isArray(value) ? [...value] : { ...value }) as Record<string, unknown>
  for (const [name, next] of under(value, steps, at)) copy[name] = maskAt(copy[name], steps, next)
  return copy
}

/** The names into which a step leads, each with the step that follows there. */
export function under(value: object, steps: readonly string[], at: number): (readonly [name: string, next: number])[] {
  const step = steps[at]!
  if (step === '*') return Object.keys(value).map((name) => [name, at + 1])
  if (Object.prototype.propertyIsEnumerable.call(value, step)) return [[step, at + 1]]
  return Array.isArray(value) && !/^[0-9]+$/.test(step) ? Object.keys(value).map((name) => [name, at]) : []
}
