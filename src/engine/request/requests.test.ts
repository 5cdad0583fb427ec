import assert from 'node:assert/strict'
import test from 'node:test'
import type { Stored } from '../../model/codec.ts'
import { isMillraceError } from '../../model/errors.ts'
import { command } from '../../model/message.ts'
import type { Accepted } from '../../model/publish.ts'
import type { RequestRow, WhenHeld } from '../../model/requests.ts'
import { shape } from '../../testing/conformance/support.ts'
import { Requests } from './requests.ts'

const Ring = command('ring', { schema: shape({}) })

function requests() {
  const reads: { readonly id: string; answer(row: Partial<RequestRow>): void }[] = []
  const store = { requests: { row: (id: string) => new Promise((answer) => reads.push({ id, answer } as never)) } }
  const timers: (() => void)[] = []
  const world = { after: (_: number, fn: () => void) => ({ cancel: () => {}, at: timers.push(fn) }) }
  const all = new Requests(world as never, store as never)
  /** Asks, and tells what the caller gets: its reply, or the code and data of an error. */
  const ask = (
    id: string,
    { whenHeld = 'fail' as WhenHeld, context = 'a' as string | null, duplicate = false } = {},
  ) => {
    const message = { id, stream: 1, context }
    const accepted = Promise.withResolvers<Accepted>()
    const got = all.wait({ command: Ring, message, timeoutMs: 9, whenHeld }, accepted.promise).then(
      () => 'replied',
      (error: unknown) => (isMillraceError(error) ? [error.code.replace('millrace/', ''), error.data] : error),
    )
    return { got, accept: () => accepted.resolve({ id, ...(duplicate ? { duplicate } : {}) }) }
  }
  return { all, ask, reads }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
const row = (fields: Partial<RequestRow>) =>
  ({ state: 'waiting', item: null, behind: null, endedAt: null, ...fields }) as const
const held = (id: string, lane: string | null = 'a') => ({ message: { id, stream: 1, context: 'a' } as Stored, lane })

test('a caller is told when its request is held, or stands in line behind a held one', async () => {
  const { all, ask, reads } = requests()
  const [one, two] = [ask('one'), ask('two')]
  one.accept()
  two.accept()
  await turn()
  all.held(held('one'))
  assert.deepEqual(
    reads.map(({ id }) => id),
    ['one', 'two'],
  )
  reads[0]!.answer(row({ state: 'held', item: 4 }))
  reads[1]!.answer(row({ behind: 4 }))
  assert.deepEqual(await one.got, ['request-held', { id: 'one', item: 4 }])
  assert.deepEqual(await two.got, ['request-held', { id: 'two', behind: 4 }])
  all.held(held('one'))
  assert.equal(reads.length, 2)
})

test('a caller that waits is told of the end alone, and so is one whose request is held no longer', async () => {
  const { all, ask, reads } = requests()
  const [waits, fails] = [ask('one', { whenHeld: 'wait' }), ask('one')]
  waits.accept()
  fails.accept()
  await turn()
  all.held(held('one'))
  reads[0]!.answer(row({}))
  await turn()
  all.written([{ do: 'end', id: 'one', state: 'replied', outcome: null, at: 1 }])
  assert.deepEqual(await Promise.all([waits.got, fails.got]), ['replied', 'replied'])
})

test('other lanes, callers that wait, and requests that are not accepted yet cost no read', async () => {
  const { all, ask, reads } = requests()
  ask('other', { context: 'b' }).accept()
  ask('waits', { whenHeld: 'wait' }).accept()
  ask('early')
  await turn()
  all.held(held('early'))
  all.inLine({ id: 'waits' })
  all.inLine({ id: 'unknown' })
  assert.equal(reads.length, 0)
})

test('a message that is held alone concerns the callers of its own request', async () => {
  const { all, ask, reads } = requests()
  const [one, two] = [ask('one', { context: null }), ask('two')]
  one.accept()
  two.accept()
  await turn()
  all.held(held('one', null))
  assert.deepEqual([reads.length, reads[0]?.id], [1, 'one'])
  reads[0]!.answer(row({ state: 'held', item: 7 }))
  assert.deepEqual(await one.got, ['request-held', { id: 'one', item: 7 }])
})

test('a request that was asked before is looked up once: held, ended, or no request', async () => {
  const { ask, reads } = requests()
  const asked = ['held', 'ended', 'none'].map((id) => ask(id, { duplicate: true }))
  for (const { accept } of asked) accept()
  await turn()
  reads[0]!.answer(row({ state: 'held', item: 2 }))
  reads[1]!.answer(row({ state: 'replied', endedAt: 5 }))
  reads[2]!.answer(undefined as never)
  const [first, second, third] = await Promise.all(asked.map(({ got }) => got))
  assert.deepEqual(first, ['request-held', { id: 'held', item: 2 }])
  assert.equal(second, 'replied')
  assert.deepEqual((third as unknown[])[0], 'id-conflict')
})
