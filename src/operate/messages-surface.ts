// The one implementation of `app.messages`, on a running app and on the store of a stopped one.
import { fault } from '../model/errors.ts'
import type { LogPlace } from '../model/log-views.ts'
import type {
  MessageFilter,
  MessageItem,
  MessageRow,
  MessagesFound,
  StoryOptions,
  StoryPage,
} from '../model/message-views.ts'
import type { Part } from '../parts/part.ts'
import { processorsOf } from '../parts/processors.ts'
import type { LogReads } from '../seam/log.ts'
import type { MessageReads } from '../seam/message-reads.ts'
import { checked } from './calls.ts'
import { checkLogFilter } from './filter.ts'
import { walk } from './log-walk.ts'
import { searched, storyOf } from './message-search.ts'
import type { Messages } from './messages.ts'
import { type ReceiptReads, receiptOf } from './receipts.ts'

/** The store, as messages are read from it. */
export interface MessagesBackend extends ReceiptReads {
  readonly log: Pick<LogReads, 'read'>
}

/** The reads of a running store. */
export function readsOf({ messageReads, deskReads, log, finder, requests }: RunningReads): MessagesBackend {
  return { messages: messageReads, desk: deskReads, log, finder, requests }
}

interface RunningReads extends Omit<MessagesBackend, 'messages' | 'desk'> {
  readonly messageReads: MessagesBackend['messages']
  readonly deskReads: MessagesBackend['desk']
}

/** Has a function read; ends what it opened for that. */
export type Reading = <T>(read: (backend: MessagesBackend) => Promise<T>) => Promise<T>

const rows = { default: 50, max: 200 }
const nodes = { default: 500, max: 5_000 }

export interface MessagesOf {
  /** Those of the app; empty where its code is not known. */
  readonly parts: readonly Part[]
  now(): number
}

export function messagesOn(reading: Reading, { parts, now }: MessagesOf): Messages {
  return checked<Messages>('messages', {
    list: (filter = {}) => reading((backend) => list(backend, filter, parts)),
    show: (id) => reading(async (backend) => withoutOthers(await show(backend, id), parts)),
    story: (id, options = {}) => reading((backend) => story(backend, id, options)),
    receipt: (id) =>
      reading(async (backend) => {
        const { items, ...looked } = withoutOthers(await show(backend, id), parts)
        return { at: now(), items: await Promise.all(items.map((item) => receiptOf(backend, item))), ...looked }
      }),
  })
}

async function list({ messages: reads, finder }: MessagesBackend, filter: MessageFilter, parts: readonly Part[]) {
  const { destination, type, context, correlation, since, until, order = 'newest', after, limit } = filter
  const most = limitOf('messages.list', limit, rows)
  await checkLogFilter(filter, parts, await reads.names())
  if (filter.text !== undefined)
    return searched({ reads, finder }, { ...filter, text: filter.text, order, limit: most })
  const span = { destination, since, until }
  const matching = { type, context, correlation, since, until }
  const walked = await walk(reads, { span, filter: matching, order, after, limit: most })
  const { rows: items, next, lookedTo } = walked
  return { items, next, complete: next === null, lookedBackTo: lookedTo }
}

async function show({ messages, log }: Pick<MessagesBackend, 'messages' | 'log'>, id: string): Promise<MessagesFound> {
  const { rows: found, lookedTo } = await find(messages, id)
  const items = await Promise.all(found.map((row) => itemOf({ messages, log }, row)))
  return { items: items.filter((item) => item !== undefined), complete: lookedTo === null, lookedUpTo: lookedTo }
}

async function story(
  { messages, finder }: MessagesBackend,
  id: string,
  { after, limit }: StoryOptions,
): Promise<StoryPage> {
  const most = limitOf('messages.story', limit, nodes)
  const [found] = (await find(messages, id)).rows
  if (found === undefined) {
    return { correlationId: null, items: [], next: null, complete: true, lookedFrom: null, lookedUpTo: null }
  }
  const { correlationId } = found
  const known = await storyOf({ reads: messages, finder }, id, { after, limit: most })
  if (known !== undefined) return { correlationId, ...known }
  const lookedFrom = (await beginOf(messages, correlationId)) ?? found.time
  const walked = await walk(messages, {
    span: { since: lookedFrom },
    filter: { correlation: correlationId },
    order: 'oldest',
    after,
    limit: most,
  })
  const { rows: items, next, lookedTo: lookedUpTo } = walked
  return { correlationId, items, next, complete: next === null, lookedFrom, lookedUpTo }
}

interface Found {
  readonly rows: readonly MessageRow[]
  /** The time to which all was looked at; null where an index was enough, or all was. */
  readonly lookedTo: number | null
}

/** Messages by their id: by index where the publisher gave it, else by the time in it. */
async function find(reads: MessageReads, id: string): Promise<Found> {
  const places = await reads.withId(id)
  if (places.length > 0) {
    const found = await Promise.all(places.map((place) => rowAt(reads, place)))
    return { rows: found.filter((row) => row !== undefined), lookedTo: null }
  }
  const made = madeAt(id)
  if (made === undefined) return { rows: [], lookedTo: null }
  const { rows, lookedTo } = await walk(reads, {
    span: { since: made },
    filter: { id },
    order: 'oldest',
    limit: 1,
  })
  return { rows, lookedTo: rows.length > 0 ? null : lookedTo }
}

async function rowAt(reads: MessageReads, { stream, position }: LogPlace): Promise<MessageRow | undefined> {
  const slice = { stream, order: 'oldest', from: position, end: position, filter: {}, limit: 1 } as const
  return (await reads.slice(slice)).rows[0]
}

/** When the first message of a flow was published, where its id tells. */
async function beginOf(reads: MessageReads, id: string): Promise<number | undefined> {
  const made = madeAt(id)
  if (made !== undefined) return made
  const [place] = await reads.withId(id)
  return place === undefined ? undefined : (await rowAt(reads, place))?.time
}

/** The whole of a message: its data may be large, so that it is read at once from where it is. */
async function itemOf({ messages, log }: Pick<MessagesBackend, 'messages' | 'log'>, { bytes: _, ...row }: MessageRow) {
  const { stream, position } = row
  const [whole] = await log.read(stream, position - 1, 1, Number.MAX_SAFE_INTEGER)
  if (whole?.position !== position) return undefined
  const item: MessageItem = { ...row, json: whole.json, outcomes: await messages.outcomes({ stream, position }) }
  return item
}

/** Without the processors for which messages of the type wait in vain: their code passes them over. */
function withoutOthers({ items, ...looked }: MessagesFound, parts: readonly Part[]): MessagesFound {
  const code = new Map(processorsOf(parts).map((one) => [`${one.name} ${one.on.name}`, one.handle]))
  const has = ({ destination, type, outcomes }: MessageItem) =>
    outcomes.filter(({ processor, state }) => {
      const handle = code.get(`${processor} ${destination}`)
      return state !== 'waiting' || handle === undefined || Object.hasOwn(handle, type)
    })
  return { items: items.map((item) => ({ ...item, outcomes: has(item) })), ...looked }
}

/** When a generated id (UUIDv7) was made, milliseconds since 1970. */
function madeAt(id: string): number | undefined {
  return /^[\da-f]{8}-[\da-f]{4}-7/.test(id) ? Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) : undefined
}

function limitOf(where: string, given: number | undefined, bound: { readonly default: number; readonly max: number }) {
  if (given === undefined || given <= bound.max) return given ?? bound.default
  throw fault('millrace/bad-option', `${where}: limit is ${given}, but must be at most ${bound.max}`)
}
