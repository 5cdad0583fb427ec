// Brings about each statement of the adapter once, on a file of its own; what it does there makes little sense.
import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { nodeWorld } from '../../src/adapters/node/world.ts'
import { damageOfNewest } from '../../src/adapters/sqlite/damage.ts'
import { FinderTable } from '../../src/adapters/sqlite/finder-table.ts'
import { sqlite } from '../../src/adapters/sqlite/index.ts'
import { acceptAlone, markAlone } from '../../src/adapters/sqlite/missing-wal.ts'
import { formatKnown, migrate } from '../../src/adapters/sqlite/schema.ts'
import { schemaTextOf } from '../../src/adapters/sqlite/schema-text.ts'
import { type Stamp, Stored } from '../../src/model/codec.ts'
import type { DeskEntry, DeskState } from '../../src/model/desk.ts'
import { type FlowRow, newFlowRow } from '../../src/model/flow-views.ts'
import type { Changes, CommitTx } from '../../src/seam/commit.ts'
import type { FlowChange } from '../../src/seam/flows.ts'
import type { Store } from '../../src/seam/store.ts'

const actor = { by: 'ann', reason: 'why' }
const states: readonly DeskState[] = ['held', 'deciding', 'trying', 'line', 'handled', 'discarded', 'reset']

function messageOf(id: string, more: Partial<Pick<Stamp, 'ownId' | 'asked' | 'due' | 'attributes'>> = {}): Stored {
  const stamp = {
    stream: 1,
    id,
    ownId: more.ownId ?? false,
    asked: more.asked,
    source: '/app/p',
    time: 1,
    due: more.due ?? 0,
    correlationId: id,
    causationId: 'cause',
    trace: null,
    attributes: more.attributes ?? null,
  }
  return new Stored('a', 1, stamp, 'x', '{}')
}

function entryOf(id: number, state: DeskState, lane: string | null = 'x'): DeskEntry {
  const error = { code: 'bad', message: `error ${id}` }
  const message = Object.assign(messageOf(`m${id}`, { asked: 'app' }), { position: id })
  const counts = { attempts: 0, kills: 0, corrections: 0, revision: 0, failures: 1, decisions: 0 }
  const times = { dueAt: 0, heldAt: 1, resolvedAt: null }
  return { id, processor: 'p', message, state, lane, place: id, ...counts, ...times, error, tries: [], original: null }
}

const nothing: Changes = { append: [], progress: [], desk: [], marks: [] }

function rowOf(id: number, more: Partial<FlowRow> = {}): FlowRow {
  const row = newFlowRow({ id, mediator: 'm', version: 1, message: messageOf(`f${id}`), startedAt: 1 })
  return { ...row, context: 'x', ...more }
}

/** Opens the store, with renames of each kind. */
async function opened(file: string, from: string): Promise<Store> {
  const store = sqlite({ file }).create(nodeWorld(() => {}))
  await store.open({ same: () => true })
  const kinds = ['processor', 'mediator', 'schedule', 'stream', 'type'] as const
  const renames = kinds.map((what) => ({ what, from, to: `${from}2` }))
  await store.leases.takeOver([{ kind: 'topic', name: 't' }], () => renames)
  return store
}

export async function exercise(file: string): Promise<void> {
  // For new files, once in a process.
  schemaTextOf((db) => migrate(db, 'memory', formatKnown - 1))
  const store = await opened(file, 'none')
  try {
    await write(store)
    await flows(store)
    await desk(store)
    await access(store)
    await rest(store)
  } finally {
    await store.close('clean')
  }
  await (await opened(file, 'dated')).close('clean')
  await fromBeside(file)
  await takenUp(`${file}.theirs`)
}

/** A database that another program has open, with something in its -wal. */
async function takenUp(file: string): Promise<void> {
  const theirs = new DatabaseSync(file)
  theirs.exec('pragma journal_mode=wal; create table notes (text text)')
  for (const adopt of [false, true]) {
    const store = sqlite({ file, adopt }).create(nodeWorld(() => {}))
    await store.open({ same: () => true }).then(
      () => store.close('clean'),
      () => {},
    )
  }
  theirs.close()
}

const commit = (store: Store, changes: Partial<Changes>, functions: Parameters<Store['commit']>[0]['functions'] = []) =>
  store.commit({ functions, changes: () => ({ ...nothing, ...changes }), rolledBack: () => {} })

async function write(store: Store): Promise<void> {
  const { log, progress } = store
  for (const after of [(await log.first(1)) - 1, await log.head(1), await log.positionBefore(1, 0)]) {
    await progress.subscribe('p', 1, after)
  }
  const own = { ownId: true }
  await commit(store, {
    append: [
      ...Array.from({ length: 9 }, (_, n) => messageOf(`l${n}`)),
      messageOf('own', own),
      messageOf('own', own),
      messageOf('elsewhere', { ownId: true, attributes: {} }),
      messageOf('asked', { asked: 'app', ownId: true }),
      messageOf('waits', { asked: 'app', ownId: true }),
      messageOf('late', { due: 1, ownId: true }),
      messageOf('late', { due: 1, ownId: true }),
      messageOf('later', { due: 9e15, ownId: true }),
    ],
    progress: [{ processor: 'p', stream: 1, epoch: 3, low: 1, done: null }],
    marks: [{ processor: 'p', stream: 1, position: 1 }],
    requests: [
      { do: 'held', id: 'asked', item: 1 },
      { do: 'released', id: 'asked' },
      { do: 'end', id: 'asked', state: 'replied', outcome: null, at: 1 },
    ],
    timed: [
      { do: 'fire', limit: 10, bytesMax: 1e6 },
      { do: 'slot', schedule: 's', due: 1, message: messageOf('slot') },
      {
        do: 'schedule',
        row: { schedule: 's', cron: null, timeZone: null, seenMs: 1, gone: false, skipped: 0, skippedAt: null },
      } as never,
    ],
  })
  await progress.subscribe('dated', 1, await log.positionBefore(1, 0))
  await commit(store, { timed: [{ do: 'cancel', type: 'a', id: 'later' }] })
  const alert = { do: 'alert', row: { watch: 'w', alert: 'group 1', data: '{}' } } as const
  await commit(store, { timed: [{ ...alert, is: 'raised', message: messageOf('raised') }] })
  await store.alerts.rows()
  await commit(store, { timed: [{ ...alert, is: 'ended', message: messageOf('ended') }] })
  const place = { gather: 'g', context: 'x' }
  const gathers = async (
    _: unknown,
    { gathers: all }: { readonly gathers: import('../../src/seam/gathers.ts').GatherTables },
  ) => {
    await all.group(place)
    await all.add(place, { type: 'a', version: 1, json: '{}' })
    await all.elements(place)
    await all.keepNewest(place, 1)
    await all.save(place, { count: 1, bytes: 1, armed: true, condition: null, timer: null })
    await all.save(place, undefined)
    await all.clear(place)
    await all.cancel('a', 'none')
  }
  await commit(store, {}, [{ label: 'gathers', run: gathers, outcome: undefined }])
  const trial = { label: 'trial', run: (tx: CommitTx) => tx.query`select 1`, watch: () => {}, outcome: undefined }
  await commit(store, {}, [trial])
}

async function flows(store: Store): Promise<void> {
  const entry = (n: number, kind: 'call' | 'wait' | 'ask', of: number | null = null) => {
    return {
      n,
      of,
      kind,
      step: kind,
      what: 'a',
      data: kind === 'ask' && of === null ? { to: 'ann', due: 1 } : { ok: true, value: { mail: 0 } },
      at: 1,
    }
  }
  const changes: FlowChange[] = [
    { do: 'start', row: rowOf(1, { once: 'o' }), journal: [entry(101, 'call')] },
    { do: 'start', row: rowOf(2, { continues: 1, once: 'o', mailAfter: { a: 0 }, parent: { flow: 1, n: 101 } }) },
    { do: 'start', row: rowOf(3, { state: 'queued', context: 'y' }) },
    { do: 'entry', flow: 1, entry: entry(102, 'wait') },
    { do: 'entry', flow: 1, entry: entry(103, 'wait', 102) },
    { do: 'entry', flow: 1, entry: entry(104, 'wait') },
    { do: 'ended', flow: 1, entry: entry(91, 'call', 101) },
    { do: 'renumber', flow: 1, from: 91, n: 92 },
    { do: 'ask', flow: 1, entry: entry(105, 'ask') },
    { do: 'escalate', flow: 1, n: 105, to: 'bob' },
    { do: 'entry', flow: 2, entry: entry(106, 'ask', 105) },
    { do: 'timer', flow: 1, n: 1, due: 1 },
    { do: 'timer', flow: 1, n: 2, due: 2 },
    { do: 'asleep', flow: 1, n: 2 },
    { do: 'awake', flow: 1, n: 102 },
    { do: 'untimer', flow: 1, n: 1 },
    { do: 'mail', mail: { n: 1, mediator: 'm', context: 'x', message: messageOf('mail'), at: 1 } },
    { do: 'withdraw', id: 'w' },
    { do: 'passed', id: 'w' },
    { do: 'withdraw', id: 'w2' },
    { do: 'state', flow: 2, state: 'paused', error: null, endedAt: null },
    { do: 'state', flow: 2, state: 'running', error: null, endedAt: null },
  ]
  await commit(store, { flows: changes })
  const { rows, times, mail, takeUp } = store.flows
  await takeUp.underWayByMediator([])
  for (let last = await takeUp.underWay('m', undefined, 10); last.length > 0; )
    last = await takeUp.underWay('m', last.at(-1), 10)
  await takeUp.underWay('m', { id: 0, context: null, unfinished: false }, 10)
  await takeUp.waiting('m', '', 10)
  await takeUp.withdrawn('', 10)
  await mail.underWay('m', 'x', 0, 10)
  await rows.next('m', 'y')
  await rows.hasOnce('m', 'o')
  await rows.hasEnd(1, 101)
  await rows.row(1)
  await rows.startedBy({ flow: 1, n: 1 })
  await rows.journal(1)
  await rows.stateOf(1)
  await mail.next('m', 'x', 'a', 0)
  await times.due(9, 10)
  await times.asleep(undefined, 10)
  const reads = store.flowReads
  await reads.whole(1)
  await reads.states(0, 10)
  for (const filter of [{}, { mediator: 'm' }, { to: 'ann' }, { mediator: 'm', to: 'ann' }])
    await reads.questions(filter)
  for (const filter of [
    {},
    { mediator: 'm' },
    { context: 'x' },
    { states: ['stuck'] as const },
    { step: 'call' },
    { startedBefore: 1 },
  ])
    await reads.list(filter)
  await commit(store, { flows: [{ do: 'state', flow: 1, state: 'completed', error: null, endedAt: 1 }] })
  await reads.list({})
}

async function desk(store: Store): Promise<void> {
  const put = (id: number, state: DeskState, lane?: string | null) =>
    ({ do: 'put', entry: entryOf(id, state, lane) }) as const
  // Its cause has an id that says when it was made.
  const dated = Object.assign(messageOf('m6'), { position: 6, causationId: '019a0000-0000-7000-8000-000000000000' })
  await commit(store, {
    desk: [
      put(1, 'held'),
      put(2, 'line'),
      put(3, 'held', null),
      put(4, 'held', 'y'),
      put(5, 'held', null),
      { do: 'put', entry: { ...entryOf(6, 'held', null), message: dated } },
      { do: 'update', entry: { ...entryOf(1, 'held', 'z'), place: 9 }, leaves: 'x' },
      { do: 'correct', entry: entryOf(1, 'held') },
      { do: 'remove', entry: entryOf(2, 'trying') },
      { do: 'resolve', entry: entryOf(3, 'held', null), state: 'handled', at: 1 },
      { do: 'record', audit: { at: 1, by: 'ann', item: 1, subject: 'p', action: 'held', reason: null, detail: 1 } },
    ],
  })
  // More errors of one processor than are told apart.
  const others = Array.from({ length: 1_001 }, (_, n) => put(1_000 + n, 'held', null))
  const different = others.map(
    ({ entry }) =>
      ({ do: 'put', entry: { ...entry, error: { code: `code ${letters(entry.id)}`, message: '' } } }) as const,
  )
  await commit(store, { desk: different })
  const laneY = { processor: 'p', stream: 1, lane: 'y' }
  await store.desk.heads('p', 1, () => {})
  await store.desk.lanes('p', 1, () => {})
  await store.desk.headOf(laneY)
  await store.desk.line(laneY, 0, 10)
  await store.desk.entry(1)
  await store.desk.askedEntry('m4')
  const reads = store.deskReads
  for (const processor of [undefined, 'p']) {
    for (const type of [undefined, 'a']) {
      for (const context of [undefined, 'x', 'y']) {
        for (const group of [undefined, 1]) {
          for (const some of [undefined, states, ['held'] as const]) {
            await reads.list({ processor, type, context, group, states: some as never })
          }
        }
      }
    }
  }
  for (const after of [undefined, 5]) await reads.line(4, { after, limit: 2 })
  for (const id of [4, 6]) await reads.item(id, { line: 1, history: 10 })
  await reads.counts(0)
  await reads.endedByReset('p', 1, 0)
  await reads.processors()
  for (const by of ['processor', 'error', 'type', 'all'] as const) {
    await reads.groups(by, {}, 0)
    await reads.groups(by, { processor: 'p' }, 0)
  }
  await reads.audit({})
  await reads.audit({ group: 1 })
  await store.operations.list({})
  await store.operations.list({ name: 'first' })
  await store.operations.outcome(1)
  await store.operations.open(0, 10)
  await store.operations.refused(1, 10)
  const first = {
    name: 'first',
    action: 'release',
    by: 'ann',
    reason: null,
    change: null,
    perSecond: null,
    stopAfter: null,
    expiresAt: null,
    oneFirst: false,
    startedAt: 1,
  } as const
  const operation = await store.operations.select(first, {})
  await store.operations.select({ ...first, name: 'second' }, { items: [4] })
  await store.operations.selected(operation.id, 10)
  await store.operations.underWay(operation.id, 0, 10)
  await store.operations.remaining(operation.id, 0, 10)
  await store.operations.firstSelected(operation.id)
  await store.pendingActions.add({ item: 4, action: { do: 'retry' }, at: 1, ...actor })
  await store.pendingActions.list(undefined, 10)
  const claim = { by: 'ann', at: 1, until: 2 }
  await store.desk.claims.claim(4, claim, { takeOver: true, reason: null })
  await store.desk.claims.of(4, 1)
  await store.desk.claims.unclaim(4, actor, 1)
  for (const about of [{ item: 4 }, { group: 1 }]) await store.desk.claims.note(about, 'note', claim)
  await store.desk.claims.snooze(1, { until: 9, orCount: undefined, by: 'ann', at: 1, reason: 'why' })
  await store.desk.claims.wake(1, actor, 1)
  await commit(store, {
    desk: [
      { do: 'selected', operation: operation.id, item: 4, error: null, follow: true, nextAt: 1 },
      { do: 'tried', operation: operation.id, item: 4, failed: true },
      { do: 'granted', item: 4 },
    ],
  })
  await commit(store, { desk: [{ do: 'operation', operation: { ...operation, state: 'stopped', endedAt: 1 } }] })
  await store.operations.run(operation.id, { perSecond: 1, ...actor }, 1)
  await store.operations.select({ ...first, name: 'third', expiresAt: 2 }, { items: [4] })
  // No message failed in that version.
  await assert.rejects(store.operations.select({ ...first, name: 'fourth' }, { failedIn: '1' }))
  await store.operations.expire(3)
  await store.operations.abort(operation.id, actor, 1)
  await store.processors.pause('p', actor, 1)
  await store.processors.paused()
  for (const most of [2, null]) await store.processors.setConcurrency({ processor: 'p', most, actor }, 1)
  await store.processors.concurrencies()
  await store.processors.resume('p', actor, 1)
}

async function access({ desk: { access: tokens } }: Store): Promise<void> {
  await tokens.addToken({ name: 'ci', hash: 'h', grants: [], createdAt: 1, by: 'ann', expiresAt: null }, 'why')
  await tokens.tokens()
  await tokens.revokeToken('ci', actor, 2)
}

/** A number in letters: numbers are what errors of a group differ in. */
const letters = (n: number) => [...String(n)].map((digit) => 'abcdefghij'[Number(digit)]).join('')

async function rest(store: Store): Promise<void> {
  await store.alerts.heldGroups(10, 1)
  await store.log.read(1, 0, 10, 1e6)
  await store.log.count(1, '/app/p', 0)
  await store.requests.row('asked')
  await store.requests.row('waits')
  await store.progress.rows()
  await store.schedules.rows()
  await store.schedules.lastSlot('s', 9)
  await store.progress.clearMarks(['p'])
  await store.log.trim(1, 5, { beforeMs: 9, bytes: 1 })
  await store.flows.rows.forget(9)
  await store.flows.mail.forget(0, 9)
  await store.requests.forget(9)
  await store.desk.forgetResolved(9)
  await store.processors.untold(0, 10)
  await store.processors.reset({ processor: 'p', destination: 't', after: 0, actor, at: 1, detail: {} })
  await store.processors.retire('p', 't', actor, 1)
}

/** The index of the finder, made and then checked. */
function find(file: string): void {
  const log = new DatabaseSync(file, { readOnly: true })
  for (let opened = 0; opened < 2; opened++) {
    const finder = new FinderTable(log, file, 'write')
    finder.index({ secrets: {} })
    finder.search({ words: ['w'], order: 'newest', limit: 1 })
    finder.close()
  }
  log.close()
}

async function fromBeside(file: string): Promise<void> {
  find(file)
  const beside = sqlite({ file }).offline!
  const reader = await beside.read('stopped')
  try {
    await reader.streams()
    await reader.progress()
    await reader.published()
    await reader.time.kept()
    await reader.time.delayed({ after: undefined, limit: 1 } as never)
    await reader.messages.names()
    const span = { stream: 1, from: 1, end: 9, limit: 5 }
    const filter = { id: 'i', type: 'a', context: 'x', correlation: 'y', since: 1, until: 9 }
    await reader.messages.spans({ destination: 't', since: 1, until: 9 })
    await reader.messages.spans({})
    await reader.messages.slice({ ...span, order: 'oldest', filter })
    await reader.messages.slice({ ...span, from: 9, end: 1, order: 'newest', filter: {} })
    await reader.messages.withId('i')
    await reader.finder.search({ words: ['w'], order: 'newest', limit: 1 })
    await reader.finder.related({ id: 'i', limit: 1 })
    await reader.messages.outcomes({ stream: 1, position: 1 })
  } finally {
    await reader.close()
  }
  await beside.examine({ app: 'stopped', full: true })
  const db = new DatabaseSync(file)
  damageOfNewest(db, 'millrace_log_1', 10)
  markAlone(db)
  acceptAlone(db)
  db.close()
}
