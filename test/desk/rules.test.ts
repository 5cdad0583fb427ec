// Rules: what they may decide, what becomes of it, and what happens when they misbehave.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import test from 'node:test'
import {
  app,
  type Decision,
  desk,
  discard,
  event,
  type Failure,
  hold,
  processor,
  Refused,
  resubmit,
  retry,
  sqlite,
  topic,
} from 'millrace'
import { simulation } from 'millrace/testing'
import { z } from 'zod'
import { randomOf } from '../../src/testing/random.ts'
import { place } from '../support.ts'
import {
  assertDeskSound,
  atDesk,
  bank,
  counts,
  gate,
  history,
  ledger,
  Moved,
  Moves,
  onlyHeld,
  publish,
  seen,
  told,
  until,
  upTo,
} from './support.ts'

type Rule = (failure: Failure<typeof Moved>) => Decision<{ account: string; n: number; note?: string }> | Promise<never>
type Any = (failure: Failure<typeof Moved>) => unknown

const ruled = (rule: Rule | Any, options: { decideMs?: number; decisionsMax?: number; rulesAtOnce?: number } = {}) =>
  desk('move-desk', { on: Moves, decide: { moved: rule as never }, ...options })

/** Fails at n 1, so often. */
function failing(times = Number.POSITIVE_INFINITY, error: () => Error = () => new Error('broken')) {
  let left = times
  return ledger(
    ({ n, note }) => {
      if (n === 1 && note === undefined && left-- > 0) throw error()
    },
    { retry: { attempts: 1 } },
  )
}

test('a rule is told the message, the processor, the error and the attempts, and may read rows', async (t) => {
  let about: Failure<typeof Moved> | undefined
  let rows: unknown
  const sim = bank(t, [
    failing(1, () => new Refused('short', { missing: 2 })),
    ruled(async (failure) => {
      about = failure
      rows = await failure.read`select n from seen`
      return retry()
    }),
  ])
  await publish(sim, 'a', upTo(2))
  await sim.untilIdle()
  const { message, processor: who, error, attempts } = about!
  assert.deepEqual([message.data, message.context, who, attempts], [{ account: 'a', n: 1 }, 'a', 'ledger', 1])
  assert.deepEqual(error, { code: 'refused', message: 'short', data: { missing: 2 } })
  assert(Object.isFrozen(message.data))
  assert.deepEqual(rows, [{ n: 0 }])
})

test('each of the four decisions is carried out, in the lane, and is on record', async (t) => {
  const cases = {
    retry: [retry(), upTo(3), ['released by rule move-desk', 'handled by millrace']],
    resubmit: [
      resubmit({ account: 'a', n: 1, note: 'mended' }, 'noted'),
      upTo(3),
      ['resubmitted by rule move-desk: noted', 'handled by millrace'],
    ],
    hold: [hold('for a person'), [0], ['kept by rule move-desk: for a person']],
    discard: [discard('not needed'), [0, 2], ['discarded by rule move-desk: not needed']],
  } as const
  for (const [name, [decision, handled, record]] of Object.entries(cases)) {
    for (const late of [false, true]) {
      const sim = bank(t, [failing(1), ruled(late ? async () => decision : () => decision)])
      await publish(sim, 'a', upTo(3))
      await sim.untilIdle()
      assert.deepEqual(seen(sim, 'a'), handled, name)
      const [item] = await atDesk(sim, 'held', 'handled', 'discarded')
      assert.deepEqual(await history(sim, item!.id), ['held by millrace', ...record])
      assertDeskSound(sim)
      await sim.stop()
    }
  }
})

test('rules never stand in the way: while one decides its lane waits and everything else runs', async (t) => {
  const decided = gate()
  const sim = bank(t, [
    failing(1),
    ruled(async () => {
      await decided.opened
      return retry()
    }),
  ])
  await publish(sim, 'a', upTo(3))
  await publish(sim, 'b', [0, 2])
  await until(sim, 'the other lane is through', () => seen(sim, 'b').length === 2)
  const [deciding] = await atDesk(sim, 'deciding')
  assert.deepEqual([deciding!.lane, deciding!.waiting], ['a', 1])
  await assert.rejects(sim.release(deciding!.id), { code: 'millrace/not-held', message: /with the rule of its desk/ })
  decided.open()
  await sim.untilIdle()
  assert.deepEqual(seen(sim, 'a'), upTo(3))
})

const nonsense: Record<string, readonly [Any, RegExp]> = {
  'throws an error': [
    () => {
      throw new TypeError('no such rule')
    },
    /the rule failed with TypeError: no such rule/,
  ],
  'throws nothing': [
    () => {
      throw undefined
    },
    /the rule failed with thrown/,
  ],
  rejects: [async () => Promise.reject(new Error('later')), /the rule failed with Error: later/],
  'gives nothing': [() => undefined, /returned no decision/],
  'gives a word': [async () => 'retry', /returned no decision/],
  'gives an unknown decision': [() => ({ do: 'forget' }), /returned no decision/],
  'resubmits nothing': [() => ({ do: 'resubmit', note: 'x' }), /returned no decision/],
  'holds without a reason': [() => ({ do: 'hold', reason: ' ' }), /returned no decision/],
  'discards without a reason': [() => ({ do: 'discard', reason: '' }), /returned no decision/],
  'discards for a reason of a book': [() => ({ do: 'discard', reason: 'x'.repeat(9_999) }), /returned no decision/],
  'gives what cannot be looked at': [
    () => ({
      get do() {
        throw new Error('look away')
      },
    }),
    /the rule failed with Error: look away/,
  ],
  'calls the helpers wrongly': [() => hold(''), /the rule failed with millrace\/bad-option/],
  'resubmits what does not fit': [
    () => resubmit({ account: 'a', n: 'one' }, 'mended'),
    /the rule wanted to resubmit, but .*n/,
  ],
  'resubmits what is no JSON': [
    () => resubmit({ account: 'a', n: 1, note: 1n }, 'mended'),
    /the rule wanted to resubmit, but/,
  ],
  'changes the context': [
    () => resubmit({ account: 'b', n: 1 }, 'mended'),
    /the rule wanted to resubmit, but .*from context "a" to "b"/,
  ],
  'changes the context to a very long one': [
    () => resubmit({ account: 'b'.repeat(1_000), n: 1, note: '"'.repeat(3_000) }, 'mended'),
    /the rule wanted to resubmit, but/,
  ],
}

for (const [what, [rule, why]] of Object.entries(nonsense)) {
  test(`a rule that ${what} leaves the message to a person, with the reason`, async (t) => {
    const sim = bank(t, [failing(1), ruled(rule)])
    await publish(sim, 'a', upTo(3))
    await sim.untilIdle()
    const { id, waiting } = onlyHeld(sim)
    assert.equal(waiting, 1)
    const all = await history(sim, id)
    assert.equal(all.length, 2)
    assert.match(all[1]!, /^kept by rule move-desk: /)
    assert.match(all[1]!, why)
    await sim.release(id)
    await sim.untilIdle()
    assert.deepEqual(seen(sim, 'a'), upTo(3))
  })
}

test('data that do not fit, in a context so long that the answer is longer than a reason may be, are still held', async (t) => {
  const account = 'ä"\\'.repeat(300)
  const sim = bank(t, [failing(1), ruled(() => resubmit({ account: 'b"'.repeat(500), n: 1 }, 'mended'))])
  await sim.publish(Moved, { account, n: 1 })
  await sim.untilIdle()
  const [, kept] = await history(sim, onlyHeld(sim).id)
  assert.match(kept!, /the rule wanted to resubmit, but the corrected data would move/)
})

test('a rule that never answers is not waited for beyond decideMs, frees its place, and changes nothing when it answers then', async (t) => {
  const late = gate()
  const sim = bank(t, [
    ledger(
      () => {
        throw new Error('broken')
      },
      { retry: { attempts: 1 } },
    ),
    ruled(
      async () => {
        await late.opened
        return discard('too late')
      },
      { decideMs: 500, rulesAtOnce: 2 },
    ),
  ])
  const begun = sim.now()
  for (const n of upTo(6)) await publish(sim, `a${n}`, [n])
  await sim.untilIdle()
  assert.equal(sim.held().length, 6)
  assert(sim.now() - begun >= 1_500, 'two at once, three times')
  for (const { id } of sim.held()) {
    const all = await history(sim, id)
    assert.match(all.at(-1)!, /did not decide within 500 ms/)
  }
  late.open()
  await sim.untilIdle()
  assert.equal(sim.held().length, 6)
})

test('a promise that a rule forgets to await ends no process: the message is held, or the decision is done', (t) => {
  const program = `
    import { app, desk, event, failures, processor, retry, sqlite, topic } from 'millrace'
    import { z } from 'zod'
    const Moved = event('moved', { schema: z.object({ n: z.number() }) })
    const Moves = topic('moves', [Moved])
    let fails = 1
    const broken = processor('broken', {
      on: Moves,
      retry: { attempts: 1 },
      handle: {
        moved: () => {
          if (fails-- > 0) throw new Error('broken')
        },
      },
    })
    const forgetful = desk('forgetful', {
      on: Moves,
      decide: {
        moved: () => {
          void Promise.reject(new Error('forgotten'))
          return retry()
        },
      },
    })
    const bank = app({ name: 'bank', broker: sqlite({ file: process.argv[1] }), parts: [broken, forgetful], log: () => {} })
    await bank.start()
    await bank.publish(Moved, { n: 1 })
    await bank.idle()
    const { held } = await bank.desk.counts()
    process.stdout.write(String(held))
    await bank.stop()`
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--conditions=millrace-source', '--input-type=module', '-e', program, place(t)],
    { encoding: 'utf8', timeout: 60_000, cwd: import.meta.dirname },
  )
  assert.equal(stderr, '')
  assert.equal(status, 0)
  assert.match(stdout, /^[01]$/)
})

test('a rule that sends the message back forever is stopped after decisionsMax, and a person begins the count anew', async (t) => {
  for (const decide of [
    () => retry(),
    ({ message }: Failure<typeof Moved>) => resubmit({ ...message.data }, 'the same'),
  ]) {
    let asked = 0
    const sim = bank(t, [
      failing(),
      ruled(
        (failure) => {
          asked++
          return decide(failure)
        },
        { decisionsMax: 3 },
      ),
    ])
    await publish(sim, 'a', upTo(3))
    await sim.untilIdle()
    assert.equal(asked, 3)
    const { id } = onlyHeld(sim)
    const last = (await history(sim, id)).at(-1)!
    assert.match(last, /^kept by rule move-desk: its rule has decided 3 times, and it failed again/)
    await sim.release(id)
    await sim.untilIdle()
    assert.equal(asked, 6)
    assert.equal(onlyHeld(sim).id, id)
    await sim.stop()
  }
})

test('a rule repairs data that no handler can read', async (t) => {
  const Old = event('sold', { schema: z.object({ pieces: z.number() }), context: () => 'shop' })
  const New = event('sold', { schema: z.object({ quantity: z.number() }), context: () => 'shop' })
  let current: typeof New = Old as never
  const sold: number[] = []
  const told: unknown[] = []
  const sim = simulation({
    app: () => {
      const Sales = topic('sales', [current])
      const till = processor('till', { on: Sales, handle: { sold: ({ data }) => void sold.push(data.quantity) } })
      const mend = desk('mend', {
        on: Sales,
        decide: {
          sold: ({ message, error, attempts }) => {
            told.push([message.data, error.code, attempts])
            const { pieces } = message.data as unknown as { pieces: number }
            return resubmit({ quantity: pieces }, 'renamed')
          },
        },
      })
      const parts = current === New ? [Sales, till, mend] : [Sales]
      return app({ name: 'shop', broker: sqlite({ file: 'shop.db' }), parts, log: () => {} })
    },
  })
  t.after(() => sim.stop())
  for (const pieces of upTo(3)) await sim.publish(Old, { pieces })
  current = New
  await sim.restart()
  await sim.untilIdle()
  assert.deepEqual(sold, upTo(3))
  assert.deepEqual(told[0], [{ pieces: 0 }, 'millrace/bad-data', 1])
})

test('a crash while a rule decides asks it again, and its decision is done once, for twenty seeds', async (t) => {
  for (const seed of upTo(20)) {
    const random = randomOf(seed, 'crash')
    let asked = 0
    const decision = random.pick([retry(), discard('never'), resubmit({ account: 'a', n: 1, note: 'x' }, 'noted')])
    const sim = bank(
      t,
      [
        failing(1),
        ruled(async ({ read }) => {
          asked++
          for (const _ of upTo(5)) await read`select 1`
          return decision
        }),
      ],
      { seed },
    )
    await publish(sim, 'a', upTo(3))
    await until(sim, 'it is asked', () => asked > 0, 1)
    await sim.advance(random() * 10)
    await sim.crash({ power: random.chance(0.5) })
    await sim.restart()
    await sim.untilIdle()
    assert.deepEqual(seen(sim, 'a'), decision.do === 'discard' ? [0, 2] : upTo(3), `seed ${seed}`)
    assert(asked === 1 || asked === 2)
    const decisions = sim
      .rows<{ who: string; action: string }>('millrace_audit')
      .filter(({ who, action }) => who === 'rule move-desk' && action !== 'held')
    assert.equal(decisions.length, 1, `seed ${seed}: ${JSON.stringify(decisions)}`)
    assert.deepEqual(
      told(sim).map(({ type }) => type),
      ['failed', 'resolved'],
    )
    await sim.stop()
  }
})

test('a rule that is gone when the app starts anew leaves what it was asked about to a person', async (t) => {
  for (const left of ['no desk', 'no rule'] as const) {
    let first = true
    const never = gate()
    const sim = bank(t, () => {
      const waits = ruled(async () => {
        await never.opened
        return retry()
      })
      const empty = desk('move-desk', { on: Moves, decide: {} })
      const parts = [failing(first ? 1 : 0), first ? waits : left === 'no rule' ? empty : undefined]
      first = false
      return parts.filter((part) => part !== undefined)
    })
    await publish(sim, 'a', upTo(3))
    await sim.advance(100)
    assert.equal((await atDesk(sim, 'deciding')).length, 1)
    await sim.restart()
    await sim.untilIdle()
    const { id } = onlyHeld(sim)
    assert.match((await history(sim, id)).at(-1)!, /^kept by millrace: the app has no rule/)
    await sim.release(id)
    await sim.untilIdle()
    assert.deepEqual(seen(sim, 'a'), upTo(3))
    assert.deepEqual(await counts(sim), [0, 0, 0])
    await sim.stop()
  }
})
