import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import test from 'node:test'
import type { Stored } from '../../model/codec.ts'
import type { FlowState, JournalEntry } from '../../model/flow.ts'
import type { FlowRow } from '../../model/flow-views.ts'
import { command, event, type Message } from '../../model/message.ts'
import type { FlowContext } from '../../parts/mediator.ts'
import type { Owner } from '../../seam/world.ts'
import type { FlowHost, MediatorSpec } from './host.ts'
import { FlowRun } from './run.ts'

const schema = { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } } as const
const Take = command('take', { schema, reply: schema })
const Give = command('give', { schema, reply: schema })
const Paid = event('paid', { schema })
type Context = FlowContext<typeof Take | typeof Give, typeof Paid, typeof Paid>

/** Runs of one flow: each begins anew with the journal that those before it have left. */
function flowOf(run: (flow: Context, life: number) => unknown) {
  const owners = new AsyncLocalStorage<Owner>()
  const journal: JournalEntry[] = []
  const told: string[] = []
  let number = 0
  let life = 0
  let state: FlowState = 'running'
  const states: FlowState[] = []
  const spec = {
    name: 'sale',
    declared: new Set([Take, Give, Paid]),
    waits: new Map([['paid', () => 'o-1']]),
    starts: new Set<MediatorSpec>(),
  }
  const message = (id: string) => ({ id, context: null }) as Stored
  const host = {
    now: () => 1_000,
    random: () => 0.5,
    newId: () => 'id',
    entryId: () => ++number,
    endsBehind: () => [],
    prompted: () => {},
    encode: (_type: unknown, _data: unknown, id: string) => message(id),
    encodeCall: (_type: unknown, _data: unknown, id: string) => message(id),
    turn: () => new Promise<void>(setImmediate),
    guard: <T>(owner: Owner, fn: () => T) => owners.run(owner, fn),
    blame: () => {},
    owner: () => owners.getStore(),
    unprompted: ({ message }: { readonly message: string }) => told.push(message),
    late: (error: unknown) => told.push(`late: ${error}`),
    withdraw: async ({ id }: { readonly id: string }) => {
      told.push(`withdraw ${id}`)
      return 'never' as const
    },
  }
  const begin = async (from = state): Promise<FlowRun> => {
    const mine = life++
    const runs = new Map([[1, (_message: Message, flow: unknown) => run(flow as Context, mine)]])
    const row = { id: 7, version: 1, state: from, mailAfter: null, context: 'o-1', message: message('m') } as FlowRow
    const one = new FlowRun({ ...host, spec: { ...spec, runs } } as unknown as FlowHost, row)
    await one.begin({} as Message, [...journal])
    save(one)
    return one
  }
  const save = (one: FlowRun) => {
    for (const change of one.journal.take().changes) {
      if (change.do === 'entry') journal.push(change.entry)
      if (change.do === 'state') states.push(change.state)
    }
    state = states.at(-1) ?? state
  }
  /** Writes the end of a step, as the commit of its command does. */
  const write = (step: string, value: unknown) => {
    const { n: of } = journal.find((entry) => entry.step === step)!
    const data = { ok: true, value }
    const entry: JournalEntry = { n: ++number, of, kind: 'call', step: '', what: '', data, at: 0 }
    journal.push(entry)
    return entry
  }
  const end = async (one: FlowRun, step: string, value: unknown) => {
    const entry = write(step, value)
    await one.input(() => one.delivery.receive(entry))
    save(one)
  }
  const input = async (one: FlowRun, apply: () => void) => {
    await one.input(apply)
    save(one)
  }
  return { begin, write, end, input, journal, told, states }
}

test('a flow that is made anew takes the same way, and does nothing twice', async () => {
  const given: unknown[] = []
  const { begin, end, journal } = flowOf(async (flow) => {
    given.push(await flow.call('take', Take, {}))
    given.push(await flow.call('give', Give, {}))
    return 'done'
  })
  const first = await begin()
  await end(first, 'take', 1)
  assert.deepEqual(
    journal.map(({ step, of }) => step || of),
    ['take', 1, 'give'],
  )
  const second = await begin()
  assert.equal(second.journal.hasChanges, false)
  assert.deepEqual(given, [1, 1])
  await end(second, 'give', 2)
  assert.deepEqual([second.status.state, second.ending.result], ['completed', 'done'])
})

test('an end that comes before another in the journal is given first', async () => {
  const order: string[] = []
  const { begin, end } = flowOf(async (flow) => {
    const one = flow.call('one', Take, {}).then(() => order.push('one'))
    const other = flow.call('other', Give, {}).then(() => order.push('other'))
    await flow.all([one, other])
  })
  const first = await begin()
  await end(first, 'other', 1)
  await end(first, 'one', 2)
  const second = await begin()
  assert.deepEqual([order, second.status.state], [['other', 'one', 'other', 'one'], 'completed'])
})

test('ends that came while a flow was not made are given in one order, also where it ends a step itself between them', async () => {
  const orders: string[][] = []
  const { begin, write } = flowOf(async (flow, life) => {
    const order: string[] = []
    orders[life] = order
    const one = flow.call('one', Take, {}).then(async () => {
      order.push('one')
      await flow.race([() => flow.wait('payment', Paid), async () => {}], { losers: 'withdraw' })
      order.push('race')
    })
    const other = flow.call('other', Give, {}).then(() => order.push('other'))
    await flow.all([one, other])
  })
  await begin()
  write('one', 1)
  write('other', 2)
  assert.equal((await begin()).status.state, 'completed')
  assert.equal((await begin('running')).status.state, 'completed')
  assert.deepEqual(orders[1], ['one', 'other', 'race'])
  assert.deepEqual(orders[2], orders[1])
})

test('a flow that is cancelled undoes its steps, and later inputs do not reach its function', async () => {
  const { begin, end, input, journal, told } = flowOf(async (flow) => {
    await flow.call('take', Take, {}, { undo: () => flow.call('give', Give, {}) })
    await flow.wait('payment', Paid)
    told.push('paid')
  })
  const run = await begin()
  await end(run, 'take', 1)
  await input(run, () => run.cancel('by ada'))
  assert.deepEqual([run.status.state, run.outside.awaited.size], ['compensating', 0])
  assert.throws(() => run.cancel('again'), { code: 'millrace/flow-busy' })
  await end(run, 'undo take/give', 2)
  assert.deepEqual([run.status.state, run.ending.error?.message, told], ['compensated', 'by ada', []])
  assert.equal((await begin('compensating')).status.state, 'compensated')
  assert(journal.some(({ kind }) => kind === 'cancel'))
})

test('after its point of no return a flow that fails is stuck at the step that failed', async () => {
  const { begin, end } = flowOf(async (flow) => {
    flow.noReturn()
    const { ok } = (await flow.call('take', Take, {})) as { ok: boolean }
    if (!ok) throw new Error('down')
  })
  const run = await begin()
  assert.throws(() => run.cancel('by ada'), { code: 'millrace/past-no-return' })
  await end(run, 'take', { ok: false })
  assert.deepEqual([run.status.state, run.ending.error?.message, run.failedStep], ['stuck', 'down', undefined])
})

test('code that begins another step than its journal has is paused', async () => {
  const { begin } = flowOf((flow, life) => flow.call(life === 0 ? 'take' : 'other', Take, {}))
  await begin()
  const { status, ending } = await begin()
  assert.deepEqual([status.state, ending.error?.code], ['paused', 'millrace/flow-mismatch'])
})

test('code that ends before its journal does is paused; that is the one state that it leaves, and nothing is taken back', async () => {
  const ends: ((flow: Context) => unknown)[] = [
    () => 'done',
    () => {
      throw new Error('failed')
    },
    (flow) => {
      flow.call('other', Give, {}, { undo: () => {} }).catch(() => {})
      throw new Error('failed')
    },
  ]
  for (const next of ends) {
    const { begin, end, states, told } = flowOf(async (flow, life) => {
      if (life === 1) return next(flow)
      flow.call('other', Give, {}, { undo: () => {} }).catch(() => {})
      await flow.call('take', Take, {})
      await flow.wait('payment', Paid)
    })
    await end(await begin(), 'take', 1)
    const { ending } = await begin()
    assert.deepEqual([states, told, ending.error?.code], [['paused'], [], 'millrace/flow-mismatch'])
  }
})

test('a branch that has lost its race passes no point of no return', async () => {
  const { begin, input } = flowOf(async (flow) => {
    const late = async () => {
      await flow.wait('payment', Paid).catch(() => {})
      flow.noReturn()
    }
    await flow.race([late, async () => {}], { losers: 'withdraw' })
    await flow.wait('another', Paid)
  })
  const run = await begin()
  assert.equal(run.status.isForward, false)
  await input(run, () => run.cancel('by ada'))
  assert.deepEqual([run.status.state, run.ending.error?.message], ['failed', 'by ada'])
})

test('code that awaits something that is no step is paused; a step that it begins then is reported', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const { begin, told } = flowOf(async (flow) => {
    await promise
    flow.send(Give, {})
  })
  const run = await begin()
  assert.deepEqual([run.status.state, run.ending.error?.code], ['paused', 'millrace/flow-waits-outside'])
  resolve()
  await new Promise(setImmediate)
  assert.match(told.join(), /it came to send "give" after waiting for something that is no step/)
})

test('a dismissed flow ignores later inputs', async () => {
  const { begin, end, journal } = flowOf(async (flow) => {
    await flow.call('take', Take, {})
    await flow.call('give', Give, {})
  })
  const run = await begin()
  run.status.dismiss()
  await end(run, 'take', 1)
  assert.deepEqual(
    journal.map(({ step }) => step),
    ['take', ''],
  )
  assert(run.isFree)
})

test('an undo that failed before its first step is found again by a replay', async () => {
  const { begin, end, input } = flowOf(async (flow) => {
    let tries = 0
    const undo = async () => {
      if (tries++ === 0) throw new Error('down')
      await flow.call('give', Give, {})
    }
    await flow.call('take', Take, {}, { undo })
    throw new Error('failed')
  })
  const run = await begin()
  await end(run, 'take', 1)
  assert.equal(run.status.state, 'stuck')
  await input(run, () => run.resume())
  const again = await begin()
  assert.deepEqual([again.status.state, again.ending.error?.message], ['compensating', 'failed'])
})
