// Groups of held messages that look alike: of one processor, type and error. Each group keeps its number of messages, with
// the deltas that are not added up yet.
//
// A group whose folded number is zero holds nothing: the message with which an empty group begins again is written into its
// row at once, and each later one as a delta.
import { type DeskEntry, fingerprint } from '../../model/desk.ts'
import type { GroupBy, GroupFilter, HeldCount, KeptGroup } from '../../model/desk-views.ts'
import { lengthOf, pageOf } from '../../model/page.ts'
import { deltasOf, foldText } from './deltas.ts'
import type { Sent } from './sent.ts'
import { one, type Statements, type Transaction } from './statements.ts'

/** Errors of one processor that are told apart; an error beyond them is grouped by its code. */
const groupsMax = 1_000
const groupsShown = 10_000
/** Groups whose numbers are remembered. */
const remembered = 10_000

const keysOf: Readonly<Record<GroupBy, readonly string[]>> = {
  processor: ['processor'],
  type: ['type'],
  error: ['fingerprint'],
  all: ['processor', 'type', 'fingerprint'],
}

/** What the messages of a group share. */
interface GroupKey {
  readonly processor: string
  readonly stream: number
  readonly type: string
  readonly print: string
}

/** A message that joins a group: by its code alone, where the processor has too many groups. */
interface Joining extends GroupKey {
  readonly code: string
  readonly at: number
}

interface GroupRow extends Omit<KeptGroup, 'error' | 'firstAt' | 'lastAt' | 'snooze' | 'note'> {
  readonly fingerprint: string | null
  readonly first_at: number
  readonly last_at: number
  // Of a single group only:
  readonly until?: number | null | undefined
  readonly snoozed_count?: number
  readonly snoozed_by?: string
  readonly snoozed_at?: number
  readonly reason?: string | null | undefined
  readonly text?: string | null | undefined
  readonly noted_by?: string
  readonly noted_at?: number
}

/** The held messages of a group, and when the last one came, as one row. */
export const heldNow = (group: string): string => `select ${group}.held + coalesce(sum(x.held), 0)::int8 as held,
  coalesce((array_agg(x.at order by x.n desc) filter (where x.at is not null))[1], ${group}.last_at) as last_at
  from ${deltasOf('g', group)}`

const findText = `select id from millrace.desk_groups
  where processor = $1 and stream = $2 and type = $3 and fingerprint = $4 and unit = 0`
const countText = `with g as materialized (
    select o.id, o.folded, n.held from millrace.desk_groups o cross join lateral (${heldNow('o')}) n where o.id = $1),
  added as (insert into millrace.deltas (of, id, held, at) select 'g', id, 1, $2 from g where held > 0),
  gone as (
    delete from millrace.deltas x using g where g.held <= 0 and x.of = 'g' and x.id = g.id and x.n > g.folded
    returning x.n)
  update millrace.desk_groups o set
    held = case when g.held > 0 then o.held else 1 end,
    first_at = case when g.held > 0 then o.first_at else $2 end,
    last_at = case when g.held > 0 then o.last_at else $2 end,
    folded = case when g.held > 0 then o.folded else coalesce((select max(n) from gone), o.folded) end,
    snoozed_until = case when greatest(g.held, 0) + 1 < o.snoozed_count then o.snoozed_until end
  from g where o.id = g.id and (g.held <= 0 or (o.snoozed_until is not null and g.held + 1 >= o.snoozed_count))`
const makeText = `insert into millrace.desk_groups (processor, stream, type, fingerprint, held, first_at, last_at)
  values ($1, $2, $3, $4, 1, $5, $5) returning id`
const roomText = 'select count(*) as groups from (select 1 from millrace.desk_groups where processor = $1 limit $2) g'
/** A group with a line of the audit log stays: its number is in that line. */
const emptyText = `delete from millrace.desk_groups g where processor = $1 and (select n.held from (${heldNow('g')}) n) <= 0
  and not exists (select 1 from millrace.audit a where a.group_id = g.id)`
const leaveText = `insert into millrace.deltas (of, id, held)
  select 'g', group_id, -1 from millrace.desk where id = $1 and group_id is not null returning id`
const clearText = `with its as materialized (
    select id, folded from millrace.desk_groups where processor = $1 and stream = $2),
  gone as (delete from millrace.deltas x using its where x.of = 'g' and x.id = its.id and x.n > its.folded
    returning x.id, x.n)
  update millrace.desk_groups g set held = 0, folded = coalesce((select max(n) from gone where gone.id = g.id), g.folded),
    last_at = coalesce((select n.last_at from (${heldNow('g')}) n), g.last_at)
  from its where g.id = its.id`
const foldedText = foldText({
  of: 'g',
  table: 'millrace.desk_groups',
  sums: {
    held: 'sum(held)::int8',
    last_at: '(array_agg(at order by n desc) filter (where at is not null))[1]',
  },
  set: 'held = r.held + s.held, last_at = coalesce(s.last_at, r.last_at)',
})
const heldText = `select g.processor, s.name as destination, sum(n.held)::int8 as held
  from millrace.desk_groups g cross join lateral (${heldNow('g')}) n join millrace.sources s on s.id = g.stream >> 16
  where g.held > 0 and n.held > 0 group by 1, 2`
export class DeskGroups {
  private readonly ids = new Map<string, number>()
  /** Groups with deltas that this owner has written. */
  private readonly counted = new Set<number>()

  // ── changing, in the transaction of a commit ───────────────────────────────────────────────────────────────────

  /** Adds up what was counted before, where its time has come. Call first. */
  fold(db: Statements, sent: Sent): void {
    if (this.counted.size === 0) return
    sent.add(db.run(foldedText, [[...this.counted]]))
    this.counted.clear()
  }

  /** Counts a message that is held now in its group. Returns the id of the group: at once where it is known. */
  join(db: Transaction, sent: Sent, entry: DeskEntry): number | Promise<number> {
    const { processor, message, error, tries, heldAt } = entry
    const { stream, type } = message
    const at = tries.at(-1)?.at ?? heldAt
    const key = { processor, stream, type, print: fingerprint(error) }
    const known = this.ids.get(keyOf(key))
    if (known === undefined) return this.found(db, sent, { ...key, code: error?.code ?? '-', at })
    this.count(db, sent, known, at)
    return known
  }

  /** A message changes: where it was held, its group has one less. */
  leave(db: Statements, sent: Sent, { id, failures }: DeskEntry): void {
    if (failures === 0) return
    const left = sent.add(db.all<{ id: number }>(leaveText, [id]))
    left.then(
      ([group]) => group === undefined || this.counted.add(group.id),
      () => {},
    )
  }

  /** Empties the groups of a processor on a stream. */
  async clear(db: Statements, processor: string, stream: number): Promise<void> {
    await db.run(clearText, [processor, stream])
  }

  private count(db: Statements, sent: Sent, id: number, at: number): void {
    sent.add(db.run(countText, [id, at]))
    this.counted.add(id)
  }

  private async found(db: Transaction, sent: Sent, joining: Joining): Promise<number> {
    const { processor, at } = joining
    const found = await this.find(db, joining)
    if (found !== undefined) {
      this.count(db, sent, found, at)
      return found
    }
    if (await this.hasRoom(db, processor)) return this.make(db, joining)
    await db.run(emptyText, [processor])
    this.ids.clear()
    if ((await this.hasRoom(db, processor)) || joining.print === joining.code) return this.make(db, joining)
    return this.found(db, sent, { ...joining, print: joining.code })
  }

  private async find(db: Transaction, key: GroupKey): Promise<number | undefined> {
    const { processor, stream, type, print } = key
    const row = await one<{ id: number }>(db, findText, [processor, stream, type, print])
    return row && this.remember(db, key, row.id)
  }

  private async make(db: Transaction, key: Joining): Promise<number> {
    const { processor, stream, type, print, at } = key
    const row = await one<{ id: number }>(db, makeText, [processor, stream, type, print, at])
    return this.remember(db, key, row!.id)
  }

  /** A group that was made is there when the transaction is committed, and else never. */
  private remember(db: Transaction, key: GroupKey, id: number): number {
    db.committed(() => {
      if (this.ids.size >= remembered) this.ids.clear()
      this.ids.set(keyOf(key), id)
    })
    return id
  }

  private async hasRoom(db: Statements, processor: string): Promise<boolean> {
    return (await one<{ groups: number }>(db, roomText, [processor, groupsMax]))!.groups < groupsMax
  }
}

// ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────

export const heldCounts = (db: Statements): Promise<HeldCount[]> => db.all<HeldCount>(heldText)

export async function groupsIn(
  db: Statements,
  by: GroupBy,
  { processor, limit = groupsShown }: GroupFilter,
  now: number,
): Promise<KeptGroup[]> {
  const only = processor === undefined ? '' : 'and g.processor = $3'
  const text = by === 'all' ? eachText(only) : mergedText(keysOf[by], only)
  const rows = await db.all<GroupRow>(text, [now, limit, ...(processor === undefined ? [] : [processor])])
  const sizeOf = ({ processor, type, fingerprint, reason, text }: GroupRow) =>
    lengthOf(processor, type, fingerprint, reason ?? null, text ?? null)
  return pageOf(rows, { limit, sizeOf, cursorOf: () => 0 }).rows.map(groupOf)
}

const holding = `from millrace.desk_groups g cross join lateral (${heldNow('g')}) n`
const eachText = (only: string) => `select g.id, g.processor, g.type, g.fingerprint, n.held,
    case when g.snoozed_until > $1 then n.held else 0 end as snoozed, g.first_at, n.last_at,
    case when g.snoozed_until > $1 then g.snoozed_until end as until, g.snoozed_count, g.snoozed_by, g.snoozed_at,
    g.snoozed_why as reason, a.why as text, a.who as noted_by, a.at as noted_at
  ${holding} left join lateral (select why, who, at from millrace.audit
    where group_id = g.id and action = 'noted' order by id desc limit 1) a on true
  where g.held > 0 and n.held > 0 ${only} order by n.held desc, g.id limit $2`

function mergedText(keys: readonly string[], only: string): string {
  const chosen = keysOf.all.map((key) => (keys.includes(key) ? `g.${key}` : `null::text as ${key}`)).join(', ')
  return `select null::int8 as id, ${chosen}, sum(n.held)::int8 as held,
      coalesce(sum(n.held) filter (where g.snoozed_until > $1), 0)::int8 as snoozed, min(g.first_at) as first_at,
      max(n.last_at) as last_at
    ${holding} where g.held > 0 and n.held > 0 ${only}
    group by ${keys.map((key) => `g.${key}`).join(', ')} order by held desc, 2, 3, 4 limit $2`
}

function groupOf({ fingerprint: error, first_at: firstAt, last_at: lastAt, ...row }: GroupRow): KeptGroup {
  const { id, processor, type, held, snoozed, until, text } = row
  const {
    snoozed_count: orCount,
    snoozed_by: snoozer,
    snoozed_at: snoozedAt,
    reason,
    noted_by: noter,
    noted_at: at,
  } = row
  const isQuiet = typeof until === 'number'
  const snooze = isQuiet ? { until, orCount: orCount!, by: snoozer!, at: snoozedAt!, reason: reason! } : null
  const note = typeof text === 'string' ? { text, by: noter!, at: at! } : null
  return { id, processor, type, error, held, snoozed, snooze, note, firstAt, lastAt }
}

const keyOf = ({ processor, stream, type, print }: GroupKey): string => JSON.stringify([processor, stream, type, print])
