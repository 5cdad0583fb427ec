// Events of CloudEvents 1.0 as they come in: structured, in a batch, or binary with attributes in headers. What they are
// is checked here; whether their data fit their type is for the intake.

import type { Elsewhere } from '../model/elsewhere.ts'
import { fault, type MillraceError } from '../model/errors.ts'
import { isJson, isText } from '../model/media-type.ts'
import { inBrief } from '../model/people.ts'
import { traceparentPattern } from '../model/trace.ts'
import { jsonOf, textOf } from './body.ts'
import { isTime, isUri, isUriReference } from './syntax.ts'

/** An event that has come in. */
export interface Incoming {
  readonly type: string
  /** JSON; a text for the media types of texts; for others the bytes as base64. */
  readonly data: unknown
  readonly from: Elsewhere
}

type Scalar = string | number | boolean

const own: ReadonlySet<string> = new Set(['specversion', 'id', 'source', 'type', 'traceparent'])
const namePattern = /^[a-z0-9]+$/

/**
 * An event in the JSON format.
 *
 * @throws `millrace/bad-event`; `data.pointer` is the place in the event
 */
export function structured(value: unknown): Incoming {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad(undefined, 'an event is an object')
  const { data, data_base64: base64, ...members } = value as Record<string, unknown>
  const attributes = new Map<string, Scalar>()
  for (const [name, given] of Object.entries(members)) {
    // The format takes null for an attribute that is not set.
    if (given === null) continue
    if (!namePattern.test(name)) throw bad(name, 'the names of attributes have only a to z and 0 to 9')
    attributes.set(name, scalar(name, given))
  }
  if (base64 !== undefined && base64 !== null && data !== undefined) {
    throw bad('data_base64', 'an event has data or data_base64, not both')
  }
  const type = attributes.get('datacontenttype')
  const contentType = type === undefined ? undefined : text('datacontenttype', type)
  if (base64 === undefined || base64 === null) return incoming(attributes, dataIn(contentType, data))
  if (typeof base64 !== 'string' || !/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(base64)) {
    throw bad('data_base64', 'data_base64 is base64 in a text')
  }
  return incoming(attributes, dataOfBytes(contentType, Buffer.from(base64, 'base64')))
}

/**
 * An event whose attributes are headers.
 *
 * @param unencoded called for each header with a percent that is taken as it stands
 * @throws `millrace/bad-event`, `millrace/bad-request`
 */
export function binary(headers: Headers, body: Uint8Array, unencoded: () => void): Incoming {
  const attributes = new Map<string, Scalar>()
  for (const [header, value] of headers) {
    if (!header.startsWith('ce-')) continue
    const name = header.slice('ce-'.length)
    if (!namePattern.test(name)) throw bad(name, `the header ${header}: names have only a to z and 0 to 9`)
    if (name === 'data' || name === 'datacontenttype')
      throw bad(name, `${name} is no header: see Content-Type and the body`)
    attributes.set(name, headerValue(header, value, unencoded))
  }
  const contentType = headers.get('content-type') ?? undefined
  if (contentType !== undefined) attributes.set('datacontenttype', contentType)
  const trace = headers.get('traceparent')
  if (trace !== null && traceparentPattern.test(trace) && !attributes.has('traceparent')) {
    attributes.set('traceparent', trace)
    const state = headers.get('tracestate')
    if (state !== null && state !== '' && !attributes.has('tracestate')) attributes.set('tracestate', state)
  }
  return incoming(attributes, dataOfBytes(contentType, body))
}

/** Headers that each event has, if it has any. */
const attributeHeaders = ['ce-specversion', 'ce-id', 'ce-source', 'ce-type']

/** Whether a request has attributes in headers. Looking at all headers would copy them. */
export function hasAttributes(headers: Headers): boolean {
  return attributeHeaders.some((name) => headers.has(name))
}

function incoming(attributes: ReadonlyMap<string, Scalar>, data: unknown): Incoming {
  const required = (name: string) => {
    const value = attributes.get(name)
    if (value === undefined) throw bad(name, `${name} is missing`)
    return text(name, value)
  }
  const version = required('specversion')
  if (version !== '1.0') throw bad('specversion', `specversion is ${inBrief(version)}, but must be "1.0"`)
  const id = required('id')
  const source = required('source')
  const type = required('type')
  if (!isUriReference(source)) throw bad('source', `source is ${inBrief(source)}, which is no URI reference`)
  const traceparent = attributes.get('traceparent')
  if (traceparent !== undefined && !traceparentPattern.test(String(traceparent))) {
    throw bad('traceparent', 'traceparent must be as in W3C Trace Context')
  }
  const others: Record<string, Scalar> = {}
  for (const [name, value] of attributes) {
    if (own.has(name)) continue
    const problem = problems[name]?.(value)
    if (problem !== undefined) throw bad(name, `${name} ${problem}`)
    // JSON is what data are without a word.
    if (name === 'datacontenttype' && value === 'application/json') continue
    others[name] = value
  }
  return {
    type,
    data,
    from: {
      id,
      source,
      attributes: others,
      ...(traceparent === undefined ? {} : { traceparent: String(traceparent) }),
    },
  }
}

const notText = (value: Scalar) =>
  typeof value === 'string' && value !== '' ? undefined : 'must be a text that is not empty'

/** What is wrong with an attribute that the specification has a rule for. */
const problems: Readonly<Record<string, ((value: Scalar) => string | undefined) | undefined>> = Object.assign(
  Object.create(null),
  {
    subject: notText,
    datacontenttype: (value: Scalar) =>
      notText(value) ??
      (/^[\w!#$&^.+-]+\/[\w!#$&^.+-]+\s*(;.*)?$/.test(String(value)) ? undefined : 'must be a media type'),
    dataschema: (value: Scalar) => notText(value) ?? (isUri(String(value)) ? undefined : 'must be an absolute URI'),
    time: (value: Scalar) =>
      typeof value === 'string' && isTime(value)
        ? undefined
        : 'must be a time of RFC 3339 with seconds and an offset, such as 2026-12-01T08:00:00Z',
  },
)

function scalar(name: string, value: unknown): Scalar {
  if (typeof value === 'string') {
    if (value.isWellFormed()) return value
    throw bad(name, `${name} has half a character: a lone surrogate`)
  }
  if (typeof value === 'boolean') return value
  if (Number.isInteger(value) && Math.abs((value as number) + 0.5) < 2 ** 31) return value as number
  throw bad(name, `${name} must be a text, true or false, or a whole number of 32 bits`)
}

function text(name: string, value: Scalar): string {
  if (typeof value === 'string' && value !== '') return value
  throw bad(name, `${name} must be a text that is not empty`)
}

/** Data in the JSON format: of other than JSON and texts, as base64. */
function dataIn(contentType: string | undefined, data: unknown): unknown {
  if (data === undefined) return null
  if (isJson(contentType) || isText(contentType)) return data
  return typeof data === 'string' ? Buffer.from(data).toString('base64') : data
}

function dataOfBytes(contentType: string | undefined, bytes: Uint8Array): unknown {
  if (bytes.length === 0 && (contentType === undefined || isJson(contentType))) return null
  if (isJson(contentType)) return jsonOf(textOf(bytes))
  return isText(contentType) ? textOf(bytes) : Buffer.from(bytes).toString('base64')
}

/** Decodes a header: a quoted string as such, then one round of percent-decoding. */
function headerValue(header: string, raw: string, unencoded: () => void): string {
  if (/[^\t\x20-\x7e]/.test(raw)) {
    throw bad(header.slice('ce-'.length), `the header ${header} has bytes beyond ASCII: percent-encode them as UTF-8`)
  }
  const quoted = /^"((?:[^"\\]|\\.)*)"$/.exec(raw)
  const value = quoted === null ? raw : quoted[1]!.replace(/\\(.)/g, '$1')
  if (!value.includes('%')) return value
  // A percent without two digits is taken as it stands: several SDKs send it so.
  if (/%(?![0-9A-Fa-f]{2})/.test(value)) unencoded()
  return value.replace(/(?:%[0-9A-Fa-f]{2})+/g, (found) => {
    try {
      return decodeURIComponent(found)
    } catch {
      throw bad(header.slice('ce-'.length), `the header ${header} is not UTF-8 when it is percent-decoded`)
    }
  })
}

/** `name`: the attribute that it is about; undefined for the event as a whole. */
function bad(name: string | undefined, what: string): MillraceError {
  const pointer = name === undefined ? '' : `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
  return fault('millrace/bad-event', what, { data: { pointer } })
}
