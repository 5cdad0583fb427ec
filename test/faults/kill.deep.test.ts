import assert from 'node:assert/strict'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { judgeChain, type Publishing } from './support/chain-judge.ts'
import { run } from './support/child.ts'
import { place } from './support/place.ts'
import { readRecord } from './support/record.ts'
import { Chance, withSeed } from './support/seed.ts'

const kills = 100
/** The longest that a process lives after it was begun, or after it was ready to publish, milliseconds. */
const livesMs = 350

test('after a hundred kill -9 while publishing and handling, nothing is lost, nothing is double, each lane in order', (t) =>
  withSeed(async (seed) => {
    const folder = place(t)
    const file = join(folder, 'chain.db')
    const record = join(folder, 'record')
    const chance = new Chance(seed)
    for (let kill = 0; kill < kills; kill++) {
      const child = run(t, 'chain-program', file, record, String(chance.below(2 ** 32)), 'publish')
      // Some die while they open the file and look at what the last one left, most while they publish and handle.
      if (chance.next() < 0.8) await child.line('started')
      const killing = setTimeout(() => child.kill(), chance.next() * livesMs)
      const { signal } = await child.ended
      clearTimeout(killing)
      assert.equal(signal, 'SIGKILL', `run ${kill} ended by itself: ${child.errors}`)
    }
    await finishAndJudge(t, file, record, seed)
  }))

async function finishAndJudge(t: TestContext, file: string, record: string, seed: number): Promise<void> {
  const last = run(t, 'chain-program', file, record, String(seed), 'finish')
  await last.line('finished')
  const { tried, acknowledged } = publishings(record)
  t.diagnostic(`${tried.length} publishes, ${acknowledged.length} acknowledged`)
  assert.ok(acknowledged.length > 100, 'something was acknowledged')
  judgeChain(file, tried, acknowledged)
}

function publishings(record: string): { tried: Publishing[]; acknowledged: Publishing[] } {
  const tried: Publishing[] = []
  const acknowledged: Publishing[] = []
  for (const [what, id = '', lane = '', n, how = ''] of readRecord(record)) {
    ;(what === 'ack' ? acknowledged : tried).push({ id, lane, n: Number(n), how })
  }
  return { tried, acknowledged }
}
