// The desk as people read it. Each method reads in one transaction, so that it shows one moment.
import type { AuditRow } from '../../model/desk.ts'
import type {
  AuditFilter,
  DeskAtProcessors,
  DeskCounts,
  DeskFilter,
  EndedByReset,
  GroupBy,
  GroupFilter,
  KeptGroup,
  KeptItem,
  KeptRow,
  LineFilter,
} from '../../model/desk-views.ts'
import type { DeskReads, ItemLimits } from '../../seam/desk-reads.ts'
import { auditLines } from './audit.ts'
import { findCause } from './cause.ts'
import { findIds, quoted, unresolved } from './desk-finder.ts'
import { groupsIn, heldCounts, heldNow } from './desk-groups.ts'
import { type PlaceInLane, shownLine, shownRow, shownRows } from './desk-rows.ts'
import { concurrenciesIn, pausedIn } from './processors.ts'
import { type Beside, one, type Statements } from './statements.ts'

const listRows = 100
const placeText = 'select processor, stream, lane, place from millrace.desk where id = $1 and resolved_at is null'
const endedText = `select coalesce(sum(case when state in ('held', 'deciding') then 1 end), 0)::int8 as held,
    coalesce(sum(case when state = 'trying' and attempts + failures > 0 then 1 end), 0)::int8 as tried,
    coalesce(sum(case when state = 'line' or (state = 'trying' and attempts + failures = 0) then 1 end), 0)::int8 as "inLine",
    coalesce(sum(case when position <= $3 then 1 end), 0)::int8 as "left",
    (select count(*) from millrace.gathered where gather = $1) as gathered
  from millrace.desk where state in (${quoted(unresolved)}) and processor = $1 and stream = $2`
const countsText = `select coalesce(sum(n.held), 0)::int8 as held,
    coalesce(sum(n.held) filter (where g.snoozed_until > $1), 0)::int8 as snoozed,
    (select count(*) from millrace.desk where state = 'line') as waiting,
    (select count(*) from millrace.desk where state = 'discarded') as discarded
  from millrace.desk_groups g cross join lateral (${heldNow('g')}) n where g.held > 0`

export class DeskViews implements DeskReads {
  private readonly beside: Pick<Beside, 'read'>

  constructor(beside: Pick<Beside, 'read'>) {
    this.beside = beside
  }

  list(filter: DeskFilter): Promise<KeptRow[]> {
    return this.beside.read(async (db) => shownRows(db, await findIds(db, filter)))
  }

  item(id: number, { line, history }: ItemLimits): Promise<KeptItem | undefined> {
    return this.beside.read(async (db) => {
      const row = await shownRow(db, id)
      if (row === undefined) return undefined
      const { processor, message, lane, place, waiting } = row
      const [behind, lines, cause] = await Promise.all([
        waiting === 0 || lane === null ? [] : shownLine(db, { processor, stream: message.stream, lane, place }, line),
        auditLines(db, { item: id, limit: history }),
        findCause(db, message),
      ])
      return { ...row, line: behind, cause: cause ?? null, history: lines.reverse() }
    })
  }

  line(id: number, { after = 0, limit = listRows }: LineFilter): Promise<KeptRow[] | undefined> {
    return this.beside.read(async (db) => {
      const from = await one<PlaceInLane & { readonly lane: string | null }>(db, placeText, [id])
      if (from === undefined || from.lane === null) return from && []
      return shownLine(db, { ...from, place: Math.max(from.place, after) }, limit)
    })
  }

  counts(now: number): Promise<DeskCounts> {
    return this.beside.read((db) => countsIn(db, now))
  }

  processors(): Promise<DeskAtProcessors> {
    return this.beside.read(async (db) => {
      const [held, paused, concurrencies] = await Promise.all([heldCounts(db), pausedIn(db), concurrenciesIn(db)])
      return { held, paused, concurrencies }
    })
  }

  groups(by: GroupBy, filter: GroupFilter, now: number): Promise<KeptGroup[]> {
    return this.beside.read((db) => groupsIn(db, by, filter, now))
  }

  endedByReset(processor: string, stream: number, after: number): Promise<EndedByReset> {
    return this.beside.read(async (db) => (await one<EndedByReset>(db, endedText, [processor, stream, after]))!)
  }

  audit(filter: AuditFilter): Promise<AuditRow[]> {
    return this.beside.read((db) => auditLines(db, filter))
  }
}

export async function countsIn(db: Statements, now: number): Promise<DeskCounts> {
  const [counts] = await db.all<DeskCounts>(countsText, [now])
  return counts!
}
