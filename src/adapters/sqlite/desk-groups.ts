// Groups of held messages that look alike: of one processor, type and error. Each group keeps its number of messages.
import { type DeskEntry, fingerprint } from '../../model/desk.ts'
import type { DeskGroup, GroupBy, GroupFilter, HeldCount } from '../../model/desk-views.ts'
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

interface GroupRow extends Omit<DeskGroup, 'error' | 'firstAt' | 'lastAt'> {
  readonly fingerprint: string | null
  readonly first_at: number
  readonly last_at: number
}

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
      this.sql.run('delete from millrace_desk_groups where processor = ? and held = 0', processor)
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

  list(by: GroupBy, { processor, limit = groupsShown }: GroupFilter): DeskGroup[] {
    const keys = keysOf[by]
    const chosen = keysOf.all.map((key) => (keys.includes(key) ? key : `null as ${key}`)).join(', ')
    const rows = this.sql.each<GroupRow>(
      `select ${by === 'all' ? 'id' : 'null as id'}, ${chosen}, sum(held) as held, min(first_at) as first_at,
         max(last_at) as last_at
       from millrace_desk_groups where held > 0 ${processor === undefined ? '' : 'and processor = ?'}
       group by ${by === 'all' ? 'id' : keys.join(', ')} order by held desc, 1, 2, 3, 4 limit ?`,
      ...(processor === undefined ? [] : [processor]),
      limit,
    )
    const sizeOf = ({ processor, type, fingerprint }: GroupRow) => lengthOf(processor, type, fingerprint)
    return pageOf(rows, { limit, sizeOf, cursorOf: () => 0 }).rows.map(
      ({ fingerprint: error, first_at: firstAt, last_at: lastAt, ...row }) => ({ ...row, error, firstAt, lastAt }),
    )
  }

  private countIn({ processor, stream, type, print }: GroupKey, at: number): number | undefined {
    const row = this.sql.one<{ id: number }>(
      `update millrace_desk_groups set held = held + 1, last_at = ?, first_at = case held when 0 then ? else first_at end
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
