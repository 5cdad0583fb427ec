// A place in JSON data.

/** The value at a JSON Pointer; undefined where there is none. */
export function valueAt(data: unknown, path: string): unknown {
  let value = data
  for (const step of path.split('/').slice(1)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    value = (value as Readonly<Record<string, unknown>>)[name]
  }
  return value
}
