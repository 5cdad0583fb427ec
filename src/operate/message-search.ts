// Messages by the index of the finder: by their words, and by their causes.
import { fault } from '../model/errors.ts'
import type { LogPlace } from '../model/log-views.ts'
import type { MessageFilter, MessagePage, MessageRow, StoryPage } from '../model/message-views.ts'
import type { FinderStore } from '../seam/finder.ts'
import type { MessageReads } from '../seam/message-reads.ts'

interface Searching {
  readonly reads: MessageReads
  readonly finder: Pick<FinderStore, 'search' | 'related'>
}

/** Most messages that have the words and are compared with the other fields of a filter, in one call. */
const comparedMax = 2_000
const pagePlaces = 200
const wordsMax = 20
/** Most messages of one story. */
const relatedMax = 5_000

type Search = MessageFilter & Required<Pick<MessageFilter, 'text' | 'order' | 'limit'>>

/** @throws `millrace/no-finder`, `millrace/bad-option` */
export async function searched({ reads, finder }: Searching, search: Search): Promise<MessagePage> {
  const { text, order, limit, since, until } = search
  const words = wordsIn(text!)
  let after = search.after === undefined ? undefined : numberOf('t', search.after)
  const items: MessageRow[] = []
  for (let compared = 0; ; ) {
    const found = await finder.search({ words, order: order!, after, since, until, limit: pagePlaces })
    if (found === undefined) throw fault('millrace/no-finder', 'there is no index of the words of messages')
    for (const place of found.places) {
      const row = await rowAt(reads, place)
      after = place.n
      compared++
      if (row === undefined || !fits(row, search)) continue
      items.push(row)
      if (items.length === limit || compared >= comparedMax) return page(items, after, row.time)
    }
    if (found.places.length < pagePlaces) {
      return { items, next: null, complete: found.indexedTo === null, lookedBackTo: found.indexedTo }
    }
    if (compared >= comparedMax) return page(items, after, items.at(-1)?.time ?? null)
  }
}

function page(items: readonly MessageRow[], after: number | undefined, time: number | null): MessagePage {
  return { items, next: `t-${after}`, complete: false, lookedBackTo: time }
}

/** The story of a message by the index; undefined where there is none, or where it is not far enough. */
export async function storyOf(
  { reads, finder }: Searching,
  id: string,
  { after, limit }: { readonly after?: string | undefined; readonly limit: number },
): Promise<Omit<StoryPage, 'correlationId'> | undefined> {
  if (after !== undefined && !after.startsWith('f-')) return undefined
  const related = await finder.related({ id, limit: relatedMax })
  if (related === undefined || related.places.length === 0) return undefined
  const from = after === undefined ? -1 : numberOf('f', after)
  const left = related.places.filter(({ n }) => n > from)
  const shown = left.slice(0, limit)
  const rows = await Promise.all(shown.map((place) => rowAt(reads, place)))
  const items = rows.filter((row) => row !== undefined)
  const isLast = shown.length === left.length
  return {
    items,
    next: isLast ? null : `f-${shown.at(-1)!.n}`,
    complete: isLast && related.whole && related.indexedTo === null,
    lookedFrom: null,
    lookedUpTo: related.indexedTo,
  }
}

async function rowAt(reads: MessageReads, { stream, position }: LogPlace): Promise<MessageRow | undefined> {
  const slice = { stream, order: 'oldest', from: position, end: position, filter: {}, limit: 1 } as const
  return (await reads.slice(slice)).rows[0]
}

function fits(row: MessageRow, { destination, type, context, correlation, since, until }: MessageFilter): boolean {
  return (
    (destination === undefined || row.destination === destination) &&
    (type === undefined || row.type === type) &&
    (context === undefined || row.context === context) &&
    (correlation === undefined || row.correlationId === correlation) &&
    (since === undefined || row.time >= since) &&
    (until === undefined || row.time < until)
  )
}

/** The words of a text, as the index has them: letters and digits. */
function wordsIn(text: string): string[] {
  const words = text.match(/[\p{L}\p{N}\p{M}]+/gu) ?? []
  if (words.length > 0 && words.length <= wordsMax) return words
  throw fault('millrace/bad-option', `messages.list: text has ${words.length} words, but must have 1 to ${wordsMax}`)
}

function numberOf(kind: 't' | 'f', cursor: string): number {
  const [first, n] = cursor.split('-')
  if (first === kind && /^\d+$/.test(n ?? '')) return Number(n)
  throw fault('millrace/bad-option', 'after must be the "next" of a page of the same list')
}
