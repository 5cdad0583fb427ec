const { then } = Promise.prototype

/**
 * Returns the promise that a user's function returned, or undefined for any other value. A thenable becomes a real
 * promise: a `then` that throws rejects it, and a second callback is ignored.
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
 * Tests whether a function that must answer synchronously returned a promise. If so the call is useless, and its
 * rejection is ignored.
 */
export function isPromise(value: unknown): boolean {
  const promise = promiseOf(value)
  promise?.catch(() => {})
  return promise !== undefined
}
