// Which row of the table a path is of. The rows of one method are compared in their order, segment by segment; a name in
// braces takes one segment that is not empty, which is decoded when the row is found.

export interface Found<T> {
  readonly row: T
  readonly params: Readonly<Record<string, string>>
}

interface Pattern<T> {
  readonly row: T
  readonly segments: readonly string[]
  /** The name in each segment; undefined for one that is a text. */
  readonly names: readonly (string | undefined)[]
}

export class Paths<T extends { readonly method: string; readonly path: string }> {
  /** By method and first segment, which has no name in any row. */
  private readonly patterns = new Map<string, Pattern<T>[]>()

  constructor(rows: readonly T[]) {
    for (const row of rows) {
      const segments = row.path.split('/')
      const names = segments.map((segment) => /^\{(\w+)\}$/.exec(segment)?.[1])
      const key = `${row.method} ${segments[1]}`
      const others = this.patterns.get(key)
      const pattern = { row, segments, names }
      if (others === undefined) this.patterns.set(key, [pattern])
      else others.push(pattern)
    }
  }

  /** `path`: as it came, without its query. */
  find(method: string, path: string): Found<T> | undefined {
    const segments = path.split('/')
    for (const pattern of this.patterns.get(`${method} ${segments[1]}`) ?? []) {
      if (fits(pattern, segments)) return { row: pattern.row, params: paramsOf(pattern, segments) }
    }
    return undefined
  }
}

function fits({ segments, names }: Pattern<unknown>, given: readonly string[]): boolean {
  if (given.length !== segments.length) return false
  for (let at = 0; at < given.length; at++) {
    if (names[at] === undefined ? given[at] !== segments[at] : given[at] === '') return false
  }
  return true
}

function paramsOf({ names }: Pattern<unknown>, given: readonly string[]): Readonly<Record<string, string>> {
  const params: Record<string, string> = {}
  for (let at = 0; at < names.length; at++) {
    const name = names[at]
    if (name !== undefined) params[name] = decoded(given[at]!)
  }
  return params
}

/** What cannot be decoded stays as it is. */
function decoded(segment: string): string {
  if (!segment.includes('%')) return segment
  return segment.replace(/(?:%[0-9A-Fa-f]{2})+/g, (bytes) => {
    try {
      return decodeURIComponent(bytes)
    } catch {
      return bytes
    }
  })
}
