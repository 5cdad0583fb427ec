// The receipt of a message: what the log, the desk, the audit log and the requests say about it, and nothing else. What they
// do not say is not in it: a processor that handled a message at once says only that it did.
import { createHash } from 'node:crypto'
import type { MessageItem, MessageOutcome, MessageRow } from '../model/message-views.ts'
import type { HandledBy, Receipt, RequestOnRecord, SentMessage } from '../model/receipts.ts'
import type { DeskReads } from '../seam/desk-reads.ts'
import type { FinderStore } from '../seam/finder.ts'
import type { MessageReads } from '../seam/message-reads.ts'
import type { RequestStore } from '../seam/requests.ts'
import { walk } from './log-walk.ts'
import { storyOf } from './message-search.ts'

/** The store, as receipts are read from it. */
export interface ReceiptReads {
  readonly messages: MessageReads
  readonly finder: Pick<FinderStore, 'search' | 'related'>
  readonly desk: Pick<DeskReads, 'item'>
  readonly requests: Pick<RequestStore, 'row'>
}

const sentMax = 200
const storyMax = 5_000
const actsMax = 1_000

export async function receiptOf(reads: ReceiptReads, item: MessageItem): Promise<Receipt> {
  const { id, type, version, source, destination, position, context, correlationId, causationId, time, json } = item
  const { sent, complete } = await sentBy(reads, item)
  return {
    ...{ id, type, version, source, destination, position, context, correlationId, causationId },
    acceptedAt: time,
    dataSha256: createHash('sha256').update(json).digest('hex'),
    bytes: Buffer.byteLength(json),
    processors: await Promise.all(item.outcomes.map((outcome) => handledBy(reads, outcome))),
    sent: sent.slice(0, sentMax).map(shown),
    sentComplete: complete && sent.length <= sentMax,
    request: item.kind === 'channel' ? await requestOf(reads, item) : null,
  }
}

async function handledBy({ desk }: ReceiptReads, outcome: MessageOutcome): Promise<HandledBy> {
  const atDesk = outcome.item === null ? undefined : await desk.item(outcome.item, { line: 0, history: actsMax })
  if (atDesk === undefined) return { ...outcome, failed: [], corrections: 0, acts: [], resolvedAt: null }
  const { tries, corrections, history, resolvedAt } = atDesk
  return {
    ...outcome,
    failed: tries.map(({ at, code }) => ({ at, code })),
    corrections,
    acts: history.map(({ at, by, action, reason }) => ({ at, by, action, reason })),
    resolvedAt,
  }
}

/** The messages that name it as their cause: by the index of the finder where that is far enough, else in the log. */
async function sentBy({ messages, finder }: ReceiptReads, { id, correlationId, time }: MessageItem) {
  const known = await storyOf({ reads: messages, finder }, id, { limit: storyMax })
  const { items, complete } = known?.complete ? known : await flowSince(messages, correlationId, time)
  return { sent: items.filter(({ causationId }) => causationId === id), complete }
}

async function flowSince(messages: MessageReads, correlation: string, since: number) {
  const { rows: items, next } = await walk(messages, {
    span: { since },
    filter: { correlation },
    order: 'oldest',
    limit: storyMax,
  })
  return { items, complete: next === null }
}

function shown({ destination, position, id, type, source, time, context }: MessageRow): SentMessage {
  return { destination, position, id, type, source, time, context }
}

async function requestOf({ requests }: ReceiptReads, { id, type }: MessageItem): Promise<RequestOnRecord | null> {
  const row = await requests.row(id)
  if (row === undefined || row.type !== type) return null
  return { state: row.state, askedAt: row.askedAt, endedAt: row.endedAt }
}
