// Counts that change with each message. A row that is updated in each commit becomes slower with each of its dead
// versions, as long as anybody has a transaction open; so what changes is inserted, and added up in the row at most once
// a second.
//
//   row (folded n) + deltas above n = the count ──folded──→ row (folded m) + deltas above m

/** The deltas of a row that are not in it yet. */
export const deltasOf = (of: 'g' | 'o', row: string): string =>
  `millrace.deltas x where x.of = '${of}' and x.id = ${row}.id and x.n > ${row}.folded`

/** The time of the server, milliseconds since 1970: it says when to add up, and nothing else. */
const serverNow = '(extract(epoch from clock_timestamp()) * 1000)::int8'
const betweenMs = 1_000

export interface Fold {
  readonly of: 'g' | 'o'
  readonly table: string
  /** The sums over `gone`, by name. */
  readonly sums: Readonly<Record<string, string>>
  /** What becomes of the row `r`, given the sums `s`. */
  readonly set: string
}

/** Adds up the deltas of the rows with these numbers, where that was not done a moment ago. */
export function foldText({ of, table, sums, set }: Fold): string {
  const named = Object.entries(sums).map(([name, sum]) => `${sum} as ${name}`)
  return `with due as materialized (
      select id, folded from ${table} where id = any($1::int8[]) and abs(${serverNow} - folded_at) >= ${betweenMs}),
    gone as (
      delete from millrace.deltas x using due d where x.of = '${of}' and x.id = d.id and x.n > d.folded returning x.*),
    s as (select id, max(n) as n, ${named.join(', ')} from gone group by id)
    update ${table} r set folded = s.n, folded_at = ${serverNow}, ${set} from s
      where r.id = any($1::int8[]) and r.id = s.id`
}
