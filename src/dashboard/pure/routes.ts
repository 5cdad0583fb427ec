// The addresses of the page. Every state that can be seen has one.
type Plain =
  | 'home'
  | 'inbox'
  | 'desk'
  | 'operations'
  | 'messages'
  | 'flows'
  | 'map'
  | 'system'
  | 'schedules'
  | 'delayed'
  | 'endpoints'
  | 'access'
  | 'settings'
  | 'audit'
  | 'unknown'

export type Place =
  | { readonly page: Plain }
  | { readonly page: 'group' | 'item' | 'correct' | 'operation' | 'flow' | 'question'; readonly id: number }
  | { readonly page: 'message' | 'story' | 'receipt' | 'part'; readonly id: string }

const patterns: readonly (readonly [pattern: RegExp, page: Place['page']])[] = [
  [/^\/$/, 'home'],
  [/^\/inbox$/, 'inbox'],
  [/^\/inbox\/(\d{1,15})$/, 'question'],
  [/^\/desk$/, 'desk'],
  [/^\/desk\/operations$/, 'operations'],
  [/^\/desk\/operations\/(\d{1,15})$/, 'operation'],
  [/^\/desk\/g\/(\d{1,15})$/, 'group'],
  [/^\/desk\/(\d{1,15})$/, 'item'],
  [/^\/desk\/(\d{1,15})\/correct$/, 'correct'],
  [/^\/messages$/, 'messages'],
  [/^\/messages\/([^/]+)$/, 'message'],
  [/^\/messages\/([^/]+)\/story$/, 'story'],
  [/^\/messages\/([^/]+)\/receipt$/, 'receipt'],
  [/^\/flows$/, 'flows'],
  [/^\/flows\/(\d{1,15})$/, 'flow'],
  [/^\/map$/, 'map'],
  [/^\/system$/, 'system'],
  [/^\/system\/parts\/([^/]+)$/, 'part'],
  [/^\/system\/schedules$/, 'schedules'],
  [/^\/system\/delayed$/, 'delayed'],
  [/^\/system\/endpoints$/, 'endpoints'],
  [/^\/system\/access$/, 'access'],
  [/^\/system\/settings$/, 'settings'],
  [/^\/system\/audit$/, 'audit'],
]
/** Each page that has an address. */
export const pages: readonly Place['page'][] = patterns.map(([, page]) => page)
const named: readonly Place['page'][] = ['message', 'story', 'receipt', 'part']

/** What an address shows. */
export function placeOf(path: string): Place {
  const plain = path.length > 1 ? path.replace(/\/$/, '') : path
  for (const [pattern, page] of patterns) {
    const found = pattern.exec(plain)
    if (found === null) continue
    const [, id] = found
    if (id === undefined) return { page } as Place
    const read = named.includes(page) ? decoded(id) : Number(id)
    return read === undefined ? { page: 'unknown' } : ({ page, id: read } as Place)
  }
  return { page: 'unknown' }
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** An address with its filters; what is not set is left out. */
export function addressOf(path: string, query: Readonly<Record<string, string | number | undefined>> = {}): string {
  const said = Object.entries(query).filter(([, value]) => value !== undefined && value !== '')
  return said.length === 0
    ? path
    : `${path}?${new URLSearchParams(said.map(([name, value]): [string, string] => [name, String(value)]))}`
}
