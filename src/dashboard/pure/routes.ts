// The addresses of the page. Every state that can be seen has one.
export type Place =
  | { readonly page: 'home' | 'desk' | 'operations' | 'audit' | 'unknown' }
  | { readonly page: 'group' | 'item' | 'correct' | 'operation'; readonly id: number }

const patterns: readonly (readonly [pattern: RegExp, page: Place['page']])[] = [
  [/^\/$/, 'home'],
  [/^\/desk$/, 'desk'],
  [/^\/desk\/operations$/, 'operations'],
  [/^\/desk\/operations\/(\d{1,15})$/, 'operation'],
  [/^\/desk\/g\/(\d{1,15})$/, 'group'],
  [/^\/desk\/(\d{1,15})$/, 'item'],
  [/^\/desk\/(\d{1,15})\/correct$/, 'correct'],
  [/^\/system\/audit$/, 'audit'],
]

/** What an address shows. */
export function placeOf(path: string): Place {
  const plain = path.length > 1 ? path.replace(/\/$/, '') : path
  for (const [pattern, page] of patterns) {
    const found = pattern.exec(plain)
    if (found !== null) return (found[1] === undefined ? { page } : { page, id: Number(found[1]) }) as Place
  }
  return { page: 'unknown' }
}

/** An address with its filters; what is not set is left out. */
export function addressOf(path: string, query: Readonly<Record<string, string | number | undefined>> = {}): string {
  const said = Object.entries(query).filter(([, value]) => value !== undefined && value !== '')
  return said.length === 0
    ? path
    : `${path}?${new URLSearchParams(said.map(([name, value]): [string, string] => [name, String(value)]))}`
}
