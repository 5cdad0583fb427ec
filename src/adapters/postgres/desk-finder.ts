// Which messages at the desk fit a filter: their ids, in order, from indexes alone, because rows are wide.
import { type DeskState, headStates } from '../../model/desk.ts'
import type { DeskFilter, Selection } from '../../model/desk-views.ts'
import { one, type SqlValue, type Statements } from './statements.ts'

const listRows = 100
const unlimited = Number.MAX_SAFE_INTEGER
export const unresolved: readonly DeskState[] = [...headStates, 'line']
const allStates: readonly DeskState[] = [...unresolved, 'handled', 'discarded', 'reset']

/** The names of states as a list in a statement. */
export const quoted = (states: readonly DeskState[]): string => states.map((one) => `'${one}'`).join(', ')

/** Each processor and type that occur together in a state, by one step in the index each; of each the first messages. */
const runsText = `with recursive runs as (
    select s.state, n.processor, n.type from unnest($1::text[]) s (state) cross join lateral (
      select processor, type from millrace.desk where state = s.state order by processor, type limit 1) n
    union all
    select r.state, n.processor, n.type from runs r cross join lateral (
      select processor, type from millrace.desk where state = r.state and (processor, type) > (r.processor, r.type)
      order by processor, type limit 1) n)
  select x.id from runs r cross join lateral (
    select d.id from millrace.desk d where d.state = r.state and d.processor = r.processor and d.type = r.type and d.id > $2
    order by d.id limit $3) x
  where ($4::text is null or r.processor = $4) and ($5::text is null or r.type = $5) order by x.id limit $3`
const chosenText = `with chosen as materialized (
    select id, state, processor, context, group_id, type from millrace.desk where id = any($1::int8[]))
  select id from chosen where state = 'held' and ($2::text is null or processor = $2)
    and ($3::text is null or context = $3) and ($4::int8 is null or group_id = $4) and ($5::text is null or type = $5)
  order by id`

const failedText = `select id from millrace.desk where id = any($1::int8[]) and tries::jsonb -> -1 ->> 'version' = $2
  order by id`

/** What is looked for in one context. */
interface InContext {
  readonly context: string
  readonly processor: string | undefined
  readonly states: readonly DeskState[]
  readonly type: string | undefined
  readonly after: number
  readonly limit: number
}

export async function findIds(db: Statements, filter: DeskFilter): Promise<number[]> {
  const { group, context, after = 0, limit = listRows, processor, type } = filter
  const states = allStates.filter((state) => (filter.states ?? unresolved).includes(state))
  if (states.length === 0) return []
  if (group !== undefined) {
    if (!states.includes('held') || !(await isGroup(db, group, filter))) return []
    const only = context === undefined ? '' : 'and context = $4'
    const sql = `select id from millrace.desk where group_id = $1 and id > $2 ${only} order by id limit $3`
    return ids(db, sql, group, after, limit, ...(context === undefined ? [] : [context]))
  }
  if (context !== undefined) return ofContext(db, { context, processor, states, type, after, limit })
  return ids(db, runsText, states, after, limit, processor ?? null, type ?? null)
}

/** All held messages of a selection. */
export async function selectedIds(db: Statements, { failedIn, ...what }: Selection): Promise<number[]> {
  const held = await heldIds(db, what)
  return failedIn === undefined ? held : ids(db, failedText, held, failedIn)
}

function heldIds(db: Statements, { items, processor, type, context, group }: Selection): Promise<number[]> {
  if (items === undefined) return findIds(db, { processor, type, context, group, states: ['held'], limit: unlimited })
  const only = [processor ?? null, context ?? null, group ?? null, type ?? null]
  return ids(db, chosenText, [...new Set(items)], ...only)
}

/** Finds the messages in the lanes of a context, and those of it that have no lane. */
async function ofContext(db: Statements, { context, processor, states, type, after, limit }: InContext) {
  const fits = `and id > $1 and state in (${quoted(states)}) and ($2::text is null or type = $2)`
  const common = [after, type ?? null, limit, context] as const
  const alone = `select id from millrace.desk where context = $4 and lane is null ${fits}
    and ($5::text is null or processor = $5) order by id limit $3`
  const found = [ids(db, alone, ...common, processor ?? null)]
  const inLane = `from millrace.desk where processor = $5 and stream = $6 and lane = $4`
  for (const owner of await owners(db, processor)) {
    const lane = [...common, owner.processor, owner.stream] as const
    if (states.includes('line')) {
      // A place is the id of its message, unless the message has moved to the end of its lane.
      found.push(ids(db, `select id ${inLane} and place = id and place > $1 ${fits} order by place limit $3`, ...lane))
      found.push(ids(db, `select id ${inLane} and place <> id ${fits} order by id limit $3`, ...lane))
    } else {
      const head = `select id from (select id, state, type ${inLane} order by place limit 1) h where true ${fits} limit $3`
      found.push(ids(db, head, ...lane))
    }
  }
  return (await Promise.all(found))
    .flat()
    .sort((a, b) => a - b)
    .slice(0, limit)
}

/** The streams of each processor. */
function owners(db: Statements, processor: string | undefined) {
  type Owner = { readonly processor: string; readonly stream: number }
  return processor === undefined
    ? db.all<Owner>('select processor, stream from millrace.progress')
    : db.all<Owner>('select processor, stream from millrace.progress where processor = $1', [processor])
}

async function isGroup(db: Statements, id: number, { processor, type }: Pick<DeskFilter, 'processor' | 'type'>) {
  const sql = `select 1 as one from millrace.desk_groups
    where id = $1 and ($2::text is null or processor = $2) and ($3::text is null or type = $3)`
  return (await one(db, sql, [id, processor ?? null, type ?? null])) !== undefined
}

async function ids(db: Statements, sql: string, ...values: readonly SqlValue[]): Promise<number[]> {
  return (await db.all<{ id: number }>(sql, values)).map(({ id }) => id)
}
