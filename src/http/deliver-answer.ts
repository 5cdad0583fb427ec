// What follows from the answer of an endpoint.
//
//   2xx                        done
//   410                        the endpoint wants nothing more: it is paused, and the message waits in its lane
//   429, 503, 408, 425         it read nothing: no attempt is used up; Retry-After is obeyed for all lanes
//   not sent                   the same
//   other 5xx, no answer       an attempt is used up only where it takes other messages meanwhile (model/away.ts)
//   3xx, 4xx, anything else    it is about the message: an attempt is used up, and in the end it is held
import { markAway } from '../model/away.ts'
import { fault, type MillraceError } from '../model/errors.ts'
import { forPeople } from '../model/people.ts'
import type { Sent } from '../model/sending.ts'

const unread: ReadonlySet<number> = new Set([408, 425, 429, 503])
const obeyed: ReadonlySet<number> = new Set([429, 503])

/** The longest wait that an endpoint may ask for, milliseconds. */
export const retryAfterMsMax = 3_600_000
const answerShown = 200

/** Tells whether an endpoint wants nothing more. */
export const isGone = (sent: Sent): boolean => sent.is === 'answered' && sent.status === 410

/** The failure that an answer is; undefined where the message was taken. `now` is the time, milliseconds since 1970. */
export function failureOf(where: string, sent: Sent, now: number): MillraceError | undefined {
  if (sent.is !== 'answered') {
    const { code, why } = sent
    const error = failed(`${where}: ${sent.is === 'unknown' ? `no answer came: ${why}` : `not sent: ${why}`}`, { code })
    return markAway(error, { unread: sent.is === 'not sent' })
  }
  const { status, headers, body } = sent
  if (status >= 200 && status < 300) return undefined
  const shown = body === '' ? '' : `: ${forPeople(body, answerShown)}`
  const error = failed(`${where} answered ${status}${shown}`, { status })
  const retryAfterMs = obeyed.has(status) ? retryAfterOf(headers['retry-after'], now) : undefined
  if (unread.has(status) || status === 410) return markAway(error, { unread: true, retryAfterMs })
  return status >= 500 ? markAway(error, { unread: false }) : error
}

const failed = (text: string, data: object) => fault('millrace/not-delivered', text, { data })

/** The wait of `Retry-After`: seconds, or a date. */
function retryAfterOf(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined
  const ms = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - now
  return Number.isFinite(ms) && ms > 0 ? Math.min(ms, retryAfterMsMax) : undefined
}
