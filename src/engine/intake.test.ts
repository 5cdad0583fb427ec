import assert from 'node:assert/strict'
import test from 'node:test'
import { z } from 'zod'
import { coded } from '../../test/support.ts'
import { fault } from '../model/errors.ts'
import { command, event, type MessageType } from '../model/message.ts'
import type { Publish } from './commit/writes.ts'
import { Envelopes } from './envelopes.ts'
import { Intake, type IntakeHost } from './intake.ts'
import type { Asked } from './request/requests.ts'

const Placed = event('placed', { schema: z.object({ n: z.number() }) })
const Ship = command('ship', { schema: z.object({ n: z.number() }) })

/** An intake whose committer only notes what comes to it, and accepts it. */
function intake(changes: Partial<IntakeHost> = {}) {
  const published: Publish[] = []
  const taken: string[] = []
  const committer = {
    pendingPublishes: 0,
    publish: (one: Publish) => {
      published.push(one)
      one.resolve({ id: one.message.id })
    },
    transact: () => {},
    writeTimed: (write: { change: { id: string }; written(result: object): void }) => {
      taken.push(`delayed ${write.change.id}`)
      write.written({ do: 'cancel', found: write.change.id === 'later' })
    },
  }
  const world = { now: () => 5, newId: () => 'new', bind: (fn: unknown) => fn }
  const streamOf = new Map<MessageType, number>([
    [Placed, 1],
    [Ship, 2],
  ])
  const host = {
    world,
    store: { requests: undefined as never, room: () => undefined },
    committer,
    envelopes: new Envelopes({ app: 'shop', world, streamOf, bytesMax: 1_000 }),
    requests: { wait: async ({ message, whenHeld }: Asked) => `reply to ${message.id}, ${whenHeld}` },
    withdrawals: {
      ofRequest: async (_type: string, id: string) => {
        taken.push(`request ${id}`)
        return true
      },
    },
    pendingMax: 2,
    checkRunning: () => {},
    ...changes,
  }
  return { made: new Intake(host as unknown as IntakeHost), published, taken, committer }
}

test('a message that is published comes to the committer, and its id back once that has accepted it', async () => {
  const { made, published } = intake()
  assert.deepEqual(await made.publish(Placed, { n: 1 }, { id: 'mine' }), { id: 'mine' })
  const [{ message }] = published as [Publish]
  assert.deepEqual([message.stream, message.id, message.ownId, message.asked], [1, 'mine', true, undefined])
})

test('a refused message never comes to the committer', async () => {
  const stopping = fault('millrace/stopping', 'it stops')
  const stopped = intake({
    checkRunning: () => {
      throw stopping
    },
  })
  const full = intake({ store: { room: () => fault('millrace/disk-full', 'no room'), requests: undefined as never } })
  const busy = intake()
  busy.committer.pendingPublishes = 2
  for (const [{ made, published }, code] of [
    [stopped, 'millrace/stopping'],
    [full, 'millrace/disk-full'],
    [busy, 'millrace/too-many-pending'],
  ] as const) {
    await assert.rejects(made.publish(Placed, { n: 1 }, undefined), coded(code))
    await assert.rejects(
      made.transaction(() => {}),
      coded(code),
    )
    assert.deepEqual(published, [])
  }
  const { made, published } = intake()
  await assert.rejects(made.publish(Placed, { n: 'one' }, undefined), coded('millrace/bad-data'))
  assert.deepEqual(published, [])
})

test('a request is a command that the app asks, under a new id or that of its caller', async () => {
  const { made, published } = intake()
  const waiting = { timeoutMs: 10, whenHeld: 'wait' } as const
  assert.equal(await made.request(Ship, { n: 1 }, { id: undefined, ...waiting }), 'reply to new, wait')
  assert.equal(await made.request(Ship, { n: 1 }, { id: 'mine', ...waiting }), 'reply to mine, wait')
  assert.deepEqual(
    published.map(({ message: { id, ownId, asked } }) => [id, ownId, asked]),
    [
      ['new', false, 'app'],
      ['mine', true, 'app'],
    ],
  )
})

test('a cancel looks for a delayed message first, then for a request of that command', async () => {
  const { made, taken } = intake()
  assert.deepEqual(
    [await made.cancel(Ship, 'later'), await made.cancel(Ship, 'asked'), await made.cancel(Placed, 'none')],
    [true, true, false],
  )
  assert.deepEqual(taken, ['delayed later', 'delayed asked', 'request asked', 'delayed none'])
})
