// Replaces the clock and chance of SQL. The store is part of the simulated machine, so it uses that machine's.
import type { SQLOutputValue, StatementSync } from 'node:sqlite'
import { DatabaseSync } from '../adapters/node/sqlite.ts'
import type { Random } from './random.ts'

/** Functions of SQLite that take a time, with the position of that argument; without it they take the current time. */
const timeFunctions = { date: 0, time: 0, datetime: 0, julianday: 0, unixepoch: 0, strftime: 1 } as const
const blobBytesMax = 1_000_000_000

/** Makes a connection use the time and the chance of the simulation in place of SQLite's own. */
export function decideSql(db: DatabaseSync, now: () => number, random: Random): void {
  const iso = () => new Date(now()).toISOString()
  // Declared as SQLite declares its own, so that an index on `date(x)` stays possible. As bigint, whole numbers stay
  // whole.
  const ofTimes = { deterministic: true, useBigIntArguments: true }
  for (const [name, place] of Object.entries(timeFunctions)) {
    db.function(name, { ...ofTimes, varargs: true }, (...given) => builtIn(name, withTime(given, place, iso)))
  }
  db.function('timediff', ofTimes, (to, from) => builtIn('timediff', [to!, from!].map(nowIs(iso))))
  db.function('current_date', () => iso().slice(0, 10))
  db.function('current_time', () => iso().slice(11, 19))
  db.function('current_timestamp', () => iso().slice(0, 19).replace('T', ' '))
  db.function('random', () => (BigInt(bits(random)) << 32n) | BigInt(bits(random) >>> 0))
  db.function('randomblob', (bytes) => {
    const size = Math.max(1, Math.trunc(Number(bytes)) || 0)
    if (size > blobBytesMax) throw new RangeError('string or blob too big')
    return Uint8Array.from({ length: size }, () => random.below(256))
  })
}

const bits = (random: Random) => random.below(2 ** 32) | 0

/** The arguments of a time function, with the simulation's time wherever SQLite would read a clock. */
function withTime(given: readonly SQLOutputValue[], place: number, iso: () => string): readonly SQLOutputValue[] {
  const before = given.slice(0, place)
  const [time, ...after] = given.slice(place)
  if (time === undefined) return before.length < place ? given : [...before, iso()]
  if (says(time, 'subsec') || says(time, 'subsecond')) return [...before, iso(), time, ...after]
  return [...before, nowIs(iso)(time), ...after]
}

const says = (value: SQLOutputValue, text: string) => typeof value === 'string' && value.toLowerCase() === text
const nowIs = (iso: () => string) => (time: SQLOutputValue) => (says(time, 'now') ? iso() : time)

let calculator: DatabaseSync | undefined
const known = new Map<string, StatementSync>()

/** Computes SQLite's own result for arguments, none of which is the clock. */
function builtIn(name: string, given: readonly SQLOutputValue[]): SQLOutputValue {
  const sql = `select ${name}(${given.map(() => '?')}) as value`
  let statement = known.get(sql)
  if (statement === undefined) {
    calculator ??= new DatabaseSync(':memory:')
    statement = calculator.prepare(sql)
    statement.setReadBigInts(true)
    known.set(sql, statement)
  }
  return statement.get(...given)!['value']!
}
