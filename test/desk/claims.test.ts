// People who work on the desk together: claims, notes, and groups that are quiet for a while.
import assert from 'node:assert/strict'
import test from 'node:test'
import { desk as deskOf, retry } from 'millrace'
import { bank, history, ledger, Moves, onlyHeld, publish, seen, upTo } from './support.ts'

const minute = 60_000
const ann = { by: 'ann', reason: 'so it is' }
const bea = { by: 'bea', reason: 'asked' }
const claimed = { code: 'millrace/claimed' }

const failsAt = (broken: ReadonlySet<number>) =>
  ledger(({ n, note }) => {
    if (broken.has(n) && note === undefined) throw new Error(`broken ${n}`)
  })

test('a claim is seen by all, keeps repairs of others off until it ends, and survives a crash', async (t) => {
  const broken = new Set([0])
  const sim = bank(t, [failsAt(broken)])
  await publish(sim, 'a', upTo(3))
  await sim.untilIdle()
  const { id, revision, claim: none } = onlyHeld(sim)
  assert.equal(none, null)
  await sim.settled(sim.app.desk.claim(id, { ...ann, forMs: 10 * minute }))
  await sim.crash()
  await sim.restart()
  const { desk } = sim.app
  const [row] = await sim.settled(desk.list())
  assert.deepEqual([row!.claim!.by, row!.claim!.until - row!.claim!.at, row!.revision], ['ann', 10 * minute, revision])
  const before = sim.rows('millrace_desk')
  const repairs = [
    () => desk.release(id, bea),
    () => desk.resubmit(id, { account: 'a', n: 1 }, bea),
    () => desk.discard(id, bea),
    () => desk.claim(id, bea),
    () => desk.unclaim(id, bea),
  ]
  for (const repair of repairs) {
    await assert.rejects(sim.settled(repair()), (error: Error & { code: string; data: unknown }) => {
      assert.equal(error.code, 'millrace/claimed')
      assert.match(error.message, /^ann works on message \d+ until 20\d\d-.*Z/)
      assert.deepEqual(error.data, { id, by: 'ann', until: row!.claim!.until })
      return true
    })
  }
  assert.deepEqual(sim.rows('millrace_desk'), before)
  // Its own claim binds nobody, and ends with the message.
  broken.clear()
  await sim.settled(desk.release(id, ann))
  await sim.untilIdle()
  assert.deepEqual(seen(sim, 'a'), upTo(3))
  assert.equal((await sim.settled(desk.show(id)))!.claim, null)
  await assert.rejects(sim.settled(desk.claim(id, ann)), { code: 'millrace/not-held' })
  await assert.rejects(sim.settled(desk.claim(99, ann)), { code: 'millrace/unknown-item' })
})

test('a claim ends at its time or by its owner; somebody else may take it over, and all of it is on record', async (t) => {
  const sim = bank(t, [failsAt(new Set([0]))])
  await publish(sim, 'a', [0])
  await sim.untilIdle()
  const { desk } = sim.app
  const { id } = onlyHeld(sim)
  const claimOf = async () => (await sim.settled(desk.show(id)))!.claim?.by
  await sim.settled(desk.claim(id, { by: 'ann' }))
  await sim.settled(desk.claim(id, { by: 'bea', reason: 'the customer waits', takeOver: true }))
  assert.equal(await claimOf(), 'bea')
  await assert.rejects(sim.settled(desk.release(id, ann)), claimed)
  await sim.settled(desk.unclaim(id, { by: 'bea' }))
  await sim.settled(desk.unclaim(id, { by: 'bea' }))
  assert.equal(await claimOf(), undefined)
  await sim.settled(desk.claim(id, { by: 'ann', forMs: 5 * minute }))
  await sim.advance(4 * minute)
  await sim.settled(desk.claim(id, { by: 'ann', forMs: 5 * minute }))
  await sim.advance(4 * minute)
  assert.equal(await claimOf(), 'ann', 'who claims again prolongs it')
  await sim.advance(2 * minute)
  assert.equal(await claimOf(), undefined)
  await sim.settled(desk.note(id, 'ticket 17', { by: 'bea' }))
  await sim.settled(desk.release(id, bea))
  await sim.untilIdle()
  assert.deepEqual((await history(sim, id)).slice(1, 8), [
    'claimed by ann',
    'claimed by bea: the customer waits',
    'unclaimed by bea',
    'claimed by ann',
    'claimed by ann',
    'noted by bea: ticket 17',
    'released by bea: asked',
  ])
  const [, over] = (await sim.settled(desk.show(id)))!.history.filter(({ action }) => action === 'claimed')
  assert.equal((over!.detail as { from: string }).from, 'ann')
  for (const forMs of [0, 999, 8 * 86_400_000, Number.NaN]) {
    await assert.rejects(sim.settled(desk.claim(id, { by: 'ann', forMs })), { code: 'millrace/bad-option' })
  }
})

test('an operation of somebody else refuses what is claimed; rules and the app itself are not bound', async (t) => {
  let decides = 0
  const broken = new Set([0, 1, 2])
  const ruled = deskOf('ruled', {
    on: Moves,
    decide: {
      moved: ({ message: { data } }) => {
        decides++
        if (data.n === 2 && decides > 3) broken.delete(2)
        return retry()
      },
    },
    decisionsMax: 1,
  })
  const sim = bank(t, [failsAt(broken), ruled])
  for (const n of upTo(3)) await publish(sim, `${n}`, [n])
  await sim.untilIdle()
  const { desk } = sim.app
  const [first, second, third] = await sim.settled(desk.list())
  for (const { id } of [first!, third!]) await sim.settled(desk.claim(id, ann))
  broken.clear()
  const { id } = await sim.settled(desk.select('release', {}, { name: 'all', ...bea }))
  await sim.untilIdle()
  const refused = await sim.settled(desk.refused(id))
  assert.deepEqual(
    refused.map(({ item }) => item),
    [first!.id, third!.id],
  )
  for (const { why } of refused) assert.match(why, /^ann works on message/)
  assert.equal((await sim.settled(desk.show(second!.id)))!.state, 'handled')
  await sim.settled(desk.release(first!.id))
  await sim.settled(desk.select('release', {}, { name: 'mine', ...ann }))
  await sim.untilIdle()
  assert.deepEqual(await sim.settled(desk.list()), [])
})

test('notes on a group are kept with it, and change nothing; an unknown message or group is refused', async (t) => {
  const sim = bank(t, [failsAt(new Set([0]))])
  await publish(sim, 'a', [0])
  await sim.untilIdle()
  const { desk } = sim.app
  const { id, revision } = onlyHeld(sim)
  const [group] = await sim.settled(desk.groups())
  assert.equal(group!.note, null)
  for (const text of ['first', 'second']) await sim.settled(desk.note({ group: group!.id! }, text, { by: 'ann' }))
  await sim.settled(desk.note(id, 'third', { by: 'bea' }))
  const [noted] = await sim.settled(desk.groups())
  assert.deepEqual([noted!.note!.text, noted!.note!.by], ['second', 'ann'])
  const lines = await sim.settled(desk.audit({ group: group!.id! }))
  assert.deepEqual(
    lines.map(({ action, reason, group, item }) => [action, reason, group, item]),
    [
      ['noted', 'second', noted!.id, null],
      ['noted', 'first', noted!.id, null],
    ],
  )
  await sim.settled(desk.release(id, { ...ann, revision }))
  await assert.rejects(sim.settled(desk.note(99, 'x', ann)), { code: 'millrace/unknown-item' })
  await assert.rejects(sim.settled(desk.note({ group: 99 }, 'x', ann)), { code: 'millrace/unknown-group' })
  for (const about of ['1', null, {}, { group: '1' }]) {
    await assert.rejects(sim.settled(desk.note(about as never, 'x', ann)), { code: 'millrace/bad-option' })
  }
  await assert.rejects(sim.settled(desk.note(id, ' ', ann)), { code: 'millrace/bad-option' })
})

test('a snoozed group stays in sight and held, and is counted apart, until its time or until it has doubled', async (t) => {
  const sim = bank(t, [ledger(() => Promise.reject(new Error('down')), { retry: { attempts: 1 } })])
  const fails = async (count: number, from: number) => {
    for (const n of upTo(from + count, from)) await publish(sim, `a${n}`, [n])
    await sim.untilIdle()
  }
  await fails(2, 0)
  const { desk } = sim.app
  const counts = async () => {
    const { held, snoozed } = await sim.settled(desk.counts())
    return [held, snoozed]
  }
  const until = () => Date.parse('2026-01-01') + 60 * minute
  const id = (await sim.settled(desk.groups()))[0]!.id!
  const snooze = (orCount?: number) => sim.settled(desk.snooze(id, { until: until(), orCount, ...ann }))
  await snooze()
  assert.deepEqual(await counts(), [2, 2])
  const [group] = await sim.settled(desk.groups())
  const { at: _, ...snoozed } = group!.snooze!
  assert.deepEqual(snoozed, { until: until(), orCount: 4, by: 'ann', reason: 'so it is' })
  assert.deepEqual([group!.held, group!.snoozed], [2, 2])
  const [coarse] = await sim.settled(desk.groups('processor'))
  assert.deepEqual([coarse!.held, coarse!.snoozed, coarse!.snooze], [2, 2, null])
  assert.equal(sim.held().length, 2)
  await fails(1, 2)
  assert.deepEqual(await counts(), [3, 3])
  await fails(1, 3)
  assert.deepEqual(await counts(), [4, 0], 'it has doubled')
  await snooze(100)
  assert.deepEqual(await counts(), [4, 4])
  await sim.settled(desk.wake(id, bea))
  await sim.settled(desk.wake(id, bea))
  assert.deepEqual(await counts(), [4, 0])
  await snooze(100)
  await sim.crash()
  await sim.restart()
  await sim.advance(61 * minute)
  assert.deepEqual((await sim.settled(sim.app.desk.groups()))[0]!.snooze, null)
  const lines = await sim.settled(sim.app.desk.audit({ group: id }))
  assert.deepEqual(
    lines.map(({ action, by }) => `${action} by ${by}`),
    ['snoozed by ann', 'woken by bea', 'snoozed by ann', 'snoozed by ann'],
  )
  await assert.rejects(snooze(), { code: 'millrace/bad-option' })
  const far = { until: Date.parse('2030-01-01'), ...ann }
  await assert.rejects(sim.settled(sim.app.desk.snooze(id, far)), { code: 'millrace/bad-option' })
  const soon = { until: until() + 60 * minute, ...ann }
  await assert.rejects(sim.settled(sim.app.desk.snooze(99, soon)), { code: 'millrace/unknown-group' })
  await assert.rejects(sim.settled(sim.app.desk.wake(99, ann)), { code: 'millrace/unknown-group' })
})
