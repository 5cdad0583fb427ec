// One row of the table of routes. Everything about a route is in its row: the routes of the server, what is checked, who
// may use it, the description, the client of the tests and the fuzzers come from it.

import type { EdgeNumbers } from '../model/options.ts'
import type { Permission, Who } from '../model/permissions.ts'
import type { Edge } from '../operate/edge.ts'
import type { Field, Fields } from '../operate/fields.ts'
import type { Access } from './access/access.ts'
import type { Body } from './body.ts'
import type { Served } from './served.ts'

export type Method = 'OPTIONS' | 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** What an answer says, and the shape of its body where it is JSON. */
export interface Says {
  readonly is: string
  /** Its media type, default `application/json`; of a status from 400 on `application/problem+json`. */
  readonly type?: string | undefined
  readonly body?: Field | undefined
}

/** A header that a route looks at. */
export interface Header {
  readonly is: string
  /** True where the route refuses a request without it. */
  readonly needed?: true | undefined
}

export interface Route {
  readonly method: Method
  /** `/events/{topic}`: a name in braces is one segment. */
  readonly path: string
  /** The permission that it needs; `anyone` asks for none. */
  readonly may: Permission | 'anyone' | 'anyone signed in'
  /** What it does, in one sentence. */
  readonly does: string
  /** Its query. A field that takes a list may be repeated. */
  readonly query?: Fields | undefined
  /** Its headers, besides those that say who asks, and what is sent and accepted. */
  readonly headers?: Readonly<Record<string, Header>> | undefined
  /** The shape of its body, where that is JSON; then `call.given` has it. */
  readonly body?: Field | undefined
  /** The media types of its body, where that is not JSON alone; then it reads `call.body` itself. */
  readonly takes?: readonly string[] | undefined
  /** The answers that are not problems of the table of errors, by status. */
  readonly answers: Readonly<Record<number, Says>>
  /** The topics, channels and parts that a call concerns, for grants that are narrowed. Default: those of its path. */
  readonly place?: ((call: Call) => readonly string[] | Promise<readonly string[]>) | undefined
  run(call: Call): Answer | Promise<Answer>
}

/** Routes that come together. */
export interface Group {
  /** Whether a `gateway(app)` that is mounted in another server has them; `app.serve` has all. */
  readonly mounted: boolean
  readonly routes: readonly Route[]
}

/** One request, as a route gets it. */
export interface Call {
  readonly app: Served
  readonly edge: Edge
  readonly request: Request
  /** The path at which the routes are mounted: empty, or `/edge`. */
  readonly basePath: string
  /** The segments of the path, by name, decoded. */
  readonly params: Readonly<Record<string, string>>
  /** The query, checked, with numbers and flags as such. */
  readonly query: Readonly<Record<string, unknown>>
  /** The body, checked, where the row says its shape. */
  readonly given: unknown
  readonly body: Body
  /** Who asks; undefined where anyone may. */
  readonly who: Who | undefined
  /** The address of the caller; empty where it is not known. */
  readonly from: string
  /** The access of a server of its own, with its sessions; undefined where a function of the user's decides. */
  readonly own: Access | undefined
  readonly limits: EdgeNumbers
  /** The systems that may send events as webhooks, by the names that they say; `*` for any. */
  readonly webhookOrigins: readonly string[]
  /** Aborts when the server ends: what waits answers at once. */
  readonly ending: AbortSignal
}

export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** The body as JSON. */
  readonly json?: unknown
  /** The body, where it is not JSON; its type is in the headers. */
  readonly body?: string | Uint8Array | ReadableStream<Uint8Array> | undefined
}
