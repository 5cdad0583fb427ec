import assert from 'node:assert/strict'
import test from 'node:test'
import type { Stored } from '../../model/codec.ts'
import type { MessageType } from '../../model/message.ts'
import { AppTransaction, type Collect } from './transaction.ts'

const Placed = { kind: 'event', name: 'placed' } as MessageType
const own = { takeBack: (_: string, id: string) => (id.startsWith('request') ? 'request' : undefined) } as never
const open = { returned: () => undefined } as never

function transaction(fn: (tx: unknown, collect: Collect) => unknown) {
  let n = 0
  const encode = (type: MessageType, data: unknown) => ({ type: type.name, id: `m-${++n}`, json: data }) as Stored
  return new AppTransaction(
    fn,
    encode,
    () => {},
    () => {},
  )
}

const idsOf = ({ outgoing }: AppTransaction) => outgoing.map(({ id }) => id)

test('a transaction returns what its function does, with the messages that it publishes and takes back', async () => {
  const ids: string[] = []
  const one = transaction(async (_, { put, cancel }) => {
    ids.push(put(Placed, 1, undefined), put(Placed, 2, undefined))
    cancel(Placed, 'request-1')
    cancel(Placed, 'delayed-1')
    return 'done'
  })
  assert.equal(await one.run(open, own), 'done')
  assert.deepEqual([ids, idsOf(one)], [['m-1', 'm-2'], ids])
  assert.deepEqual(one.withdrawn, [{ type: 'placed', id: 'request-1' }])
})

test('a function that runs again begins with nothing collected', async () => {
  const one = transaction((_, { put }) => put(Placed, 1, undefined))
  await one.run(open, own)
  await one.run(open, own)
  assert.deepEqual(idsOf(one), ['m-2'])
})

test('a savepoint drops what was collected since', async () => {
  const one: AppTransaction = transaction((_, { put }) => {
    put(Placed, 1, undefined)
    const drop = one.savepoint()
    put(Placed, 2, undefined)
    drop()
  })
  await one.run(open, own)
  assert.deepEqual(idsOf(one), ['m-1'])
})

test('statements that nobody has awaited end before the transaction does', async () => {
  const order: string[] = []
  const returned = async () => {
    await new Promise(setImmediate)
    order.push('statements')
  }
  const one = transaction(() => void order.push('function'))
  await one.run({ returned } as never, own)
  order.push('transaction')
  assert.deepEqual(order, ['function', 'statements', 'transaction'])
})

test('after its end nothing is published or taken back, and an id that is none is refused', async () => {
  let kept: Collect | undefined
  const one = transaction((_, collect) => {
    kept = collect
    collect.cancel(Placed, '')
  })
  await assert.rejects(one.run(open, own), { code: 'millrace/bad-id' })
  one.outcome = { ok: true, value: undefined }
  assert.throws(() => kept!.put(Placed, 1, undefined), { code: 'millrace/tx-closed' })
  assert.throws(() => kept!.cancel(Placed, 'a'), { code: 'millrace/tx-closed' })
})
