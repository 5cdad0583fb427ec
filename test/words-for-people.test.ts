// Words for people and secret fields, where they are declared, in the list of processors and in the log.
import assert from 'node:assert/strict'
import test from 'node:test'
import {
  type AttemptEnd,
  app,
  channel,
  command,
  desk,
  event,
  gather,
  hold,
  mediator,
  processor,
  Refused,
  route,
  schedule,
  sqlite,
  topic,
} from 'millrace'
import { z } from 'zod'
import { coded, place, started } from './support.ts'

const Paid = event('paid', { schema: z.object({ card: z.string(), cents: z.number() }), secret: ['/card'] })
const Money = topic('money', [Paid])
const Full = event('full', { schema: z.object({}) })
const Batches = topic('batches', [Full])
const card = '4111 1111 1111 1111'
/** An id is made by chance, and may have the digits of the card. */
const withoutIds = (text: string) => text.replaceAll(/[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/g, '')

test('a title and an owner are words; a wrong one is refused by its name', () => {
  const schema = z.object({})
  assert.equal(event('a', { schema, title: 'An order has come in' }).title, 'An order has come in')
  assert.equal(command('a', { schema }).title, undefined)
  const owned: Readonly<Record<string, (owner: never) => { readonly name: string }>> = {
    processor: (owner) => processor('p', { on: Money, handle: {}, owner }),
    route: (owner) => route('p', { on: Money, handle: {}, owner }),
    gather: (owner) => gather('p', { on: Money, of: [Paid], publishes: Full, count: 2, data: () => ({}), owner }),
    mediator: (owner) => mediator('p', { startedBy: Paid, run: async () => {}, owner }),
    schedule: (owner) => schedule('p', { cron: '@daily', publishes: Full, data: {}, owner }),
  }
  for (const wrong of ['', ' ', 7, null, 'x'.repeat(201)] as never[]) {
    const says = /^(event|command) "a": title must be a text of 1 to 200 characters$/
    assert.throws(() => event('a', { schema, title: wrong }), coded('millrace/bad-option', says))
    assert.throws(() => command('a', { schema, title: wrong }), coded('millrace/bad-option', says))
    for (const [kind, make] of Object.entries(owned)) {
      const text = new RegExp(`^${kind} "p": owner must be a text of 1 to 200 characters$`)
      assert.throws(() => make(wrong), coded('millrace/bad-option', text))
    }
  }
  for (const make of Object.values(owned)) assert.equal(make('team till' as never).name, 'p')
})

test('the list of processors names the owner of each, also for those that run a part', async (t) => {
  const parts = [
    processor('till', { on: Money, handle: {}, owner: 'team till' }),
    processor('nobody', { on: Money, handle: {} }),
    route('ways', { on: Money, handle: {}, owner: 'team ways' }),
    gather('sums', { on: Money, of: [Paid], publishes: Full, count: 2, data: () => ({}), owner: 'team sums' }),
    mediator('sale', { on: Money, startedBy: Paid, run: async () => {}, owner: 'team sale' }),
    Batches,
  ]
  const one = await started(t, app({ name: 'owned', broker: sqlite({ file: place(t) }), parts }))
  assert.deepEqual((await one.processors.list()).map(({ name, owner }) => `${name}: ${owner}`).sort(), [
    'nobody: null',
    'sale: team sale',
    'sums.due: team sums',
    'sums: team sums',
    'till: team till',
    'ways: team ways',
  ])
})

test('the function onAttempt, and so the lines of dev, get no secret: of a failure, a message that is held, a refusal', async (t) => {
  const ends: AttemptEnd[] = []
  const Charge = command('charge', { schema: z.object({ card: z.string() }), secret: ['/card'] })
  const fails = (data: { readonly card: string }) => Object.assign(new Error(data.card), { code: `NO-${data.card}` })
  const till = processor('till', {
    on: Money,
    retry: { attempts: 2, firstDelayMs: 1, maxDelayMs: 1 },
    handle: {
      paid: ({ data }) => {
        throw fails(data)
      },
    },
  })
  const bank = processor('bank', {
    on: channel('charges', [Charge]),
    handle: {
      charge: ({ data }) => {
        throw new Refused(`no ${data.card}`, data)
      },
    },
  })
  const one = app({ name: 'shop', broker: sqlite({ file: place(t) }), parts: [till, bank], log: () => {} })
  t.after(() => one.stop({ graceMs: 0 }))
  await one.start({ onAttempt: (end) => ends.push(end) })
  await one.publish(Paid, { card, cents: 5 })
  await one.idle()
  await assert.rejects(one.request(Charge, { card }))
  assert.deepEqual(
    ends.map(({ outcome, error }) => [outcome, error?.message]),
    [
      ['failed', '***'],
      ['held', '***'],
      ['refused', 'no ***'],
    ],
  )
  assert.doesNotMatch(withoutIds(JSON.stringify(ends)), /4111/)
})

test('no line of log has a secret of its message, be it of the handler or of a failure', async (t) => {
  const lines: string[] = []
  const log = (_level: string, text: string, fields: unknown) => void lines.push(`${text} ${JSON.stringify(fields)}`)
  const till = processor('till', {
    on: Money,
    retry: { attempts: 2, firstDelayMs: 1, maxDelayMs: 1 },
    handle: {
      paid: ({ data }, { log }) => {
        log.info(`card ${data.card}`, { data, error: new Error(data.card) })
        throw new Error(`the bank refuses ${data.card}`)
      },
    },
  })
  const rules = desk('rules', { on: Money, decide: { paid: ({ error }) => hold(error.message) } })
  const file = place(t)
  const one = await started(t, app({ name: 'shop', broker: sqlite({ file }), parts: [Money, till, rules], log }))
  await one.publish(Paid, { card, cents: 5 }, { id: 'p-1' })
  await one.idle()
  const about = lines.filter((line) => line.includes('p-1'))
  assert.deepEqual(
    about.map((line) => line.slice(0, line.indexOf(' {'))),
    ['card ***', 'attempt 1 of processor "till" failed', 'card ***', 'processor "till" holds a message'],
  )
  for (const line of lines) assert.doesNotMatch(withoutIds(line), /4111/)
  assert.match(about[1]!, /"error":"the bank refuses \*\*\*"/)
  assert.match(about[0]!, /"data":\{"card":"\*\*\*","cents":5\}/)
})
