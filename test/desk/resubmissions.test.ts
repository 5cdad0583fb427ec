// One change for many held messages: an operation that resubmits, and its preview.
import assert from 'node:assert/strict'
import test from 'node:test'
import { type ChangeList, event, type Operation, processor, topic } from 'millrace'
import { type Simulation, simulation } from 'millrace/testing'
import { z } from 'zod'
import { randomOf } from '../../src/testing/random.ts'
import { assertDeskSound, atDesk, bank, history, ledger, Moved, seen, upTo } from './support.ts'

const change: ChangeList = [{ op: 'add', path: '/note', value: 'mended' }]
const accounts = (count: number) => upTo(count).map((n) => `a${n}`)

/** A ledger that fails where there is no note, or one that is wrong. */
const needsNote = () =>
  ledger(
    ({ note = 'none' }) => {
      if (note !== 'mended') throw new Error(`note ${note}`)
    },
    { retry: { attempts: 1 } },
  )

async function hold(sim: Simulation, count: number): Promise<void> {
  await Promise.all(accounts(count).map((account) => sim.publish(Moved, { account, n: 0 })))
  await sim.untilIdle()
}

type Options = Partial<Parameters<Simulation['app']['desk']['select']>[2]>

const resubmit = (sim: Simulation, options: Options = {}, what = {}): Promise<Operation> =>
  sim.settled(sim.app.desk.select('resubmit', what, { name: 'all', by: 'ann', reason: 'no note', change, ...options }))

async function progress(sim: Simulation) {
  const [{ state, total, done, refused }] = (await sim.settled(sim.app.desk.operations())) as [Operation]
  return [state, total, done, refused]
}

test('all are changed alike and handled, and the audit log has the data before and after', async (t) => {
  const sim = bank(t, [needsNote()])
  await hold(sim, 5)
  const made = await resubmit(sim)
  assert.deepEqual([made.action, made.change], ['resubmit', change])
  await sim.untilIdle()
  assert.deepEqual(await progress(sim), ['done', 5, 5, 0])
  for (const account of accounts(5)) assert.deepEqual(seen(sim, account), [0])
  const [item] = await atDesk(sim, 'handled')
  assert.deepEqual(item!.data, { ...JSON.parse(item!.original!), note: 'mended' })
  assert.equal(item!.corrections, 1)
  assert((await history(sim, item!.id)).includes('resubmitted by ann: all: no note'))
  const [line] = (await sim.settled(sim.app.desk.audit())).filter(({ action }) => action === 'selected')
  assert.deepEqual(line!.detail, { action: 'resubmit', total: 5, change })
})

test('a message that the change does not fit is refused with the reason, and stays as it was', async (t) => {
  const Sold = event('sold', {
    schema: z.object({ account: z.string(), sku: z.string(), cents: z.number().max(100) }),
    context: (sale) => sale.account,
  })
  const Sales = topic('sales', [Sold])
  const part = processor('till', {
    on: Sales,
    retry: { attempts: 1 },
    handle: {
      sold: () => {
        throw new Error('closed')
      },
    },
  })
  const sim = simulation({ parts: [Sales, part], seed: 1 })
  t.after(() => sim.stop())
  for (const [account, sku, cents] of [
    ['a', 'seive', 1],
    ['b', 'sieve', 2],
    ['c', 'seive', 3],
  ] as const) {
    await sim.publish(Sold, { account, sku, cents })
  }
  await sim.untilIdle()
  const before = await atDesk(sim, 'held')
  const tries: readonly (readonly [ChangeList, (string | RegExp)[]])[] = [
    [
      [
        { op: 'test', path: '/sku', value: 'seive' },
        { op: 'replace', path: '/cents', value: 200 },
      ],
      [/cents/, /change 1 of 2 \(test "\/sku"\) does not fit: found a string, which is another value/, /cents/],
    ],
    [[{ op: 'replace', path: '/account', value: 'b' }], [/from context "a" to "b"/, '', /from context "c" to "b"/]],
    [[{ op: 'remove', path: '/sku' }], [/sku/, /sku/, /sku/]],
  ]
  for (const [at, [list, whys]] of tries.entries()) {
    const { id } = await resubmit(sim, { name: `try ${at}`, change: list })
    await sim.untilIdle()
    const refused = await sim.settled(sim.app.desk.refused(id))
    const expected = whys.filter((why) => why !== '') as RegExp[]
    assert.equal(refused.length, expected.length)
    for (const [n, { why }] of refused.entries()) assert.match(why, expected[n]!)
  }
  const after = await atDesk(sim, 'held')
  assert.deepEqual(
    after.map(({ message: { json }, corrections }) => [json, corrections]),
    before.map(({ message: { json } }, n) => [json, n === 1 ? 1 : 0]),
  )
})

test('with one first the change of the others follows when that one is handled', async (t) => {
  for (const value of ['mended', 'wrong']) {
    const sim = bank(t, [needsNote()])
    await hold(sim, 4)
    await resubmit(sim, { oneFirst: true, change: [{ op: 'add', path: '/note', value }] })
    await sim.untilIdle()
    assert.deepEqual(await progress(sim), value === 'mended' ? ['done', 4, 4, 0] : ['failed', 4, 1, 0])
    assert.equal(sim.held().length, value === 'mended' ? 0 : 4)
    await sim.stop()
  }
})

test('a process that dies in the middle changes no message twice, for twenty seeds', async (t) => {
  for (const seed of upTo(20)) {
    const random = randomOf(seed, 'deaths')
    const sim = bank(t, [needsNote()], { seed })
    await hold(sim, 12)
    // Applied twice it would not fit.
    const once: ChangeList = [
      { op: 'add', path: '/note', value: 'mended' },
      { op: 'test', path: '/n', value: 0 },
      { op: 'replace', path: '/n', value: 1 },
    ]
    await resubmit(sim, { change: once, oneFirst: random.chance(0.5) })
    for (let deaths = random.below(4); deaths > 0; deaths--) {
      await sim.advance(random() * 8)
      await sim.crash({ power: random.chance(0.5) })
      await sim.restart()
    }
    await sim.untilIdle()
    assert.deepEqual(await progress(sim), ['done', 12, 12, 0], `seed ${seed}`)
    for (const account of accounts(12)) assert.deepEqual(seen(sim, account), [1], `seed ${seed}`)
    assertDeskSound(sim)
    await sim.stop()
  }
})

test('a preview shows page by page what the change would make, and does nothing', async (t) => {
  const sim = bank(t, [needsNote()])
  await hold(sim, 5)
  const [first] = sim.held()
  // The first is made one that the change does not fit, and waits for nobody: it fails again.
  await sim.settled(
    sim.app.desk.resubmit(first!.id, { account: 'a0', n: 0, note: 'x' }, { by: 'bob', reason: 'a note' }),
  )
  await sim.untilIdle()
  const fits: ChangeList = [{ op: 'replace', path: '/note', value: 'mended' }]
  const { id } = await resubmit(sim, { oneFirst: true, change: fits }, { items: [first!.id] })
  await sim.untilIdle()
  const made = await resubmit(sim, { name: 'rest', oneFirst: true, change: fits })
  await sim.untilIdle()
  assert.deepEqual(await sim.settled(sim.app.desk.preview(id)), [], 'nothing is left of it')
  const all = await sim.settled(sim.app.desk.preview(made.id))
  assert.equal(all.length, 3)
  for (const { item, before, after, why } of all) {
    assert.deepEqual([JSON.parse(before).n, after], [0, null])
    assert.match(why!, /change 1 of 1 \(replace "\/note"\) does not fit: there is no "\/note"/)
    const [page] = await sim.settled(sim.app.desk.preview(made.id, { after: item - 1, limit: 1 }))
    assert.equal(page!.item, item)
  }
  assert.equal(sim.held().length, 4)
})

test('a resubmission is refused with why: no change, no reason, a change of a release', async (t) => {
  const sim = bank(t, [needsNote()])
  await hold(sim, 1)
  await assert.rejects(resubmit(sim, { change: undefined }), { code: 'millrace/bad-option', message: /is no list/ })
  await assert.rejects(resubmit(sim, { reason: undefined }), { code: 'millrace/bad-option', message: /reason/ })
  await assert.rejects(resubmit(sim, { change: [{ op: 'move', path: '/a' } as never] }), { message: /has op "move"/ })
  const release = sim.app.desk.select('release', {}, { name: 'all', by: 'ann', change })
  await assert.rejects(sim.settled(release), { message: /a change goes with resubmit only, not with release/ })
  await sim.settled(sim.app.desk.select('release', {}, { name: 'all', by: 'ann' }))
  await assert.rejects(sim.settled(sim.app.desk.preview(1)), { message: /operation "all" is a release/ })
  await assert.rejects(sim.settled(sim.app.desk.preview(9)), { code: 'millrace/unknown-operation' })
})
