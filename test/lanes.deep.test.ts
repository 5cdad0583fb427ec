// Order per context through failures, retries, holds, releases and restarts, by seeds, with a real file.
import assert from 'node:assert/strict'
import test from 'node:test'
import { Refused } from 'millrace'
import { bank, folder, Moved, recorder, seen, upTo } from './lanes-bank.ts'

/** A program that is repeatable: the same seed, the same numbers. */
function dice(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff
    return state % below
  }
}

test('every context stays in order through failures, holds, releases and restarts, for twelve seeds', async (t) => {
  for (let seed = 1; seed <= 12; seed++) {
    const file = folder(t)
    const roll = dice(seed)
    const accounts = 5
    const moves = 40
    // Each message of the first processor fails so many times; more than two attempts means that it is held.
    const failures = new Map<string, number>()
    const before = async (n: number, account: string) => {
      const key = `${account}/${n}`
      if (!failures.has(key)) failures.set(key, roll(4) === 0 ? roll(5) : 0)
      if (roll(3) === 0) await new Promise((resolve) => setImmediate(resolve))
      const left = failures.get(key)!
      if (left === 0) return
      failures.set(key, left - 1)
      if (left === 4) throw new Refused('no')
      throw new Error(`fails ${left} more times`)
    }
    const parts = [recorder('fails', before, { concurrency: 1 + roll(8) }), recorder('works', () => {})]
    let bankApp = bank(file, ...parts)
    await bankApp.start()
    for (let n = 0; n < moves; n++) {
      await Promise.all(upTo(accounts).map((a) => bankApp.publish(Moved, { account: `a${a}`, n })))
      if (roll(12) === 0) {
        await bankApp.stop()
        bankApp = bank(file, ...parts)
        await bankApp.start()
      }
      if (roll(4) === 0) {
        const held = await bankApp.desk.list({ states: ['held'] })
        for (const { id } of held) if (roll(2) === 0) await bankApp.desk.release(id)
      }
    }
    for (let round = 0; ; round++) {
      await bankApp.idle()
      const held = await bankApp.desk.list({ states: ['held'] })
      if (held.length === 0) break
      assert.ok(round < 1_000, `seed ${seed}: messages are held again and again`)
      for (const { id } of held) await bankApp.desk.release(id)
    }
    assert.deepEqual(await bankApp.desk.counts(), { held: 0, snoozed: 0, waiting: 0, discarded: 0 }, `seed ${seed}`)
    await bankApp.stop()
    for (const who of ['fails', 'works']) {
      const lanes = seen(file, who)
      for (const a of upTo(accounts)) assert.deepEqual(lanes.get(`a${a}`), upTo(moves), `seed ${seed}: ${who} a${a}`)
    }
  }
})
