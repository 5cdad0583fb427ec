import assert from 'node:assert/strict'
import test from 'node:test'
import type { RequestRow } from '../../model/requests.ts'
import type { Job } from '../commit/writes.ts'
import { type Serving, Withdrawals } from './withdrawals.ts'

/** Withdrawals with a processor and a store that answer as they are told. */
function withdrawals({ runs = false, hasEnd = false, marks = [] as string[], request = undefined as unknown } = {}) {
  const written: Job[] = []
  const asked: string[] = []
  let idle = 0
  const serving: Serving = {
    fenceMessage: (id) => {
      asked.push(`fence ${id}`)
      return runs
    },
    withdraw: async (id) => {
      asked.push(`take ${id} off the desk`)
      return 'never'
    },
  }
  const all = new Withdrawals({
    world: { now: () => 9, log: () => {} },
    store: {
      requests: {
        row: async () => (typeof request === 'function' ? request() : request) as RequestRow | undefined,
      },
      desk: { askedEntry: async () => undefined },
      flows: {
        takeUp: { withdrawn: async (after) => marks.filter((id) => id > after) },
        rows: { hasEnd: async () => hasEnd },
      },
    },
    committer: { written: async (job) => void written.push(job), alone: (work) => work(), holds: () => false },
    serving: () => serving,
    maybeIdle: () => void idle++,
  })
  return { all, written, asked, idle: () => idle }
}

const command = { id: 'flow/1/7', type: 'pay' }
const waiting = { id: 'r', type: 'pay', state: 'waiting', endedAt: null }

test('a command of a flow is marked at once, then on disk, and leaves the desk', async () => {
  const { all, written, asked } = withdrawals()
  const effects = all.ofFlow(command)
  assert.equal(all.has(command.id), true)
  assert.equal(await effects, 'never')
  assert.deepEqual(written, [{ flows: [{ do: 'withdraw', id: command.id }], requests: [] }])
  assert.deepEqual(asked, ['fence flow/1/7', 'take flow/1/7 off the desk'])
})

test('the effects of a command are unknown where an attempt was under way', async () => {
  assert.equal(await withdrawals({ runs: true }).all.ofFlow(command), 'unknown')
})

test('a command that has ended by itself keeps no mark', async () => {
  const { all, written } = withdrawals({ hasEnd: true })
  await all.ofFlow(command)
  assert.deepEqual([all.has(command.id), written.length], [false, 0])
})

/** A request that has ended by its third read: its end is written between the second and that. */
const endsAs = (state: string) => {
  let reads = 0
  return () => (++reads < 3 ? waiting : { ...waiting, state, endedAt: 9 })
}

test('a request ends as withdrawn, once', async () => {
  const { all, written } = withdrawals({ request: endsAs('withdrawn') })
  assert.equal(await all.ofRequest('pay', 'r'), true)
  const [end] = written[0]!.requests!
  assert.deepEqual(end?.do === 'end' && [end.id, end.state, end.at], ['r', 'withdrawn', 9])
  assert.equal(await withdrawals({ request: { ...waiting, endedAt: 1 } }).all.ofRequest('pay', 'r'), false)
  assert.equal(await withdrawals().all.ofRequest('pay', 'r'), false)
})

test('a request whose refusal is being written is not taken back, and keeps no mark', async () => {
  const { all, written, asked } = withdrawals({ request: endsAs('refused') })
  assert.equal(await all.ofRequest('pay', 'r'), false)
  assert.deepEqual([all.has('r'), written.at(-1)?.flows], [false, [{ do: 'passed', id: 'r' }]])
  assert.deepEqual(asked, ['fence r'])
})

test('a start ends the requests that earlier runs have marked, none that this run takes back', async () => {
  const { all, written } = withdrawals({ marks: ['a'], request: waiting })
  await all.takeUp()
  const taken = all.ofRequest('pay', 'r')
  await null
  await Promise.all([all.release(), taken])
  const ends = written.filter(({ requests }) => requests?.length === 1)
  assert.deepEqual(
    ends.map(({ requests, flows }) => [requests![0]!.id, flows]),
    [
      ['a', undefined],
      ['r', [{ do: 'withdraw', id: 'r' }]],
    ],
  )
})

test('a request that is passed over before its withdrawal is written ends with that, and counts as taken back', async () => {
  let row: unknown = waiting
  const { all, written } = withdrawals({ request: () => row })
  const taken = all.ofRequest('pay', 'r')
  await null
  const [end] = all.pass({ id: 'r', asked: 'app' }).requests!
  assert.deepEqual(end?.do === 'end' && [end.id, end.state, end.outcome], [
    'r',
    'withdrawn',
    { message: 'withdrawn by its caller', data: { effects: 'never' } },
  ])
  row = { ...waiting, state: 'withdrawn', endedAt: 9 }
  assert.equal(await taken, true)
  assert.deepEqual(written, [])
  assert.equal(await all.ofRequest('pay', 'r'), false)
})

test('a mark is forgotten when its command is passed over, and that is durable', async () => {
  const { all } = withdrawals({ marks: ['a', 'b'] })
  await all.takeUp()
  const passed = all.pass({ id: 'a', asked: 'flow' })
  assert.deepEqual([passed.flows, passed.requests], [[{ do: 'passed', id: 'a' }], []])
  assert.equal(all.has('a'), true)
  passed.written!([])
  assert.deepEqual([all.has('a'), all.has('b')], [false, true])
})

test('a mark that no processor comes to is forgotten once all that was there is passed', async () => {
  const { all, written } = withdrawals({ marks: ['a'] })
  await all.takeUp()
  assert.equal(await all.sweep([{ stream: 1, low: 3, head: 5 }]), 0)
  assert.equal(await all.sweep([{ stream: 1, low: 4, head: 8 }]), 0)
  assert.equal(await all.sweep([{ stream: 1, low: 8, head: 9 }]), 1)
  assert.deepEqual([all.has('a'), written.at(-1)?.flows], [false, [{ do: 'passed', id: 'a' }]])
})

test('it is idle when the withdrawals that a commit has brought are carried out', async () => {
  const { all, idle } = withdrawals({ request: waiting })
  all.carryOut({ id: 'r', type: 'pay' })
  assert.deepEqual([all.idle, all.has('r')], [false, true])
  await new Promise(setImmediate)
  assert.deepEqual([all.idle, idle()], [true, 1])
})
