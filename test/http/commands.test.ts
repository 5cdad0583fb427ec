import assert from 'node:assert/strict'
import test from 'node:test'
import { kept, rows, until } from '../support.ts'
import { served } from './shop.ts'

const send = 'POST /commands/{channel}/{type}'
const look = 'GET /requests/{id}'
const take = { channel: 'stock', type: 'stock.take' }

test('a command is accepted with the place of its state, where its end is found', async (t) => {
  const { ask } = await served(t)
  const sent = await ask(send, {
    params: take,
    json: { sku: 'a', quantity: 3 },
    headers: { 'idempotency-key': 'c 1/ü' },
  })
  assert.deepEqual([sent.status, sent.body], [202, { id: 'c 1/ü' }])
  assert.equal(sent.headers.get('location'), '/requests/c%201%2F%C3%BC')
  const { status, body } = await ask(look, { params: { id: 'c 1/ü' }, headers: { prefer: 'wait=30' } })
  const { askedAt, endedAt, ...rest } = body
  assert.deepEqual([status, rest], [200, { id: 'c 1/ü', command: 'stock.take', state: 'replied', reply: { left: 7 } }])
  assert(askedAt > 0 && endedAt >= askedAt)
})

test('a waiting caller gets the reply, the refusal with its data, or nothing where the type has none', async (t) => {
  const { ask } = await served(t)
  const headers = { prefer: 'wait=30' }
  const replied = await ask(send, { params: take, json: { sku: 'a', quantity: 3 }, headers })
  assert.deepEqual(
    [replied.status, replied.body, replied.headers.get('preference-applied')],
    [200, { left: 7 }, 'wait=30'],
  )
  const refused = await ask(send, { params: take, json: { sku: 'a', quantity: 30 }, headers })
  assert.deepEqual(
    [refused.status, refused.body.code, refused.body.detail],
    [422, 'millrace/refused', 'too few in stock'],
  )
  assert.deepEqual(refused.body.data, { left: 10 })
  const noted = await ask(send, { params: { channel: 'stock', type: 'stock.note' }, json: { sku: 'a' }, headers })
  assert.equal(noted.status, 204)
  const found = await ask(look, {
    params: { id: decodeURIComponent(refused.headers.get('location')!.split('/').at(-1)!) },
  })
  assert.deepEqual(
    [found.status, found.body.state, found.body.refusal],
    [200, 'refused', { message: 'too few in stock', data: { left: 10 } }],
  )
})

test('a command with the same key is sent once, and its end is told again; other data is a conflict', async (t) => {
  const { ask, file } = await served(t)
  const headers = { prefer: 'wait=30', 'idempotency-key': '"k"' }
  for (let times = 0; times < 3; times++) {
    const { status, body } = await ask(send, { params: take, json: { sku: 'a', quantity: 3 }, headers })
    assert.deepEqual([status, body], [200, { left: 7 }])
  }
  const { status, body } = await ask(send, { params: take, json: { sku: 'a', quantity: 4 }, headers })
  assert.deepEqual([status, body.code], [409, 'millrace/id-conflict'])
  assert.deepEqual(
    kept(file, 'stock').map(({ id }) => id),
    ['k'],
  )
})

test('a held command is no error: its state shows it, with its number at the desk, and the later decision', async (t) => {
  const { ask, shop } = await served(t)
  const headers = { prefer: 'wait=30', 'idempotency-key': 'h' }
  const { status, body } = await ask(send, { params: take, json: { sku: 'broken', quantity: 1 }, headers })
  assert.deepEqual([status, body.state, body.item], [202, 'held', 1])
  const behind = await ask(send, {
    params: take,
    json: { sku: 'broken', quantity: 2 },
    headers: { 'idempotency-key': 'b' },
  })
  assert.equal(behind.status, 202)
  await shop.desk.discard(1, { by: 'ada', reason: 'a test' })
  const ended = await ask(look, { params: { id: 'h' } })
  assert.deepEqual([ended.status, ended.body.state, ended.body.reason], [200, 'discarded', 'a test'])
  const again = await ask(send, { params: take, json: { sku: 'broken', quantity: 1 }, headers })
  assert.deepEqual([again.status, again.body.code], [409, 'millrace/request-discarded'])
})

test('a wait ends when its time is over, when the app ends, and when the client is gone', async (t) => {
  const gate = Promise.withResolvers<void>()
  t.after(() => gate.resolve())
  const { ask, open, shop } = await served(t, { gate: { open: gate.promise } })
  const json = { sku: 'a', quantity: 1 }
  const short = await ask(send, { params: take, json, headers: { prefer: 'wait=0', 'idempotency-key': 'w' } })
  assert.deepEqual([short.status, short.body.state], [202, 'waiting'])
  const gone = new AbortController()
  const left = open(look, { params: { id: 'w' }, headers: { prefer: 'wait=60' }, signal: gone.signal })
  gone.abort()
  await assert.rejects(left, { name: 'AbortError' })
  const waits = ask(send, {
    params: take,
    json: { sku: 'b', quantity: 1 },
    headers: { prefer: 'wait=60', 'idempotency-key': 'e' },
  })
  await until('it is on disk', async () => (await shop.requestStatus('e')) !== undefined)
  const stopped = shop.stop({ graceMs: 0 })
  const { status, body } = await waits
  assert.deepEqual([status, body.id], [202, 'e'])
  await stopped
})

test('a request is taken back once, and never after its end', async (t) => {
  const gate = Promise.withResolvers<void>()
  const { ask, file } = await served(t, { gate: { open: gate.promise } })
  await ask(send, { params: take, json: { sku: 'a', quantity: 1 }, headers: { 'idempotency-key': 'first' } })
  await ask(send, { params: take, json: { sku: 'a', quantity: 1 }, headers: { 'idempotency-key': 'second' } })
  const back = await ask('DELETE /requests/{id}', { params: { id: 'second' } })
  assert.deepEqual([back.status, back.body.state], [200, 'withdrawn'])
  gate.resolve()
  assert.equal((await ask(look, { params: { id: 'first' }, headers: { prefer: 'wait=30' } })).status, 200)
  for (const id of ['first', 'second']) {
    const { status, body } = await ask('DELETE /requests/{id}', { params: { id } })
    assert.deepEqual([status, body.code], [409, 'millrace/too-late'])
  }
  assert.deepEqual(
    rows(file, 'select id, state from millrace_requests order by id').map(({ state }) => state),
    ['replied', 'withdrawn'],
  )
})

test('an invalid command and an unknown request are told', async (t) => {
  const { ask, shop } = await served(t)
  const json = { sku: 'a', quantity: 1 }
  for (const [asks, status, code] of [
    [{ params: { channel: 'stok', type: 'stock.take' }, json }, 404, 'millrace/unknown-name'],
    [{ params: { channel: 'orders', type: 'order.placed' }, json }, 404, 'millrace/unknown-name'],
    [{ params: { channel: 'stock', type: 'stock.tak' }, json }, 422, 'millrace/type-without-topic'],
    [{ params: take, json: { sku: 'a' } }, 422, 'millrace/bad-data'],
    [{ params: take, body: 'x', headers: { 'content-type': 'text/plain' } }, 415, 'millrace/wrong-media-type'],
    [{ params: take, json, headers: { 'idempotency-key': 'flow/1' } }, 400, 'millrace/bad-id'],
  ] as const) {
    const answer = await ask(send, asks)
    assert.deepEqual([answer.status, answer.body.code], [status, code], answer.body.detail)
  }
  const { body } = await ask(send, { params: take, json: { sku: 'a', quantity: '1' } })
  assert.deepEqual(
    body.errors.map(({ pointer }: { pointer: string }) => pointer),
    ['/quantity'],
  )
  const missing = await ask(look, { params: { id: 'none' } })
  assert.deepEqual([missing.status, missing.body.code], [404, 'millrace/unknown-request'])
  await shop.send((await import('./shop.ts')).Take, json, { id: 'sent' })
  const sent = await ask(send, { params: take, json, headers: { 'idempotency-key': 'sent' } })
  assert.deepEqual([sent.status, sent.body.code], [409, 'millrace/id-conflict'])
})
