// Alerts: what is not well, told once when it begins and once when it is well again.
//
//   well ──seen──→ raised ──not seen for `calmMs`, made quiet, or watched no longer──→ well
//
// Each arrow is one event, in one transaction with the row that says which alerts are raised. So each incident has one
// beginning and one end, in this order: their context is that of the alert. An alert tells no data of messages.
import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'
import { type Event, event, type Topic, topic } from './message.ts'
import type { Schema } from './schema.ts'

/** What an alert is about. */
export type AlertKind = 'group' | 'closed' | 'behind' | 'question' | 'paused' | 'disk'

/** What an alert part watches. Times are milliseconds; false: not watched. */
export interface AlertWatch {
  readonly group: boolean
  readonly closedMs: number | false
  readonly behindMs: number | false
  readonly questionMs: number | false
  readonly paused: boolean
  readonly disk: boolean
  /** Time for which it has to be well before its end is told. */
  readonly calmMs: number
  /** The address of the pages; undefined where there is none. */
  readonly baseUrl: string | undefined
}

/** What is not well. */
export interface Finding {
  /** Names it: the same in the event of its beginning and in that of its end. */
  readonly alert: string
  readonly kind: AlertKind
  /** The part; null where it is the whole app, or several parts. */
  readonly part: string | null
  /** The number of a group of held messages; null for all other kinds. */
  readonly group: number | null
  /** The type of the messages of a group. */
  readonly type: string | null
  /** The code of their error; null where it is no plain word. */
  readonly code: string | null
  /** The state of a part that is behind. */
  readonly state: 'live' | 'behind' | 'probing' | 'stuck' | 'paused' | null
  /** Messages, lanes, questions or further alerts; null where nothing is counted. */
  readonly count: number | null
  /** The time since which it is so, milliseconds since 1970. */
  readonly since: number
}

/** The data of `alert.raised`. */
export interface AlertRaised extends Finding {
  /** The part of the app that watches and sends. */
  readonly watch: string
  /** One for each time that it begins: its end has the same. */
  readonly incident: string
  /** The time at which it was seen, milliseconds since 1970. */
  readonly at: number
  /** What is not well, and where. */
  readonly what: string
  /** What still works. */
  readonly works: string
  /** The command that shows more. */
  readonly command: string
  /** The page that shows more; null where the address of the pages is not known. */
  readonly url: string | null
}

/** Why an alert ended: it is well again; a person has made it quiet; the part watches it no longer. */
export type AlertEnd = 'well' | 'quiet' | 'not watched'

/** The data of `alert.ended`: those of its beginning, and its end. */
export interface AlertEnded extends AlertRaised {
  /** Milliseconds since 1970. */
  readonly endedAt: number
  readonly end: AlertEnd
}

const text = { type: 'string' }
const textOrNull = { type: ['string', 'null'] }
const number = { type: 'integer', minimum: 0 }
const numberOrNull = { type: ['integer', 'null'], minimum: 0 }

const raisedShape = {
  watch: text,
  incident: text,
  alert: text,
  kind: { enum: ['group', 'closed', 'behind', 'question', 'paused', 'disk'] satisfies AlertKind[] },
  part: textOrNull,
  group: numberOrNull,
  type: textOrNull,
  code: textOrNull,
  state: textOrNull,
  count: numberOrNull,
  since: number,
  at: number,
  what: text,
  works: text,
  command: text,
  url: textOrNull,
}
const endedShape = {
  ...raisedShape,
  endedAt: number,
  end: { enum: ['well', 'quiet', 'not watched'] satisfies AlertEnd[] },
}

/** Only Millrace publishes these events, so it checks little beyond that the data are an object. */
function ours<T>(properties: Readonly<Record<string, unknown>>): Schema<T> {
  const shape = { type: 'object', properties, required: Object.keys(properties) }
  const standard: StandardSchemaV1.Props<T> & StandardJSONSchemaV1.Props<T> = {
    version: 1,
    vendor: 'millrace',
    jsonSchema: { input: () => shape, output: () => shape },
    validate: (value) =>
      typeof value === 'object' && value !== null && 'incident' in value
        ? { value: value as T }
        : { issues: [{ message: 'only Millrace publishes on this topic' }] },
  }
  return { '~standard': standard }
}

const contextOf = ({ watch, alert }: AlertRaised) => `${watch} ${alert}`

const raised: Event<'alert.raised', AlertRaised> = event('alert.raised', {
  schema: ours<AlertRaised>(raisedShape) as never,
  context: contextOf as never,
})

const ended: Event<'alert.ended', AlertEnded> = event('alert.ended', {
  schema: ours<AlertEnded>(endedShape) as never,
  context: contextOf as never,
})

/** Part of an app that has an alert part. */
export const alertTopic: Topic<typeof raised | typeof ended> = topic('millrace.alerts', [raised, ended], {
  retain: { ageMs: 30 * 24 * 3_600_000 },
})

export const alertTypes = { raised, ended }
