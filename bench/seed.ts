import { DatabaseSync } from 'node:sqlite'

/** What of a row is not the same in its copies; the rest of the columns are. */
const changed: Record<string, string> = {
  id: 'd.id + n * :last',
  place: 'd.place + n * :last',
  message_id: `substr(d.message_id, 1, 24) || printf('%012x', d.id + n * :last)`,
  lane: `d.lane || '.' || n`,
  context: `d.context || '.' || n`,
  data: `json_set(d.data, '$.orderId', d.context || '.' || n)`,
}

/**
 * Makes so many of each held message in the file of a stopped app, as if each had come to the desk by itself and the log
 * had been trimmed since: the rows of the desk, the numbers of its groups, the audit log.
 */
export function multiplyHeld(file: string, times: number): void {
  if (!Number.isInteger(times)) throw new Error(`cannot make ${times} of each`)
  const db = new DatabaseSync(file)
  // Nothing of it has to outlive a crash, and indexes made at the end take a fraction of the time.
  db.exec('pragma journal_mode=delete; pragma journal_mode=off; pragma synchronous=off; pragma cache_size=-262144')
  const indexes = db
    .prepare(
      "select name, sql from sqlite_schema where type = 'index' and tbl_name = 'millrace_desk' and sql is not null",
    )
    .all() as { name: string; sql: string }[]
  for (const { name } of indexes) db.exec(`drop index ${name}`)
  const { last } = db.prepare('select max(id) as last from millrace_desk').get() as { last: number }
  const names = (db.prepare('pragma table_info(millrace_desk)').all() as { name: string }[]).map(({ name }) => name)
  const values = names.map((name) => changed[name] ?? `d.${name}`).join(', ')
  const copies = 'with recursive copies (n) as (select 1 union all select n + 1 from copies where n < :to)'
  const numbers = { to: times - 1, last }
  if (times > 1) {
    db.exec('begin')
    db.prepare(
      `${copies} insert into millrace_desk (${names.join(', ')})
       select ${values} from copies cross join millrace_desk d where d.id <= :last order by n, d.id`,
    ).run(numbers)
    db.prepare(
      `${copies} insert into millrace_audit (at, who, action, item, subject, why, detail)
       select at, who, action, item + n * :last, subject, why, detail
       from copies cross join millrace_audit where item <= :last order by n, id`,
    ).run(numbers)
    db.exec(`update millrace_desk_groups set held = held * ${times}; commit`)
  }
  for (const { sql } of indexes) db.exec(sql)
  db.close()
}
