// The one writer of CloudEvents 1.0: for the events that HTTP gives out, what `deliver` sends, and the lists of the command.
//
// What another system has said of its event stays as it was. Data are copied as they are stored, so that numbers keep all
// their digits; an event that came without data leaves without.
import type { Attributes } from '../model/attributes.ts'
import { isJson, isText } from '../model/media-type.ts'
import { traceFields } from '../model/trace.ts'

/** What a CloudEvent has of a message besides its data. */
export interface Leaving {
  readonly id: string
  readonly source: string
  readonly type: string
  /** The version of the shape of its data. */
  readonly version: number
  readonly time: number
  readonly context?: string | null | undefined
  readonly correlationId: string
  readonly causationId?: string | null | undefined
  /** As of `Stored`. */
  readonly trace: string | null
  /** Null or undefined for a message of the app itself. */
  readonly attributes?: Attributes | null | undefined
}

const isSet = <T>(value: T | null | undefined): value is T => value !== null && value !== undefined

/** The attributes of an event, in the order in which they are written; `more` are set beside them, whatever it said. */
export function attributesOf(message: Leaving, more?: Attributes): Attributes {
  const { id, source, type, version, time, context, correlationId, causationId, trace, attributes } = message
  return {
    specversion: '1.0',
    id,
    source,
    type,
    time: new Date(time).toISOString(),
    datacontenttype: 'application/json',
    ...(isSet(attributes) ? {} : { dataschema: `urn:millrace:${type}:${version}` }),
    ...(isSet(context) ? { partitionkey: context } : {}),
    ...(correlationId === id ? {} : { correlationid: correlationId }),
    ...(isSet(causationId) ? { causationid: causationId } : {}),
    ...traceFields(trace),
    ...attributes,
    ...more,
  }
}

/** An event in the JSON format; `json` are its data, which may have been masked. */
export function eventJson(message: Leaving, json: string, more?: Attributes): string {
  const attributes = attributesOf(message, more)
  if (isSet(message.attributes) && json === 'null') {
    const { datacontenttype: _, ...others } = attributes
    return JSON.stringify(message.attributes['datacontenttype'] === undefined ? others : attributes)
  }
  const isBytes = hasBytes(String(attributes['datacontenttype'])) && json.startsWith('"')
  return `${JSON.stringify(attributes).slice(0, -1)},"${isBytes ? 'data_base64' : 'data'}":${json}}`
}

/** Whether data of a media type are bytes, which a message has as base64. */
export const hasBytes = (contentType: string): boolean => !isJson(contentType) && !isText(contentType)
