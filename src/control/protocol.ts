// What a command and a running app say to each other over the control socket: lines of JSON.
//
//   app:      { millrace: 2, app, pid }                                                first, at once
//   command:  { id, do, … }                                                            any number, at any time
//   app:      { id, item }* { id, done } | { id, error }                               for each, in any order
//   app:      { bye: true }                                                            when it stops
import { createHash } from 'node:crypto'
import { realpathSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LogFilter, LogRow } from '../index.ts'
import { fault, isErrorCode, isMillraceError, type MillraceError } from '../model/errors.ts'

/** Raised when an older command and a newer app, or the other way round, would misunderstand each other. */
export const protocolVersion = 2

/** Longest line, bytes: the largest message that an app may allow, and room for what goes around it. */
export const lineBytesMax: number = 256 * 1024 * 1024
/** Requests of one connection that are being served; what comes beyond waits in the socket. */
export const requestsMax = 2_048
/** What may wait to be read by a command that follows messages, bytes; what comes beyond is counted only. */
export const followBytesMax: number = 8 * 1024 * 1024
/** Most messages that can be asked for with `last`. */
export const lastMax = 10_000

export interface Hello {
  readonly millrace: number
  readonly app: string
  readonly pid: number
}

/** Which surface of the app a call is for; the names are those of its functions. */
export type Called = 'desk' | 'processors' | 'flows'

export const callable: Readonly<Record<Called, readonly string[]>> = {
  desk: [
    'list',
    'show',
    'counts',
    'groups',
    'release',
    'resubmit',
    'discard',
    'takeBack',
    'select',
    'operations',
    'refused',
    'abort',
    'audit',
  ],
  processors: ['list', 'retire', 'pause', 'resume'],
  flows: ['list', 'counts', 'show', 'questions', 'answer', 'cancel', 'stop', 'pause', 'resume', 'runAgain'],
}

export type Ask =
  | { readonly do: 'status' }
  | { readonly do: 'publish'; readonly type: string; readonly data: unknown; readonly ownId?: string }
  | { readonly do: 'tail'; readonly filter: LogFilter; readonly last: number; readonly follow: boolean }
  | { readonly do: 'call'; readonly on: Called; readonly name: string; readonly given: readonly unknown[] }
  | { readonly do: 'backup'; readonly to: string }

export type Request = Ask & { readonly id: number }

/** What comes while messages are followed; `missed` were passed over because the reader was too slow. */
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
  return { code: 'unexpected', message: error instanceof Error ? error.message : String(error) }
}

export function fromSent({ code, message, data }: SentError): MillraceError | Error {
  if (isErrorCode(code)) return fault(code, message, { data })
  return Object.assign(new Error(message), { code })
}
