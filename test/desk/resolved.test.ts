// What was resolved is kept for a while and then forgotten; the audit log is not.
import assert from 'node:assert/strict'
import test from 'node:test'
import { atDesk, bank, counts, ledger, Moved, onlyHeld, publish, seen, upTo } from './support.ts'

const day = 86_400_000

test('resolved messages are forgotten after deskRetainMs, held ones and the audit log never', async (t) => {
  const broken = new Set(['a0', 'b0', 'c0'])
  const sim = bank(
    t,
    [
      ledger(({ account, n }) => {
        if (broken.has(`${account}${n}`)) throw new Error('broken')
      }),
    ],
    { deskRetainMs: 2 * day },
  )
  for (const account of ['a', 'b', 'c']) await publish(sim, account, [0])
  await sim.untilIdle()
  const [a, b, c] = sim.held()
  broken.delete('a0')
  await sim.release(a!.id)
  await sim.untilIdle()
  await sim.settled(sim.app.desk.discard(b!.id, { by: 'ann', reason: 'no need' }))
  await sim.untilIdle()
  await sim.advance(1.9 * day)
  assert.equal((await atDesk(sim, 'handled', 'discarded')).length, 2)
  await sim.advance(0.2 * day)
  assert.deepEqual(await atDesk(sim, 'handled', 'discarded'), [])
  assert.equal(onlyHeld(sim).id, c!.id)
  const audit = await sim.settled(sim.app.desk.audit())
  const lines = audit.map(({ item, action }) => `${action} ${item}`).reverse()
  // The waits between attempts are drawn, so any of the three may be held first.
  assert.deepEqual(lines.splice(0, 3).sort(), [`held ${a!.id}`, `held ${b!.id}`, `held ${c!.id}`])
  assert.deepEqual(lines, [`released ${a!.id}`, `handled ${a!.id}`, `discarded ${b!.id}`])
  await assert.rejects(sim.settled(sim.app.desk.takeBack(b!.id)), { code: 'millrace/unknown-item' })
  assert.equal(await sim.settled(sim.app.desk.show(b!.id)), undefined)
})

test('messages resolved before a crash are forgotten after it, slice by slice, while work continues', async (t) => {
  const sim = bank(
    t,
    [
      ledger(
        ({ n }) => {
          if (n === 0) throw new Error('broken')
        },
        { retry: { attempts: 1 } },
      ),
    ],
    { deskRetainMs: day },
  )
  // More than one slice.
  const many = 1_200
  await Promise.all(upTo(many).map((n) => sim.publish(Moved, { account: `a${n}`, n: 0 })))
  await sim.untilIdle()
  await sim.settled(sim.app.desk.select('discard', {}, { name: 'all', by: 'ann', reason: 'no need' }))
  await sim.untilIdle()
  assert.deepEqual(await counts(sim), [0, 0, many])
  await sim.crash()
  await sim.restart()
  await sim.advance(day)
  const later = publish(sim, 'b', upTo(5, 1))
  await sim.advance(0.1 * day)
  await later
  assert.deepEqual(await counts(sim), [0, 0, 0])
  assert.deepEqual(seen(sim, 'b'), upTo(5, 1))
  const [{ done } = { done: 0 }] = await sim.settled(sim.app.desk.operations())
  assert.equal(done, many, 'operations are kept')
})
