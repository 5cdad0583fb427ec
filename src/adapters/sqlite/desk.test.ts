import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import type { DeskEntry, DeskState } from '../../model/desk.ts'
import type { DeskFilter } from '../../model/desk-views.ts'
import { DeskTable } from './desk.ts'
import { Log } from './log.ts'
import { migrate } from './schema.ts'
import { Statements } from './statements.ts'

const states: DeskState[] = ['held', 'deciding', 'trying', 'line', 'handled', 'discarded']
const pick = <T>(values: readonly T[], n: number, step: number): T => values[Math.floor(n / step) % values.length]!

/** A table with some of everything; `asked` collects each statement that was prepared on it. */
function filled() {
  const db = new DatabaseSync(':memory:')
  migrate(db, 'memory')
  for (const stream of [1, 2])
    db.prepare('insert into millrace_streams values (?, ?, ?)').run(stream, 'topic', `t${stream}`)
  const asked = new Set<string>()
  const prepare = db.prepare.bind(db)
  db.prepare = (sql) => {
    asked.add(sql)
    return prepare(sql)
  }
  const table = new DeskTable(new Statements(db), new Log(db))
  const entries: DeskEntry[] = []
  for (let n = 0; n < 400; n++) {
    const processor = pick(['p', 'q', 'r'], n, 1)
    const stream = processor === 'r' ? 2 : 1
    const context = pick(['a', 'b', 'c', 'd', null], n, 3)
    // Each lane has one head, the rest of it is in line.
    const isHead = !entries.some((e) => e.processor === processor && e.lane !== null && e.lane === context)
    const state = context !== null && !isHead && n % 4 !== 0 ? 'line' : pick(states, n, 7)
    const closes = context !== null && (state === 'line' || (isHead && !['handled', 'discarded'].includes(state)))
    const entry = entryOf(n, processor, stream, context, state === 'line' && !closes ? 'trying' : state, closes)
    table.apply({ do: 'put', entry })
    if (state === 'handled' || state === 'discarded') table.apply({ do: 'resolve', entry, state, at: n })
    entries.push(entry)
  }
  for (const [processor, stream] of [
    ['p', 1],
    ['q', 1],
    ['r', 2],
  ] as const) {
    db.prepare('insert into millrace_progress values (?, ?, 1, 0, null)').run(processor, stream)
  }
  asked.clear()
  return { db, table, entries, asked, prepare }
}

function entryOf(
  n: number,
  processor: string,
  stream: number,
  context: string | null,
  state: DeskState,
  closes: boolean,
): DeskEntry {
  const id = n + 1
  return {
    id,
    processor,
    message: {
      stream,
      position: id,
      id: `m${id}`,
      ownId: false,
      type: pick(['placed', 'paid'], n, 5),
      version: 1,
      source: '/app',
      time: n,
      context,
      correlationId: `m${id}`,
      causationId: null,
      traceparent: null,
      attributes: null,
      asked: undefined,
      due: 0,
      json: '{}',
      plain: undefined,
      decoded: undefined,
    },
    state,
    lane: closes ? context : null,
    place: id,
    dueAt: 0,
    attempts: 1,
    kills: 0,
    revision: 0,
    failures: state === 'held' ? 1 : 0,
    decisions: 0,
    error: { code: 'E', message: pick(['down', 'short'], n, 11), data: undefined } as never,
    tries: [],
    original: null,
    heldAt: n,
    resolvedAt: null,
  }
}

function filters(groups: readonly (number | null)[]): DeskFilter[] {
  const found: DeskFilter[] = []
  for (const processor of [undefined, 'p', 'none'])
    for (const type of [undefined, 'paid', 'none'])
      for (const context of [undefined, 'b', 'none'])
        for (const group of [undefined, groups[0]!, groups.at(-1)!])
          for (const some of [undefined, ['held'], ['line', 'trying'], ['handled', 'held', 'held'], []])
            for (const after of [undefined, 150]) {
              const filter = { processor, type, context, group, states: some, after, limit: after && 7 }
              found.push(Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined)))
            }
  return found
}

test('a list has what fits its filter, in the order of ids', () => {
  const { db, table, entries } = filled()
  const groups = table.groups('all', {}).map(({ id }) => id)
  const groupOf = new Map(
    db
      .prepare('select id, group_id from millrace_desk')
      .all()
      .map((row) => [row['id'], row['group_id']]),
  )
  const stored = entries.map(({ id }) => table.entry(id)!)
  for (const filter of filters(groups)) {
    const { processor, type, context, group, after = 0, limit = 100 } = filter
    const wanted = filter.states ?? ['held', 'deciding', 'trying', 'line']
    const expected = stored
      .filter((entry) => wanted.includes(entry.state) && entry.id > after)
      .filter((entry) => processor === undefined || entry.processor === processor)
      .filter(({ message }) => type === undefined || message.type === type)
      .filter(({ message }) => context === undefined || message.context === context)
      .filter((entry) => group === undefined || groupOf.get(entry.id) === group)
      .slice(0, limit)
    assert.deepEqual(
      table.list(filter).map(({ id }) => id),
      expected.map(({ id }) => id),
      JSON.stringify(filter),
    )
  }
})

test('counts are those of the rows', () => {
  const { db, table } = filled()
  const count = (where: string) =>
    (db.prepare(`select count(*) as n from millrace_desk where ${where}`).get() as { n: number }).n
  assert.deepEqual(table.counts(), {
    held: count("state = 'held'"),
    waiting: count("state = 'line'"),
    discarded: count("state = 'discarded'"),
  })
  assert.deepEqual(
    table.heldCounts().map(({ processor, destination, held }) => [processor, destination, held]),
    [
      ['p', 't1', count("state = 'held' and processor = 'p'")],
      ['q', 't1', count("state = 'held' and processor = 'q'")],
      ['r', 't2', count("state = 'held' and processor = 'r'")],
    ],
  )
})

test('a start is told each lane once, however many there are', () => {
  const { table } = filled()
  for (let n = 0; n < 2_500; n++) {
    table.apply({ do: 'put', entry: entryOf(1_000 + n, 'r', 2, `lane "${n}"\0é`, 'held', true) })
  }
  const found: string[] = []
  table.lanes('r', 2, (context) => found.push(context))
  const others = ['a', 'b', 'c', 'd']
  assert.deepEqual(
    found.filter((context) => !others.includes(context)).toSorted(),
    Array.from({ length: 2_500 }, (_, n) => `lane "${n}"\0é`).toSorted(),
  )
  assert.equal(found.length, new Set(found).size)
})

test('nothing that is asked of the desk while the app runs reads more of its table than it gives', () => {
  const { table, entries, asked, prepare } = filled()
  const groups = table.groups('all', {}).map(({ id }) => id)
  for (const filter of filters(groups)) table.list(filter)
  table.row(1)
  table.counts()
  table.heldCounts()
  table.heads('p', 1, () => {})
  table.lanes('p', 1, () => {})
  table.headOf({ processor: 'p', stream: 1, lane: 'a' })
  table.line({ processor: 'p', stream: 1, lane: 'a' }, 0, 64)
  table.behind(entries.find(({ lane }) => lane !== null)!, 10)
  table.hasOld(0)
  table.forgetResolved(0)
  table.apply({ do: 'put', entry: entryOf(1_000, 'p', 1, 'new', 'held', true) })
  table.apply({ do: 'put', entry: entryOf(1_001, 'p', 1, 'new', 'line', true) })
  table.apply({ do: 'update', entry: { ...table.entry(1_001)!, state: 'trying' } })
  table.apply({ do: 'resolve', entry: table.entry(1_001)!, state: 'handled', at: 1 })
  table.apply({ do: 'remove', entry: table.entry(1_002)! })
  const steps = [...asked].flatMap((sql) =>
    prepare(`explain query plan ${sql}`)
      .all()
      .map(({ detail }) => ({ sql, detail: String(detail) })),
  )
  assert.ok(steps.some(({ detail }) => detail.includes('millrace_desk_states')))
  for (const { sql, detail } of steps) {
    assert.doesNotMatch(detail, /^SCAN (millrace_desk|[dl])( |$)|PRIMARY KEY \(rowid[<>]/, sql)
  }
})

test('each change says which message became the head of its lane by it, and changes no entry', () => {
  const db = new DatabaseSync(':memory:')
  migrate(db, 'memory')
  db.prepare('insert into millrace_streams values (?, ?, ?)').run(1, 'topic', 't1')
  const table = new DeskTable(new Statements(db), new Log(db))
  const entry = (n: number, state: DeskState) => Object.freeze(entryOf(n, 'p', 1, 'a', state, true))
  const stateOf = (id: number) => table.entry(id)?.state
  const [first, second, third] = [entry(0, 'line'), entry(1, 'line'), entry(2, 'line')]
  // A lane without a head takes the first that joins; the next in line stays in line.
  assert.equal(table.apply({ do: 'put', entry: first }), 1)
  assert.equal(table.apply({ do: 'put', entry: second }), 0)
  assert.equal(table.apply({ do: 'put', entry: third }), 0)
  assert.deepEqual([stateOf(1), stateOf(2), stateOf(3)], ['trying', 'line', 'line'])
  // When the head leaves, the next in line becomes the head.
  assert.equal(table.apply({ do: 'remove', entry: first }), 2)
  assert.equal(table.apply({ do: 'update', entry: { ...second, state: 'held', lane: null }, leaves: 'a' }), 3)
  assert.equal(table.apply({ do: 'resolve', entry: third, state: 'discarded', at: 1 }), 0)
  // A message that stood alone joins a lane that has no head.
  assert.equal(table.apply({ do: 'update', entry: { ...second, state: 'line' }, leaves: null }), 2)
  assert.equal(stateOf(2), 'trying')
  db.close()
})
