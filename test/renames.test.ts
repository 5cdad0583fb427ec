// Parts that get another name: what each takes over, once; and a start that asks whether a part was renamed or is new. In
// virtual time.
import assert from 'node:assert/strict'
import test from 'node:test'
import {
  app,
  channel,
  command,
  event,
  gather,
  isMillraceError,
  mediator,
  type Part,
  processor,
  Refused,
  route,
  schedule,
  sqlite,
  topic,
} from 'millrace'
import { simulation } from 'millrace/testing'
import { z } from 'zod'
import { coded } from './support.ts'

const schema = z.object({ key: z.string(), n: z.number() })
const context = ({ key }: { key: string }) => key
const Placed = event('placed', { schema, context })
const Paid = event('paid', { schema, context })
const Full = event('full', { schema: z.object({ numbers: z.array(z.number()) }) })
const Ticked = event('ticked', { schema: z.object({}) })
const Charge = command('charge', { schema, reply: z.object({ n: z.number() }) })
const Orders = topic('orders', [Placed])
const Payments = topic('payments', [Paid])
const Results = topic('results', [Full, Ticked])
const Cards = channel('cards', [Charge])

const hour = 3_600_000

/** What was done by which part, in order. */
type Done = string[]
type Name = { readonly name: string; readonly renamedFrom?: string | readonly string[] | undefined }

/** A machine on which one deployment follows another. */
function deployments() {
  const done: Done = []
  let parts: readonly Part[] = []
  const make = () =>
    app({ name: 'shop', broker: sqlite({ file: 'shop.db' }), parts: [Orders, Payments, Results, ...parts] })
  const sim = simulation({ app: make })
  let begun = false
  return {
    sim,
    done,
    /** Stops the app, or lets its process die, and starts it with other parts. */
    async deploy(next: readonly Part[], how: 'stop' | 'crash' = 'stop') {
      parts = next
      if (begun && how === 'crash') await sim.crash({ power: true })
      if (begun) await sim.restart()
      begun = true
      await sim.untilIdle()
    },
    /** Starts it with parts that are refused; returns the error. */
    async refused(next: readonly Part[]) {
      parts = next
      const error = await sim.restart().catch((why: unknown) => why)
      assert(isMillraceError(error), 'the start is refused')
      return error
    },
    place: async (key: string, ...numbers: number[]) => {
      for (const n of numbers) await sim.publish(Placed, { key, n })
      await sim.untilIdle()
    },
    retire: (name: string) => sim.processors.retire(name),
    taken: () => done.splice(0),
  }
}

const cards = (done: Done, { name, renamedFrom }: Name = { name: 'cards' }) =>
  processor(name, {
    on: Cards,
    renamedFrom,
    handle: {
      charge: ({ data }) => {
        done.push(`${name} ${data.key}${data.n}`)
        return { n: data.n }
      },
    },
  })

/** Sends a command for each order. */
const bill = (done: Done, { name, ...options }: Name & { startAt?: 'now' | 'beginning' }) =>
  processor(name, {
    on: Orders,
    sends: [Charge],
    ...options,
    handle: {
      placed: ({ data }, { send }) => {
        done.push(`${name} ${data.key}${data.n}`)
        send(Charge, data)
      },
    },
  })

/** Only looks. */
const reads = (done: Done, { name, ...options }: Name) =>
  processor(name, { on: Orders, ...options, handle: { placed: ({ data }) => void done.push(`${name} ${data.n}`) } })

// ── renamed or new ───────────────────────────────────────────────────────────────────────────────────────────────

test('a start that cannot tell a rename from a new part is refused with the three ways out, and changes nothing', async () => {
  const { sim, done, deploy, refused, place, taken } = deployments()
  await using _ = sim
  await deploy([bill(done, { name: 'bill' }), cards(done)])
  await place('a', 1, 2)
  taken()
  const before = sim.rows('millrace_progress')
  const error = await refused([bill(done, { name: 'billing' }), cards(done)])
  assert.equal(error.code, 'millrace/renamed-or-new')
  assert.deepEqual(error.message.split('\n'), [
    'processor "billing" is new on topic "orders", and "bill" is gone from it',
    '  if it is "bill" under a new name:',
    "    processor('billing', { renamedFrom: 'bill', … })",
    "  if it is new; with 'beginning' it handles all 2 messages there:",
    "    processor('billing', { startAt: 'now', … })",
    '  if "bill" is over; "billing" then handles all 2 messages there:',
    '    npx millrace processors retire app.ts bill',
  ])
  assert.deepEqual([sim.rows('millrace_progress'), taken()], [before, []])
  await deploy([bill(done, { name: 'bill' }), cards(done)])
  await place('a', 3)
  assert.deepEqual(taken(), ['bill a3', 'cards a3'])
})

test('each way out of the question is a start', async () => {
  const cases = [
    [{ renamedFrom: 'bill' }, []],
    [{ startAt: 'now' }, []],
    [{ startAt: 'beginning' }, ['billing a1', 'cards a1']],
  ] as const
  for (const [options, expected] of cases) {
    const { sim, done, deploy, place, taken } = deployments()
    await using _ = sim
    await deploy([bill(done, { name: 'bill' }), cards(done)])
    await place('a', 1)
    taken()
    await deploy([bill(done, { name: 'billing', ...options }), cards(done)])
    assert.deepEqual(taken(), expected, JSON.stringify(options))
    await place('a', 2)
    assert.deepEqual(taken(), ['billing a2', 'cards a2'])
  }
  const { sim, done, deploy, refused, retire, place, taken } = deployments()
  await using _ = sim
  await deploy([bill(done, { name: 'bill' }), cards(done)])
  await place('a', 1)
  taken()
  await refused([bill(done, { name: 'billing' }), cards(done)])
  await deploy([cards(done)])
  await retire('bill')
  await deploy([bill(done, { name: 'billing' }), cards(done)])
  assert.deepEqual(taken(), ['billing a1', 'cards a1'])
})

test('a start asks about parts that repeat commands: they send some, are mediators or routes, or serve a channel', async () => {
  const sends = (name: string) => processor(name, { on: Orders, sends: [Charge], handle: { placed: () => {} } })
  const chooses = (name: string) => route(name, { on: Orders, handle: { placed: () => {} } })
  const flow = (name: string) => mediator(name, { on: Orders, startedBy: Placed, run: () => {} })
  const waits = (name: string) => mediator(name, { startedBy: Paid, waits: [Placed], run: () => {} })
  const kinds = { sends, chooses, flow, waits, serves: (name: string) => cards([], { name }) }
  for (const [kind, make] of Object.entries(kinds)) {
    const { sim, done, deploy, refused } = deployments()
    await using _ = sim
    const others = kind === 'serves' ? [] : [cards(done)]
    await deploy([make('one'), ...others])
    await sim.publish(Placed, { key: 'a', n: 1 })
    await sim.send(Charge, { key: 'a', n: 1 })
    const error = await refused([make('two'), ...others])
    assert.equal(error.code, 'millrace/renamed-or-new', kind)
    assert.match(error.message, /\('two', \{ renamedFrom: 'one', … \}\)/, kind)
    await deploy([make('one'), ...others])
  }
})

test('a start asks nothing where nothing is gone, nothing is there, or no command is repeated', async () => {
  const { sim, done, deploy, retire, place, taken } = deployments()
  await using _ = sim
  await deploy([reads(done, { name: 'reads' }), cards(done)])
  await deploy([bill(done, { name: 'bill' }), cards(done)])
  await deploy([bill(done, { name: 'billing' }), cards(done)])
  assert.deepEqual(taken(), [], 'the topic is empty')
  await place('a', 1)
  for (const name of ['bill', 'reads']) await retire(name)
  taken()
  await deploy([bill(done, { name: 'billing' }), bill(done, { name: 'more' }), cards(done)])
  assert.deepEqual(taken(), ['more a1', 'cards a1'], 'nothing is gone: B3')
  await deploy([bill(done, { name: 'billing' }), reads(done, { name: 'looks' }), cards(done)])
  assert.deepEqual(taken(), ['looks 1'], 'it repeats rows of its own only')
  const publishes = processor('publishes', { on: Orders, publishes: [Full], handle: { placed: () => {} } })
  await deploy([publishes, cards(done)])
})

// ── what is taken over ───────────────────────────────────────────────────────────────────────────────────────────

test('a processor under a new name has its progress, its desk, its attempts, its pause and its keys, once', async () => {
  for (const how of ['stop', 'crash'] as const) {
    const { sim, done, deploy, place, taken } = deployments()
    await using _ = sim
    const ledger = ({ name, renamedFrom }: Name) =>
      processor(name, {
        on: Orders,
        publishes: [Full],
        renamedFrom,
        retry: { attempts: 2, firstDelayMs: hour, maxDelayMs: hour, jitter: 0 },
        handle: {
          placed: ({ data }, { publish, idempotencyKey }) => {
            done.push(`${name} ${data.key}${data.n} ${idempotencyKey.split('/')[0]}`)
            if (data.key === 'refused' && data.n === 1) throw new Refused('no')
            if (data.key === 'waits' && data.n === 1) throw new Error('later')
            publish(Full, { numbers: [data.n] })
          },
        },
      })
    await deploy([ledger({ name: 'old' })])
    await place('fine', 1)
    await place('refused', 1, 2)
    await sim.publish(Placed, { key: 'waits', n: 1 })
    await sim.publish(Placed, { key: 'waits', n: 2 })
    await sim.advance(1_000)
    assert.deepEqual(taken(), ['old fine1 old', 'old refused1 old', 'old waits1 old'])
    await sim.processors.pause('old', { by: 'ada' })
    await deploy([ledger({ name: 'new', renamedFrom: 'old' })], how)
    await sim.advance(2 * hour)
    assert.deepEqual(taken(), [], 'it is paused')
    const states = async () => (await sim.desk.list()).map(({ processor, state }) => `${processor} ${state}`).sort()
    assert.deepEqual(await states(), ['new held', 'new line', 'new line', 'new trying'])
    assert.deepEqual(
      (await sim.desk.groups('all')).map(({ processor, held }) => [processor, held]),
      [['new', 1]],
    )
    await sim.processors.resume('new', { by: 'ada' })
    await sim.advance(2 * hour)
    assert.deepEqual(taken(), ['new waits1 old'], 'the second attempt at it, which is the last')
    // Both names have been given, in turn, and the next start takes nothing over again.
    await deploy([ledger({ name: 'new', renamedFrom: 'old' })], how)
    await deploy([ledger({ name: 'newest', renamedFrom: ['new', 'old'] })], how)
    await deploy([ledger({ name: 'newest' })], how)
    for (const { id } of sim.held()) await sim.desk.discard(id, { by: 'ada', reason: 'tried' })
    await place('fine', 2)
    assert.deepEqual(taken().sort(), ['newest fine2 old', 'newest refused2 old', 'newest waits2 old'])
    assert.deepEqual(
      (await sim.processors.list()).map(({ name, state }) => `${name} ${state}`),
      ['newest live'],
    )
    // Another part may have the old name; it shares no key with the one that began with it.
    await deploy([ledger({ name: 'newest' }), ledger({ name: 'old' })], how)
    assert.deepEqual(taken().slice(0, 2).sort(), ['old fine1 old~2', 'old refused1 old~2'])
  }
})

test('a request that is held under the old name is answered under the new one', async () => {
  const { sim, deploy } = deployments()
  await using _ = sim
  let fails = true
  const serves = (name: string, renamedFrom?: string) =>
    processor(name, {
      on: Cards,
      renamedFrom,
      retry: { attempts: 1 },
      handle: {
        charge: ({ data }) => {
          if (fails) throw new Error('the bank is down')
          return { n: data.n }
        },
      },
    })
  await deploy([serves('cards')])
  sim.app.request(Charge, { key: 'a', n: 7 }, { id: 'one' }).catch(() => {})
  await sim.untilIdle()
  await deploy([serves('payments', 'cards')], 'crash')
  fails = false
  const [held] = sim.held()
  await sim.desk.release(held!.id, { by: 'ada' })
  await sim.untilIdle()
  const status = await sim.settled(sim.app.requestStatus('one'))
  assert.deepEqual([status?.state, status?.state === 'replied' && status.reply], ['replied', { n: 7 }])
})

test('flows continue under the new name of their mediator, with mail, questions, sub-flows and oncePer', async () => {
  for (const how of ['stop', 'crash'] as const) {
    const { sim, done, deploy, place, taken } = deployments()
    await using _ = sim
    const Inner = event('inner', { schema, context })
    const inner = ({ name, renamedFrom }: Name) =>
      mediator(name, {
        startedBy: Inner,
        renamedFrom,
        sends: [Charge],
        run: async ({ data }, flow) => {
          await flow.call('charge', Charge, data)
          await flow.sleep('rest', hour)
        },
      })
    const outer = ({ name, renamedFrom }: Name, sub: ReturnType<typeof inner>) =>
      mediator(name, {
        on: Orders,
        renamedFrom,
        startedBy: Placed,
        sends: [Charge],
        waits: [Paid],
        starts: [sub],
        oncePer: ({ key }) => key,
        run: async ({ data }, flow) => {
          await flow.subflow('inner', sub, data)
          await flow.wait('paid', Paid)
          const n = await flow.ask('how many', { schema: z.number(), title: 'how many?' })
          await flow.call('again', Charge, { ...data, n })
        },
      })
    const before = inner({ name: 'inner' })
    await deploy([before, outer({ name: 'outer' }, before), cards(done)])
    await place('a', 1)
    await sim.publish(Paid, { key: 'a', n: 1 })
    await sim.advance(1_000)
    assert.deepEqual(taken(), ['cards a1'])
    const after = inner({ name: 'within', renamedFrom: 'inner' })
    const renamed = [after, outer({ name: 'order', renamedFrom: 'outer' }, after), cards(done)]
    await deploy(renamed, how)
    await place('a', 2)
    await sim.advance(2 * hour)
    const questions = await sim.flows.questions()
    assert.deepEqual(
      questions.map(({ mediator: name, step }) => [name, step]),
      [['order', 'how many']],
    )
    await sim.flows.answer(questions[0]!.flow, 'how many', 5, { by: 'ada' })
    await sim.untilIdle()
    assert.deepEqual(
      (await sim.flows.list()).map(({ mediator: name, state }) => `${name} ${state}`),
      ['order completed', 'within completed'],
    )
    await deploy(renamed, how)
    assert.deepEqual(taken(), ['cards a5'], 'nothing was sent again, and the second order of "a" starts nothing')
  }
})

test('a gather under a new name has its open batch, and the time of that', async () => {
  for (const how of ['stop', 'crash'] as const) {
    const { sim, deploy, place } = deployments()
    await using _ = sim
    const digest = ({ name, renamedFrom }: Name) =>
      gather(name, {
        on: Orders,
        of: [Placed],
        renamedFrom,
        publishes: Full,
        count: 3,
        afterMs: hour,
        data: (items) => ({ numbers: items.map(({ n }) => n) }),
      })
    const batches = () => sim.published(Full).map(({ data }) => data.numbers)
    await deploy([digest({ name: 'digest' })])
    await place('a', 1, 2)
    await place('b', 7)
    await deploy([digest({ name: 'digests', renamedFrom: 'digest' })], how)
    await place('a', 3, 4)
    assert.deepEqual(batches(), [[1, 2, 3]])
    await sim.advance(2 * hour)
    await sim.untilIdle()
    assert.deepEqual(batches().slice(1).sort(), [[4], [7]])
    assert.deepEqual(sim.rows('millrace_gathered'), [])
    // And back: nothing of the name that it had in between is in the way.
    await place('b', 8)
    await deploy([digest({ name: 'digest', renamedFrom: 'digests' })], how)
    await sim.advance(2 * hour)
    await sim.untilIdle()
    assert.deepEqual(batches().slice(3), [[8]])
    assert.deepEqual(
      (await sim.processors.list()).map(({ name, on, state }) => `${name} on ${on} ${state}`),
      ['digest on orders live', 'digest.due on digest.due live'],
    )
  }
})

test('progress that a retired part has left under a name does not count for the part that gets it', async () => {
  const { sim, deploy, place } = deployments()
  await using _ = sim
  const digest = (name: string, renamedFrom?: string) =>
    gather(name, {
      on: Orders,
      of: [Placed],
      startAt: 'now',
      renamedFrom,
      publishes: Full,
      count: 3,
      afterMs: hour,
      data: (items) => ({ numbers: items.map(({ n }) => n) }),
    })
  const batches = () => sim.published(Full).map(({ data }) => data.numbers)
  await deploy([digest('new')])
  await place('a', 1)
  await sim.processors.pause('new', { by: 'ada' })
  await deploy([])
  for (const name of ['new', 'new.due']) await sim.processors.retire(name, { force: true })
  await deploy([digest('old')])
  await place('a', 2, 3)
  await deploy([digest('new', 'old')])
  await place('a', 4)
  await place('b', 5)
  await sim.advance(2 * hour)
  await sim.untilIdle()
  assert.deepEqual(batches(), [[2, 3, 4], [5]])
  assert.deepEqual(
    (await sim.processors.list()).map(({ name, on, state }) => `${name} on ${on} ${state}`),
    ['new on orders live', 'new.due on new.due live'],
  )
})

test('a schedule under a new name publishes no slot again and misses none', async () => {
  const { sim, deploy } = deployments()
  await using _ = sim
  const tick = ({ name, renamedFrom }: Name) =>
    schedule(name, { cron: '0 * * * *', missed: 'all', renamedFrom, publishes: Ticked, data: {} })
  const slots = () => sim.published(Ticked).map(({ id }) => id.slice(0, id.indexOf(':')))
  await deploy([tick({ name: 'hourly' })])
  const day = new Date(sim.now()).toISOString().slice(0, 10)
  await sim.advance(1.5 * hour)
  await sim.crash()
  await sim.advance(hour)
  await deploy([tick({ name: 'ticks', renamedFrom: 'hourly' })], 'stop')
  await sim.advance(hour)
  await sim.untilIdle()
  assert.deepEqual(slots(), [`hourly@${day}T01`, `ticks@${day}T02`, `ticks@${day}T03`])
})

test('a part of another kind takes over where the other was', async () => {
  const { sim, done, deploy, place, taken } = deployments()
  await using _ = sim
  const routes = (name: string, renamedFrom?: string) =>
    route(name, {
      on: Orders,
      sends: [Charge],
      renamedFrom,
      handle: { placed: ({ data }, to) => to.send(Charge, data) },
    })
  const conducts = (name: string, renamedFrom?: string) =>
    mediator(name, {
      on: Orders,
      startedBy: Placed,
      sends: [Charge],
      renamedFrom,
      run: ({ data }, flow) => flow.call('charge', Charge, data),
    })
  await deploy([bill(done, { name: 'one' }), cards(done)])
  await place('a', 1)
  assert.deepEqual(taken(), ['one a1', 'cards a1'])
  await deploy([routes('two', 'one'), cards(done)])
  await place('a', 2)
  await deploy([conducts('three', 'two'), cards(done)])
  await place('a', 3)
  assert.deepEqual(taken(), ['cards a2', 'cards a3'])
})

// ── refused ──────────────────────────────────────────────────────────────────────────────────────────────────────

test('a name that two parts claim, or that is in the app, is refused before anything starts', async () => {
  const { done } = deployments()
  const make = (...parts: Part[]) => app({ name: 'shop', broker: sqlite({ file: 'shop.db' }), parts }).start()
  const nightly = (name: string, renamedFrom: string) =>
    schedule(name, { cron: '@daily', renamedFrom, publishes: Ticked, data: {} })
  for (const [parts, says] of [
    [
      [reads(done, { name: 'a' }), reads(done, { name: 'b', renamedFrom: 'a' })],
      /processor "b" is renamedFrom "a", which is a part of the app too: remove one/,
    ],
    [
      [reads(done, { name: 'b', renamedFrom: 'a' }), reads(done, { name: 'c', renamedFrom: ['x', 'a'] })],
      /processor "c" is renamedFrom "a", and so is "b"/,
    ],
    [[Results, nightly('a', 'c'), nightly('b', 'a')], /schedule "b" is renamedFrom "a", which is a part/],
  ] as const) {
    await assert.rejects(make(...parts), coded('millrace/bad-option', says))
  }
  for (const renamedFrom of ['', 'a b', 7, ['a', null], {}]) {
    assert.throws(
      () => reads(done, { name: 'b', renamedFrom: renamedFrom as string }),
      coded('millrace/bad-option', /renamedFrom must be the earlier name/),
    )
  }
  assert.throws(() => reads(done, { name: 'b', renamedFrom: 'b' }), coded('millrace/bad-option', /its own name/))
})

test('two names with progress of their own are refused, until a person has retired one', async () => {
  const { sim, done, deploy, refused, place, taken } = deployments()
  await using _ = sim
  await deploy([reads(done, { name: 'old' })])
  await place('a', 1)
  await deploy([reads(done, { name: 'new' })])
  await place('a', 2)
  assert.deepEqual(taken(), ['old 1', 'new 1', 'new 2'])
  const error = await refused([reads(done, { name: 'new', renamedFrom: 'old' })])
  assert.equal(error.code, 'millrace/both-names-known')
  assert.match(error.message, /the store knows both "old" and "new"/)
  assert.match(
    error.message,
    /\n {2}npx millrace processors retire --db FILE old --force\n {2}npx millrace .* new --force$/,
  )
  await deploy([reads(done, { name: 'new' })])
  await sim.processors.retire('old')
  await deploy([reads(done, { name: 'new', renamedFrom: 'old' })])
  await deploy([reads(done, { name: 'new' }), reads(done, { name: 'more' })])
  taken()
  const two = await refused([reads(done, { name: 'newest', renamedFrom: ['new', 'more'] })])
  assert.match(two.message, /^processor "newest" was renamed, and the store knows both "more" and "new"/)
})

test('an earlier name that the store does not know is told where a part is gone, and else no rename', async () => {
  const { sim, done, deploy, refused, place, taken } = deployments()
  await using _ = sim
  await deploy([reads(done, { name: 'new', renamedFrom: 'old' })])
  await place('a', 1)
  assert.deepEqual(taken(), ['new 1'], 'a file that never had the old name')
  const error = await refused([reads(done, { name: 'newest', renamedFrom: 'nwe' })])
  assert.equal(error.code, 'millrace/renamed-or-new')
  assert.match(
    error.message,
    /^processor "newest" .* "new" is gone from it; the store knows no "nwe"; did you mean "new"\?\n/,
  )
})
