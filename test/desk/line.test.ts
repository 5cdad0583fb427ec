// The line behind a held message, page by page.
import assert from 'node:assert/strict'
import test from 'node:test'
import type { DeskRow } from 'millrace'
import type { Simulation } from 'millrace/testing'
import { atDesk, bank, ledger, onlyHeld, publish, upTo } from './support.ts'

const ann = { by: 'ann', reason: 'so it is' }
const failsAt = (broken: ReadonlySet<number>) =>
  ledger(({ n }) => {
    if (broken.has(n)) throw new Error(`broken ${n}`)
  })
const numbers = (rows: readonly DeskRow[]) => rows.map(({ data }) => (data as { n: number }).n)

async function wholeLine(sim: Simulation, id: number, limit: number): Promise<DeskRow[]> {
  const rows: DeskRow[] = []
  for (let after: number | undefined; ; after = rows.at(-1)!.place) {
    const page = await sim.settled(sim.app.desk.line(id, { after, limit }))
    if (page.length === 0) return rows
    assert(page.length <= limit)
    rows.push(...page)
  }
}

test('the line behind a message is listed in order, page by page, and each row says behind which it waits', async (t) => {
  const sim = bank(t, [failsAt(new Set([0]))])
  await publish(sim, 'a', upTo(25))
  await publish(sim, 'b', [1])
  await sim.untilIdle()
  const { id, behind } = onlyHeld(sim)
  assert.equal(behind, null)
  for (const limit of [1, 7, 24, 100]) {
    const rows = await wholeLine(sim, id, limit)
    assert.deepEqual(numbers(rows), upTo(25, 1))
    for (const row of rows) assert.deepEqual([row.behind, row.state, row.waiting], [id, 'line', 0])
  }
  const listed = await atDesk(sim, 'line')
  assert.deepEqual(new Set(listed.map((row) => row.behind)), new Set([id]))
})

test('a line begins behind any of its members, and a message that came to the end of it is last', async (t) => {
  const broken = new Set([0, 1])
  const sim = bank(t, [failsAt(broken)])
  await publish(sim, 'a', upTo(6))
  await sim.untilIdle()
  const first = onlyHeld(sim)
  await sim.settled(sim.app.desk.discard(first.id, ann))
  await sim.untilIdle()
  const second = onlyHeld(sim)
  await sim.settled(sim.app.desk.takeBack(first.id, ann))
  await sim.untilIdle()
  const rows = await wholeLine(sim, second.id, 2)
  assert.deepEqual(numbers(rows), [2, 3, 4, 5, 0])
  assert.deepEqual(numbers(await wholeLine(sim, rows[2]!.id, 2)), [5, 0])
})

test('a message without a lane has no line; one that is resolved or unknown is refused', async (t) => {
  const sim = bank(t, [ledger(() => Promise.reject(new Error('broken')), { onHold: 'pass' })])
  await publish(sim, 'a', [0])
  await sim.untilIdle()
  const { id } = onlyHeld(sim)
  const { desk } = sim.app
  assert.deepEqual(await sim.settled(desk.line(id)), [])
  await sim.settled(desk.discard(id, ann))
  await assert.rejects(sim.settled(desk.line(id)), { code: 'millrace/unknown-item' })
  await assert.rejects(sim.settled(desk.line(99)), { code: 'millrace/unknown-item' })
  await assert.rejects(sim.settled(desk.line(id, { limit: 0 })), { code: 'millrace/bad-option' })
  await assert.rejects(sim.settled(desk.line(id, { before: 1 } as never)), { code: 'millrace/unknown-option' })
})
