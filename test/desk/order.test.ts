// What is promised of a lane at the desk: what the abstract suite of Axon's sequenced dead letter queue asks of a
// sequence, said for lanes, and what it leaves out.
import assert from 'node:assert/strict'
import test from 'node:test'
import { event, processor, topic } from 'millrace'
import { simulation } from 'millrace/testing'
import { z } from 'zod'
import { HeldContexts } from '../../src/engine/consumer/held-contexts.ts'
import { randomOf } from '../../src/testing/random.ts'
import {
  assertDeskSound,
  atDesk,
  bank,
  counts,
  gate,
  ledger,
  Moved,
  onlyHeld,
  publish,
  seen,
  until,
  upTo,
} from './support.ts'

/** A ledger that fails at these moves, while they are in the set. */
const failing = (broken: Set<string>, options: Parameters<typeof ledger>[1] = {}) =>
  ledger(({ account, n }) => {
    if (broken.has(`${account}${n}`)) throw new Error(`broken ${account}${n}`)
  }, options)

// ── what a sequence is asked for ─────────────────────────────────────────────────────────────────────────────────

test('a desk begins empty; the first failure of a context closes its lane, and that is all that is there', async (t) => {
  const sim = bank(t, [failing(new Set(['a0']))])
  await publish(sim, 'b', [0])
  await sim.untilIdle()
  assert.deepEqual(await counts(sim), [0, 0, 0])
  assert.deepEqual(await atDesk(sim, 'held', 'line', 'trying', 'deciding'), [])
  await publish(sim, 'a', [0])
  await sim.untilIdle()
  assert.deepEqual(await counts(sim), [1, 0, 0])
  const held = onlyHeld(sim)
  assert.deepEqual(
    [held.processor, held.lane, held.message.context, held.error?.message, held.attempts, held.waiting],
    ['ledger', 'a', 'a', 'broken a0', 2, 0],
  )
})

test('messages join only a closed lane: each lane has its own line, everything else runs', async (t) => {
  const sim = bank(t, [failing(new Set(['a0', 'b0']))])
  for (const account of ['a', 'b', 'c']) await publish(sim, account, upTo(3))
  await sim.untilIdle()
  assert.deepEqual(await counts(sim), [2, 4, 0])
  assert.deepEqual(seen(sim, 'c'), upTo(3))
  const line = await atDesk(sim, 'line')
  assert.deepEqual(
    line.map(({ lane, message }) => `${lane}${JSON.parse(message.json).n}`),
    ['a1', 'b1', 'a2', 'b2'].sort(),
  )
  const [first] = sim.held()
  const { line: behind } = (await sim.settled(sim.app.desk.show(first!.id)))!
  assert.deepEqual(
    behind.map(({ message }) => JSON.parse(message.json)),
    [
      { account: 'a', n: 1 },
      { account: 'a', n: 2 },
    ],
  )
  assertDeskSound(sim)
})

test('a handled message leaves its lane, the last of a line opens it, and other lanes stay as they were', async (t) => {
  const broken = new Set(['a0', 'b0'])
  const sim = bank(t, [failing(broken)])
  for (const account of ['a', 'b']) await publish(sim, account, upTo(2))
  await sim.untilIdle()
  broken.delete('a0')
  const [a, b] = sim.held()
  await sim.release(a!.id)
  await sim.untilIdle()
  assert.deepEqual([seen(sim, 'a'), seen(sim, 'b')], [upTo(2), []])
  assert.deepEqual(await counts(sim), [1, 1, 0])
  assert.equal(onlyHeld(sim).id, b!.id)
  await publish(sim, 'a', [2])
  await sim.untilIdle()
  assert.deepEqual(await atDesk(sim, 'trying'), [], 'a lane that is open again keeps nothing at the desk')
  assert.deepEqual(seen(sim, 'a'), upTo(3))
})

test('a release of an unknown message changes nothing', async (t) => {
  const sim = bank(t, [failing(new Set(['a0']))])
  await publish(sim, 'a', upTo(2))
  await sim.untilIdle()
  const before = sim.rows('millrace_desk')
  const [line] = await atDesk(sim, 'line')
  await assert.rejects(sim.release(99), { code: 'millrace/unknown-item' })
  await assert.rejects(sim.release(line!.id), { code: 'millrace/not-held', message: /waits in line/ })
  assert.deepEqual(sim.rows('millrace_desk'), before)
})

test('a message that fails again returns to the head of its lane, with the new error, its attempts and all that was tried', async (t) => {
  let why = 'first'
  const sim = bank(t, [
    ledger(({ account, n }) => {
      if (account === 'a' && n === 0 && why !== '') throw new Error(`${why} broken`)
    }),
  ])
  await publish(sim, 'a', upTo(3))
  await sim.untilIdle()
  const before = onlyHeld(sim)
  why = 'then'
  await sim.release(before.id)
  await sim.untilIdle()
  const after = onlyHeld(sim)
  assert.deepEqual([after.id, after.place, after.heldAt], [before.id, before.place, before.heldAt])
  assert.deepEqual([after.error?.message, after.attempts, after.failures, after.waiting], ['then broken', 2, 2, 2])
  assert.deepEqual(
    after.tries.map(({ message }) => message),
    ['first broken', 'first broken', 'then broken', 'then broken'],
  )
  assert.deepEqual(seen(sim, 'a'), [])
  why = ''
  await sim.release(after.id)
  await sim.untilIdle()
  assert.deepEqual(seen(sim, 'a'), upTo(3))
})

test('held messages are listed in the order in which they came; whichever is released first is tried first', async (t) => {
  const broken = new Set(['a0', 'b0', 'c0'])
  const sim = bank(t, [failing(broken, { concurrency: 1 })])
  for (const account of ['a', 'b', 'c']) await publish(sim, account, upTo(2))
  await sim.untilIdle()
  const held = sim.held()
  assert.deepEqual(
    held.map(({ lane }) => lane),
    ['a', 'b', 'c'],
  )
  broken.clear()
  for (const { id } of [...held].reverse()) await sim.release(id)
  await sim.untilIdle()
  const order = sim.rows<{ account: string; n: number }>('seen').map(({ account, n }) => `${account}${n}`)
  for (const account of ['a', 'b', 'c']) assert.deepEqual(seen(sim, account), upTo(2))
  assert.deepEqual(
    order.filter((one) => one.endsWith('0')),
    ['c0', 'b0', 'a0'],
  )
})

test('a lane in an attempt belongs to that attempt: a second release is refused, other lanes can be released', async (t) => {
  const wait = gate()
  let broken = true
  let running = 0
  const sim = bank(t, [
    ledger(async ({ account }) => {
      if (broken) throw new Error('broken')
      if (account !== 'a') return
      running++
      await wait.opened
    }),
  ])
  for (const account of ['a', 'b']) await publish(sim, account, [0])
  await sim.untilIdle()
  broken = false
  const [a, b] = sim.held()
  await sim.release(a!.id)
  await until(sim, 'it runs', () => running === 1)
  await assert.rejects(sim.release(a!.id), { code: 'millrace/not-held', message: /being tried/ })
  await sim.release(b!.id)
  await until(sim, 'the other lane is done', () => seen(sim, 'b').length === 1)
  assert.deepEqual(seen(sim, 'a'), [])
  wait.open()
  await sim.untilIdle()
  assert.deepEqual([seen(sim, 'a'), running], [[0], 1])
})

test('messages are selected by processor, type, context, group and number; an empty selection changes nothing', async (t) => {
  const Closed = event('closed', {
    schema: z.object({ account: z.string() }),
    context: ({ account }) => account,
  })
  const All = topic('all', [Moved, Closed])
  let broken = true
  const done: string[] = []
  const worker = (name: string) =>
    processor(name, {
      on: All,
      retry: { attempts: 1 },
      handle: {
        moved: ({ data: { account } }) => {
          if (broken) throw new TypeError(account === 'c' ? 'other' : 'usual')
          done.push(`${name} moved ${account}`)
        },
        closed: ({ data: { account } }) => {
          if (broken) throw new RangeError('usual')
          done.push(`${name} closed ${account}`)
        },
      },
    })
  const two = simulation({ parts: [All, worker('one'), worker('two')] })
  t.after(() => two.stop())
  for (const account of ['a', 'c']) await two.publish(Moved, { account, n: 0 })
  await two.publish(Closed, { account: 'b' })
  await two.untilIdle()
  assert.equal(two.held().length, 6)
  const groups = await two.settled(two.app.desk.groups())
  const other = groups.find(({ processor, error }) => processor === 'one' && error === 'TypeError: other')
  const chosen = async (what: Parameters<typeof two.app.desk.select>[1], name: string) => {
    const { total } = await two.settled(two.app.desk.select('release', what, { name, by: 'ann' }))
    await two.untilIdle()
    const found = [...done].sort()
    done.length = 0
    assert.equal(found.length, total)
    return found
  }
  broken = false
  for (const [index, what] of [
    { processor: 'three' },
    { type: 'opened' },
    { context: 'z' },
    { group: 99 },
    { items: [99] },
    { processor: 'one', context: 'a', type: 'closed' },
  ].entries()) {
    await assert.rejects(chosen(what, `none ${index}`), { code: 'millrace/nothing-selected' })
  }
  assert.deepEqual(done, [])
  assert.deepEqual(await chosen({ group: other!.id! }, 'group'), ['one moved c'])
  assert.deepEqual(await chosen({ type: 'closed', processor: 'two' }, 'type'), ['two closed b'])
  assert.deepEqual(await chosen({ context: 'c' }, 'context'), ['two moved c'])
  const [next] = two.held()
  assert.deepEqual(await chosen({ items: [next!.id] }, 'item'), ['one moved a'])
  assert.deepEqual(await chosen({}, 'all'), ['one closed b', 'two moved a'])
})

test('a long line drains in order', async (t) => {
  const broken = new Set(['a0'])
  const sim = bank(t, [failing(broken)], { windowMessages: 20 })
  await Promise.all(upTo(500).map((n) => sim.publish(Moved, { account: 'a', n })))
  await sim.untilIdle()
  assert.deepEqual(await counts(sim), [1, 499, 0])
  broken.clear()
  await sim.release(onlyHeld(sim).id)
  await sim.untilIdle()
  assert.deepEqual(seen(sim, 'a'), upTo(500))
  assert.deepEqual(await counts(sim), [0, 0, 0])
})

test('a desk is cleared by giving up all that is held, lane by lane, until nothing is there', async (t) => {
  const sim = bank(t, [
    ledger(() => {
      throw new Error('never')
    }),
  ])
  for (const account of ['a', 'b', 'c']) await publish(sim, account, upTo(2))
  await sim.untilIdle()
  for (const name of ['heads', 'lines']) {
    await sim.settled(sim.app.desk.select('discard', {}, { name, by: 'ann', reason: 'never needed' }))
    await sim.untilIdle()
  }
  assert.deepEqual(await counts(sim), [0, 0, 6])
  assert.deepEqual(await atDesk(sim, 'held', 'line', 'trying', 'deciding'), [])
  assertDeskSound(sim)
})

// ── what the suite leaves out ────────────────────────────────────────────────────────────────────────────────────

test('a middle message that fails again keeps the rest behind it, also across a crash', async (t) => {
  const broken = new Set(['a1', 'a3'])
  const sim = bank(t, [failing(broken)])
  await publish(sim, 'a', upTo(6))
  await sim.untilIdle()
  broken.delete('a1')
  await sim.release(onlyHeld(sim).id)
  await sim.untilIdle()
  assert.deepEqual(seen(sim, 'a'), upTo(3))
  assert.deepEqual([onlyHeld(sim).error?.message, onlyHeld(sim).waiting], ['broken a3', 2])
  await sim.crash()
  await sim.restart()
  await publish(sim, 'a', [6])
  await sim.untilIdle()
  assert.deepEqual([onlyHeld(sim).error?.message, onlyHeld(sim).waiting], ['broken a3', 3])
  broken.clear()
  await sim.release(onlyHeld(sim).id)
  await sim.untilIdle()
  assert.deepEqual(seen(sim, 'a'), upTo(7))
  assertDeskSound(sim)
})

test('messages that arrive at the moment of a release, or of the last of the line, queue behind, for twenty seeds', async (t) => {
  for (const seed of upTo(20)) {
    const random = randomOf(seed, 'arrivals')
    const broken = new Set(['a1'])
    const sim = bank(t, [failing(broken)], { seed, windowMessages: random.pick([1, 2, 4_096]) })
    await publish(sim, 'a', upTo(2 + random.below(4)))
    await sim.untilIdle()
    broken.clear()
    const { id } = onlyHeld(sim)
    let next = seen(sim, 'a').length + 1 + onlyHeld(sim).waiting
    const all: Promise<unknown>[] = [sim.release(id)]
    while (next < 20) {
      if (random.chance(0.5)) await sim.advance(random() * 3)
      else all.push(sim.publish(Moved, { account: 'a', n: next++ }))
    }
    await Promise.all(all)
    await sim.untilIdle()
    assert.deepEqual(seen(sim, 'a'), upTo(20), `seed ${seed}`)
    assert.deepEqual(await counts(sim), [0, 0, 0], `seed ${seed}`)
    await sim.stop()
  }
})

test('a process that dies between hold, release and the end of the line leaves the lane in order, for twenty seeds', async (t) => {
  for (const seed of upTo(20)) {
    const random = randomOf(seed, 'crashes')
    const broken = new Set(upTo(12).flatMap((n) => (random.chance(0.2) ? [`a${n}`] : [])))
    const sim = bank(t, [failing(broken)], { seed, windowMessages: random.pick([1, 2, 4_096]) })
    const dies = async () => {
      if (!random.chance(0.3)) return
      await sim.advance(random() * 6)
      await sim.crash({ power: random.chance(0.5) })
      await sim.restart()
    }
    for (const n of upTo(12)) {
      await sim.publish(Moved, { account: 'a', n })
      await dies()
    }
    for (let round = 0; ; round++) {
      assert(round < 100)
      await sim.untilIdle()
      assertDeskSound(sim)
      const [held] = sim.held()
      if (held === undefined) break
      broken.delete(`a${JSON.parse(held.message.json).n}`)
      await sim.release(held.id)
      await dies()
    }
    assert.deepEqual(seen(sim, 'a'), upTo(12), `seed ${seed}`)
    await sim.stop()
  }
})

test('of two people who press the button at once one releases, the other is told what became of it', async (t) => {
  const broken = new Set(['a0'])
  const sim = bank(t, [failing(broken)])
  await publish(sim, 'a', upTo(3))
  await sim.untilIdle()
  broken.clear()
  const { id } = onlyHeld(sim)
  const { desk } = sim.app
  const pressed = await sim.settled(
    Promise.allSettled([
      desk.release(id, { by: 'ann' }),
      desk.release(id, { by: 'bob' }),
      desk.discard(id, { by: 'cy', reason: 'never' }),
    ]),
  )
  assert.deepEqual(
    pressed.map(({ status }) => status),
    ['fulfilled', 'rejected', 'rejected'],
  )
  for (const { reason } of pressed.slice(1) as PromiseRejectedResult[]) assert.equal(reason.code, 'millrace/not-held')
  await sim.untilIdle()
  assert.deepEqual(seen(sim, 'a'), upTo(3))
  const { history } = (await sim.settled(desk.show(id)))!
  assert.deepEqual(
    history.map(({ action, by }) => `${action} by ${by}`),
    ['held by millrace', 'released by ann', 'handled by millrace'],
  )
})

test('two processors that fail at one context hold and release it independently of each other', async (t) => {
  const first = new Set(['a0'])
  const second = new Set(['a2'])
  const sim = bank(t, [failing(first, { name: 'first' }), failing(second, { name: 'second' })])
  await publish(sim, 'a', upTo(4))
  await sim.untilIdle()
  assert.deepEqual([seen(sim, 'a', 'first'), seen(sim, 'a', 'second')], [[], [0, 1]])
  assert.deepEqual(await counts(sim), [2, 4, 0])
  second.clear()
  await sim.release(sim.held().find((row) => row.processor === 'second')!.id)
  await sim.untilIdle()
  assert.deepEqual([seen(sim, 'a', 'first'), seen(sim, 'a', 'second')], [[], upTo(4)])
  first.clear()
  await sim.release(onlyHeld(sim).id)
  await sim.untilIdle()
  assert.deepEqual(seen(sim, 'a', 'first'), upTo(4))
})

// Each has one of the places of "open" in the filter, so that "open" seems to wait at the desk when all three do.
const colliding = ['c122mb', 'c2yui6', 'c5lv0m'] as const

test('a context that only seems to be held, by its hashes, runs in order, is held and released like any other', async (t) => {
  const filter = new HeldContexts(0)
  for (const context of colliding) filter.add(context)
  assert.equal(filter.has('open'), 'maybe')
  const max = 100
  const contexts = [...upTo(max).map((n) => `by-name-${n}`), ...colliding]
  const broken = new Set(contexts.map((context) => `${context}0`))
  const sim = bank(t, [failing(broken)], { heldContextsMax: max })
  for (const context of contexts) await publish(sim, context, [0])
  await sim.untilIdle()
  assert.equal(sim.held().length, contexts.length)
  await Promise.all(upTo(5).map((n) => sim.publish(Moved, { account: 'open', n })))
  await sim.untilIdle()
  assert.deepEqual(seen(sim, 'open'), upTo(5))
  broken.add('open6')
  await publish(sim, 'open', upTo(9, 5))
  await sim.untilIdle()
  assert.deepEqual(seen(sim, 'open'), upTo(6))
  broken.clear()
  const of = (context: string) => sim.held().find(({ lane }) => lane === context)!.id
  await sim.release(of(colliding[0]))
  await sim.untilIdle()
  await publish(sim, 'open', [9])
  await publish(sim, colliding[1], [1])
  await sim.untilIdle()
  assert.deepEqual([seen(sim, 'open'), seen(sim, colliding[0]), seen(sim, colliding[1])], [upTo(6), [0], []])
  await sim.release(of('open'))
  for (const context of colliding.slice(1)) await sim.release(of(context))
  await publish(sim, 'open', [10])
  await sim.untilIdle()
  assert.deepEqual([seen(sim, 'open'), seen(sim, colliding[1])], [upTo(11), upTo(2)])
  assertDeskSound(sim)
})

test('more held contexts than are kept in memory stay closed, also after a restart, and drain in order', async (t) => {
  const max = 100
  const contexts = upTo(max + 60).map((n) => `k${n}`)
  const broken = new Set(contexts.map((context) => `${context}0`))
  const sim = bank(t, () => [failing(broken)], { heldContextsMax: max })
  const all = (n: number) => Promise.all(contexts.map((account) => sim.publish(Moved, { account, n })))
  await all(0)
  await all(1)
  await sim.untilIdle()
  assert.deepEqual(await counts(sim), [160, 160, 0])
  await sim.crash()
  await sim.restart()
  await all(2)
  await sim.untilIdle()
  assert.deepEqual(await counts(sim), [160, 320, 0])
  broken.clear()
  const random = randomOf(1, 'who first')
  const left = sim.held().map(({ id }) => id)
  while (left.length > 0) await sim.release(left.splice(random.below(left.length), 1)[0]!)
  await all(3)
  await sim.untilIdle()
  for (const context of contexts) assert.deepEqual(seen(sim, context), upTo(4), context)
  assert.deepEqual(await counts(sim), [0, 0, 0])
})

test('a message taken back keeps its place after a restart: later ones wait behind it', async (t) => {
  const broken = new Set(['a0', 'a1'])
  // So small that a line is read message by message.
  const sim = bank(t, [failing(broken)], { windowMessages: 1 })
  await publish(sim, 'a', upTo(2))
  await sim.untilIdle()
  const { id } = onlyHeld(sim)
  await sim.settled(sim.app.desk.discard(id, { by: 'ann', reason: 'a mistake' }))
  await sim.untilIdle()
  assert.equal(onlyHeld(sim).error?.message, 'broken a1')
  await sim.settled(sim.app.desk.takeBack(id))
  await sim.untilIdle()
  await sim.restart()
  await publish(sim, 'a', upTo(4, 2))
  await sim.untilIdle()
  assertDeskSound(sim)
  broken.clear()
  await sim.release(onlyHeld(sim).id)
  await sim.untilIdle()
  assert.deepEqual(seen(sim, 'a'), [1, 0, 2, 3])
  assert.deepEqual(await counts(sim), [0, 0, 0])
})
