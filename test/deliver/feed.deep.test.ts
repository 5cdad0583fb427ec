// Two apps that feed each other (B7).
import assert from 'node:assert/strict'
import test from 'node:test'
import { isWhole, judge, pairOf, publishOn } from './pair.ts'

const seeds = 200
const hour = 3_600_000

test('two apps that deliver to each other, either killed at every commit, over a bad network: all once and in order, for 200 seeds', async () => {
  let starts = 0
  let requests = 0
  for (let seed = 0; seed < seeds; seed++) {
    const at = 1 + Math.floor(seed / 2)
    const pair = pairOf(seed, seed % 2 === 0 ? { left: at, right: 0 } : { left: 0, right: at })
    const { left, right } = pair
    let published = 0
    for (const side of [left, right]) publishOn(side).then(() => published++)
    await pair.until('what clients publish', () => published === 2)
    await pair.until('all on both sides', () => isWhole(pair))
    left.faults.heal()
    right.faults.heal()
    // What is late arrives too, and changes nothing.
    for (let n = 0; n < 20; n++) {
      await left.advance(2_000)
      await right.advance(2_000)
    }
    judge(pair)
    starts += left.machine.starts + right.machine.starts
    requests += left.sent.length + right.sent.length
    pair.dispose()
  }
  assert(starts > 2.5 * seeds, `${starts} starts`)
  assert(requests > 16 * seeds, `${requests} requests`)
})

test('the other side is away for 24 hours: it is probed, nothing comes to the desk, then all follow in order', async () => {
  for (let seed = 0; seed < 2; seed++) {
    const pair = pairOf(seed, { left: 0, right: 0 })
    const { left, right } = pair
    let published = 0
    for (const side of [left, right]) publishOn(side).then(() => published++)
    await pair.until('what clients publish', () => published === 2)
    await pair.until('all on both sides', () => isWhole(pair))
    right.awayUntil = left.machine.now() + 24 * hour
    const before = left.sent.length
    publishOn(left, 4).then(() => published++)
    await pair.until('what clients publish', () => published === 3)
    for (let n = 0; n < 24; n++) {
      await left.advance(hour - 1_000)
      await right.advance(hour - 1_000)
      assert.equal(left.atDesk, 0)
    }
    const probes = left.sent.length - before
    assert(probes > 24 * 60 && probes < 24 * 3_600, `${probes} probes`)
    assert.equal(left.kept().filter(({ source }) => source === '/left').length, 16)
    publishOn(right, 4).then(() => published++)
    await left.advance(60_000)
    await pair.until('what clients publish', () => published === 4)
    await pair.until('all on both sides', () => isWhole(pair, 8))
    judge(pair, 8)
    pair.dispose()
  }
})
