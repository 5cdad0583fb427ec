// How an answer goes out: as a Response; or, below a server of Node.js, straight to its socket, which costs a third. A
// stream and the answer to HEAD always go as a Response.
import type { Readable } from 'node:stream'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Answer } from './route.ts'

/** A request as a server of Node.js has it. */
export interface Incoming extends Readable {
  readonly method?: string | undefined
  readonly socket?: { readonly remoteAddress?: string | undefined } | undefined
}

/** What a server of Node.js tells of a request. */
export interface Env {
  readonly incoming?: Incoming | undefined
  readonly outgoing?:
    | {
        writeHead(status: number, headers: Readonly<Record<string, string | number>>): unknown
        end(body: string | Uint8Array): unknown
      }
    | undefined
}

const jsonType = { 'content-type': 'application/json' }

export function respond({ status, headers, json, body }: Answer, env: Env | undefined): Response {
  const text = json === undefined ? body : JSON.stringify(json)
  const outgoing = env?.outgoing
  if (outgoing === undefined || env?.incoming?.method === 'HEAD' || text instanceof ReadableStream) {
    const said = json === undefined ? { ...headers } : { ...jsonType, ...headers }
    return new Response((text ?? null) as string | null, { status, headers: said })
  }
  const said: Record<string, string | number> = {}
  if (json !== undefined) said['content-type'] = 'application/json'
  if (headers !== undefined) Object.assign(said, headers)
  if (text !== undefined) said['content-length'] = Buffer.byteLength(text)
  outgoing.writeHead(status, said)
  outgoing.end(text ?? '')
  return RESPONSE_ALREADY_SENT
}
