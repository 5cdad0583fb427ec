import type { Stored } from '../../model/codec.ts'
import type { RequestRow } from '../../model/requests.ts'
import type { RequestChange, RequestStore } from '../../seam/requests.ts'
import { forgetOld } from './forget.ts'
import { lists } from './lists.ts'
import { slotOf } from './messages.ts'
import { type Beside, one, type Statements } from './statements.ts'

type Row = Omit<RequestRow, 'outcome' | 'behind'> & { readonly outcome: string | null }

const columns = 'id, type, state, item, outcome, asked_at as "askedAt", ended_at as "endedAt"'
const findText = `select ${columns} from millrace.requests where id = $1`
const changeText = `update millrace.requests r set state = c.state, item = c.item, outcome = c.outcome, ended_at = c.at
  from unnest($1::text[], $2::text[], $3::int8[], $4::text[], $5::int8[]) as c (id, state, item, outcome, at)
  where r.id = any($1::text[]) and r.id = c.id and r.ended_at is null`
const askText = `insert into millrace.requests (id, slot, type, state, asker, asked_at)
  select id, slot, type, 'waiting', $5, time
  from unnest($1::text[], $2::int2[], $3::text[], $4::int8[]) as c (id, slot, type, time)
  on conflict (id) do nothing`
const conflictsText = `select c.id, (select r.type from millrace.requests r where r.id = c.id) as type
  from unnest($1::text[]) as c (id)`
/** The request, with the head of its lane where that is held and the request stands in line there. */
const rowText = `select ${columns}, case when r.state = 'waiting' then (
    select (select case h.state when 'held' then h.id end from millrace.desk h
      where h.processor = own.processor and h.stream = own.stream and h.lane = own.lane order by h.place limit 1)
    from millrace.desk own
    where own.message_id = r.id and own.asked > 0 and own.resolved_at is null and own.state = 'line' limit 1
  ) end as behind
  from millrace.requests r where r.id = $1`

interface Changed {
  readonly id: string
  readonly state: string
  readonly item: number | null
  readonly outcome: string | null
  readonly at: number | null
}

const changed = [
  ({ id }: Changed) => id,
  ({ state }: Changed) => state,
  ({ item }: Changed) => item,
  ({ outcome }: Changed) => outcome,
  ({ at }: Changed) => at,
]
const asked = [({ id }: Stored) => id, slotOf, ({ type }: Stored) => type, ({ time }: Stored) => time]

/** Commands that somebody asked, each until some time after its end. */
export class RequestTable implements RequestStore {
  private readonly beside: Beside
  /** The process whose requests these are: it waits for their ends. */
  private readonly asker: string | null

  constructor(beside: Beside, asker: string | null = null) {
    this.beside = beside
    this.asker = asker
  }

  /** Writes the changes of one transaction, in one statement. */
  async write(db: Statements, changes: readonly RequestChange[]): Promise<void> {
    if (changes.length === 0) return
    const last = new Map<string, Changed>()
    for (const change of changes) {
      // A request ends once.
      if (typeof last.get(change.id)?.at !== 'number') last.set(change.id, changedOf(change))
    }
    await db.run(changeText, lists([...last.values()], changed))
  }

  /** Writes the rows of requests that are appended in the same transaction. One that is there stays as it is. */
  async ask(db: Statements, messages: readonly Stored[]): Promise<void> {
    if (messages.length === 0) return
    await db.run(askText, [...lists(messages, asked), this.asker])
  }

  /** For each message, whether its id is that of a request of another type. */
  async conflicts(db: Statements, messages: readonly Pick<Stored, 'id' | 'type'>[]): Promise<boolean[]> {
    if (messages.length === 0) return []
    const rows = await db.all<{ id: string; type: string | null }>(conflictsText, [messages.map(({ id }) => id)])
    const types = new Map(rows.map(({ id, type }) => [id, type]))
    return messages.map(({ id, type }) => (types.get(id) ?? type) !== type)
  }

  /** A request by its id, as the transaction of `db` shows it. */
  async get(db: Statements, id: string): Promise<Omit<RequestRow, 'behind'> | undefined> {
    const row = await one<Row>(db, findText, [id])
    return row && { ...row, outcome: outcomeOf(row) }
  }

  row(id: string): Promise<RequestRow | undefined> {
    return this.beside.read(async (db) => {
      const row = await one<Row & Pick<RequestRow, 'behind'>>(db, rowText, [id])
      return row && { ...row, outcome: outcomeOf(row) }
    })
  }

  forget(endedBeforeMs: number): Promise<number> {
    return forgetOld(this.beside, { table: 'requests', endedAt: 'ended_at', beforeMs: endedBeforeMs })
  }
}

function changedOf(change: RequestChange): Changed {
  const { id } = change
  switch (change.do) {
    case 'held':
      return { id, state: 'held', item: change.item, outcome: null, at: null }
    case 'released':
      return { id, state: 'waiting', item: null, outcome: null, at: null }
    case 'end': {
      const { state, outcome, at } = change
      return { id, state, item: null, outcome: JSON.stringify(outcome ?? null), at }
    }
  }
}

const outcomeOf = ({ outcome }: Row): unknown => (outcome === null ? undefined : JSON.parse(outcome))
