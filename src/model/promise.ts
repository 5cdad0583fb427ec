const { then } = Promise.prototype

/**
 * The promise that a function of the user's gave, or undefined for any other value. What is like a promise comes out as a
 * real one: a `then` that throws makes it reject, one that calls back twice settles it once.
 */
export function promiseOf(value: unknown): Promise<unknown> | undefined {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined
  try {
    const own: unknown = (value as PromiseLike<unknown>).then
    if (typeof own !== 'function') return undefined
    if (own === then && value instanceof Promise && value.constructor === Promise) return value
  } catch (error) {
    return Promise.reject(error)
  }
  return new Promise((resolve) => resolve(value))
}

/**
 * Whether a function that has to answer at once gave a promise. Then it was called for nothing, and that it rejects is
 * nobody's failure.
 */
export function isPromise(value: unknown): boolean {
  const promise = promiseOf(value)
  promise?.catch(() => {})
  return promise !== undefined
}
