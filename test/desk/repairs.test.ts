// People who act on the same message: what the second is told, and what may be changed before its turn.
import assert from 'node:assert/strict'
import test from 'node:test'
import { channel, command, resubmit as corrects, desk as deskOf, processor } from 'millrace'
import { simulation } from 'millrace/testing'
import { z } from 'zod'
import {
  assertDeskSound,
  atDesk,
  bank,
  counts,
  gate,
  hasty,
  history,
  ledger,
  Moves,
  onlyHeld,
  publish,
  seen,
  told,
  until,
  upTo,
} from './support.ts'

const ann = { by: 'ann', reason: 'so it is' }
const bea = { by: 'bea', reason: 'asked' }
const stale = { code: 'millrace/stale-revision' }

const failsAt = (broken: ReadonlySet<number>) =>
  ledger(({ n, note }) => {
    if (broken.has(n) && note === undefined) throw new Error(`broken ${n}`)
  })

test('a second editor is told who did what and when, and nothing is changed, also when the message is held again', async (t) => {
  const sim = bank(t, [failsAt(new Set([0]))])
  await publish(sim, 'a', [0])
  await sim.untilIdle()
  const { desk } = sim.app
  const { id, revision } = onlyHeld(sim)
  assert.equal(revision, 1)
  await sim.settled(desk.release(id, { ...bea, revision }))
  await sim.untilIdle()
  const again = onlyHeld(sim)
  assert.equal(again.revision, 3, 'released, and held again')
  const before = sim.rows('millrace_desk')
  const actor = { ...ann, revision }
  const repairs = [
    () => desk.release(id, actor),
    () => desk.resubmit(id, { account: 'a', n: 1 }, actor),
    () => desk.discard(id, actor),
    () => desk.takeBack(id, actor),
  ]
  for (const repair of repairs) {
    await assert.rejects(sim.settled(repair()), (error: Error & { code: string; data: Record<string, unknown> }) => {
      assert.equal(error.code, 'millrace/stale-revision')
      assert.match(
        error.message,
        /^message \d+ has changed since revision 1, it has revision 3 now: released by bea at 20/,
      )
      const { at, ...data } = error.data
      assert.deepEqual(data, { id, revision: 3, by: 'bea', action: 'released', reason: 'asked' })
      assert.equal(typeof at, 'number')
      return true
    })
  }
  assert.deepEqual(sim.rows('millrace_desk'), before)
  await sim.settled(desk.discard(id, { ...ann, revision: 3 }))
  await assert.rejects(sim.settled(desk.discard(id, { ...bea, revision: 3 })), stale)
  await sim.settled(desk.takeBack(id, { ...bea, revision: 4 }))
})

test('of two who act at once on the revision that both have seen, one is told what the other did', async (t) => {
  const sim = bank(t, [failsAt(new Set([0]))])
  await publish(sim, 'a', [0])
  await sim.untilIdle()
  const { desk } = sim.app
  const { id, revision } = onlyHeld(sim)
  const [first, second] = await sim.settled(
    Promise.allSettled([
      desk.discard(id, { ...ann, revision }),
      desk.resubmit(id, { account: 'a', n: 1 }, { ...bea, revision }),
    ]),
  )
  assert.equal(first!.status, 'fulfilled')
  assert(second!.status === 'rejected')
  assert.match(second!.reason.message, /discarded by ann at .* \(so it is\)/)
})

test('a rule that has corrected a message since is an act as any other; a revision that is no number is refused', async (t) => {
  const ruled = deskOf('ruled', {
    on: Moves,
    decide: { moved: ({ message: { data } }) => corrects({ ...data, n: data.n + 1 }, 'one more') },
    decisionsMax: 1,
  })
  const sim = bank(t, [failsAt(new Set(upTo(9))), ruled])
  await publish(sim, 'a', [0])
  await sim.untilIdle()
  // Held, corrected by the rule, held again, left to a person.
  const { id, revision } = onlyHeld(sim)
  assert.equal(revision, 4)
  await assert.rejects(sim.settled(sim.app.desk.release(id, { by: 'ann', revision: 1 })), stale)
  for (const wrong of [-1, 1.5, '4', null]) {
    await assert.rejects(sim.settled(sim.app.desk.release(id, { by: 'ann', revision: wrong as number })), {
      code: 'millrace/bad-option',
    })
  }
})

test('a message in line is corrected before its turn and keeps its place; one is discarded, and the others follow in order', async (t) => {
  const broken = new Set([0])
  const keys: string[] = []
  const sim = bank(t, [
    ledger(({ n, note }, _, key) => {
      keys.push(`${n} ${key.split('/').at(-1)}`)
      if (broken.has(n) && note === undefined) throw new Error(`broken ${n}`)
    }),
  ])
  await publish(sim, 'a', upTo(6))
  await sim.untilIdle()
  const { desk } = sim.app
  const { id } = onlyHeld(sim)
  const [one, two, three] = await sim.settled(desk.line(id))
  await sim.settled(desk.resubmit(two!.id, { account: 'a', n: 20 }, { ...ann, revision: 0 }))
  await sim.settled(desk.discard(three!.id, bea))
  const line = await sim.settled(desk.line(id))
  assert.deepEqual(
    line.map(({ data, place, state, corrections, revision }) => [data, place, state, corrections, revision]),
    [
      [{ account: 'a', n: 1 }, one!.place, 'line', 0, 0],
      [{ account: 'a', n: 20 }, two!.place, 'line', 1, 1],
      [{ account: 'a', n: 4 }, three!.place + 1, 'line', 0, 0],
      [{ account: 'a', n: 5 }, three!.place + 2, 'line', 0, 0],
    ],
  )
  await assert.rejects(sim.settled(desk.resubmit(two!.id, { account: 'a', n: 9 }, { ...bea, revision: 0 })), stale)
  await assert.rejects(sim.settled(desk.resubmit(one!.id, { account: 'b', n: 9 }, bea)), {
    code: 'millrace/context-changed',
  })
  await assert.rejects(sim.settled(desk.release(one!.id, bea)), {
    code: 'millrace/not-held',
    message: /release the head/,
  })
  assertDeskSound(sim)
  await sim.crash()
  await sim.restart()
  broken.clear()
  await sim.settled(sim.app.desk.release(id, ann))
  await sim.untilIdle()
  assert.deepEqual(seen(sim, 'a'), [0, 1, 20, 4, 5])
  assert(keys.includes('20 1'), 'the corrected message has a key of its own')
  assert.deepEqual(await counts(sim), [0, 0, 1])
  assert.deepEqual(await history(sim, two!.id), ['corrected by ann: so it is', 'handled by millrace'])
  assert.deepEqual(await history(sim, three!.id), ['discarded by bea: asked'])
  assert.deepEqual(
    told(sim).map(({ n, outcome }) => [n, outcome]),
    [
      [0, undefined],
      [0, 'handled'],
    ],
    'what never failed is told to nobody',
  )
  await sim.settled(sim.app.desk.takeBack(three!.id, ann))
  await sim.untilIdle()
  assert.deepEqual(seen(sim, 'a'), [0, 1, 20, 4, 5, 3])
})

test('a message that is corrected while its line drains is handled with the corrected data, or the correction is refused', async (t) => {
  for (const seed of upTo(12)) {
    const broken = new Set([0])
    const { open, opened } = gate()
    let atGate = false
    const sim = bank(
      t,
      [
        ledger(async ({ n }) => {
          if (broken.has(n)) throw new Error('broken')
          if (n !== 2) return
          atGate = true
          await opened
        }),
      ],
      { seed },
    )
    await publish(sim, 'a', upTo(8))
    await sim.untilIdle()
    const { desk } = sim.app
    const { id } = onlyHeld(sim)
    const line = await sim.settled(desk.line(id))
    broken.clear()
    await sim.settled(desk.release(id, ann))
    await until(sim, 'the second runs', () => atGate)
    // The one that runs, the next, and one further behind.
    const edits = [1, 2, 3].map((at) => desk.resubmit(line[at]!.id, { account: 'a', n: 10 + at + 1 }, ann))
    if (seed % 2 === 0) open()
    const done = sim.settled(Promise.allSettled(edits))
    const outcomes = (await done).map(({ status }) => status === 'fulfilled')
    open()
    await sim.untilIdle()
    const expected = upTo(8).map((n) => (n >= 2 && n <= 4 && outcomes[n - 2] === true ? n + 10 : n))
    assert.equal(outcomes[0], false, 'the turn of the one that runs has come')
    assert.deepEqual(seen(sim, 'a'), expected, `seed ${seed}`)
    assertDeskSound(sim)
  }
})

test('a command that is discarded in line has ended for its caller', async (t) => {
  const Charge = command('charge', { schema: z.object({ card: z.string() }), context: ({ card }) => card })
  const Charges = channel('charges', [Charge])
  const sim = simulation({
    parts: [
      Charges,
      processor('bank', {
        on: Charges,
        retry: hasty,
        handle: {
          charge: () => {
            throw new Error('no answer')
          },
        },
      }),
    ],
  })
  t.after(() => sim.stop())
  await sim.send(Charge, { card: 'c' })
  await sim.untilIdle()
  const asks = () => sim.request(Charge, { card: 'c' }, { id: 'c-2' })
  await assert.rejects(asks(), { code: 'millrace/request-held' })
  const [behind] = await atDesk(sim, 'line')
  await sim.settled(sim.app.desk.discard(behind!.id, ann))
  await assert.rejects(asks(), { code: 'millrace/request-discarded' })
})
