import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import test from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  app,
  desk,
  event,
  isMillraceError,
  MillraceError,
  type Part,
  processor,
  Refused,
  resubmit,
  sqlite,
  topic,
} from 'millrace'
import { type Scenario, type SimulateOptions, type SimulationFailure, simulate, type Workload } from 'millrace/testing'
import { z } from 'zod'

const Moved = event('moved', {
  schema: z.object({ account: z.string(), amount: z.number() }),
  context: ({ account }) => account,
})
const Booked = event('booked', { schema: z.object({ mark: z.number() }) })
const Moves = topic('moves', [Moved])
const Bookings = topic('bookings', [Booked])

type Handle = NonNullable<Parameters<typeof processor<typeof Moved, [typeof Booked]>>[1]['handle']['moved']>

const book: Handle = ({ data: { account, amount } }, { commit }) =>
  commit(
    (tx) => tx.query`insert into balances values (${account}, ${amount})
      on conflict (account) do update set amount = amount + excluded.amount`,
  )

/** A bank whose handler is given, so that it can be wrong. */
const bank =
  (moved: Handle = book, also: readonly Part[] = []) =>
  () =>
    app({
      name: 'bank',
      broker: sqlite({ file: 'bank.db' }),
      setup: (tx) => tx.query`create table if not exists balances (account text primary key, amount int)`,
      parts: [Moves, Bookings, processor('ledger', { on: Moves, publishes: [Booked], handle: { moved } }), ...also],
    })

const workload: Scenario['workload'] = (work, random) => {
  for (const client of [work, work.client()]) {
    for (let n = 0; n < 10; n++)
      client.publish(Moved, { account: random.pick(['a', 'b']), amount: 1 + random.below(9) })
  }
}

const everythingIsBooked: SimulateOptions['eventually'] = {
  'the balances are what was moved': ({ rows, accepted }) => {
    const sum = (numbers: number[]) => numbers.reduce((all, one) => all + one, 0)
    const booked = sum(rows<{ amount: number }>('balances').map(({ amount }) => amount))
    assert.equal(booked, sum(accepted.map(({ data }) => (data as { amount: number }).amount)))
  },
}

/** What a simulation that has to fail fails with. */
async function failureOf(options: SimulateOptions) {
  try {
    await simulate(options)
  } catch (error) {
    assert(isMillraceError(error), String((error as Error).stack))
    return { code: error.code, message: error.message, failure: error.data as SimulationFailure, cause: error.cause }
  }
  return assert.fail('the simulation passes')
}

test('a sound app passes under all faults, and the report names the faults met', async () => {
  const reports: number[] = []
  const report = await simulate({
    app: bank(),
    seeds: 20,
    workload,
    always: ({ rows }) => assert(rows<{ amount: number }>('balances').every(({ amount }) => amount > 0)),
    eventually: everythingIsBooked,
    progress: ({ seeds }) => reports.push(seeds),
  })
  assert.equal(report.seeds, 20)
  assert.deepEqual(reports.at(-1), 20)
  assert(report.faults.crash + report.faults.powerCut > 10, JSON.stringify(report.faults))
  assert(report.starts > 20 && report.simulatedMs > 0 && report.steps > 0)
})

test('an app that books outside its commit is found out, with the seed, the invariant and a small workload', async () => {
  const scenario = { app: forgetful, workload, eventually: everythingIsBooked }
  const { code, message, failure, cause } = await failureOf({ ...scenario, seeds: 50 })
  assert.equal(code, 'millrace/simulation-failed')
  assert.equal(failure.what, 'eventually "the balances are what was moved"')
  assert(failure.workload.length < 20, failure.workload.join('\n'))
  assert.match(message, new RegExp(`^seed ${failure.seed}, step \\d+: eventually "the balances are what was moved"`))
  assert.match(message, new RegExp(`replay: npx millrace simulate app.ts --seed ${failure.seed}\n`))
  assert.match(message, new RegExp(`pinned: { seed: ${failure.seed}, steps: \\[[\\d, ]+\\] }`))
  assert(cause instanceof assert.AssertionError)
  const { seed, steps } = failure
  const again = await failureOf({ ...scenario, pinned: { seed, steps }, shrink: false })
  assert.deepEqual(again.failure.trace, failure.trace)
  assert.equal((await failureOf({ ...scenario, seeds: [seed], shrink: false })).failure.what, failure.what)
})

test('invariants are checked after every write to the disk', async () => {
  const { failure, message } = await failureOf({
    app: bank(),
    faults: 'none',
    seeds: 1,
    workload,
    always: {
      'no account has more than 20': ({ rows }) =>
        assert(!rows<{ amount: number }>('balances').some(({ amount }) => amount > 20)),
    },
  })
  assert.equal(failure.what, 'always "no account has more than 20"')
  assert.match(message, /does not hold/)
})

for (const [what, moved, named] of [
  [
    'Date.now',
    (_, { publish }) => publish(Booked, { mark: Date.now() }),
    /"ledger" uses Date\.now at .*simulate\.test\.ts/,
  ],
  [
    'new Date()',
    (_, { publish }) => {
      const date = new Date()
      publish(Booked, { mark: date.getTime() })
    },
    /"ledger" uses new Date\(\)/,
  ],
  ['Math.random', (_, { publish }) => publish(Booked, { mark: Math.random() }), /"ledger" uses Math\.random at /],
  ['performance.now', (_, { publish }) => publish(Booked, { mark: performance.now() }), /uses performance\.now at /],
  [
    'crypto.randomUUID',
    (_, { publish }) => publish(Booked, { mark: Number.parseInt(crypto.randomUUID().slice(0, 8), 16) }),
    /uses crypto\.randomUUID at /,
  ],
] as const satisfies readonly (readonly [string, Handle, RegExp])[]) {
  test(`a handler that uses ${what} is named when its runs differ`, async () => {
    const { code, message } = await failureOf({
      app: bank(moved),
      seeds: 3,
      faults: 'none',
      workload,
      always: () => {},
    })
    assert.equal(code, 'millrace/not-deterministic')
    assert.match(message, /^seed 1: run twice, it goes two ways at line \d+ of its trace: /)
    assert.match(message, named)
  })
}

test('a handler that takes chance from node:crypto is named too', async () => {
  const moved: Handle = (_, { publish }) => publish(Booked, { mark: randomInt(1_000_000) })
  const { message } = await failureOf({ app: bank(moved), seeds: 3, faults: 'none', workload, always: () => {} })
  assert.match(message, /uses node:crypto randomInt at /)
})

test('a workload that takes chance from elsewhere is refused', async () => {
  const { code, message } = await failureOf({
    app: bank(),
    workload: (work) => work.publish(Moved, { account: 'a', amount: 1 + Math.random() }),
    always: () => {},
  })
  assert.equal(code, 'millrace/not-deterministic')
  assert.match(message, /seed 1: written down twice, the workload differs/)
})

test('an app that cannot start is said to, with its own error', async () => {
  const { failure, cause } = await failureOf({
    app: () =>
      app({
        name: 'bank',
        broker: sqlite({ file: 'bank.db' }),
        setup: () => {
          throw new Error('no such column')
        },
        parts: [Moves, Bookings],
      }),
    workload,
    always: () => {},
  })
  assert.equal(failure.what, 'the run')
  assert.match(String(cause), /no such column/)
})

test('an app that can never start, though it may be tried again, is said to in the end', async () => {
  const full = () => {
    throw new MillraceError('millrace/disk-full', 'no room at all')
  }
  const never = () => app({ name: 'bank', broker: sqlite({ file: 'bank.db' }), setup: full, parts: [Moves] })
  const { failure, cause } = await failureOf({ app: never, workload, always: () => {}, faults: 'none', shrink: false })
  assert.equal(failure.what, 'the run')
  assert.match(String(cause), /no room at all/)
})

test('a workload is made small for the failure that was found, not for another of the same check', async () => {
  const { message, failure } = await failureOf({
    app: bank(),
    faults: 'none',
    seeds: 1,
    workload: (work) => {
      for (const amount of [7, 1, 2, 3, 4, 5, 6, 8]) work.publish(Moved, { account: `a${amount}`, amount })
    },
    eventually: ({ rows }) => {
      const amounts = rows<{ amount: number }>('balances').map((row) => row.amount)
      if (amounts.includes(7)) throw new Error('seven')
      if (amounts.length > 3) throw new Error('many')
    },
  })
  assert.match(message, /does not hold: seven/)
  assert.deepEqual(failure.steps, [0])
})

/** Wrong: remembers what it has seen before the commit has succeeded. */
function forgetful() {
  const memory = new Set<string>()
  const handle: Handle = (message, context) => {
    if (memory.has(message.id)) return undefined
    memory.add(message.id)
    return book(message, context)
  }
  return bank(handle)()
}

test('a check that counts what the whole workload does is not made small to a part that it fails for anyhow', async () => {
  const counts = {
    workload: (work: Workload) => {
      for (let amount = 1; amount <= 5; amount++) work.publish(Moved, { account: `b${amount}`, amount })
    },
    eventually: ({ rows }) => assert.equal(rows('balances').length, 5),
  } satisfies Pick<Scenario, 'workload' | 'eventually'>
  const loses = await failureOf({ app: forgetful, seeds: 50, ...counts })
  assert.equal(loses.failure.workload.length, 5)
  assert.match(loses.message, /\nthe 5 steps of the workload:\n/)
  const never = await failureOf({ app: bank(() => undefined), seeds: 1, faults: 'none', ...counts })
  assert.equal(never.failure.workload.length, 5)
})

test('a check that fails without any step and fault is shown with the original workload', async () => {
  const { failure } = await failureOf({ app: bank(), seeds: 1, workload, eventually: () => assert.fail('never') })
  assert(failure.workload.length > 0)
})

test('a handler may still run when its time ends: its reads take a while', async () => {
  let late = 0
  const report = await simulate({
    app: bank(async (message, context) => {
      await context.read`select 1`
      if (context.signal.aborted) late++
      return book(message, context)
    }),
    seeds: 30,
    faults: { handlerSlow: true },
    workload,
    eventually: everythingIsBooked,
  })
  assert(late > 0, JSON.stringify(report.faults))
})

test('attempts that the simulation has used up are given back once all is well', async () => {
  const report = await simulate({
    app: () => {
      const seen = new Set<string>()
      const moved: Handle = (message, context) => {
        if (seen.has(message.id)) return book(message, context)
        seen.add(message.id)
        throw new Error('its own first failure')
      }
      const retry = { attempts: 2, firstDelayMs: 1, maxDelayMs: 1 }
      return app({
        name: 'bank',
        broker: sqlite({ file: 'bank.db' }),
        setup: (tx) => tx.query`create table if not exists balances (account text primary key, amount int)`,
        parts: [Moves, Bookings, processor('ledger', { on: Moves, publishes: [Booked], retry, handle: { moved } })],
      })
    },
    seeds: 20,
    faults: { handlerFails: true },
    workload,
    eventually: { ...everythingIsBooked, 'nothing is held': ({ held }) => assert.deepEqual(held(), []) },
  })
  assert(report.faults.handlerFails > 0)
})

for (const [what, wait, named] of [
  ['a real timer', () => new Promise((resolve) => setTimeout(resolve, 1)), /"ledger" uses setTimeout at /],
  ['a timer that goes past the globals', () => sleep(1), /"ledger" uses a real timer/],
  ['a file', () => readFile(import.meta.filename), /"ledger" uses real I\/O \(a file\)/],
] as const) {
  test(`a handler that waits for ${what} is named`, async () => {
    const moved: Handle = async (message, context) => {
      await wait()
      return book(message, context)
    }
    const { code, message } = await failureOf({
      app: bank(moved),
      seeds: 3,
      faults: 'none',
      workload,
      eventually: everythingIsBooked,
    })
    assert.equal(code, 'millrace/not-deterministic')
    assert.match(message, named)
  })
}

test('clients act in between, and a change before their turn is no failure', async () => {
  let broken = false
  const report = await simulate({
    app: bank((message, context) => {
      if (broken) throw new Error('closed')
      return book(message, context)
    }),
    seeds: 5,
    workload: (work) => {
      work.act('break it', () => {
        broken = true
      })
      work.publish(Moved, { account: 'a', amount: 1 })
      work.wait(60_000)
      work.act('mend it', () => {
        broken = false
      })
      work.act('release', async ({ held, desk }) => {
        for (const { id } of held()) await desk.release(id)
        await desk.release(1_000_000)
      })
    },
    // When the process dies while it is released, it stays held.
    eventually: ({ rows, held }) => assert.equal(rows('balances').length + held().length, 1),
  })
  assert.equal(report.seeds, 5)
})

test('rules go wrong too, and people who pause a processor do not keep the run from its end', async () => {
  const held: string[] = []
  const report = await simulate({
    app: bank(
      (message, context) => {
        if (message.data.amount < 0) throw new Refused('negative')
        return book(message, context)
      },
      [
        desk('moves-desk', {
          on: Moves,
          decide: { moved: ({ message: { data } }) => resubmit({ ...data, amount: -data.amount }, 'sign corrected') },
        }),
      ],
    ),
    seeds: 20,
    faults: { handlerFails: true, handlerSlow: true },
    workload: (work) => {
      for (const account of ['a', 'b', 'c', 'd']) work.publish(Moved, { account, amount: -1 })
      work.act('pause', ({ processors }) => processors.pause('ledger'))
      work.publish(Moved, { account: 'a', amount: 1 })
    },
    eventually: ({ query, held: still, trace }) => {
      const [all] = query<{ amount: number }>`select sum(amount) as amount from balances`
      assert.equal(all?.amount, 5)
      assert.deepEqual(still(), [])
      held.push(...trace().filter((line) => /rule for ledger judges .*, fails/.test(line)))
    },
  })
  assert(report.faults.handlerFails > 0)
  assert(held.length > 0)
})

for (const [what, seed] of [
  ['a kill in the middle of a checkpoint leaves the -wal file as it was', 801],
  ['a start for which the disk has no room is tried again', 202],
  ['while the disk is full the store says so in its own words, also while it is opened anew', 498],
] as const) {
  test(`${what}: seed ${seed}`, async () => {
    await simulate({
      app: () =>
        app({
          name: 'bank',
          broker: sqlite({ file: 'bank.db' }),
          setup: (tx) => tx.query`create table if not exists rows (id text, account text, amount int)`,
          parts: [
            Moves,
            processor('ledger', {
              on: Moves,
              handle: {
                moved: async ({ id, data: { account, amount } }, { commit, read }) => {
                  await read`select count(*) as c from rows where account = ${account}`
                  return commit((tx) => tx.query`insert into rows values (${id}, ${account}, ${amount})`)
                },
              },
            }),
          ],
        }),
      seeds: [seed],
      workload: (work, random) => {
        for (const client of [work, work.client()]) {
          for (let n = 0; n < 30; n++) client.publish(Moved, { account: `a${random.below(1_000)}`, amount: n })
        }
      },
      eventually: ({ rows, accepted }) =>
        assert.deepEqual(
          rows<{ id: string }>('rows')
            .map(({ id }) => id)
            .sort(),
          accepted.map(({ id }) => id).sort(),
        ),
    })
  })
}

test('a run without a check, and wrong options, are refused with what to do', async () => {
  const refused = async (options: object, code: string, says: RegExp) => {
    const complete = { app: bank(), workload, always: () => {}, ...options } as SimulateOptions
    await assert.rejects(simulate(complete), (error: unknown) => {
      assert(isMillraceError(error))
      assert.equal(error.code, code)
      assert.match(error.message, says)
      return true
    })
  }
  await refused({ always: undefined }, 'millrace/no-check', /neither always nor eventually/)
  await refused({ always: {} }, 'millrace/no-check', /neither/)
  await refused({ seed: 3 }, 'millrace/unknown-option', /did you mean "seeds"/)
  await refused({ seeds: 0 }, 'millrace/bad-option', /seeds is 0/)
  await refused({ seeds: [] }, 'millrace/bad-option', /seeds is empty/)
  await refused({ seeds: [-1] }, 'millrace/bad-option', /seed must be/)
  await refused({ faults: { crashes: true } }, 'millrace/unknown-option', /did you mean "crash"/)
  await refused({ faults: { crash: 1 } }, 'millrace/bad-option', /crash must be true or false/)
  await refused({ workload: [] }, 'millrace/bad-option', /workload must be a function/)
  await refused({ workload: async () => {} }, 'millrace/bad-option', /let its function return no promise/)
  await refused({ eventually: { title: 1 } }, 'millrace/bad-option', /eventually "title" must be a function/)
  await refused({ seeds: {} }, 'millrace/bad-option', /seeds is an object/)
  await refused({ always: null }, 'millrace/bad-option', /always must be a function/)
  await refused({ pinned: { seed: 1, step: [1] } }, 'millrace/unknown-option', /did you mean "steps"/)
  await refused({ pinned: { seed: 1, steps: ['1'] } }, 'millrace/bad-option', /a list of whole numbers/)
  await refused({ pinned: { seed: 1, steps: [99] } }, 'millrace/bad-option', /past the 20 of the workload/)
  for (const ms of ['5s', Number.NaN, -1]) {
    await refused(
      { workload: (work: Workload) => work.wait(ms as number) },
      'millrace/bad-option',
      /milliseconds from 0/,
    )
  }
  await refused({ app: undefined }, 'millrace/bad-option', /either app or parts/)
})
