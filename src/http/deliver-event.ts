// A message as a CloudEvent for another system: structured (all of it one JSON), or binary (attributes as headers).
import type { Attributes } from '../model/attributes.ts'
import type { Message } from '../model/message.ts'
import { passedIn, withPassed } from '../model/passed.ts'

/** The form in which an event leaves. */
export type EventForm = 'structured' | 'binary'

/** A body and the headers that say what it is. */
export interface EventBody {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What a CloudEvent has of a message: its data apart, and all else by name. */
export interface Leaving {
  readonly message: Message
  readonly traceparent: string | null
  /** The name of the app that it leaves. */
  readonly app: string
}

/** The attributes of a message, in the order in which they are written. */
export function attributesOf({ message, traceparent, app }: Leaving): Attributes {
  const { id, source, type, time, context, correlationId, causationId, attributes = {} } = message
  return {
    specversion: '1.0',
    id,
    source,
    type,
    time: new Date(time).toISOString(),
    datacontenttype: 'application/json',
    ...(context === undefined ? {} : { partitionkey: context }),
    ...(correlationId === id ? {} : { correlationid: correlationId }),
    ...(causationId === undefined ? {} : { causationid: causationId }),
    ...(traceparent === null ? {} : { traceparent }),
    // What another system has said of its message stays as it was.
    ...attributes,
    millracepath: withPassed(passedIn(attributes), app),
  }
}

export function eventBody(leaving: Leaving, form: EventForm): EventBody {
  const attributes = attributesOf(leaving)
  const { data } = leaving.message
  if (form === 'structured') {
    const headers = { 'content-type': 'application/cloudevents+json; charset=utf-8' }
    return { headers, body: JSON.stringify({ ...attributes, data }) }
  }
  const { datacontenttype, ...others } = attributes
  const isText = typeof data === 'string' && !/[/+]json\b/i.test(String(datacontenttype))
  const named = Object.entries(others).map(([name, value]) => [`ce-${name}`, headerValue(String(value))])
  return {
    headers: { 'content-type': String(datacontenttype), ...Object.fromEntries(named) },
    body: isText ? data : JSON.stringify(data),
  }
}

/** Encodes as the HTTP binding of CloudEvents 1.0.2 says: all but printable ASCII, and space, quote and percent. */
const headerValue = (text: string): string =>
  text.replace(/[^\x21-\x7e]+|["%]/gu, (found) =>
    [...Buffer.from(found)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )
