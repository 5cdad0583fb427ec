// What `onAttempt` is told: each attempt once, with how it ended.
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import {
  type AppOptions,
  type AttemptEnd,
  app,
  channel,
  command,
  event,
  isMillraceError,
  processor,
  Refused,
  sqlite,
  topic,
} from 'millrace'
import { z } from 'zod'
import { place } from './support.ts'

const schema = z.object({ n: z.number(), fails: z.boolean().optional() })
const Came = event('came', { schema, context: ({ n }) => `c-${n}` })
const Ask = command('ask', { schema })
const Arrivals = topic('arrivals', [Came])
const Questions = channel('questions', [Ask])

function house(t: TestContext, log?: AppOptions['log']) {
  const counts = processor('counts', {
    on: Arrivals,
    retry: { attempts: 2, firstDelayMs: 1, maxDelayMs: 1 },
    handle: {
      came: ({ data }) => {
        if (data.fails) throw Object.assign(new Error(`${data.n} is too many`), { code: 'MANY' })
      },
    },
  })
  const answers = processor('answers', {
    on: Questions,
    handle: {
      ask: () => {
        throw new Refused('no answer')
      },
    },
  })
  const one = app({ name: 'house', broker: sqlite({ file: place(t) }), parts: [counts, answers], log })
  t.after(() => one.stop({ graceMs: 0 }))
  return one
}

test('each attempt is told with its end: handled, failed, held, refused', async (t) => {
  const ends: AttemptEnd[] = []
  const one = house(t, () => {})
  await one.start({ onAttempt: (end) => ends.push(end) })
  await one.publish(Came, { n: 1 }, { id: 'a' })
  await one.idle()
  await one.publish(Came, { n: 2, fails: true }, { id: 'b' })
  await one.idle()
  await assert.rejects(one.request(Ask, { n: 3 }, { id: 'c' }), /no answer/)
  await one.idle()
  const [, failed] = ends
  assert(failed!.nextInMs! <= 2)
  assert.match(failed!.error!.stack!, /on-attempt\.test\.ts/)
  const told = ends.map((end) => ({ ...end, error: end.error && [end.error.code, end.error.message] }))
  const error = ['MANY', '2 is too many']
  const came = { processor: 'counts', type: 'came', error: undefined, nextInMs: undefined }
  assert.deepEqual(told, [
    { ...came, id: 'a', context: 'c-1', attempt: 1, outcome: 'handled' },
    { ...came, id: 'b', context: 'c-2', attempt: 1, outcome: 'failed', error, nextInMs: failed!.nextInMs },
    { ...came, id: 'b', context: 'c-2', attempt: 2, outcome: 'held', error },
    {
      processor: 'answers',
      type: 'ask',
      id: 'c',
      context: undefined,
      attempt: 1,
      outcome: 'refused',
      error: ['refused', 'no answer'],
      nextInMs: undefined,
    },
  ])
  await one.desk.discard(1, { by: 'ann', reason: 'told' })
  assert.equal(ends.length, 4, 'a decision is no attempt')
})

test('a log of the app gets the failed attempts too, and the errors of the function', async (t) => {
  const lines: string[] = []
  const one = house(t, (level, text) => lines.push(`${level}: ${text}`))
  const fails = () => {
    throw new Error('no eyes')
  }
  await one.start({ onAttempt: fails })
  await one.publish(Came, { n: 2, fails: true })
  await one.idle()
  assert.deepEqual(lines, [
    'error: the function "onAttempt" given to app "house" has failed; it is not logged again',
    'warn: attempt 1 of processor "counts" failed',
    'error: processor "counts" holds a message',
  ])
})

test('without a log of the app they are told, not printed', async (t) => {
  const printed = t.mock.method(process.stderr, 'write', () => true)
  const one = house(t)
  const outcomes: string[] = []
  await one.start({ onAttempt: ({ outcome }) => outcomes.push(outcome) })
  await one.publish(Came, { n: 2, fails: true })
  await one.idle()

  const lines = printed.mock.callCount()
  printed.mock.restore()
  assert.deepEqual([outcomes, lines], [['failed', 'held'], 0])
})

test('onAttempt without a function is refused', async (t) => {
  await assert.rejects(house(t).start({ onAttempt: 1 as never }), (error) =>
    isMillraceError(error, 'millrace/bad-option'),
  )
})
