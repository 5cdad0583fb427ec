// A client of the table of routes: what it sends is typed by the row, and every answer is checked against the row.
import assert from 'node:assert/strict'
import { groups } from '../../src/http/routes.ts'
import { statusOf } from '../../src/http/status.ts'
import { type ErrorCode, isErrorCode } from '../../src/model/errors.ts'
import { checkField } from '../../src/operate/fields.ts'

export interface Asks {
  readonly params?: Readonly<Record<string, string>> | undefined
  readonly query?: Readonly<Record<string, string | number | boolean | readonly string[]>> | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** A value that is sent as JSON. */
  readonly json?: unknown
  readonly body?: string | Uint8Array | undefined
  readonly signal?: AbortSignal | undefined
}

export interface Answered {
  readonly status: number
  readonly headers: Headers
  /** The body, as JSON where it is JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at what it expects
  readonly body: any
}

export type Fetch = (request: Request) => Promise<Response>

/** Returns the client of a server, or of a handler. */
export function client(url: string, fetching: Fetch = fetch) {
  /** Asks, and leaves the body of the answer unread. */
  async function open(route: string, asks: Asks = {}): Promise<Response> {
    const [method, path] = route.split(' ') as [string, string]
    const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(asks.params?.[name] ?? ''))
    const query = new URLSearchParams(
      Object.entries(asks.query ?? {}).flatMap(([name, value]) =>
        (Array.isArray(value) ? value : [value]).map((one): [string, string] => [name, String(one)]),
      ),
    )
    const { json, headers = {}, signal } = asks
    const body = json === undefined ? asks.body : JSON.stringify(json)
    const typed = json === undefined ? {} : { 'content-type': 'application/json' }
    const address = `${url}${filled}${query.size === 0 ? '' : `?${query}`}`
    return fetching(
      new Request(address, { method, headers: { ...typed, ...headers }, body: body as never, signal: signal ?? null }),
    )
  }

  /** Asks by the row `METHOD /path/{name}` of the table, and checks the answer against it. */
  async function ask(route: string, asks: Asks = {}): Promise<Answered> {
    const response = await open(route, asks)
    return checkAnswer(route, response)
  }

  return { ask, open }
}

/** Reads an answer, and fails where the table does not know it. */
export async function checkAnswer(route: string, response: Response): Promise<Answered> {
  const row = groups.flatMap((group) => group.routes).find((one) => `${one.method} ${one.path}` === route)
  assert(row !== undefined, `${route} is in no row of the table`)
  const { status, headers } = response
  const text = await response.text()
  const [type] = (headers.get('content-type') ?? '').split(';')
  const body = /[+/]json$/.test(type!) ? JSON.parse(text) : text
  const shown = `${route} answers ${status} ${type} ${text.slice(0, 500)}`
  if (type === 'application/problem+json') {
    const { code, detail, help, title, retryable, type: urn } = body
    assert(isErrorCode(code), shown)
    assert.equal(body.status, status, shown)
    const expected = status === 414 ? 400 : statusOf(code as ErrorCode)
    assert(status === expected || row.answers[status] !== undefined, shown)
    for (const said of [detail, help, title, urn]) assert(typeof said === 'string' && said !== '', shown)
    assert(typeof retryable === 'boolean', shown)
    assert.equal(headers.has('retry-after'), status === 503 || code === 'millrace/too-many-requests', shown)
    return { status, headers, body }
  }
  const says = row.answers[status]
  assert(says !== undefined, shown)
  if (says.body !== undefined && typeof body !== 'string') checkField(route, `the body of ${status}`, says.body, body)
  const expected = says.type ?? (says.body === undefined ? '' : 'application/json')
  assert(expected.split(', ').includes(type!), shown)
  return { status, headers, body }
}
