import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import test, { type TestContext } from 'node:test'
import {
  app,
  desk,
  event,
  mediator,
  type Part,
  processor,
  Refused,
  type Retry,
  resubmit,
  retry,
  sqlite,
  topic,
} from 'millrace'
import { type Simulation, type SimulationOptions, simulation } from 'millrace/testing'
import { z } from 'zod'

const Moved = event('moved', {
  schema: z.object({ account: z.string(), n: z.number() }),
  context: ({ account }) => account,
})
const Moves = topic('moves', [Moved])

type Handle = NonNullable<Parameters<typeof processor<typeof Moved>>[1]['handle']['moved']>
const ledger = (before: (n: number) => unknown = () => {}) => {
  const moved: Handle = async ({ data: { account, n } }, { commit }) => {
    await before(n)
    return commit((tx) => tx.query`insert into seen (account, n) values (${account}, ${n})`)
  }
  return processor('ledger', { on: Moves, handle: { moved } })
}

const setup: SimulationOptions['setup'] = (tx) =>
  tx.query`create table if not exists seen (place integer primary key, account text, n int)`

function simulated(t: TestContext, parts: readonly Part[], seed = 1): Simulation {
  const sim = simulation({ parts: [Moves, ...parts], setup, seed })
  t.after(() => sim.stop())
  return sim
}

const numbers = (sim: Simulation) => sim.rows<{ n: number }>('seen').map(({ n }) => n)

test('an app runs as in real life, and its effects can be read', async (t) => {
  const sim = simulated(t, [ledger()])
  const { id } = await sim.publish(Moved, { account: 'a', n: 1 })
  await sim.untilIdle()
  assert.deepEqual(sim.rows('seen'), [{ place: 1, account: 'a', n: 1 }])
  assert.deepEqual(sim.query`select n from seen where account = ${'a'}`, [{ n: 1 }])
  const [published] = sim.published(Moved)
  assert.deepEqual(
    { ...published, time: 0 },
    {
      id,
      type: 'moved',
      source: '/simulated',
      time: 0,
      context: 'a',
      correlationId: id,
      causationId: undefined,
      version: 1,
      data: { account: 'a', n: 1 },
    },
  )
  assert.deepEqual(sim.held(), [])
  assert.match(sim.trace().join('\n'), /ledger handles moved/)
})

test('the rule of a desk decides in a simulation too', async (t) => {
  const positive = ledger((n) => {
    if (n < 0) throw new Refused('below zero')
  })
  const signs = desk('signs', {
    on: Moves,
    decide: { moved: ({ message: { data } }) => resubmit({ ...data, n: -data.n }, 'the sign') },
  })
  const sim = simulated(t, [positive, signs])
  await sim.publish(Moved, { account: 'a', n: -1 })
  await sim.untilIdle()
  assert.deepEqual(numbers(sim), [1])
})

test('thirty days pass in no time, and nothing that falls due in them is left out', async (t) => {
  const days = 30
  const ends: number[] = []
  let failsLeft = days
  const sim = simulation({
    parts: [
      Moves,
      processor('patient', {
        on: Moves,
        retry: { attempts: 100, firstDelayMs: 86_400_000, maxDelayMs: 86_400_000 },
        handle: {
          moved: (_, { now }) => {
            if (failsLeft-- > 0) throw new Error('not yet')
            ends.push(now())
          },
        },
      }),
    ],
  })
  t.after(() => sim.stop())
  const began = sim.now()
  await sim.publish(Moved, { account: 'a', n: 1 })
  await sim.advance(days * 86_400_000)
  assert.equal(ends.length, 1)
  assert(ends[0]! - began > 10 * 86_400_000)
  assert.equal(sim.now() - began >= days * 86_400_000, true)
})

test('a global that a handler of one simulation uses is not blamed on another', async (t) => {
  const wrong = simulated(t, [ledger(() => void setTimeout(() => {}, 0))])
  const right = simulated(t, [ledger()])
  await Promise.all([
    assert.rejects(
      wrong.publish(Moved, { account: 'a', n: 1 }).then(() => wrong.untilIdle()),
      /uses setTimeout/,
    ),
    right.publish(Moved, { account: 'a', n: 1 }).then(() => right.untilIdle()),
  ])
})

test('a caller waiting on a process that dies is told; a look at its files changes nothing', async (t) => {
  const sim = simulated(t, [ledger()])
  await sim.publish(Moved, { account: 'a', n: 1 })
  const [published] = await Promise.allSettled([sim.publish(Moved, { account: 'a', n: 2 }), sim.crash()])
  assert.match(String((published as PromiseRejectedResult).reason), /has died before a publish ended/)
  assert.throws(() => sim.query`delete from seen`, /readonly/)
  await assert.rejects(sim.crash({ powr: true } as object), /did you mean "power"/)
  await sim.restart()
  await sim.untilIdle()
})

test('the same seed gives the same trace, another seed another', async (t) => {
  const story = async (seed: number) => {
    const sim = simulated(t, [ledger()], seed)
    for (let n = 0; n < 5; n++) await sim.publish(Moved, { account: `a${n % 2}`, n })
    await sim.untilIdle()
    return sim.trace()
  }
  const first = await story(7)
  assert.deepEqual(await story(7), first)
  assert.notDeepEqual(await story(8), first)
})

test('after a crash nothing happens until the process is started again, which resumes where it was', async (t) => {
  for (const power of [false, true]) {
    let open: () => void
    const gate = new Promise<void>((resolve) => {
      open = resolve
    })
    const sim = simulated(t, [ledger((n) => (n === 2 ? gate : undefined))])
    for (const n of [1, 2, 3]) await sim.publish(Moved, { account: 'a', n })
    await sim.advance(100)
    assert.deepEqual(numbers(sim), [1])
    await sim.crash({ power })
    open!()
    await sim.advance(60_000)
    assert.deepEqual(numbers(sim), [1])
    await assert.rejects(sim.publish(Moved, { account: 'a', n: 4 }), { code: 'millrace/not-started' })
    await sim.restart()
    await sim.untilIdle()
    assert.deepEqual(numbers(sim), [1, 2, 3])
  }
})

test('a held message can be seen and released', async (t) => {
  let broken = true
  const sim = simulated(t, [
    ledger(() => {
      if (broken) throw new Refused('closed')
    }),
  ])
  await sim.publish(Moved, { account: 'a', n: 1 })
  await sim.untilIdle()
  const [held] = sim.held()
  assert.equal(held?.error?.message, 'closed')
  broken = false
  await sim.release(held!.id)
  await sim.untilIdle()
  assert.deepEqual(sim.held(), [])
  assert.deepEqual(numbers(sim), [1])
  await assert.rejects(sim.release(99), { code: 'millrace/unknown-item' })
})

test('rules decide in virtual time, and events of failures can be read', async (t) => {
  const sim = simulated(t, [
    ledger((n) => {
      if (n < 0) throw new Refused('negative')
    }),
    desk('moves-desk', {
      on: Moves,
      decide: {
        moved: async ({ message: { data }, read }) => {
          await read`select count(*) from seen`
          return resubmit({ ...data, n: -data.n }, 'sign corrected')
        },
      },
    }),
  ])
  await sim.publish(Moved, { account: 'a', n: -5 })
  await sim.untilIdle()
  assert.deepEqual(numbers(sim), [5])
  assert.deepEqual(
    sim.failures().map(({ type, data: { processor, corrections } }) => [type, processor, corrections]),
    [
      ['processing.failed', 'ledger', 0],
      ['processing.resolved', 'ledger', 1],
    ],
  )
  assert.match(sim.trace().join('\n'), /rule for ledger judges moved/)
})

test('people act at the desk and on processors, and time passes while they do', async (t) => {
  const sim = simulated(t, [
    ledger((n) => {
      if (n === 1) throw new Refused('odd')
    }),
  ])
  for (const n of [1, 2]) await sim.publish(Moved, { account: 'a', n })
  await sim.untilIdle()
  const [held] = await sim.desk.list({ states: ['held'] })
  assert.deepEqual([held!.message.context, held!.waiting], ['a', 1])
  await sim.processors.pause('ledger', { by: 'ann', reason: 'to think' })
  await sim.desk.discard(held!.id, { by: 'ann', reason: 'not ours' })
  await sim.advance(60_000)
  assert.deepEqual(numbers(sim), [])
  assert.deepEqual(await sim.desk.counts(), { held: 0, snoozed: 0, waiting: 0, discarded: 1 })
  await sim.processors.resume('ledger')
  await sim.untilIdle()
  assert.deepEqual(numbers(sim), [2])
  await sim.desk.takeBack(held!.id)
  await sim.untilIdle()
  await sim.desk.resubmit(held!.id, { account: 'a', n: 3 }, { by: 'ann', reason: 'even' })
  await sim.untilIdle()
  assert.deepEqual(numbers(sim), [2, 3])
})

test('a rule that waits for a real timer is named', async (t) => {
  const sim = simulated(t, [
    ledger(() => {
      throw new Refused('no')
    }),
    desk('slow', {
      on: Moves,
      decide: { moved: () => new Promise<Retry>((resolve) => setTimeout(() => resolve(retry()), 1)) },
    }),
  ])
  const story = async () => {
    await sim.publish(Moved, { account: 'a', n: 1 })
    await sim.untilIdle()
  }
  await assert.rejects(story(), {
    code: 'millrace/not-deterministic',
    message: /the rule for processor "ledger" uses setTimeout at .*simulation\.test\.ts/,
  })
})

test('several things may be waited for at once', async (t) => {
  const sim = simulated(t, [ledger()])
  const all = Array.from({ length: 20 }, (_, n) => sim.publish(Moved, { account: `a${n}`, n }))
  assert.equal(new Set((await Promise.all(all)).map(({ id }) => id)).size, 20)
  await Promise.all([sim.untilIdle(), sim.advance(1_000)])
  assert.equal(numbers(sim).length, 20)
})

test('a handler that waits for a real timer is named: no seed decides it', async (t) => {
  const sim = simulated(t, [ledger(() => new Promise((resolve) => setTimeout(resolve, 1)))])
  const story = async () => {
    await sim.publish(Moved, { account: 'a', n: 1 })
    await sim.untilIdle()
  }
  await assert.rejects(story(), {
    code: 'millrace/not-deterministic',
    message: /processor "ledger" uses setTimeout at .*simulation\.test\.ts/,
  })
})

for (const [source, read] of [
  ['Date.now', () => Date.now()],
  ['Math.random', () => Math.random()],
  ['new Date()', () => `${new Date()}`],
  ['setTimeout', () => void setTimeout(() => {}, 1)],
] as const) {
  test(`a mediator that uses ${source} is named, in a flow that was made anew too`, async (t) => {
    const reads = mediator('reads', {
      on: Moves,
      startedBy: Moved,
      run: async (_, flow) => {
        await flow.sleep('a while', 10)
        read()
      },
    })
    for (const restarts of [0, 1]) {
      const sim = simulated(t, [reads])
      await sim.publish(Moved, { account: 'a', n: 1 })
      if (restarts > 0) await sim.restart()
      await assert.rejects(sim.advance(100), {
        code: 'millrace/not-deterministic',
        message: new RegExp(`mediator "reads" uses ${source.replace(/\W/g, '.')}.* at .*simulation.test.ts`),
      })
    }
  })
}

test('an app that is made in the test is started on a file of the simulation, and nothing is left behind', async () => {
  const own = app({ name: 'own', broker: sqlite({ file: '/nowhere/own.db' }), parts: [Moves, ledger()], setup })
  const sim = simulation({ app: own, seed: 3 })
  await sim.publish(Moved, { account: 'a', n: 1 })
  await sim.restart()
  await sim.untilIdle()
  assert.equal(sim.rows('seen').length, 1)
  await sim.stop()
  await sim.stop()
  await assert.rejects(sim.publish(Moved, { account: 'a', n: 1 }), { code: 'millrace/not-started' })
  const left = readdirSync('/dev/shm').filter((name) => name.startsWith(`millrace-sim-${process.pid}-`))
  assert.deepEqual(left, [])
})

const down = { code: 'millrace/not-started', message: /is down since its crash: call restart\(\) first/ }
const over = { code: 'millrace/not-started', message: /the simulation has ended/ }
const startsOf = (sim: Simulation) => sim.trace().filter((line) => / process \d+ (starts|stops|dies)/.test(line)).length

test('concurrent restarts run one after the other, and other requests wait for them', async (t) => {
  const sim = simulated(t, [ledger()])
  await sim.publish(Moved, { account: 'a', n: 1 })
  const all = [sim.restart(), sim.restart(), sim.publish(Moved, { account: 'a', n: 2 }), sim.untilIdle()]
  await Promise.all(all)
  assert.deepEqual(numbers(sim), [1, 2])
  assert.equal(startsOf(sim), 5)
  await Promise.all([sim.restart(), sim.crash()])
  await assert.rejects(sim.publish(Moved, { account: 'a', n: 3 }), down)
  await Promise.all([sim.restart(), sim.advance(1_000)])
  await sim.publish(Moved, { account: 'a', n: 3 })
})

test('a restart may be the first request, and a crash may meet one that stops the process', async (t) => {
  const sim = simulated(t, [ledger()])
  await sim.restart()
  assert.equal(startsOf(sim), 1)
  await Promise.all([sim.crash({ power: true }), sim.restart()])
  await sim.publish(Moved, { account: 'a', n: 1 })
  await sim.untilIdle()
  assert.deepEqual(numbers(sim), [1])
})

test('a process that is down does not crash again, at once or later', async (t) => {
  const sim = simulated(t, [ledger()])
  await sim.publish(Moved, { account: 'a', n: 1 })
  const [first, second] = await Promise.allSettled([sim.crash(), sim.crash({ power: true })])
  assert.equal(first.status, 'fulfilled')
  assert.match(String((second as PromiseRejectedResult).reason), down.message)
  await assert.rejects(sim.crash(), down)
  await assert.rejects(sim.untilIdle(), down)
  await assert.rejects(sim.settled(Promise.resolve()), down)
  assert.throws(() => sim.app, { code: 'millrace/not-started' })
  await sim.restart()
  await sim.untilIdle()
  assert.deepEqual(numbers(sim), [1])
})

test('an app that its test has stopped is started again by a restart', async (t) => {
  const sim = simulated(t, [ledger()])
  await sim.publish(Moved, { account: 'a', n: 1 })
  await sim.settled(sim.app.stop())
  await assert.rejects(sim.publish(Moved, { account: 'a', n: 2 }), { code: 'millrace/not-started' })
  await sim.restart()
  await sim.publish(Moved, { account: 'a', n: 2 })
  await sim.untilIdle()
  assert.deepEqual(numbers(sim), [1, 2])
})

test('calls to an app that does not start are told why, until a restart succeeds', async (t) => {
  let broken = true
  const sim = simulation({
    parts: [Moves, ledger()],
    setup: (tx) => {
      if (broken) throw new Error('no such column')
      return setup!(tx)
    },
  })
  t.after(() => sim.stop())
  const asked = [sim.publish(Moved, { account: 'a', n: 1 }), sim.restart(), sim.crash(), sim.advance(1)]
  for (const { reason } of (await Promise.allSettled(asked)) as PromiseRejectedResult[]) {
    assert.match(String(reason), /no such column/)
  }
  broken = false
  await sim.restart()
  await sim.publish(Moved, { account: 'a', n: 1 })
})

test('before the first call there is nothing to look at, after the end nothing to do', async () => {
  const sim = simulation({ parts: [Moves, ledger()], setup })
  assert.throws(() => sim.rows('seen'), { code: 'millrace/not-started', message: /nothing has been started yet/ })
  await sim.publish(Moved, { account: 'a', n: 1 })
  const asked = [sim.publish(Moved, { account: 'a', n: 2 }), sim.restart(), sim.restart(), sim.untilIdle(), sim.crash()]
  await Promise.all([sim.stop(), sim.stop()])
  for (const { reason } of (await Promise.allSettled(asked)) as PromiseRejectedResult[]) {
    assert.equal(reason?.code, 'millrace/not-started')
  }
  const calls = [() => sim.restart(), () => sim.crash(), () => sim.advance(1), () => sim.untilIdle()]
  for (const call of calls) await assert.rejects(call(), over)
  for (const look of [() => sim.rows('seen'), () => sim.held(), () => sim.published(Moved)]) assert.throws(look, over)
  assert(sim.trace().length > 0 && sim.now() > 0)
  const left = readdirSync('/dev/shm').filter((name) => name.startsWith(`millrace-sim-${process.pid}-`))
  assert.deepEqual(left, [])
})

test('wrong options are refused with what to do', () => {
  const wrong = (options: unknown) => () => simulation(options as SimulationOptions)
  assert.throws(wrong({}), { code: 'millrace/bad-option', message: /either app or parts/ })
  assert.throws(wrong({ parts: [], app: () => {} }), { code: 'millrace/bad-option' })
  assert.throws(wrong({ app: {} }), { code: 'millrace/bad-option', message: /app must be made by app/ })
  assert.throws(wrong({ parts: [], seeds: 1 }), { code: 'millrace/unknown-option', message: /did you mean "seed"/ })
  assert.throws(wrong({ parts: [], seed: 1.5 }), { code: 'millrace/bad-option', message: /seed must be/ })
  assert.throws(wrong({ parts: [], beginsAt: new Date('x') }), { code: 'millrace/bad-option', message: /beginsAt/ })
})
