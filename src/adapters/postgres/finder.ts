// The index of the finder, in tables of its own: made from the log alone, in small steps, each one transaction.
//
//   a step: the next messages of the stream whose next one is the oldest ──→ indexed, with how far that stream is
//           the oldest messages, which the log has removed ──→ forgotten
import type { Stored } from '../../model/codec.ts'
import type {
  FinderStore,
  FoundPlace,
  IndexAsk,
  Indexed,
  RelatedAsk,
  RelatedResult,
  SearchAsk,
  SearchResult,
} from '../../seam/finder.ts'
import { forgetRows, perMs, stepBytes, stepRows, wordsOf } from '../shared/finder-words.ts'
import { lists } from './lists.ts'
import { firstOf, readSlice } from './log-reads.ts'
import { type Beside, one, type Statements, type Transaction } from './statements.ts'

/** Characters of one word. */
const wordCharsMax = 200

interface Next {
  readonly stream: number
  readonly low: number
  readonly message: Stored
}

interface Row extends FoundPlace {
  readonly id: string
  readonly causation: string | null
}

interface Found extends Omit<Row, 'stream'> {
  readonly words: string
}

const streamsText = `select s.id << 16 as stream, coalesce(p.low, 0) as low
  from millrace.sources s left join millrace.found_progress p on p.stream = s.id << 16 order by s.id`
const takenText = 'select n from millrace.found where n >= $1 and n <= $2'
const putText = `insert into millrace.found (n, stream, position, id, causation, words)
  select n, $6::int4, position, id, causation, array_to_tsvector(array_remove(string_to_array(words, ' '), ''))
  from unnest($1::int8[], $2::int8[], $3::text[], $4::text[], $5::text[]) as m (n, position, id, causation, words)`
const progressText = `insert into millrace.found_progress (stream, low) values ($1, $2)
  on conflict (stream) do update set low = excluded.low`
const forgetText = `delete from millrace.found where n = any(array(
  select n from millrace.found where stream = $1 and position < $2 order by position limit $3))`
const searchText = (order: 'desc' | '') => `select n, stream, position from millrace.found
  where words @@ $1::tsquery and n >= $2 and n <= $3 order by n ${order} limit $4`
const byIdText = 'select n, stream, position, id, causation from millrace.found where id = $1 order by n limit 100'
const effectsText = `select n, stream, position, id, causation from millrace.found where causation = $1
  order by n limit $2`

const columns = [
  ({ n }: Found) => n,
  ({ position }: Found) => position,
  ({ id }: Found) => id,
  ({ causation }: Found) => causation,
  ({ words }: Found) => words,
]

export class FinderTable implements FinderStore {
  private readonly beside: Beside

  constructor(beside: Beside) {
    this.beside = beside
  }

  async index({ secrets }: IndexAsk): Promise<Indexed> {
    const { added, removed } = await this.beside.write(async (db) => {
      const next = await nextIn(db)
      return { added: next === undefined ? 0 : await add(db, next, secrets), removed: await forget(db) }
    })
    const more = removed === forgetRows || (await this.beside.read(nextIn)) !== undefined
    return { added, removed, more }
  }

  search({ words, order, after, since, until, limit }: SearchAsk): Promise<SearchResult | undefined> {
    const isDown = order === 'newest'
    const low = Math.max(isDown ? 0 : (after ?? -1) + 1, since === undefined ? 0 : since * perMs)
    const high = Math.min(
      isDown && after !== undefined ? after - 1 : Number.MAX_SAFE_INTEGER,
      until === undefined ? Number.MAX_SAFE_INTEGER : until * perMs - 1,
    )
    return this.beside.read(async (db) => {
      if (!(await isMade(db))) return undefined
      const values = [queryOf(words), low, high, limit]
      const places = await db.all<FoundPlace>(searchText(isDown ? 'desc' : ''), values)
      return { places, indexedTo: await indexedTo(db) }
    })
  }

  related({ id, limit }: RelatedAsk): Promise<RelatedResult | undefined> {
    return this.beside.read(async (db) => {
      if (!(await isMade(db))) return undefined
      const places = (await relatedTo(db, id, limit)).sort((a, b) => a.n - b.n)
      return { places: places.slice(0, limit), whole: places.length <= limit, indexedTo: await indexedTo(db) }
    })
  }
}

async function add(db: Transaction, { stream, low }: Next, secrets: IndexAsk['secrets']): Promise<number> {
  const messages = await readSlice(db, { stream, after: low, limit: stepRows, bytesMax: stepBytes })
  const times = messages.map(({ time }) => time)
  const bounds = [Math.min(...times) * perMs, (Math.max(...times) + 1) * perMs + stepRows]
  const taken = new Set((await db.all<{ n: number }>(takenText, bounds)).map(({ n }) => n))
  const found = messages.map((message): Found => {
    let n = message.time * perMs + (message.position % perMs)
    while (taken.has(n)) n++
    taken.add(n)
    const { position, id, causationId: causation } = message
    return { n, position, id, causation, words: lexemes(wordsOf(message.json, secrets[message.type] ?? [])).join(' ') }
  })
  await Promise.all([
    db.run(putText, [...lists(found, columns), stream]),
    db.run(progressText, [stream, messages.at(-1)!.position]),
  ])
  return found.length
}

/** Forgets messages that the log no longer has. */
async function forget(db: Transaction): Promise<number> {
  let removed = 0
  for (const { stream } of await db.all<{ stream: number }>(streamsText)) {
    removed += await db.run(forgetText, [stream, await firstOf(db, stream), forgetRows - removed])
    if (removed === forgetRows) break
  }
  return removed
}

/** The stream whose next message is the oldest. */
async function nextIn(db: Statements): Promise<Next | undefined> {
  const streams = await db.all<{ stream: number; low: number }>(streamsText)
  const found = await Promise.all(
    streams.map(async ({ stream, low }) => {
      const [message] = await readSlice(db, { stream, after: low, limit: 1, bytesMax: 1 })
      return message === undefined ? [] : [{ stream, low, message }]
    }),
  )
  return found
    .flat()
    .reduce<Next | undefined>(
      (oldest, next) => (oldest === undefined || next.message.time < oldest.message.time ? next : oldest),
      undefined,
    )
}

const isMade = async (db: Statements): Promise<boolean> =>
  (await one(db, 'select 1 as one from millrace.found_progress limit 1')) !== undefined

const indexedTo = async (db: Statements): Promise<number | null> => (await nextIn(db))?.message.time ?? null

/** A message, what caused it, and what these have caused: up to the first cause, then down from it. */
async function relatedTo(db: Statements, id: string, limit: number): Promise<FoundPlace[]> {
  const found = new Map<number, FoundPlace>()
  const take = ({ n, stream, position }: Row) => found.set(n, { n, stream, position })
  let root = id
  let rows = await db.all<Row>(byIdText, [root])
  for (let up = 0; up < limit; up++) {
    const cause = rows[0]?.causation ?? null
    const causes = cause === null ? [] : await db.all<Row>(byIdText, [cause])
    if (causes.length === 0) break
    root = cause!
    rows = causes
  }
  for (const row of rows) take(row)
  const left = [root]
  const seen = new Set(left)
  for (let at = left.pop(); at !== undefined && found.size <= limit; at = left.pop()) {
    for (const row of await db.all<Row>(effectsText, [at, limit + 1])) {
      take(row)
      if (seen.has(row.id)) continue
      seen.add(row.id)
      left.push(row.id)
    }
  }
  return [...found.values()]
}

/** The words of a text: without marks, in small letters. */
function lexemes(text: string): string[] {
  const plain = text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()
  return (plain.match(/[\p{L}\p{N}]+/gu) ?? []).map((word) => word.slice(0, wordCharsMax))
}

/** All words, the last as a beginning. */
function queryOf(words: readonly string[]): string {
  const all = words.flatMap(lexemes)
  return all.map((word, at) => `'${word}'${at === all.length - 1 ? ':*' : ''}`).join(' & ')
}
