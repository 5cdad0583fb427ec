// What is decided while the app does not run: written down, and done when it starts.
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { type App, type Broker, type Desk, processor, sqlite, topic } from 'millrace'
import type { Correct } from '../../src/operate/rows.ts'
import { stoppedDesk, stoppedProcessors } from '../../src/operate/stopped.ts'
import { place, rows, started } from '../support.ts'
import { bankApp, ledger, Moved, upTo } from './support.ts'

const actor = { by: 'ann', reason: 'so it is' }

/** The ledger of each run fails at these numbers of these accounts. */
function run(t: TestContext, file: string, broken: ReadonlySet<string>): Promise<App> {
  const part = ledger(
    ({ account, n, note }) => {
      if (note === undefined && broken.has(`${account}${n}`)) throw new Error('broken')
    },
    { retry: { attempts: 1 } },
  )
  return started(t, bankApp([part], {}, file))
}

async function heldFile(
  t: TestContext,
  accounts: readonly string[],
): Promise<{ file: string; desk: Desk; ids: number[] }> {
  const file = place(t)
  const app = await run(t, file, new Set(accounts.map((account) => `${account}0`)))
  for (const account of accounts) for (const n of upTo(2)) await app.publish(Moved, { account, n })
  await app.idle()
  const ids = (await app.desk.list({ states: ['held'] })).map(({ id }) => id)
  await app.stop()
  const correct: Correct = (message) => message
  return { file, desk: stoppedDesk(sqlite({ file }).offline!, { correct, now: () => Date.now() }), ids }
}

const seen = (file: string) =>
  rows<{ account: string; n: number }>(file, 'select account, n from seen order by account, place').map(
    ({ account, n }) => `${account}${n}`,
  )

test('an action requested of a stopped app is done at its next start, once, by its author', async (t) => {
  const { file, desk, ids } = await heldFile(t, ['a', 'b', 'c', 'd', 'e'])
  const [a, b, c, d, e] = ids as [number, number, number, number, number]
  await desk.release(a, actor)
  await desk.resubmit(b, { account: 'b', n: 0, note: 'mended' }, actor)
  await desk.discard(c, actor)
  await desk.change(e, [{ op: 'add', path: '/note', value: 'changed' }], actor)
  const held = await desk.list({ states: ['held'] })
  assert.deepEqual(
    held.map(({ id }) => id),
    ids,
    'nothing is done before',
  )
  const app = await run(t, file, new Set(['d0']))
  await app.idle()
  assert.deepEqual(seen(file), ['a0', 'a1', 'b0', 'b1', 'c1', 'e0', 'e1'])
  const history = async (id: number) =>
    (await app.desk.show(id))!.history.map(({ action, by, reason }) => `${action} by ${by}: ${reason}`)
  assert.deepEqual((await history(a)).slice(1), ['released by ann: so it is', 'handled by millrace: null'])
  assert.deepEqual((await history(b)).slice(1), ['resubmitted by ann: so it is', 'handled by millrace: null'])
  assert.deepEqual((await history(c)).slice(1), ['discarded by ann: so it is'])
  assert.deepEqual((await history(e)).slice(1), ['resubmitted by ann: so it is', 'handled by millrace: null'])
  assert.deepEqual((await app.desk.show(e))!.data, { account: 'e', n: 0, note: 'changed' })
  assert.equal((await app.desk.show(d))!.state, 'held')
  await app.stop()
  await desk.takeBack(c, actor)
  const again = await run(t, file, new Set())
  await again.idle()
  assert.deepEqual(seen(file), ['a0', 'a1', 'b0', 'b1', 'c1', 'c0', 'e0', 'e1'])
  assert.equal(rows(file, 'select 1 from millrace_wishes').length, 0)
})

test('of two pending actions on one message the first counts, and the second is refused', async (t) => {
  const { file, desk, ids } = await heldFile(t, ['a'])
  await desk.release(ids[0]!, actor)
  const about = { code: 'millrace/not-held', message: /ann has asked for "retry"/ }
  await assert.rejects(desk.release(ids[0]!, actor), about)
  await assert.rejects(desk.discard(ids[0]!, { by: 'bob', reason: 'no need' }), about)
  await assert.rejects(desk.release(99, actor), { code: 'millrace/unknown-item' })
  await assert.rejects(desk.takeBack(ids[0]!, actor), { code: 'millrace/not-discarded' })
  const app = await run(t, file, new Set())
  await app.idle()
  assert.deepEqual(seen(file), ['a0', 'a1'])
})

test('a pending action that became impossible is void, and the app starts nevertheless', async (t) => {
  const { file, desk, ids } = await heldFile(t, ['a', 'b', 'c'])
  const [a, b] = ids as [number, number]
  await desk.resubmit(a, { account: 'z', n: 0 }, actor)
  await desk.resubmit(b, { account: 'b', n: 'none' }, actor)
  const app = await run(t, file, new Set(['c0']))
  await app.idle()
  assert.deepEqual(
    (await app.desk.list({ states: ['held'] })).map(({ id }) => id),
    ids,
  )
  assert.equal(rows(file, 'select 1 from millrace_wishes').length, 0)
  await app.desk.release(a)
  await app.idle()
  assert.deepEqual(seen(file), ['a0', 'a1'])
})

test('a pending action for a processor that is left out of a run waits for the run that has it', async (t) => {
  const { file, desk, ids } = await heldFile(t, ['a'])
  await desk.release(ids[0]!, actor)
  const parts = [ledger(), processor('other', { on: topic('others', []), handle: {} })]
  const without = bankApp(parts, {}, file)
  t.after(() => without.stop())
  await without.start({ only: ['other'] })
  await without.idle()
  await without.stop()
  assert.equal(rows(file, 'select 1 from millrace_wishes').length, 1)
  const app = await run(t, file, new Set())
  await app.idle()
  assert.deepEqual(seen(file), ['a0', 'a1'])
})

test('a pending action ends in the commit that carries it out: a crash leaves both or neither', async (t) => {
  const { file, desk, ids } = await heldFile(t, ['a', 'b'])
  await desk.release(ids[0]!, actor)
  await desk.discard(ids[1]!, actor)
  const commits: string[][] = []
  const broker = sqlite({ file })
  const watched: Broker = {
    ...broker,
    create: (world) => {
      const store = broker.create(world)
      const commit = store.commit.bind(store)
      store.commit = (batch) => {
        const changes = batch.changes.bind(batch)
        batch.changes = (...given) => {
          const made = changes(...given)
          commits.push(made.desk.map((change) => (change.do === 'record' ? change.audit.action : change.do)))
          return made
        }
        return commit(batch)
      }
      return store
    },
  }
  const app = bankApp([ledger()], {}, file)
  t.after(() => app.stop())
  await app.start({ broker: watched })
  await app.idle()
  for (const action of ['released', 'discarded']) {
    const [one, ...others] = commits.filter((all) => all.includes(action))
    assert.deepEqual(others, [])
    assert(one!.includes('granted'), one!.join())
  }
})

test('operations and pauses of a stopped app are there when it starts', async (t) => {
  const { file, desk } = await heldFile(t, ['a', 'b', 'c'])
  const processors = stoppedProcessors(sqlite({ file }).offline!, undefined)
  const made = await desk.select('release', { context: 'a' }, { name: 'only a', by: 'ann' })
  await desk.select('release', { context: 'b' }, { name: 'not b', by: 'ann' })
  const [, second] = await desk.operations()
  await desk.abort(second!.id, actor)
  await assert.rejects(desk.select('release', {}, { name: 'only a', by: 'ann' }), { code: 'millrace/duplicate-name' })
  await assert.rejects(desk.select('release', { context: 'z' }, { name: 'z', by: 'ann' }), {
    code: 'millrace/nothing-selected',
  })
  assert.deepEqual([made.state, made.total], ['running', 1])
  await processors.pause('ledger', actor)
  await assert.rejects(processors.pause('legder', actor), { code: 'millrace/unknown-processor', message: /"ledger"/ })
  assert.deepEqual(
    (await processors.list()).map(({ name, state }) => [name, state]),
    [['ledger', 'paused']],
  )
  const app = await run(t, file, new Set(['b0', 'c0']))
  assert.equal((await app.processors.list()).find(({ name }) => name === 'ledger')!.state, 'paused')
  assert.deepEqual(seen(file), [])
  await app.processors.resume('ledger', actor)
  await app.idle()
  assert.deepEqual(seen(file), ['a0', 'a1'])
  assert.deepEqual(
    (await app.desk.operations()).map(({ name, state, done }) => [name, state, done]),
    [
      ['only a', 'done', 1],
      ['not b', 'aborted', 0],
    ],
  )
})
