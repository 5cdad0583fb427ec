import assert from 'node:assert/strict'
import test from 'node:test'
import { command, event, mediator, Refused } from 'millrace'
import { given } from 'millrace/testing'
import { z } from 'zod'
import { coded } from '../../test/support.ts'

const order = z.object({ order: z.string(), cents: z.number() })
const Placed = event('order.placed', { schema: order, context: ({ order }) => order })
const Confirmed = event('order.confirmed', { schema: order, context: ({ order }) => order })
const Completed = event('order.completed', { schema: order })
const Take = command('stock.take', { schema: order, reply: z.object({ left: z.number() }) })
const GiveBack = command('stock.give-back', { schema: order })
const Charge = command('card.charge', {
  schema: order,
  reply: z.object({ receipt: z.string() }),
  refusal: z.object({ why: z.string() }),
})
const Refund = command('card.refund', { schema: order })
const Print = command('label.print', { schema: order })
const day = 86_400_000

const parts = mediator('parts', { startedBy: Placed, run: () => ({ packed: 1 }) })

const fulfilment = mediator('fulfilment', {
  startedBy: Placed,
  sends: [Take, GiveBack, Charge, Refund, Print],
  waits: [Confirmed],
  publishes: [Completed],
  starts: [parts],
  run: async ({ data }, flow) => {
    await flow.call('take', Take, data, { undo: () => flow.call('back', GiveBack, data) })
    const charged = await flow.call('charge', Charge, data, {
      timeoutMs: 60_000,
      undo: () => flow.call('back', Refund, data),
    })
    flow.send(Print, data)
    const confirmed = await flow.wait('confirmed', Confirmed, { timeoutMs: day })
    if (confirmed.data.cents > 100) {
      const answer = await flow.ask('approve', { schema: z.object({ ok: z.boolean() }), title: 'Large?' })
      if (!answer.ok) throw new Error('not approved')
      await flow.subflow('pack', parts, data)
    }
    await flow.sleep('cool down', 30 * day)
    flow.publish(Completed, data)
    return charged.receipt
  },
})
const small = { order: 'o-1', cents: 5 }
const large = { order: 'o-1', cents: 500 }

/** A flow whose commands go well. */
const well = (data = small) =>
  given(fulfilment)
    .when(Placed, data)
    .replies(Take, { left: 1 })
    .replies(Charge, ({ cents }) => ({ receipt: `for ${cents}` }))

async function difference(compared: Promise<unknown>): Promise<Error & { cause?: unknown }> {
  const error = await compared.then(
    () => assert.fail('the comparison went well'),
    (error: unknown) => error,
  )
  assert(error instanceof assert.AssertionError, `an AssertionError, not ${String(error)}`)
  return error
}

test('a script conducts a flow: its calls, sends and publishes in order, and its result', async () => {
  const outcome = await well()
    .happens(Confirmed, small)
    .then({
      called: [
        [Take, small],
        [Charge, small],
      ],
      sent: [[Print, small]],
      published: [[Completed, small]],
      undone: [],
      steps: ['take', 'charge', 'label.print', 'confirmed', 'cool down', 'order.completed'],
      result: 'for 5',
    })
  assert.equal(outcome.state, 'completed')
})

test('a refusal undoes what was done, in reverse, and the flow ends with it', async () => {
  await given(fulfilment)
    .when(Placed, small)
    .replies('take', { left: 0 })
    .refuses(Charge, 'no money', { why: 'empty' })
    .then({
      called: [
        [Take, small],
        [Charge, small],
        [GiveBack, small],
      ],
      undone: ['take'],
      fails: /^no money$/,
      state: 'compensated',
    })
})

test('a discarded command may have had effects, and is undone; so is one whose function in the script throws', async () => {
  await given(fulfilment)
    .when(Placed, small)
    .replies(Take, { left: 0 })
    .discards('charge', 'given up')
    .then({ undone: ['charge', 'take'], fails: 'millrace/request-discarded' })
  await given(fulfilment)
    .when(Placed, small)
    .replies(Take, () => {
      throw new Refused('none left')
    })
    .then({ undone: [], fails: 'refused', state: 'failed' })
})

test('where the script is empty time passes: a call and a wait take too long', async () => {
  await given(fulfilment)
    .when(Placed, small)
    .replies(Take, { left: 0 })
    .then({ undone: ['take'], fails: 'millrace/step-timed-out' })
  await well().then({ undone: ['charge', 'take'], fails: /"confirmed" took too long/ })
})

test('questions are answered, flows of others return, and a person may cancel', async () => {
  const asked = () => well(large).happens(Confirmed, large)
  await asked().answers('approve', { ok: true }).returns(parts, { packed: 2 }).then({ result: 'for 500' })
  await asked()
    .answers('approve', { ok: false })
    .then({ undone: ['charge', 'take'], fails: /not approved/ })
  await asked()
    .cancelled('the customer called')
    .then({ undone: ['charge', 'take'], fails: 'millrace/flow-cancelled' })
  const failing = () => {
    throw new Error('no box')
  }
  await asked()
    .answers('approve', { ok: true })
    .returns('pack', failing)
    .then({ fails: /no box/, state: 'compensated' })
})

test('branches run side by side, and each has its line of the script', async () => {
  const all = mediator('all', {
    startedBy: Placed,
    sends: [Take],
    run: async ({ data }, flow) => {
      const one = flow.map(['a', 'b'], (name) => flow.call(name, Take, data))
      const first = await flow.race([() => flow.call('c', Take, data), () => flow.sleep('s', day)], {
        losers: 'withdraw',
      })
      return [await one, first ?? null]
    },
  })
  await given(all)
    .when(Placed, small)
    .replies(Take, (_data, times) => ({ left: times }))
    .replies('b', { left: 7 })
    .then({
      result: [[{ left: 0 }, { left: 7 }], { left: 1 }],
      called: [
        [Take, small],
        [Take, small],
        [Take, small],
      ],
    })
})

test('a comparison that fails shows the difference, or how the flow ended instead', async () => {
  const other = await difference(well().happens(Confirmed, small).then({ result: 'for 6' }))
  assert.match(other.message, /for 6/)
  const ended = await difference(well().then({ result: 'for 5' }))
  assert.match(
    ended.message,
    /mediator "fulfilment" is compensated, but should be completed: "confirmed" took too long/,
  )
  assert(ended.cause)
  const completed = await difference(well().happens(Confirmed, small).then({ fails: 'refused' }))
  assert.match(completed.message, /is completed, but should be failed/)
})

test('a step missing from the script, or given for nothing, is told by name', async () => {
  await assert.rejects(
    async () => given(fulfilment).when(Placed, small),
    coded('millrace/bad-option', /the script has nothing for call "take" \(stock\.take\): add \.replies\(…\)/),
  )
  await assert.rejects(
    async () => well(large).happens(Confirmed, large),
    coded('millrace/bad-option', /nothing for ask "approve": add \.answers\(…\)/),
  )
  await assert.rejects(
    async () => well().happens(Confirmed, small).replies('tak', { left: 1 }),
    coded('millrace/bad-option', /no step "tak" began; did you mean "take"\?/),
  )
  assert.throws(() => well().replies(Completed as never, 1 as never), coded('millrace/undeclared', /not in its sends/))
  assert.throws(() => well().happens(Placed, small), coded('millrace/undeclared', /not in its waits/))
  assert.throws(() => well().returns(fulfilment, 1), coded('millrace/undeclared', /not in its starts/))
  assert.throws(
    () => given(fulfilment).when(Confirmed as never, small),
    coded('millrace/bad-option', /"order.confirmed" starts no flow of it; "order.placed" does/),
  )
  await assert.rejects(
    async () =>
      given(fulfilment)
        .when(Placed, small)
        .replies(Take, { left: 'one' } as never),
    coded('millrace/bad-data', /reply to "stock\.take"/),
  )
  await assert.rejects(
    async () => well().then({ published: [[Placed as never, small]] }),
    coded('millrace/undeclared', /"order\.placed" is expected, but not in the publishes/),
  )
  await assert.rejects(async () => well().then({ reply: 1 } as never), coded('millrace/unknown-option'))
})

test('a mediator that waits outside its steps is told so', async () => {
  const outside = mediator('outside', { startedBy: Placed, run: () => new Promise(() => {}) })
  const { state, error } = await given(outside).when(Placed, small)
  assert.equal(state, 'paused')
  assert.equal(error?.code, 'millrace/flow-waits-outside')
})

test('its data, replies and events are typed', () => {
  // @ts-expect-error: the reply has another shape
  const wrongReply = () => well().replies(Take, { right: 1 })
  // @ts-expect-error: the event has other data
  const wrongEvent = () => well().happens(Confirmed, { order: 1 })
  // @ts-expect-error: data of the initiating event
  const wrongData = () => given(fulfilment).when(Placed, { order: 'o-1' })
  assert([wrongReply, wrongEvent, wrongData].length)
})

test('an event of another context never comes to the flow, and the script is told so', async () => {
  const elsewhere = well().happens(Confirmed, { order: 'o-2', cents: 5 })
  await assert.rejects(
    elsewhere.then({ state: 'completed' }),
    coded('millrace/bad-option', /"order.confirmed" that happens is of context "o-2", the flow of "o-1"/),
  )
})
