// What people do about one message: release, resubmit, discard, take back, and everything they cannot do.
import assert from 'node:assert/strict'
import test from 'node:test'
import { event, processor, topic } from 'millrace'
import { simulation } from 'millrace/testing'
import { z } from 'zod'
import { randomOf } from '../../src/testing/random.ts'
import {
  assertDeskSound,
  atDesk,
  bank,
  counts,
  gate,
  hasty,
  history,
  ledger,
  Moved,
  onlyHeld,
  publish,
  seen,
  until,
  upTo,
} from './support.ts'

const day = 86_400_000
const ann = { by: 'ann', reason: 'so it is' }

/** A ledger that fails at these numbers of account a, unless they come with a note. */
function failing(broken: Set<number>, keys: string[] = [], options: Parameters<typeof ledger>[1] = {}) {
  return ledger(({ account, n, note }, _, key) => {
    keys.push(key)
    if (account === 'a' && broken.has(n) && note === undefined) throw new Error(`broken ${n}`)
  }, options)
}

test('a resubmit is the same message with other data: its id, context and flow stay, its idempotency key does not', async (t) => {
  const Booked = event('booked', {
    schema: z.object({ account: z.string(), n: z.number() }),
    context: (b) => b.account,
  })
  const Bookings = topic('bookings', [Booked])
  const Moves = topic('moves', [Moved])
  const keys: string[] = []
  const sim = simulation({
    parts: [
      Moves,
      Bookings,
      processor('ledger', {
        on: Moves,
        retry: hasty,
        publishes: [Booked],
        handle: {
          moved: ({ data }, { publish, idempotencyKey }) => {
            keys.push(idempotencyKey)
            if (data.note === undefined) throw new Error('no note')
            publish(Booked, { account: data.account, n: data.n })
          },
        },
      }),
    ],
  })
  t.after(() => sim.stop())
  const { id } = await sim.publish(Moved, { account: 'a', n: 1 })
  await sim.untilIdle()
  const held = onlyHeld(sim)
  const data = { account: 'a', n: 2, note: 'mended' }
  await sim.settled(sim.app.desk.resubmit(held.id, data, ann))
  await sim.untilIdle()
  const [booked] = sim.published(Booked)
  assert.deepEqual(
    [booked!.causationId, booked!.correlationId, booked!.context, booked!.data],
    [id, id, 'a', { account: 'a', n: 2 }],
  )
  assert.deepEqual(keys, [`ledger/moved/${id}/0`, `ledger/moved/${id}/0`, `ledger/moved/${id}/1`])
  const item = (await sim.settled(sim.app.desk.show(held.id)))!
  assert.deepEqual([item.state, item.message.id, item.corrections], ['handled', id, 1])
  assert.deepEqual(JSON.parse(item.original!), { account: 'a', n: 1 })
  assert.deepEqual(JSON.parse(item.message.json), data)
  const [, resubmitted] = item.history
  assert.deepEqual(
    [resubmitted!.action, resubmitted!.by, resubmitted!.reason, resubmitted!.detail],
    ['resubmitted', 'ann', 'so it is', { before: { account: 'a', n: 1 }, after: data }],
  )
  assert.deepEqual(
    sim.published(Moved).map(({ data }) => data),
    [{ account: 'a', n: 1 }],
    'what was published stays as it was',
  )
})

test('each resubmit counts as a correction, keeps the first data and shows what it changed', async (t) => {
  const keys: string[] = []
  const sim = bank(t, [failing(new Set(upTo(9)), keys, { retry: { attempts: 1 } })])
  await publish(sim, 'a', [1])
  await sim.untilIdle()
  const { id } = onlyHeld(sim)
  for (const n of [2, 3]) {
    await sim.settled(sim.app.desk.resubmit(id, { account: 'a', n }, { by: 'ann', reason: `now ${n}` }))
    await sim.untilIdle()
  }
  const { corrections, original, attempts, failures, history: all } = (await sim.settled(sim.app.desk.show(id)))!
  assert.deepEqual([corrections, JSON.parse(original!).n, attempts, failures], [2, 1, 1, 3])
  assert.deepEqual(
    keys.map((key) => key.split('/').at(-1)),
    ['0', '1', '2'],
  )
  assert.deepEqual(
    all.filter(({ action }) => action === 'resubmitted').map(({ detail }) => detail),
    [
      { before: { account: 'a', n: 1 }, after: { account: 'a', n: 2 } },
      { before: { account: 'a', n: 2 }, after: { account: 'a', n: 3 } },
    ],
  )
})

test('corrected data that do not fit are refused, and the message stays held as it was', async (t) => {
  const sim = bank(t, [failing(new Set([1]))], { messageBytesMax: 200 })
  await publish(sim, 'a', upTo(3))
  await sim.untilIdle()
  const { id } = onlyHeld(sim)
  const { desk } = sim.app
  const before = sim.rows('millrace_desk')
  const resubmit = (data: unknown, actor = ann) => sim.settled(desk.resubmit(id, data, actor))
  await assert.rejects(resubmit({ account: 'a', n: 'one' }), { code: 'millrace/bad-data' })
  await assert.rejects(resubmit(undefined), { code: 'millrace/bad-data' })
  await assert.rejects(resubmit({ account: 'b', n: 1 }), { code: 'millrace/context-changed' })
  await assert.rejects(resubmit({ account: '', n: 1 }), { code: 'millrace/bad-context' })
  await assert.rejects(resubmit({ account: 'a', n: 1, note: 'x'.repeat(300) }), { code: 'millrace/too-large' })
  await assert.rejects(resubmit({ account: 'a', n: 1 }, { by: 'ann' } as never), { code: 'millrace/bad-option' })
  await assert.rejects(resubmit({ account: 'a', n: 1 }, { by: '', reason: 'x' }), { code: 'millrace/bad-option' })
  await assert.rejects(sim.settled(desk.resubmit(id, { account: 'a', n: 1 }, undefined as never)), {
    code: 'millrace/bad-option',
  })
  assert.deepEqual(sim.rows('millrace_desk'), before)
  await resubmit({ account: 'a', n: 1, note: 'mended' })
  await sim.untilIdle()
  assert.deepEqual(seen(sim, 'a'), upTo(3))
})

test('a discarded message lets its line continue, and stays visible with the reason', async (t) => {
  const sim = bank(t, [failing(new Set([1, 2]))])
  await publish(sim, 'a', upTo(5))
  await sim.untilIdle()
  for (const n of [1, 2]) {
    const { id, error } = onlyHeld(sim)
    assert.equal(error?.message, `broken ${n}`)
    await sim.settled(sim.app.desk.discard(id, { by: 'ann', reason: `no need of ${n}` }))
    await sim.untilIdle()
    assert.deepEqual(await history(sim, id), ['held by millrace', `discarded by ann: no need of ${n}`])
  }
  assert.deepEqual(seen(sim, 'a'), [0, 3, 4])
  assert.deepEqual(await counts(sim), [0, 0, 2])
  await publish(sim, 'a', [5])
  await sim.untilIdle()
  assert.deepEqual(seen(sim, 'a'), [0, 3, 4, 5])
})

test('a message taken back joins the end of its lane: an open one, a closed one, one in an attempt', async (t) => {
  const broken = new Set([0])
  const wait = gate()
  const running: number[] = []
  const sim = bank(t, [
    ledger(async ({ n }) => {
      running.push(n)
      if (n === 9) await wait.opened
      if (broken.has(n)) throw new Error(`broken ${n}`)
    }),
  ])
  await publish(sim, 'a', [0])
  await sim.untilIdle()
  const { desk } = sim.app
  const { id } = onlyHeld(sim)
  const giveUp = () => sim.settled(desk.discard(id, ann))
  const takeBack = () => sim.settled(desk.takeBack(id, { by: 'bob' }))
  // Into an open lane, idle: it fails again and closes it.
  await giveUp()
  await takeBack()
  await sim.untilIdle()
  assert.equal(onlyHeld(sim).id, id)
  // Into a closed one.
  await giveUp()
  broken.add(1)
  await publish(sim, 'a', [1, 2])
  await sim.untilIdle()
  await takeBack()
  await sim.untilIdle()
  assert.deepEqual(
    (await atDesk(sim, 'line')).sort((a, b) => a.place - b.place).map(({ message }) => JSON.parse(message.json).n),
    [2, 0],
  )
  broken.delete(1)
  await sim.release(onlyHeld(sim).id)
  await sim.untilIdle()
  assert.deepEqual(seen(sim, 'a'), [1, 2])
  // Into one that is busy, with others behind it.
  await giveUp()
  await publish(sim, 'a', [9, 10])
  await until(sim, 'it runs', () => running.at(-1) === 9)
  broken.clear()
  await takeBack()
  await publish(sim, 'a', [11])
  await sim.advance(100)
  wait.open()
  await sim.untilIdle()
  assert.deepEqual(seen(sim, 'a'), [1, 2, 9, 10, 0, 11])
  assert.deepEqual(
    (await history(sim, id)).filter((line) => line.startsWith('taken')),
    Array(3).fill('taken back by bob'),
  )
  assertDeskSound(sim)
})

test('a discard can be taken back for takeBackMs, and not a moment longer than it is kept', async (t) => {
  for (const [options, days] of [
    [{}, 7],
    [{ takeBackMs: 2 * day }, 2],
    [{ deskRetainMs: day }, 1],
  ] as const) {
    const broken = new Set([0])
    const sim = bank(t, [failing(broken)], { ...options, retainEveryMs: day })
    await publish(sim, 'a', [0])
    await sim.untilIdle()
    const { id } = onlyHeld(sim)
    const { desk } = sim.app
    await sim.settled(desk.discard(id, ann))
    await sim.advance((days - 0.1) * day)
    await sim.settled(desk.takeBack(id))
    await sim.untilIdle()
    await sim.settled(desk.discard(id, ann))
    await sim.advance((days - 0.01) * day)
    await sim.advance(0.02 * day)
    await assert.rejects(sim.settled(desk.takeBack(id)), (error: { code: string }) => {
      assert(['millrace/too-late', 'millrace/unknown-item'].includes(error.code), error.code)
      return true
    })
    assert.deepEqual(seen(sim, 'a'), [])
    await sim.stop()
  }
})

test('an action done twice changes nothing: each action tells the outcome of the message', async (t) => {
  const broken = new Set([0])
  const sim = bank(t, [failing(broken)])
  await publish(sim, 'a', upTo(2))
  await sim.untilIdle()
  const { desk } = sim.app
  const { id } = onlyHeld(sim)
  const [line] = await atDesk(sim, 'line')
  const unchanged = async (act: () => Promise<void>, code: string, message: RegExp) => {
    const rows = [sim.rows('millrace_desk'), sim.rows('millrace_audit')]
    await assert.rejects(sim.settled(act()), { code, message })
    assert.deepEqual([sim.rows('millrace_desk'), sim.rows('millrace_audit')], rows)
  }
  const every = async (item: number, code: string, message: RegExp) => {
    await unchanged(() => desk.release(item), code, message)
    await unchanged(() => desk.discard(item, ann), code, message)
    await unchanged(() => desk.resubmit(item, { account: 'a', n: 1 }, ann), code, message)
  }
  await every(99, 'millrace/unknown-item', /no message 99/)
  await unchanged(() => desk.takeBack(99), 'millrace/unknown-item', /no message 99/)
  await unchanged(() => desk.release(line!.id), 'millrace/not-held', /in line behind another/)
  await unchanged(() => desk.takeBack(line!.id), 'millrace/not-discarded', /in line/)
  await unchanged(() => desk.takeBack(id), 'millrace/not-discarded', /is held/)
  await sim.settled(desk.discard(id, ann))
  await sim.untilIdle()
  await every(id, 'millrace/not-held', /was discarded already/)
  broken.clear()
  await sim.settled(desk.takeBack(id))
  await sim.untilIdle()
  await every(id, 'millrace/not-held', /was handled already/)
  await unchanged(() => desk.takeBack(id), 'millrace/not-discarded', /was handled/)
})

test('actions resolve when they are on disk: they survive any crash right after, for twenty seeds', async (t) => {
  for (const seed of upTo(20)) {
    const random = randomOf(seed, 'actions')
    const broken = new Set([0])
    const sim = bank(t, [failing(broken)], { seed })
    await publish(sim, 'a', upTo(3))
    await sim.untilIdle()
    const { id } = onlyHeld(sim)
    const what = random.pick(['release', 'resubmit', 'discard', 'takeBack'] as const)
    const { desk } = sim.app
    broken.clear()
    if (what === 'release') await sim.settled(desk.release(id))
    else if (what === 'resubmit') await sim.settled(desk.resubmit(id, { account: 'a', n: 7 }, ann))
    else await sim.settled(desk.discard(id, ann))
    if (what === 'takeBack') await sim.settled(desk.takeBack(id))
    await sim.crash({ power: true })
    await sim.restart()
    await sim.untilIdle()
    const expected = { release: [0, 1, 2], resubmit: [7, 1, 2], discard: [1, 2], takeBack: [0, 1, 2] }[what]
    assert.deepEqual(seen(sim, 'a').sort(), [...expected].sort(), `seed ${seed}: ${what}`)
    assertDeskSound(sim)
    await sim.stop()
  }
})

test('a message of a processor that does not run this time is refused, not lost', async (t) => {
  const broken = new Set([0])
  let parts = [failing(broken)]
  const sim = bank(t, () => parts)
  await publish(sim, 'a', [0])
  await sim.untilIdle()
  const { id } = onlyHeld(sim)
  parts = []
  await sim.restart()
  await assert.rejects(sim.settled(sim.app.desk.release(id)), {
    code: 'millrace/unknown-processor',
    message: /"ledger"/,
  })
  parts = [failing(new Set())]
  await sim.restart()
  await sim.release(id)
  await sim.untilIdle()
  assert.deepEqual(seen(sim, 'a'), [0])
})
