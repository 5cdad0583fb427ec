// The suite itself: a broker that misbehaves fails the cases that say so, and an exception has to be one.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { after } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { app, type Broker, isMillraceError, sqlite } from '../../index.ts'
import type { Changes, CommitFunction, CommitGroup, CommitTx, Committed, OwnTables } from '../../seam/commit.ts'
import type { Store } from '../../seam/store.ts'
import { brokerCases, type TestBrokerOptions, testBroker } from './index.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-conformance-'))
after(() => rmSync(folder, { recursive: true, force: true }))

let files = 0
const healthy = () => sqlite({ file: join(folder, `${++files}.db`) })

// ── brokers that misbehave ───────────────────────────────────────────────────────────────────────────────────────

/** What a store does otherwise than it should. */
type Spoil = (store: Store) => {
  readonly [F in keyof Store]?: Store[F] extends (...given: never) => unknown ? Store[F] : Partial<Store[F]>
}

function spoilt(spoil: Spoil, { name, where, create } = healthy()): Broker {
  return {
    name,
    where,
    create(world) {
      const store = create(world)
      return changed(store, spoil(store))
    },
  }
}

/** The same object with other methods, its facets likewise. */
function changed<T extends object>(object: T, other: Readonly<Record<PropertyKey, unknown>>): T {
  return new Proxy(object, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target)
      const changes = Object.hasOwn(other, key) ? other[key] : undefined
      if (typeof changes === 'object') return changed(value as object, changes as Readonly<Record<string, unknown>>)
      const chosen = changes ?? value
      return typeof chosen === 'function' ? chosen.bind(target) : chosen
    },
  })
}

/** Writes something else than it was asked to. */
const writing =
  (change: (changes: Changes) => Changes): Spoil =>
  (store) => ({ commit: (group) => store.commit(like(group, group.functions, change)) })

function like(
  group: CommitGroup,
  functions: readonly CommitFunction[],
  change = (changes: Changes) => changes,
): CommitGroup {
  return {
    functions,
    changes: (some, of) => {
      const first = functions.indexOf(some[0]!)
      return change(group.changes(group.functions.slice(first, first + some.length), of))
    },
    rolledBack: () => group.rolledBack(),
  }
}

/** The answer of a store that has written nothing. */
function pretended(group: CommitGroup): Committed {
  const { append, desk } = group.changes([], 'all')
  const flows = { ended: [], nextDue: undefined }
  const written = { appended: append.map(() => 1), timed: [], flows, heads: desk.map(() => 0) }
  return { state: 'written', written: [written] }
}

/** A `tx` whose statements may fail without a consequence for their function. */
const forgiving = (tx: CommitTx): CommitTx => ({
  query: (text, ...values) => tx.attempt((inner) => inner.query(text, ...values)),
  client: tx.client,
  attempt: (fn) => tx.attempt(fn),
  returned: () => tx.returned(),
})

/** A `tx` whose attempts have no savepoint. */
const without = (tx: CommitTx): CommitTx => ({ ...tx, attempt: async (fn) => fn(without(tx)) })

/** The same function with another `tx`. */
function withTx(fn: CommitFunction, change: (tx: CommitTx) => CommitTx): CommitFunction {
  return replaced(fn, { run: (tx: CommitTx, own: OwnTables) => fn.run(change(tx), own) })
}

/** The same function, of which the store does not say when an attempt begins. */
const keeping = (fn: CommitFunction) => replaced(fn, { savepoint: undefined })

/** The same function with something else in its place; its outcome is the outcome of both. */
const replaced = (fn: CommitFunction, change: object): CommitFunction =>
  new Proxy(fn, {
    get: (target, key) => {
      const value: unknown = Object.hasOwn(change, key) ? Reflect.get(change, key) : Reflect.get(target, key)
      return typeof value === 'function' ? value.bind(target) : value
    },
    set: (target, key, value) => Reflect.set(target, key, value),
  })

/** A function whose failure the store does not see, but the engine does: its rows stay. */
function quietly(fn: CommitFunction): CommitFunction {
  return {
    label: fn.label,
    run: async (tx, own) => {
      try {
        return { value: await fn.run(forgiving(tx), own) }
      } catch (error) {
        return { error }
      }
    },
    get outcome() {
      return fn.outcome
    },
    set outcome(outcome) {
      const ended = outcome?.ok === true ? (outcome.value as { value: unknown } | { error: unknown }) : undefined
      if (ended === undefined) fn.outcome = outcome
      else if ('error' in ended) fn.outcome = { ok: false, error: ended.error }
      else fn.outcome = { ok: true, value: ended.value }
    },
  }
}

interface Misbehaviour {
  readonly spoil: Spoil
  /** Cases that fail, with what they say. */
  readonly fails: Readonly<Record<string, RegExp>>
  /** Cases that have nothing to do with it. */
  readonly passes: readonly string[]
}

const everyEvent = 'every processor of a topic gets every event'
const goesOn = 'a processor goes on where it was'
const oldest = 'a new processor begins with the oldest event of its topic'

const misbehaviours: Readonly<Record<string, Misbehaviour>> = {
  'reads past a message': {
    spoil: (store) => ({
      log: { read: async (...about) => (await store.log.read(...about)).filter(({ position }) => position !== 5) },
    }),
    fails: {
      [oldest]: /what processor "new" has written: 1 of 3 accounts are wrong: account "a1" lacks 1$/,
      'what was accepted is there after a stop without any time': /account "a" lacks 4$/,
      'a processor that is far behind reads what does not fit its window': /account "a4" lacks 0$/,
    },
    passes: [everyEvent, goesOn],
  },
  'says now and then that it has written, and has not': {
    spoil: (store) => {
      let commits = 1
      return {
        commit: async (group) => (++commits % 4 === 0 ? pretended(group) : store.commit(group)),
      }
    },
    fails: {
      'publishers and processors at work at the same time lose nothing and repeat nothing': /16 of 16 .* lacks 1, 5, 9/,
      'a new processor with a date as startAt gets what was published from then on': /"a0" lacks 10, 11, 12, 13, 14;/,
      'the same id with other data is refused, and the first stays': /Missing expected rejection/,
    },
    passes: [],
  },
  'forgets what was acknowledged': {
    spoil: writing((changes) => ({ ...changes, progress: [] })),
    fails: {
      [goesOn]: /account "a0" has 0, 1, 2, 3, 4 and 5 more more than once/,
      'stops in the middle of the work lose nothing and repeat nothing': /more than once/,
      'a stop gives running handlers their time, and what they did counts': /the handler ran once/,
    },
    passes: [everyEvent, oldest],
  },
  'forgets where messages come from': {
    spoil: writing((changes) => {
      for (const message of changes.append) Object.assign(message, { attributes: null })
      return changes
    }),
    fails: {
      'a message from elsewhere is one per source and id, and keeps both with its attributes':
        /id-conflict|published before/,
    },
    passes: [everyEvent, goesOn, oldest],
  },
  'forgets the ids that publishers gave': {
    spoil: writing((changes) => {
      for (const message of changes.append) Object.assign(message, { ownId: false })
      return changes
    }),
    fails: {
      'publishing again with the same id adds nothing, together and across a restart': /one of them is no duplicate/,
      'the same id with other data is refused, and the first stays': /Missing expected rejection/,
      'an id is one per type and may have any characters': /duplicate/,
    },
    passes: [everyEvent, goesOn, oldest],
  },
  'loses what is to be held': {
    spoil: writing((changes) => ({ ...changes, desk: [] })),
    fails: {
      'a message that fails for good is held and closes its lane, and no other': /held at the desk/,
      'a message of a type that nobody knows is held, and goes on when the type is back': /one message is held, not 0/,
    },
    passes: [everyEvent, goesOn],
  },
  'forgets at a restart what is held': {
    spoil: () => ({ desk: { lanes: async () => {} } }),
    fails: {
      'what is held and its line are kept across a restart': /waits in line/,
    },
    passes: [goesOn, 'a message that fails for good is held and closes its lane, and no other'],
  },
  'gives a line in the wrong order': {
    spoil: (store) => ({ desk: { line: async (...about) => (await store.desk.line(...about)).reverse() } }),
    fails: {
      'a release drains the line in order and opens the lane again, and nothing overtakes':
        /account "a" is out of order: 4 comes where 1 should/,
      'a long line is kept in order': /out of order/,
    },
    passes: [everyEvent, 'a message that fails for good is held and closes its lane, and no other'],
  },
  'takes contexts that look alike for one': {
    spoil: (store) => ({
      desk: {
        lanes: (processor, stream, take) =>
          store.desk.lanes(processor, stream, (context) => take(context.toLowerCase())),
      },
    }),
    fails: { 'contexts of any characters have lanes of their own, also at the desk': /out of order/ },
    passes: ['a long line is kept in order', 'what is held and its line are kept across a restart'],
  },
  'keeps the rows of a commit that failed': {
    spoil: (store) => ({ commit: (group) => store.commit(like(group, group.functions.map(quietly))) }),
    fails: {
      'a commit that throws leaves no rows and no outgoing events': /account "bad" should not have 0$/,
      'a commit that refuses leaves no rows and no outgoing events': /account "bad" should not have 0$/,
      'rows and outgoing events are there once when the commit fails first and is made again': /more than once/,
      'a statement that the database refuses fails its own message and no other': /account "a7" should not have 0$/,
      'a transaction of the app keeps its rows and events together or not at all': /account "a" should not have 1$/,
    },
    passes: [everyEvent, goesOn],
  },
  'lets a function count that has caught its failed statement': {
    spoil: (store) => ({
      commit: (group) =>
        store.commit(
          like(
            group,
            group.functions.map((fn) => withTx(fn, forgiving)),
          ),
        ),
    }),
    fails: {
      'a statement that failed fails its function, though that caught the error and returned':
        /account "bad" should not have 0$/,
    },
    passes: [everyEvent, 'an attempt that fails takes back what is its own, and the function around it goes on'],
  },
  'keeps the rows of an attempt that failed': {
    spoil: (store) => ({
      commit: (group) =>
        store.commit(
          like(
            group,
            group.functions.map((fn) => withTx(fn, (tx) => without(forgiving(tx)))),
          ),
        ),
    }),
    fails: {
      'an attempt that fails takes back what is its own, and the function around it goes on':
        /account "bad" should not have 10, 20$/,
    },
    passes: [everyEvent, goesOn],
  },
  'drops nothing of what an attempt that failed has published': {
    spoil: (store) => ({
      commit: (group) => store.commit(like(group, group.functions.map(keeping))),
    }),
    fails: {
      'an attempt that fails takes back what is its own, and the function around it goes on':
        /account "bad" should not have 10$/,
    },
    passes: [everyEvent, goesOn],
  },
  'finds nothing to rename': {
    spoil: (store) => ({ leases: { takeOver: (sources) => store.leases.takeOver(sources) } }),
    fails: {
      'a processor with a new name goes on where it was, with what it has at the desk': /the processors/,
      'a gather, a mediator and a schedule with new names have what they had': /the flows/,
      'a start that is refused because of a name leaves the store as it was': /Missing expected rejection/,
    },
    passes: [goesOn],
  },
  'gives a processor keys of its name': {
    spoil: (store) => ({
      progress: {
        subscribe: async (processor, ...more) => ({
          ...(await store.progress.subscribe(processor, ...more)),
          keyName: processor,
        }),
      },
    }),
    fails: {
      'a processor with a new name goes on where it was, with what it has at the desk': /one idempotency key under all/,
    },
    passes: [goesOn],
  },
  'does not heed startAt': {
    spoil: (store) => ({
      progress: { subscribe: (processor, stream) => store.progress.subscribe(processor, stream, 0) },
    }),
    fails: {
      "a new processor with startAt 'now' gets what comes after its first start": /should not have 0, 1, 2, 3, 4 and/,
      'a new processor with a date as startAt gets what was published from then on':
        /should not have 0, 1, 2, 3, 4 and/,
    },
    passes: [oldest, goesOn],
  },
}

/** No case is expected to use it up: a busy machine must not look like a broker that is wrong. */
const withinMs = 60_000

function caseOf(name: string) {
  const found = brokerCases.find((one) => one.name === name)
  assert(found !== undefined, `there is a case "${name}"`)
  return found
}

for (const [what, { spoil, fails, passes }] of Object.entries(misbehaviours)) {
  test(`a broker that ${what} fails the cases that say so`, async () => {
    for (const [name, says] of Object.entries(fails)) {
      await assert.rejects(caseOf(name).run(spoilt(spoil), withinMs), { message: says }, name)
    }
    for (const name of passes) await caseOf(name).run(spoilt(spoil), withinMs)
  })
}

test('a case that does not end says what it waits for', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const stuck = spoilt(() => ({ open: () => new Promise(() => {}) }))
  const says =
    'the case has not ended after 50 ms, it still waits until the app has started (app "bank" is starting: wait until start() has resolved)'
  let runs = true
  const run = caseOf(everyEvent)
    .run(stuck, 50)
    .finally(() => {
      runs = false
    })
  const told = assert.rejects(run, { message: says })
  // The case waits for its end, then for its apps to stop, which they do not.
  while (runs) {
    await turn()
    t.mock.timers.tick(50)
  }
  await told
})

test('the apps of a case that failed are stopped', async () => {
  const broker = healthy()
  await assert.rejects(caseOf(oldest).run(spoilt(misbehaviours['reads past a message']!.spoil, broker), withinMs))
  const next = app({ name: 'next', broker, parts: [] })
  await next.start()
  await next.stop()
})

// ── testBroker ───────────────────────────────────────────────────────────────────────────────────────────────────

/** The tests that it declares, by name, not run yet. */
function declared(options: Partial<TestBrokerOptions> = {}): Map<string, () => Promise<void>> {
  const tests = new Map<string, () => Promise<void>>()
  testBroker({ name: 'it', open: healthy, test: (name, run) => tests.set(name, run), ...options })
  return tests
}

const names = brokerCases.map(({ name }) => name)

test('each case is one test with the name of the broker and a sentence of its own', () => {
  const tests = declared()
  assert.deepEqual(
    [...tests.keys()],
    names.map((name) => `it: ${name}`),
  )
  assert.equal(new Set(names).size, names.length)
})

test('each test has a broker of its own, opened when it runs', async () => {
  let opened = 0
  const open = async () => {
    opened++
    return healthy()
  }
  const tests = declared({ open })
  assert.equal(opened, 0)
  await tests.get(`it: ${everyEvent}`)!()
  await tests.get(`it: ${goesOn}`)!()
  assert.equal(opened, 2)
})

test('an exception is still run, with its reason in the name, and has to fail', async () => {
  const { spoil } = misbehaviours['reads past a message']!
  const tests = declared({ open: () => spoilt(spoil), cannot: { [oldest]: 'it is blind' }, withinMs })
  assert.equal(tests.has(`it: ${oldest}`), false)
  await tests.get(`it cannot: ${oldest} (it is blind)`)!()
})

test('an exception that passes fails the run', async () => {
  const tests = declared({ cannot: { [everyEvent]: 'so it was once' } })
  await assert.rejects(tests.get(`it cannot: ${everyEvent} (so it was once)`)!(), {
    message: `"${everyEvent}" is named as an exception but passes: remove it`,
  })
})

test('a broker that cannot be opened is no exception', async () => {
  const open = () => {
    throw new Error('no server')
  }
  const tests = declared({ open, cannot: { [everyEvent]: 'why not' } })
  for (const name of [`it cannot: ${everyEvent} (why not)`, `it: ${oldest}`]) {
    await assert.rejects(tests.get(name)!(), { message: 'no server' })
  }
})

test('wrong options are told at once, an unknown case with a suggestion', () => {
  const refused = (options: object, says: RegExp) =>
    assert.throws(
      () => declared(options),
      (error) => isMillraceError(error) && says.test(error.message),
      String(says),
    )
  refused(
    { cannot: { 'every processor of a topic gets each event': 'x' } },
    /no case .*; did you mean "every processor/,
  )
  refused({ cannot: { unheard: 'x' } }, /no case is named "unheard"$/)
  refused({ cannot: { [everyEvent]: '' } }, /needs a reason$/)
  refused({ name: '' }, /name must say/)
  refused({ open: undefined }, /open must be a function/)
  refused({ test: 'vitest' }, /test must be the test function/)
  refused({ withinMs: 0 }, /withinMs must be a whole number from 1$/)
  refused({ can: {} }, /unknown option "can"/)
})
