// Attempts after the first: when they come, what counts, and that neither restart nor crash changes either.
import assert from 'node:assert/strict'
import test from 'node:test'
import { processor, Refused } from 'millrace'
import type { Simulation } from 'millrace/testing'
import { randomOf } from '../../src/testing/random.ts'
import {
  assertDeskSound,
  atDesk,
  bank,
  type LedgerOptions,
  ledger,
  Moves,
  onlyHeld,
  publish,
  seen,
  until,
  upTo,
} from './support.ts'

type Retry = NonNullable<LedgerOptions['retry']>

/** How much later than due an attempt may begin in a simulation: what a commit and its sync take, twice. */
const slackMs = 20

/** A ledger that fails so often, and the times at which its attempts began, with their numbers. */
function stubborn(retry: Retry, fails = Number.POSITIVE_INFINITY, error: () => Error = () => new Error('broken')) {
  const at: number[] = []
  const numbers: number[] = []
  const part = processor('ledger', {
    on: Moves,
    retry,
    handle: {
      moved: (_, { now, attempt }) => {
        at.push(now())
        numbers.push(attempt)
        if (at.length <= fails) throw error()
      },
    },
  })
  return { at, numbers, part }
}

function assertWaits(at: readonly number[], expected: readonly (readonly [number, number])[]): void {
  const waits = at.slice(1).map((time, index) => time - at[index]!)
  assert.equal(waits.length, expected.length, `waits ${waits.join(', ')}`)
  for (const [index, [least, most]] of expected.entries()) {
    assert(waits[index]! >= Math.floor(least), `wait ${index} of ${waits.join(', ')} is at least ${least}`)
    assert(waits[index]! <= most + slackMs, `wait ${index} of ${waits.join(', ')} is at most ${most}`)
  }
}

const exactly = (...waits: number[]) => waits.map((wait) => [wait, wait] as const)

async function outcome(sim: Simulation): Promise<{ attempts: number; tries: number }> {
  await publish(sim, 'a', [0])
  await sim.untilIdle()
  const { attempts, tries } = onlyHeld(sim)
  return { attempts, tries: tries.length }
}

test('attempts follow at once, then after waits that grow by the factor up to the longest', async (t) => {
  const { at, part } = stubborn({
    attempts: 8,
    immediate: 2,
    firstDelayMs: 100,
    factor: 3,
    maxDelayMs: 1_000,
    jitter: 0,
  })
  assert.deepEqual(await outcome(bank(t, [part])), { attempts: 8, tries: 8 })
  assertWaits(at, exactly(0, 0, 100, 300, 900, 1_000, 1_000))
})

test('of each wait only the part named by jitter is left to chance, for twenty seeds', async (t) => {
  const all = new Set<number>()
  for (const seed of upTo(20)) {
    const { at, part } = stubborn({ attempts: 3, firstDelayMs: 1_000, factor: 2, jitter: 0.25 })
    await outcome(bank(t, [part], { seed }))
    assertWaits(at, [
      [750, 1_000],
      [1_500, 2_000],
    ])
    all.add(at[1]! - at[0]!)
  }
  assert(all.size > 10, 'the waits differ')
})

test('byError gives other numbers for one error; for all others those of the processor hold', async (t) => {
  const told: unknown[] = []
  const errors = [new TypeError('mine'), new RangeError('slow'), new Error('usual')]
  const expected = [exactly(), exactly(5_000, 5_000), exactly(10, 20, 40)]
  for (const [index, error] of errors.entries()) {
    const { at, part } = stubborn(
      {
        attempts: 4,
        firstDelayMs: 10,
        jitter: 0,
        byError: (failure) => {
          told.push([failure.error, failure.attempts, failure.message.type, failure.message.context])
          if (failure.error instanceof TypeError) return { attempts: 1 }
          if (failure.error instanceof RangeError) return { attempts: 3, firstDelayMs: 5_000, factor: 1 }
          return undefined
        },
      },
      undefined,
      () => error,
    )
    await outcome(bank(t, [part]))
    assertWaits(at, expected[index]!)
  }
  assert.deepEqual(told[0], [errors[0], 1, 'moved', 'a'])
  assert.deepEqual(told.at(-1), [errors[2], 4, 'moved', 'a'])
})

test('a byError that throws, or returns wrong numbers, changes nothing', async (t) => {
  const nonsense: unknown[] = [
    () => {
      throw new Error('no policy')
    },
    () => 'soon',
    () => 7,
    () => null,
    () => ({ attempts: 0 }),
    () => ({ attempts: 1, firstDelay: 5 }),
    () => ({ firstDelayMs: Number.NaN }),
    () => ({ jitter: 'much' }),
    async () => ({ attempts: 1 }),
    () => ({
      get attempts() {
        throw new Error('no number')
      },
    }),
  ]
  for (const byError of nonsense) {
    const { at, part } = stubborn({ attempts: 3, firstDelayMs: 10, jitter: 0, byError: byError as never })
    assert.deepEqual(await outcome(bank(t, [part])), { attempts: 3, tries: 3 }, String(byError))
    assertWaits(at, exactly(10, 20))
  }
})

test('a refusal is final at once, under any other configuration', async (t) => {
  const { at, part } = stubborn({ attempts: 9, immediate: 5, byError: () => ({ attempts: 9 }) }, undefined, () => {
    return new Refused('closed', { why: 'sunday' })
  })
  assert.deepEqual(await outcome(bank(t, [part])), { attempts: 1, tries: 1 })
  assert.equal(at.length, 1)
})

test('a wait and the count of attempts continue after a restart or a crash where they were', async (t) => {
  for (const how of ['restart', 'crash', 'power'] as const) {
    const { at, numbers, part } = stubborn({
      attempts: 4,
      firstDelayMs: 10_000,
      factor: 2,
      maxDelayMs: 100_000,
      jitter: 0,
    })
    const sim = bank(t, [part])
    await publish(sim, 'a', [0])
    for (const wait of [10_000, 20_000, 40_000]) {
      // Twice within each wait.
      for (const part of [3, 3]) {
        await sim.advance(wait / part)
        if (how !== 'restart') await sim.crash({ power: how === 'power' })
        await sim.restart()
      }
      await until(sim, 'the next attempt', () => at.length === [10_000, 20_000, 40_000].indexOf(wait) + 2)
    }
    await sim.untilIdle()
    assertWaits(at, exactly(10_000, 20_000, 40_000))
    const { attempts, tries } = onlyHeld(sim)
    assert.deepEqual([attempts, tries.map(({ at }) => at)], [4, at], how)
    assert.deepEqual(numbers, [1, 2, 3, 4], how)
  }
})

test('a released message begins with attempt 1 again, and an attempt whose time is over keeps its number', async (t) => {
  const begun: number[] = []
  const late: number[] = []
  const part = processor('ledger', {
    on: Moves,
    retry: { attempts: 2, firstDelayMs: 10, jitter: 0 },
    timeoutMs: 1_000,
    lingerMs: 0,
    handle: {
      moved: async (_, context) => {
        begun.push(context.attempt)
        if (begun.length > 2) return
        await new Promise<void>((resolve) => context.signal.addEventListener('abort', () => resolve()))
        late.push(context.attempt)
      },
    },
  })
  const sim = bank(t, [part])
  await publish(sim, 'a', [0])
  await sim.untilIdle()
  await sim.release(onlyHeld(sim).id)
  await sim.untilIdle()
  assert.deepEqual(
    [begun, late],
    [
      [1, 2, 1],
      [1, 2],
    ],
  )
})

test('a wait that byError chose, longer than any other of the processor, is as long after a crash', async (t) => {
  const hour = 3_600_000
  const { at, part } = stubborn(
    {
      attempts: 2,
      firstDelayMs: 10,
      maxDelayMs: 20,
      byError: () => ({ firstDelayMs: hour, maxDelayMs: hour, jitter: 0 }),
    },
    1,
  )
  const sim = bank(t, [part])
  await publish(sim, 'a', [0])
  await sim.advance(1_000)
  await sim.crash()
  await sim.restart()
  await sim.untilIdle()
  assertWaits(at, exactly(hour))
})

test('a wait longer than its processor has now is cut to the new one', async (t) => {
  let maxDelayMs = 3_600_000
  let attempts = 0
  const sim = bank(t, () => [
    ledger(
      () => {
        if (attempts++ === 0) throw new Error('broken')
      },
      { retry: { attempts: 2, firstDelayMs: 3_600_000, maxDelayMs, jitter: 0 } },
    ),
  ])
  await publish(sim, 'a', [0])
  await sim.advance(1_000)
  maxDelayMs = 10_000
  await sim.restart()
  await sim.advance(9_000)
  assert.equal(attempts, 1)
  await sim.advance(2_000)
  assert.equal(attempts, 2)
})

test('however often the process dies, each message gets the attempts it may have and no more, for twenty seeds', async (t) => {
  for (const seed of upTo(20)) {
    const random = randomOf(seed, 'deaths')
    const attempts = 2 + random.below(4)
    const ended = new Map<string, number>()
    const sim = bank(
      t,
      [
        ledger(
          ({ account }) => {
            ended.set(account, (ended.get(account) ?? 0) + 1)
            throw new Error('broken')
          },
          { retry: { attempts, firstDelayMs: 500, maxDelayMs: 4_000 } },
        ),
      ],
      { seed },
    )
    const accounts = upTo(5).map((n) => `a${n}`)
    for (const account of accounts) await publish(sim, account, [0])
    let deaths = 0
    for (; deaths < 6; deaths++) {
      await sim.advance(random() * 2_000)
      await sim.crash({ power: random.chance(0.5) })
      await sim.restart()
    }
    await sim.untilIdle()
    const held = sim.held()
    assert.equal(held.length, accounts.length)
    for (const { lane, attempts: counted, tries } of held) {
      assert.deepEqual([counted, tries.length], [attempts, attempts], `seed ${seed}: ${lane}`)
      // One whose failure was not on disk yet when the process died comes again.
      const begun = ended.get(lane!)!
      assert(begun >= attempts && begun <= attempts + deaths, `seed ${seed}: ${begun} of ${attempts} attempts began`)
    }
    await sim.stop()
  }
})

test('while a lane waits for its next attempt its line gathers behind it, and all others run', async (t) => {
  let fails = 1
  const sim = bank(t, [
    ledger(
      ({ account }) => {
        if (account === 'a' && fails-- > 0) throw new Error('not yet')
      },
      { retry: { attempts: 2, firstDelayMs: 60_000, maxDelayMs: 60_000, jitter: 0 } },
    ),
  ])
  for (const n of upTo(5)) for (const account of ['a', 'b']) await publish(sim, account, [n])
  await sim.advance(1_000)
  assert.deepEqual([seen(sim, 'a'), seen(sim, 'b')], [[], upTo(5)])
  const [head] = await atDesk(sim, 'trying')
  assert.deepEqual([head!.waiting, head!.attempts, head!.error?.message], [4, 1, 'not yet'])
  assertDeskSound(sim)
  await sim.untilIdle()
  assert.deepEqual(seen(sim, 'a'), upTo(5))
  assert.deepEqual(sim.rows('millrace_desk'), [], 'what never needed anybody leaves no trace at the desk')
  assert.deepEqual(sim.rows('millrace_audit'), [])
})

test('a message sent back to its lane by a rule or a person waits for an attempt that outlived its time', async (t) => {
  for (const onHold of ['block', 'pass'] as const) {
    let running = 0
    let most = 0
    const ends = [Promise.withResolvers<void>(), Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    let attempt = 0
    const sim = bank(t, [
      ledger(
        async () => {
          most = Math.max(most, ++running)
          await ends[attempt++]?.promise
          running--
        },
        { onHold, timeoutMs: 1_000, lingerMs: 30_000, retry: { attempts: 1 } },
      ),
    ])
    await publish(sim, 'a', upTo(2))
    await until(sim, 'it is held', () => sim.held().length > 0)
    await sim.release(onlyHeld(sim).id)
    await sim.advance(5_000)
    assert.deepEqual([attempt, most], [1, 1], `${onHold}: nothing of the context begins while its attempt lingers`)
    for (const { resolve } of ends) resolve()
    await sim.untilIdle()
    assert.deepEqual(seen(sim, 'a').sort(), upTo(2))
    assert.equal(most, 1)
    await sim.stop()
  }
})
