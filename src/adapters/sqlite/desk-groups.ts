// Groups of held messages that look alike: of one processor, type and error. Each group keeps its number of messages.
import { type DeskEntry, fingerprint } from '../../model/desk.ts'
import type { GroupBy, GroupFilter, HeldCount, KeptGroup, Note, Snooze } from '../../model/desk-views.ts'
import { lengthOf, pageOf } from '../../model/page.ts'
import type { Statements } from './statements.ts'

/** Errors of one processor that are told apart; an error beyond them is grouped by its code. */
const groupsMax = 1_000
const groupsShown = 10_000
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

interface GroupRow extends Omit<KeptGroup, 'error' | 'firstAt' | 'lastAt' | 'snooze' | 'note'> {
  readonly snooze: string | null
  readonly fingerprint: string | null
  readonly first_at: number
  readonly last_at: number
}

/** A group with a line of the audit log stays: its number is in that line. */
const emptyText = `delete from millrace_desk_groups where processor = ? and held = 0
  and not exists (select 1 from millrace_audit a where a.group_id = millrace_desk_groups.id)`
const snoozeText = `case when snoozed_until > ? then json_object('until', snoozed_until, 'orCount', snoozed_count,
  'by', snoozed_by, 'at', snoozed_at, 'reason', snoozed_why) end`
const noteText = `select why as text, who as "by", at from millrace_audit
  where group_id = ? and action = 'noted' order by id desc limit 1`

type NotedRow = GroupRow & Pick<KeptGroup, 'note'>

export class DeskGroups {
  private readonly sql: Statements

  constructor(sql: Statements) {
    this.sql = sql
  }

  /** Counts a message that is held now in its group. Returns the id of the group. */
  join({ processor, message: { stream, type }, error, tries, heldAt }: DeskEntry): number {
    const at = tries.at(-1)?.at ?? heldAt
    const key = { processor, stream, type, print: fingerprint(error) }
    const found = this.countIn(key, at)
    if (found !== undefined) return found
    if (!this.hasRoom(processor)) {
      this.sql.run(emptyText, processor)
    }
    return this.make(this.hasRoom(processor) ? key : { ...key, print: error?.code ?? '-' }, at)
  }

  /** A message changes: where it was held, its group has one less. */
  leave({ id, failures }: DeskEntry): void {
    if (failures === 0) return
    this.sql.run(
      'update millrace_desk_groups set held = held - 1 where id = (select group_id from millrace_desk where id = ?)',
      id,
    )
  }

  /** Empties the groups of a processor on a stream. */
  clear(processor: string, stream: number): void {
    this.sql.run('update millrace_desk_groups set held = 0 where processor = ? and stream = ?', processor, stream)
  }

  heldCounts(): HeldCount[] {
    return this.sql.all(
      `select processor, s.name as destination, sum(held) as held
       from millrace_desk_groups g join millrace_streams s on s.id = g.stream where held > 0 group by 1, 2`,
    )
  }

  list(by: GroupBy, { processor, limit = groupsShown }: GroupFilter, now: number): KeptGroup[] {
    const keys = keysOf[by]
    const all = by === 'all'
    const chosen = keysOf.all.map((key) => (keys.includes(key) ? key : `null as ${key}`)).join(', ')
    const rows = this.sql.each<GroupRow>(
      `select ${all ? 'id' : 'null as id'}, ${chosen}, sum(held) as held,
         coalesce(sum(held) filter (where snoozed_until > ?), 0) as snoozed, ${all ? snoozeText : 'null'} as snooze, min(first_at) as first_at, max(last_at) as last_at
       from millrace_desk_groups where held > 0 ${processor === undefined ? '' : 'and processor = ?'}
       group by ${all ? 'id' : keys.join(', ')} order by held desc, 1, 2, 3, 4 limit ?`,
      now,
      ...(all ? [now] : []),
      ...(processor === undefined ? [] : [processor]),
      limit,
    )
    const sizeOf = ({ processor, type, fingerprint, snooze, note }: NotedRow) =>
      lengthOf(processor, type, fingerprint, snooze, note?.text ?? null)
    return pageOf(this.noted(rows), { limit, sizeOf, cursorOf: () => 0 }).rows.map(
      ({ fingerprint: error, first_at: firstAt, last_at: lastAt, snooze, ...row }) => {
        return { ...row, error, snooze: snooze === null ? null : (JSON.parse(snooze) as Snooze), firstAt, lastAt }
      },
    )
  }

  /** The groups with the newest note on each. */
  private *noted(rows: Iterable<GroupRow>): Generator<NotedRow> {
    for (const row of rows) {
      const note = row.id === null ? undefined : this.sql.one<Note>(noteText, row.id)
      yield { ...row, note: note === undefined ? null : { ...note } }
    }
  }

  private countIn({ processor, stream, type, print }: GroupKey, at: number): number | undefined {
    const row = this.sql.one<{ id: number }>(
      `update millrace_desk_groups set held = held + 1, last_at = ?, first_at = case held when 0 then ? else first_at end,
         snoozed_until = case when held + 1 < snoozed_count then snoozed_until end
       where processor = ? and stream = ? and type = ? and fingerprint = ? returning id`,
      at,
      at,
      processor,
      stream,
      type,
      print,
    )
    return row?.id
  }

  private make({ processor, stream, type, print }: GroupKey, at: number): number {
    const row = this.sql.one<{ id: number }>(
      `insert into millrace_desk_groups (processor, stream, type, fingerprint, held, first_at, last_at)
       values (?, ?, ?, ?, 1, ?, ?) on conflict do update set held = held + 1, last_at = excluded.last_at returning id`,
      processor,
      stream,
      type,
      print,
      at,
      at,
    )
    return row!.id
  }

  private hasRoom(processor: string): boolean {
    const sql = 'select count(*) as groups from millrace_desk_groups where processor = ?'
    return this.sql.one<{ groups: number }>(sql, processor)!.groups < groupsMax
  }
}
