// Shows the messages that topics and channels keep: lists, one message, the story around it.
import { type MessageItem, type MessageOutcome, type MessageRow, MillraceError, type StoryPage } from '../../index.ts'
import { type Call, type Reached, takeWords, withApp } from '../call.ts'
import { type Output, UsageError } from '../output.ts'
import { bytes, type Column, count, facts, moment, safe, safeJson, table } from '../print.ts'
import { dataLines, pretty, time } from './desk-show.ts'
import { cloudEvent } from './tail.ts'

export interface ListWords {
  readonly topic?: string | undefined
  readonly type?: string | undefined
  readonly context?: string | undefined
  readonly correlation?: string | undefined
  readonly since?: number | undefined
  readonly until?: number | undefined
  readonly text?: string | undefined
  readonly oldest?: boolean | undefined
  readonly after?: string | undefined
  readonly limit?: number | undefined
}

const pageMax = 200

/** Lists messages, page by page up to the limit; ends early where much was looked through and nothing matched. */
export async function messagesList(call: Call, words: ListWords): Promise<number> {
  takeWords(call, [], 0)
  const { out } = call
  const { topic: destination, type, context, correlation, since, until, text, oldest = false, limit = 100 } = words
  const order = oldest ? 'oldest' : 'newest'
  return withApp(call, async ({ messages }) => {
    const filter = { destination, type, context, correlation, since, until, text, order } as const
    const shown: MessageRow[] = []
    let { after } = words
    for (;;) {
      const page = await messages.list({ ...filter, after, limit: Math.min(pageMax, limit - shown.length) })
      for (const row of page.items) await rowOut(out, row)
      shown.push(...page.items)
      if (page.next !== null && page.items.length > 0 && shown.length < limit && !out.closed.aborted) {
        after = page.next
        continue
      }
      if (!out.json) {
        const none = page.next === null ? 'no message matches' : 'no message matches so far'
        await out.lines(shown.length === 0 ? [none] : table(columns, shown, out.columns))
      }
      if (page.next !== null)
        out.note(`looked ${farText(order, page.lookedBackTo)}; look further: --after ${page.next}`)
      return 0
    }
  })
}

const farText = (order: 'newest' | 'oldest', ms: number | null) =>
  `${order === 'newest' ? 'back' : 'up'} to ${ms === null ? 'the end' : moment(ms)}`

const columns: Column<MessageRow>[] = [
  { title: 'TIME', value: ({ time: ms }) => moment(ms) },
  { title: 'WHERE', value: whereOf, shrinksTo: 8 },
  { title: 'TYPE', value: ({ type }) => type, shrinksTo: 8, keeps: 12 },
  { title: 'CONTEXT', value: ({ context }) => context ?? '-', shrinksTo: 7 },
  { title: 'ID', value: ({ id }) => id, shrinksTo: 8, keeps: 36 },
]

function whereOf({ destination, position }: Pick<MessageRow, 'destination' | 'position'>): string {
  return `${destination}/${position}`
}

/** A row as JSON of CloudEvents; data that are left out have their size in its place. */
async function rowOut(out: Output, { bytes: size, ...row }: MessageRow): Promise<void> {
  if (!out.json) return
  const { json } = row
  if (json !== null) return out.line(cloudEvent({ ...row, json }))
  const { data: _, ...event } = JSON.parse(cloudEvent({ ...row, json: '{}' }))
  return out.object({ ...event, databytes: size })
}

/** Shows one message with what became of it at each processor; or only its data. */
export async function messagesShow(
  call: Call,
  { data = false }: { readonly data?: boolean | undefined },
): Promise<number> {
  const [id = ''] = takeWords(call, ['ID'], 1)
  const { out } = call
  return withApp(call, async ({ messages }) => {
    const { items, complete, lookedUpTo } = await messages.show(id)
    if (items.length === 0) throw notFound(id, complete ? null : lookedUpTo)
    for (const [at, item] of items.entries()) {
      if (data) await out.line(safeJson(out.json ? item.json : pretty(item.json)))
      else if (out.json) await out.object(itemObject(item))
      else await out.lines([...(at === 0 ? [] : ['']), ...itemLines(item, out)])
    }
    return 0
  })
}

/** The error for a message that is not there, or not as far as was looked. */
export function notFound(id: string, lookedUpTo: number | null): MillraceError {
  const far = lookedUpTo === null ? 'kept' : `found up to ${moment(lookedUpTo)}`
  return new MillraceError('millrace/unknown-message', `no message with id "${id}" is ${far}`)
}

function itemObject({ json, time: ms, ...item }: MessageItem) {
  return { ...item, time: time(ms), data: JSON.parse(json) as unknown }
}

function itemLines(item: MessageItem, out: Output): string[] {
  const { id, type, version, context, correlationId, causationId, source, attributes, outcomes, json } = item
  const title = (text: string) => ['', out.colour('bold', text)]
  const others = Object.entries(attributes ?? {}).map(([name, value]) => `${name}=${value}`)
  return [
    `${out.colour('bold', `message ${safe(id)}`)} in ${item.kind} ${safe(whereOf(item))}`,
    ...facts(
      [
        ['type', `${type}${version === 1 ? '' : `, version ${version}`}`],
        ['context', context ?? 'none'],
        ['flow', correlationId],
        ['caused by', causationId ?? undefined],
        ['published', `${time(item.time)} by ${source}`],
        ['attributes', others.length === 0 ? undefined : others.join(', ')],
        ['size', bytes(Buffer.byteLength(json))],
      ],
      out.columns,
    ),
    ...title('processors'),
    ...(outcomes.length === 0
      ? ['  none']
      : table(outcomeColumns, outcomes, out.columns - 2).map((line) => `  ${line}`)),
    ...title('data'),
    ...dataLines(json),
  ]
}

const outcomeColumns: Column<MessageOutcome>[] = [
  { title: 'PROCESSOR', value: ({ processor }) => processor, shrinksTo: 8 },
  { title: 'STATE', value: ({ state }) => state },
  { title: 'DESK', value: ({ item }) => item ?? '-' },
]

export interface StoryWords {
  readonly after?: string | undefined
  readonly limit?: number | undefined
}

/** Shows the messages of a flow: each below the one that caused it. */
export async function messagesStory(call: Call, { after, limit }: StoryWords): Promise<number> {
  const [id = ''] = takeWords(call, ['ID'], 1)
  const { out } = call
  return withApp(call, async ({ messages }: Reached) => {
    const story = await messages.story(id, { after, limit })
    if (story.correlationId === null) throw notFound(id, story.lookedUpTo)
    for (const row of story.items) await rowOut(out, row)
    if (!out.json) await out.lines(storyLines(story, id, out))
    if (story.next !== null)
      out.note(`looked ${farText('oldest', story.lookedUpTo)}; look further: --after ${story.next}`)
    return 0
  })
}

/** A message of a flow is above what it has caused; effects come in the order of time. */
function storyLines({ correlationId, items }: StoryPage, id: string, out: Output): string[] {
  const here = new Set(items.map((row) => row.id))
  const effects = new Map<string | null, MessageRow[]>()
  for (const row of items) {
    const cause = row.causationId !== null && here.has(row.causationId) ? row.causationId : null
    effects.set(cause, [...(effects.get(cause) ?? []), row])
  }
  const lines = [`flow ${safe(correlationId ?? '')}: ${count(items.length, 'message')}`]
  const open = (effects.get(null) ?? []).map((row) => ({ row, depth: 0 })).reverse()
  const shown = new Set<MessageRow>()
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { row, depth } = next
    if (shown.has(row)) continue
    shown.add(row)
    const indent = '  '.repeat(Math.min(depth, indentMax))
    const context = row.context === null ? '' : `  ${safe(row.context)}`
    const line = `${moment(row.time)}  ${indent}${safe(row.type)}  ${safe(whereOf(row))}${context}  ${safe(row.id)}`
    lines.push(row.id === id ? out.colour('bold', line) : line)
    open.push(...(effects.get(row.id) ?? []).map((effect) => ({ row: effect, depth: depth + 1 })).reverse())
  }
  return lines
}

const indentMax = 12

/** Reads a point of time: a date, or a span before now. */
export function moments(name: string, spanOf: (text: string) => number): (text: string) => number {
  return (text) => {
    if (/^\d+(\.\d+)?(s|min|h|d)$/.test(text)) return Date.now() - spanOf(text)
    const ms = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN
    if (Number.isFinite(ms)) return ms
    throw new UsageError(
      `${name} is "${text}", but must be a time such as 2026-12-01T08:00:00Z, or a span before now such as 2h`,
    )
  }
}
