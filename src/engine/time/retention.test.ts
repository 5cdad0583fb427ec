import assert from 'node:assert/strict'
import test from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { z } from 'zod'
import { TestClock } from '../../../test/clock.ts'
import { failures } from '../../model/failures.ts'
import { channel, command, event, topic } from '../../model/message.ts'
import { Retention, type RetentionHost } from './retention.ts'

const schema = z.object({})
const orders = topic('orders', [event('placed', { schema })], { retain: { bytes: 50 } })
const kept = topic('kept', [event('kept', { schema })])
const work = channel('work', [command('ship', { schema })])
const day = 24 * 60 * 60 * 1_000

/** A store in which each kind of thing is there for so many slices. */
function retention(slices: Readonly<Record<string, number>> = {}) {
  const clock = new TestClock(100 * day)
  const left = new Map(Object.entries(slices))
  const told: string[] = []
  const remove = (what: string) => async () => {
    told.push(what)
    const more = left.get(what) ?? 0
    left.set(what, more - 1)
    return more > 0 ? 1 : 0
  }
  const host = {
    world: Object.assign(clock, { log: (_level: string, text: string) => void told.push(text) }),
    store: {
      desk: { forgetResolved: (before: number) => remove(`desk ${(100 * day - before) / day}`)() },
      requests: { forget: remove('requests') },
      flows: { rows: { forget: remove('flows') }, mail: { forget: async () => ({ gone: 0, last: undefined }) } },
      log: {
        trim: (stream: number, upTo: number, retain: object) =>
          remove(`stream ${stream} up to ${upTo} ${JSON.stringify(retain)}`)(),
      },
      progress: {
        rows: async () => [
          { stream: 1, low: 9 },
          { stream: 1, low: 4 },
        ],
      },
    },
    committer: { alone: (run: () => Promise<unknown>) => run() },
    destinations: [orders, kept, work, failures],
    limits: {
      retainEveryMs: 1_000,
      deskRetainMs: 30 * day,
      requestRetainMs: day,
      flowRetainMs: day,
      mailboxMs: day,
      channelRetainMs: 7 * day,
    },
    streamIds: new Map([orders, kept, work, failures].map(({ name }, index) => [name, index + 1])),
    forgetWithdrawn: async () => 0,
  }
  return { clock, told, made: new Retention(host as unknown as RetentionHost), host }
}

test('old and done messages are removed; a topic without `retain` keeps all', async () => {
  const { clock, told, made } = retention()
  made.begin()
  clock.pass(1_000)
  await turn()
  const [desk, ...others] = told
  assert.match(desk!, /^desk 30\.0/)
  assert.deepEqual(others.slice(0, 3), ['requests', 'flows', 'stream 1 up to 4 {"bytes":50}'])
  assert.deepEqual(
    others.slice(3).map((line) => line.replace(/\d{6,}/g, 'n')),
    ['stream 3 up to n {"beforeMs":n}', 'stream 4 up to n {"beforeMs":n}'],
  )
})

test('it removes slice by slice, until a slice finds nothing', async () => {
  const { clock, told, made } = retention({ requests: 3 })
  made.begin()
  clock.pass(1_000)
  await turn()
  assert.equal(told.filter((what) => what === 'requests').length, 4)
})

test('looks that find nothing come more rarely, and as before once something is found', async () => {
  const { clock, made, host } = retention()
  made.begin()
  const waits: number[] = []
  for (let look = 0; look < 7; look++) {
    clock.pass(clock.waits[0]!)
    await turn()
    waits.push(clock.waits[0]!)
  }
  assert.deepEqual(waits, [2_000, 4_000, 8_000, 16_000, 32_000, 32_000, 32_000])
  host.forgetWithdrawn = async () => 1
  clock.pass(32_000)
  await turn()
  assert.deepEqual(clock.waits, [1_000])
})

test('a look that fails is logged, and another one comes', async () => {
  const { clock, told, made, host } = retention()
  host.store.requests.forget = async () => {
    throw new Error('no')
  }
  made.begin()
  clock.pass(1_000)
  await turn()
  assert.equal(told.at(-1), 'old messages could not be removed')
  assert.equal(clock.waits.length, 1)
})

test('after the end no look begins', async () => {
  const { clock, told, made } = retention()
  made.begin()
  made.end()
  clock.pass(100_000)
  await turn()
  assert.deepEqual([told, clock.waits], [[], []])
})
