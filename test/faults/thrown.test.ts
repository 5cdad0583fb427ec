// Anything can be thrown, errors that cannot be looked at too.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import test from 'node:test'
import { sqlite } from 'millrace'
import { assertSound, look, number, rows } from './support/judge.ts'
import { place } from './support/place.ts'
import { type Doing, Result, Task, tasks } from './support/tasks.ts'

const attempts = 3
const soon = () => new Promise<void>((resolve) => setImmediate(resolve))

/** What can be thrown, and what the desk then shows. */
const thrown: Record<string, { value: unknown; shows: RegExp }> = {
  'an Error': { value: new Error('bad luck'), shows: /bad luck/ },
  'a string': { value: 'bad luck', shows: /bad luck/ },
  'an empty string': { value: '', shows: /thrown/ },
  undefined: { value: undefined, shows: /undefined/ },
  null: { value: null, shows: /null/ },
  'a number': { value: 42, shows: /42/ },
  'a symbol': { value: Symbol('luck'), shows: /luck/ },
  'a function': { value: function luck() {}, shows: /luck/ },
  'a frozen object': { value: Object.freeze({ luck: 'bad' }), shows: /bad/ },
  'a frozen Error': { value: Object.freeze(new Error('bad luck')), shows: /bad luck/ },
  'an object without a prototype': { value: Object.create(null), shows: /thrown/ },
  'an object that contains itself': { value: circle(), shows: /thrown/ },
  'an Error that causes itself': { value: causesItself(), shows: /bad luck/ },
  'an Error with data that contains itself': {
    value: Object.assign(new Error('bad luck'), { data: circle() }),
    shows: /bad luck/,
  },
  'an Error whose message cannot be read': { value: unreadable('message'), shows: /./ },
  'an Error whose code cannot be read': { value: unreadable('code'), shows: /./ },
  'an Error whose stack cannot be read': { value: unreadable('stack'), shows: /./ },
  'an Error whose message is no string': {
    value: Object.assign(new Error('x'), { message: Object.create(null) }),
    shows: /./,
  },
  'an object that cannot be looked at': {
    value: new Proxy({}, { get: fail, has: fail, getPrototypeOf: fail, ownKeys: fail }),
    shows: /./,
  },
  'an Error of a megabyte': { value: new Error('x'.repeat(1_000_000)), shows: /^x+… \(\d+ more characters\)$/ },
}

function circle(): object {
  const round: { self?: object } = {}
  round.self = round
  return round
}

function causesItself(): Error {
  const error = new Error('bad luck')
  error.cause = error
  return error
}

function unreadable(name: string): Error {
  return Object.defineProperty(new Error('bad luck'), name, { get: fail })
}

function fail(): never {
  throw new Error('cannot be read')
}

const ways: Record<string, (value: unknown) => Doing> = {
  'a handler that throws': (value) => () => {
    throw value
  },
  'a handler that rejects': (value) => async () => {
    await soon()
    throw value
  },
  'a commit function that throws':
    (value) =>
    (_task, { commit, publish }) => {
      publish(Result, { what: 'wrong' })
      return commit(async (tx) => {
        await tx.query`insert into done (message, lane, what) values ('', 'wrong', 'wrong')`
        throw value
      })
    },
}

for (const [who, wrong] of Object.entries(ways)) {
  test(`${who} anything at all is tried its number of times and held, and others continue`, async (t) => {
    const file = join(place(t), 'thrown.db')
    const tried = new Map<string, number>()
    const doing: Record<string, Doing> = {}
    for (const [what, { value }] of Object.entries(thrown)) {
      doing[what] = (task, context) => {
        tried.set(what, (tried.get(what) ?? 0) + 1)
        return wrong(value)(task, context)
      }
    }
    const shop = tasks({ broker: sqlite({ file }), doing, attempts, concurrency: 100 })
    await shop.start({ control: false })
    t.after(() => shop.stop({ graceMs: 0 }))
    const whats = Object.keys(thrown)
    await Promise.all(
      whats.flatMap((what) => [
        shop.publish(Task, { lane: what, what }),
        shop.publish(Task, { lane: what, what: 'behind' }),
        shop.publish(Task, { lane: `${what}, beside`, what: 'beside' }),
      ]),
    )
    await shop.idle()
    await shop.stop()
    look(file, (db) => {
      assertSound(db)
      const held = rows<{ context: string; attempts: number; error: string }>(
        db,
        "select context, attempts, error from millrace_desk where state = 'held'",
      )
      assert.deepEqual(held.map(({ context }) => context).sort(), [...whats].sort())
      for (const { context, attempts: counted, error } of held) {
        assert.equal(counted, attempts, `the desk counts the attempts at ${context}`)
        assert.equal(tried.get(context), attempts, `the attempts at ${context}`)
        assert.match(JSON.parse(error).message, thrown[context]!.shows, context)
      }
      assert.equal(number(db, "select count(*) from millrace_desk where state = 'line'"), whats.length)
      assert.equal(number(db, "select count(*) from done where what = 'beside'"), whats.length)
      assert.equal(number(db, 'select count(*) from done'), whats.length)
      assert.equal(number(db, 'select count(*) from millrace_log_2'), whats.length * 2)
    })
  })
}
