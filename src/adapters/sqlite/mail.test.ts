import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyFlows, flowOf, mailOf, messageOf } from '../../../test/support/flow-tables.ts'

test('mail comes in order, by mediator, context and type', async () => {
  const { mail } = emptyFlows().flows
  for (const n of [3, 1, 2]) mail.put(mailOf(n))
  mail.put(mailOf(4, { context: 'b' }))
  mail.put(mailOf(5, { message: messageOf('sent') }))
  assert.equal((await mail.next('m', 'a', 'paid', 0))?.n, 1)
  assert.equal((await mail.next('m', 'a', 'paid', 1))?.n, 2)
  assert.equal(await mail.next('m', 'a', 'paid', 3), undefined)
  assert.equal((await mail.next('m', 'b', 'paid', 0))?.message.type, 'paid')
})

test('old mail is forgotten, unless a paused or queued flow of its context may still take it', async () => {
  const { flows } = emptyFlows()
  const { mail } = flows
  flows.write([
    { do: 'start', row: flowOf(1, { state: 'queued', context: 'queued' }) },
    { do: 'mail', mail: mailOf(1) },
    { do: 'mail', mail: mailOf(2, { context: 'queued' }) },
    { do: 'mail', mail: mailOf(90) },
  ])
  assert.deepEqual(await mail.forget(0, 50), { gone: 1, last: undefined })
  assert.equal((await mail.next('m', 'queued', 'paid', 0))?.n, 2)
  assert.equal((await mail.next('m', 'a', 'paid', 0))?.n, 90)
})
