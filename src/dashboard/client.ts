// The client of the API, typed by the table of routes.
import type { CalledRoute } from '../http/called.ts'
import type { called } from '../http/routes/people.ts'
import type { Served } from '../http/served.ts'
import type { Settings } from '../operate/settings.ts'
import { base } from './router.ts'

type Row = (typeof called)[number]

/** Routes that call no function of the app. */
interface Others {
  readonly '/api/settings': Settings
}

export type Reads = Extract<Row, { readonly method: 'GET' }>['path'] | keyof Others
export type Acts = Extract<Row, { readonly method: 'POST' }>['path']

type RowOf<Method, Path> = Extract<Row, { readonly method: Method; readonly path: Path }>
type Returned<Calls> = Calls extends `${infer On extends keyof Served & string}.${infer Name}`
  ? Name extends keyof Served[On]
    ? Served[On][Name] extends (...given: never[]) => Promise<infer Answer>
      ? Answer
      : never
    : never
  : never

/** What an answer is, by its path: a page where the route has pages. */
export type AnswerOf<Path, Method = 'GET'> = Path extends keyof Others
  ? Others[Path]
  : RowOf<Method, Path> extends infer One extends Pick<CalledRoute, 'calls'>
    ? One extends { readonly pagedBy: string }
      ? Page<Returned<One['calls']>>
      : NonNullable<Returned<One['calls']>>
    : never

export interface Page<Rows> {
  readonly items: Rows
  /** The cursor of the next page; null at the end. */
  readonly next: number | string | null
}

export type Params = Readonly<Record<string, string | number>>
export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>

/** An answer that is an error, in the words of the server. */
export class Problem extends Error {
  readonly status: number
  readonly code: string
  readonly help: string
  readonly data: Readonly<Record<string, unknown>>

  constructor(status: number, said: Readonly<Record<string, unknown>>) {
    super(typeof said['detail'] === 'string' ? said['detail'] : `the server answers ${status}`)
    this.status = status
    this.code = String(said['code'] ?? '')
    this.help = String(said['help'] ?? '')
    this.data = (said['data'] ?? {}) as Readonly<Record<string, unknown>>
  }

  /** True where the server was not reached. */
  get away(): boolean {
    return this.status === 0
  }

  /** True where the same request may be answered later: the server is away, has an error, or too much to do. */
  get passing(): boolean {
    return this.away || this.status === 429 || this.status >= 500
  }
}

/** An error of any kind as a problem that a page can show. */
export const problemOf = (error: unknown): Problem =>
  error instanceof Problem ? error : new Problem(500, { detail: String(error) })

export function read<Path extends Reads>(path: Path, params: Params = {}, query: Query = {}): Promise<AnswerOf<Path>> {
  const said = Object.entries(query).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : value === undefined ? [] : [value]).map((one): [string, string] => [
      name,
      String(one),
    ]),
  )
  const text = new URLSearchParams(said).toString()
  return ask('GET', `${filled(path, params)}${text === '' ? '' : `?${text}`}`) as Promise<AnswerOf<Path>>
}

/** Does something. A repair names the revision that was seen. */
export function act<Path extends Acts>(
  path: Path,
  params: Params,
  { revision, ...body }: Readonly<Record<string, unknown>> & { readonly revision?: number | undefined },
): Promise<AnswerOf<Path, 'POST'>> {
  return ask('POST', filled(path, params), { body, revision }) as Promise<AnswerOf<Path, 'POST'>>
}

const filled = (path: string, params: Params) =>
  path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''))

export async function ask(
  method: string,
  path: string,
  { body, revision }: { readonly body?: unknown; readonly revision?: number | undefined } = {},
): Promise<unknown> {
  const headers: Record<string, string> = {}
  if (body !== undefined) headers['content-type'] = 'application/json'
  if (revision !== undefined) headers['if-match'] = `"${revision}"`
  let response: Response
  let text: string
  try {
    const sent = body === undefined ? null : JSON.stringify(body)
    response = await fetch(base + path, { method, headers, body: sent, cache: 'no-store' })
    text = await response.text()
  } catch {
    throw new Problem(0, { detail: 'the server cannot be reached' })
  }
  const said = text !== '' && /json/.test(response.headers.get('content-type') ?? '') ? JSON.parse(text) : undefined
  if (response.ok) return said
  throw new Problem(response.status, said ?? {})
}
