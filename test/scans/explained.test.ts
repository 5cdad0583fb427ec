// Every statement that the adapter prepares is explained: none reads a table that grows from its beginning, none sorts what
// has no bound. A statement in its source that `exercise` does not bring about fails the test too.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import test from 'node:test'
import { finderSchema } from '../../src/adapters/sqlite/finder-table.ts'
import { createLog, migrate } from '../../src/adapters/sqlite/schema.ts'
import { createWalRow } from '../../src/adapters/sqlite/wal-row.ts'
import { place } from '../support.ts'
import { planOf } from './counting.ts'
import { exercise } from './exercise.ts'

const folder = new URL('../../src/adapters/sqlite/', import.meta.url)

/** Tables that do not grow with messages, flows or time, and why. */
const small: Readonly<Record<string, string>> = {
  millrace_meta: 'a row for each fact about the file',
  millrace_streams: 'a row for each topic and channel',
  millrace_kinds: 'a row for each type, version and source',
  millrace_progress: 'a row for each processor and what it is on',
  millrace_paused: 'a row for each processor that a person has stopped',
  millrace_schedules: 'a row for each schedule',
  millrace_desk_groups: 'at most 1,000 rows for each processor',
  millrace_alerts: 'of each kind at most ten rows, and one for the rest, for each part that watches',
  millrace_tokens: 'a row for each token that a person has made',
  sqlite_schema: 'a row for each table and index',
  sqlite_sequence: 'a row for each table whose ids are never given twice',
  millrace_wal: 'one row',
  owner: 'one row',
  progress: 'of the finder: a row for each topic and channel',
  words: 'of the finder: found by the words, in the order of numbers',
  json_each: 'what the statement is given',
  pragma_user_version: 'a number of the file',
  pragma_schema_version: 'a number of the file',
  pragma_page_count: 'a number of the file',
  pragma_freelist_count: 'a number of the file',
}

/** What reads all that there is, and may: a piece of its text, and why. */
const reads: readonly (readonly [RegExp, string])[] = [
  [/count\(\*\) as count from millrace_(questions|timers|flow_timers)$/, 'the doctor, in a process of its own'],
  [/^update (or ignore )?millrace_\w+ set (\w+) = \?1 where \2 = \?2/, 'a rename, once, at the start that makes it'],
  [/^select sum\(length\(data\)\)/, 'so many of the newest rows, in a thread of its own'],
]

const verb = /^\s*(select|insert|update|delete|with)\b/i
const squeeze = (sql: string) => sql.replace(/\s+/g, ' ').trim()

/** Collects what is prepared and executed while `run` does. */
async function preparedBy(run: () => Promise<void>): Promise<Set<string>> {
  const found = new Set<string>()
  const { prepare, exec } = DatabaseSync.prototype
  DatabaseSync.prototype.prepare = function (sql, ...more) {
    found.add(sql)
    return prepare.call(this, sql, ...more)
  }
  DatabaseSync.prototype.exec = function (sql) {
    found.add(sql)
    exec.call(this, sql)
  }
  try {
    await run()
  } finally {
    Object.assign(DatabaseSync.prototype, { prepare, exec })
  }
  return new Set([...found].filter((sql) => verb.test(sql)))
}

/** The statements in a source, each as what stands between its placeholders for text. */
function textsIn(source: string): string[][] {
  const literal = /'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`/g
  const code = source.replace(/^\s*(\/\/|\/?\*).*$/gm, '')
  return [...code.matchAll(literal)]
    .map(([, one, other, template]) => one ?? other ?? template!)
    .filter((text) => verb.test(text) && text.includes(' '))
    .map((text) => text.split(/\$\{(?:[^{}]|\{[^{}]*\})*\}/).map(squeeze))
}

function fits(parts: readonly string[], sql: string): boolean {
  let at = 0
  for (const part of parts) {
    const found = sql.indexOf(part, at)
    if (found === -1) return false
    at = found + part.length
  }
  return true
}

const isSmall = (table: string) => Object.hasOwn(small, table)

/** The tables of a statement, by the names that its plan calls them. */
function namesIn(sql: string): Map<string, string> {
  const names = new Map<string, string>()
  for (const [, table, alias] of sql.matchAll(
    /(?:\b(?:from|join|into|update)\s+|, (?=pragma_))(\w+)(?:\s+(?:as\s+)?(\w+))?/gi,
  )) {
    names.set(table!, table!)
    if (alias !== undefined) names.set(alias, table!)
  }
  return names
}

function wrongWith(sql: string, plan: readonly string[]): string[] {
  if (reads.some(([text]) => text.test(squeeze(sql)))) return []
  const names = namesIn(sql)
  const bounded = [...names.values()].every((table) => isSmall(table))
  return plan.filter((step) => {
    const scanned = /^SCAN (\S+)/.exec(step)?.[1]
    if (scanned !== undefined) return names.has(scanned) && !isSmall(names.get(scanned)!)
    return /USE TEMP B-TREE|AUTOMATIC/.test(step) && !bounded
  })
}

test('no statement of the adapter reads a table that grows from its beginning, or sorts what has no bound', async (t) => {
  const prepared = await preparedBy(() => exercise(place(t)))
  const db = new DatabaseSync(':memory:')
  migrate(db, 'memory')
  createLog(db, 1)
  createWalRow(db, { previous: 0, own: 1 })
  db.exec(finderSchema)
  db.exec('create table owner (one integer primary key, pid integer, host text, since text)')
  const wrong = [...prepared].flatMap((sql) => {
    const plan = planOf(db, sql)
    const steps = wrongWith(sql, plan)
    return steps.length === 0 ? [] : [`${squeeze(sql)}\n      ${steps.join('; ')}`]
  })
  assert.equal(wrong.length, 0, `\n${wrong.join('\n')}`)
})

/** A move reads all that a file has, while no app runs. */
const movesAll = 'moved-rows.ts'

test('each statement in the source of the adapter is among those that are explained', async (t) => {
  const prepared = [...(await preparedBy(() => exercise(place(t))))].map(squeeze)
  const missing: string[] = []
  for (const name of readdirSync(folder)) {
    if (name === movesAll || !name.endsWith('.ts') || name.endsWith('.test.ts') || name.endsWith('-thread.ts')) continue
    for (const parts of textsIn(readFileSync(new URL(name, folder), 'utf8'))) {
      if (!prepared.some((sql) => fits(parts, sql))) missing.push(`${name}: ${parts.join(' … ')}`)
    }
  }
  assert.deepEqual(missing, [], 'bring it about in test/scans/exercise.ts')
})
