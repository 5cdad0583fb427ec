// The protocol between a command and a running app over the control socket: lines of JSON.
//
//   app:      { millrace: 3, app, pid }                 first, at once
//   command:  { id, do, … }                             any number, at any time
//   app:      { id, item }* { id, done } | { id, error }     for each; a list comes as its items
//   app:      { id: 0, error }                          why it ends a connection
//   app:      { bye: true }                             when it stops
//
// An app takes one request after the other, and only when the answer to the one before was read; of publishes many are
// under way at once, up to a bound. So who does not read is not answered, and costs no memory.
import { createHash } from 'node:crypto'
import { realpathSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fault, isErrorCode, isMillraceError, type MillraceError } from '../model/errors.ts'
import type { LogFilter, LogRow } from '../model/log-views.ts'
import { own, suggest } from '../model/names.ts'
import { messageOf } from '../model/people.ts'
import { type Called, calls } from '../operate/calls.ts'
import { checkFields, type Fields } from '../operate/fields.ts'

/** Raised when an older command and a newer app, or the other way round, would misunderstand each other. */
export const protocolVersion = 3

/** Longest line, bytes: the largest message that an app may allow, and room for what goes around it. */
export const lineBytesMax: number = 256 * 1024 * 1024
/** Connections at once; who comes beyond is told so. */
export const connectionsMax = 64
/** Publishes of one connection under way at once, and bytes of them; what comes beyond waits in the socket. */
export const publishesMax = 2_048
export const publishBytesMax: number = 8 * 1024 * 1024
/** Requests of one connection that follow messages. */
export const followingsMax = 16
/** The most bytes that wait for a command that follows messages; messages beyond are only counted. */
export const followBytesMax: number = 8 * 1024 * 1024

export interface Hello {
  readonly millrace: number
  readonly app: string
  readonly pid: number
}

/** The health of the app, as `app.health` reports it. */
export interface Health {
  readonly status: 'green' | 'red'
  readonly reasons: readonly string[]
}

/** Options of a publish, as they travel. */
export interface PublishWords {
  readonly ownId?: string | undefined
  /** Milliseconds since 1970. */
  readonly at?: number | undefined
  readonly delayMs?: number | undefined
}

/** Which messages are asked for, as it travels. */
export interface TailWords {
  readonly filter: LogFilter
  /** So many of the newest first. */
  readonly last: number
  /** True to follow new messages too. */
  readonly follow: boolean
}

export type Ask =
  | { readonly do: 'status' }
  | ({ readonly do: 'publish'; readonly type: string; readonly data: unknown } & PublishWords)
  | ({ readonly do: 'tail' } & TailWords)
  | { readonly do: 'call'; readonly on: Called; readonly name: string; readonly given: readonly unknown[] }
  | { readonly do: 'backup'; readonly to: string }
  /** Accepts the file as it is: see `millrace/copy-without-wal`. */
  | { readonly do: 'accept' }

export type Request = Ask & { readonly id: number }

const filter: Fields = { fields: { destination: 'text', type: 'text', context: 'text', correlation: 'text' } }

/** The fields of each request besides `id` and `do`. */
const asks: Readonly<Record<Ask['do'], Fields>> = {
  status: { fields: {} },
  // A wrong message is an error of its data: `app.publish` checks it.
  publish: { fields: { type: 'text', data: 'any', ownId: 'any', at: 'any', delayMs: 'any' }, needs: ['type'] },
  tail: { fields: { filter, last: 'whole', follow: 'flag' }, needs: ['filter', 'last', 'follow'] },
  call: {
    fields: { on: { oneOf: Object.keys(calls) }, name: 'text', given: 'list' },
    needs: ['on', 'name', 'given'],
  },
  backup: { fields: { to: 'path' }, needs: ['to'] },
  accept: { fields: {} },
}

/**
 * Reads a line as a request. The fields of the request are not checked yet: who asks is told under its `id`.
 *
 * @throws `millrace/bad-request` where the line is none: who sent it does not speak the protocol
 */
export function readRequest(line: Buffer): Pick<Request, 'id' | 'do'> {
  let request: Partial<Request> | null
  try {
    request = JSON.parse(line.toString())
  } catch (cause) {
    throw fault('millrace/bad-request', `a request is not JSON: ${String(cause).slice(0, causeShown)}`, { cause })
  }
  if (Number.isSafeInteger(request?.id) && typeof request?.do === 'string') return request as Request
  throw fault('millrace/bad-request', 'a request has no id or does not say what to do')
}

const causeShown = 200

/** Errors: `millrace/bad-request`, `millrace/bad-option`, `millrace/unknown-option`. */
export function checkRequest(request: Pick<Request, 'id' | 'do'>): Request {
  const { id: _, do: what, ...fields } = request
  const wanted = own(asks, what)
  if (wanted === undefined) {
    const asked = what.slice(0, causeShown)
    throw fault('millrace/bad-request', `this app does not know "${asked}"${suggest(asked, Object.keys(asks))}`)
  }
  checkFields(what, fields, wanted)
  return request as Request
}

/** A message that is followed; or the number of those that were skipped because the reader was too slow. */
export type Followed = { readonly message: LogRow } | { readonly missed: number }

export interface SentError {
  readonly code: string
  readonly message: string
  readonly data?: unknown
}

export type Reply =
  | { readonly id: number; readonly item: unknown }
  | { readonly id: number; readonly done: unknown }
  | { readonly id: number; readonly error: SentError }

/**
 * A line for the other side.
 *
 * @throws `millrace/answer-too-large` where no line can hold it
 */
export function lineOf(what: Hello | Reply | Bye): string {
  let line: string
  try {
    line = JSON.stringify(what)
  } catch (cause) {
    throw fault('millrace/answer-too-large', `an answer cannot be written: ${String(cause)}`, { cause })
  }
  if (line.length <= lineBytesMax) return line
  throw fault('millrace/answer-too-large', `an answer has ${line.length} characters, of at most ${lineBytesMax}`)
}

export interface Bye {
  readonly bye: true
}

const pathBytesMax = process.platform === 'darwin' ? 103 : 107

/** Where the socket of a file is: beside it, or, where that would be too long an address, in the temporary folder. */
export function socketPath(file: string): string {
  const path = `${realPath(file)}-control`
  if (Buffer.byteLength(path) <= pathBytesMax) return path
  const hash = createHash('sha256').update(path).digest('hex').slice(0, 24)
  return join(tmpdir(), `millrace-${hash}`)
}

function realPath(file: string): string {
  try {
    return realpathSync(file)
  } catch {
    return file
  }
}

export function toSent(error: unknown): SentError {
  if (isMillraceError(error)) {
    const { code, message, data } = error
    return data === undefined ? { code, message } : { code, message, data }
  }
  return { code: 'unexpected', message: messageOf(error) }
}

export function fromSent({ code, message, data }: SentError): MillraceError | Error {
  if (isErrorCode(code)) return fault(code, message, { data })
  return Object.assign(new Error(message), { code })
}
