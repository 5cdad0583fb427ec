// A message as a CloudEvent for another system: structured (all of it one JSON), or binary (attributes as headers).
import { isJson } from '../model/media-type.ts'
import type { Message } from '../model/message.ts'
import { passedIn, passedName, withPassed } from '../model/passed.ts'
import { attributesOf, eventJson, hasBytes } from '../operate/cloudevent.ts'

/** The form in which an event leaves. */
export type EventForm = 'structured' | 'binary'

/** A body and the headers that say what it is. */
export interface EventBody {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface Sent {
  /** Its data have the shape of the version that it says. */
  readonly message: Message
  /** As of `Stored`. */
  readonly trace: string | null
  /** The name of the app that it leaves. */
  readonly app: string
}

/** An event whose data are bytes is always structured: a body is text here. */
export function eventBody({ message, trace, app }: Sent, form: EventForm): EventBody {
  const leaving = { ...message, trace }
  const more = { [passedName]: withPassed(passedIn(message.attributes), app) }
  const { datacontenttype, ...others } = attributesOf(leaving, more)
  const contentType = String(datacontenttype)
  if (form === 'structured' || hasBytes(contentType)) {
    const headers = { 'content-type': 'application/cloudevents+json; charset=utf-8' }
    return { headers, body: eventJson(leaving, JSON.stringify(message.data), more) }
  }
  const named = Object.entries(others).map(([name, value]) => [`ce-${name}`, headerValue(String(value))])
  const { data } = message
  return {
    headers: { 'content-type': contentType, ...Object.fromEntries(named) },
    body: typeof data === 'string' && !isJson(contentType) ? data : JSON.stringify(data),
  }
}

/** Encodes as the HTTP binding of CloudEvents 1.0.2 says: all but printable ASCII, and space, quote and percent. */
const headerValue = (text: string): string =>
  text.replace(/[^\x21-\x7e]+|["%]/gu, (found) =>
    [...Buffer.from(found)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )
