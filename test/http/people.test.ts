// What people see and do over HTTP, on an app whose messages have secrets.
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { app, channel, command, event, mediator, processor, Refused, type ServeOptions, sqlite, topic } from 'millrace'
import { z } from 'zod'
import { fileOf } from '../../src/http/list-files.ts'
import { hideOf } from '../../src/http/masks.ts'
import { called, peopleRoutes } from '../../src/http/routes/people.ts'
import type { Grant } from '../../src/model/permissions.ts'
import { touches } from '../../src/model/secrets.ts'
import { calls, takenBy } from '../../src/operate/calls.ts'
import { hashOf, newToken } from '../../src/operate/token.ts'
import { client } from '../support/http-client.ts'
import { place } from '../support.ts'

const canary = 'canary-4242'

const Paid = event('paid', {
  schema: z.object({ account: z.string(), iban: z.string(), cents: z.number() }),
  context: ({ account }) => account,
  secret: ['/iban'],
})
const Payments = topic('payments', [Paid])
const Book = command('book', { schema: z.object({ iban: z.string() }), secret: ['/iban'] })
const Books = channel('books', [Book])

/** A bank whose ledger fails at payments without cents, with a secret in the error; served, with two people. */
async function bank(t: TestContext, grants: readonly Grant[] = [{ role: 'operator' }]) {
  const ledger = processor('ledger', {
    on: Payments,
    retry: { attempts: 1 },
    handle: {
      paid: ({ data: { cents, iban } }) => {
        if (cents === 0) throw new Error(`nothing to book for ${iban}`)
      },
    },
  })
  const books = processor('books', {
    on: Books,
    retry: { attempts: 1 },
    handle: {
      book: ({ data }) => {
        throw new Error(data.iban)
      },
    },
  })
  const clerk = mediator('clerk', {
    on: Payments,
    startedBy: Paid,
    sends: [Book],
    run: async ({ data: { iban } }, flow) => {
      await flow.ask('approve', { schema: z.object({ yes: z.boolean() }), title: 'Book it?' })
      await flow.call('book', Book, { iban })
    },
  })
  const shop = app({ name: 'bank', broker: sqlite({ file: place(t) }), parts: [ledger, books, clerk], log: () => {} })
  t.after(() => shop.stop({ graceMs: 0 }))
  await shop.start()
  const token = newToken()
  const options: ServeOptions = { access: { tokens: [{ name: 'ada', hash: hashOf(token), grants: [...grants] }] } }
  const { url } = await shop.serve({ port: 0, ...options })
  const plain = client(url)
  const headers = { authorization: `Bearer ${token}` }
  const ask: typeof plain.ask = (route, asks = {}) =>
    plain.ask(route, { ...asks, headers: { ...headers, ...asks.headers } })
  const pay = (account: string, cents: number) => shop.publish(Paid, { account, cents, iban: canary })
  return { shop, ask, pay, url }
}

test('every function for people has a route, and no route calls what there is not', () => {
  const functions = Object.entries(calls).flatMap(([on, all]) => Object.keys(all).map((name) => `${on}.${name}`))
  assert.deepEqual([...new Set(called.map((route) => route.calls))].sort(), functions.sort())
  const paths = peopleRoutes.routes.map(({ method, path }) => `${method} ${path}`)
  assert.equal(new Set(paths).size, paths.length)
})

test('a held payment is found, corrected on the revision that was seen, and its line follows in order', async (t) => {
  const { shop, ask, pay } = await bank(t)
  await pay('a', 0)
  await pay('a', 5)
  await shop.idle()
  const { body: list } = await ask('GET /api/desk', { query: { processor: 'ledger', states: ['held'] } })
  assert.equal(list.items.length, 1)
  const [{ id, waiting }] = list.items
  assert.equal(waiting, 1)
  const params = { id: String(id) }
  const { headers } = await ask('GET /api/desk/{id}', { params })
  const line = await ask('GET /api/desk/{id}/line', { params })
  assert.equal(line.body.items.length, 1)

  const json = { data: { account: 'a', iban: canary, cents: 7 }, reason: 'the cents were lost' }
  const missing = await ask('POST /api/desk/{id}/resubmit', { params, json })
  assert.deepEqual([missing.status, missing.body.code], [428, 'millrace/revision-missing'])
  const match = { 'if-match': headers.get('etag')! }
  assert.equal((await ask('POST /api/desk/{id}/resubmit', { params, json, headers: match })).status, 204)
  await shop.idle()
  assert.deepEqual((await shop.desk.counts()).held, 0)
  const again = await ask('POST /api/desk/{id}/resubmit', { params, json, headers: match })
  assert.equal(again.status === 409 || again.status === 412, true)
  const { body: audit } = await ask('GET /api/audit', { query: { item: id } })
  assert.deepEqual(
    audit.items.filter(({ by }: { by: string }) => by === 'ada').map(({ reason }: { reason: string }) => reason),
    ['the cents were lost'],
  )
})

test('a page gets the shape of an answer, and the places of one that does not fit', async (t) => {
  const { shop, ask, pay } = await bank(t)
  await pay('a', 5)
  await shop.idle()
  const { body } = await ask('GET /api/questions')
  const [{ flow, step }] = body.items
  const params = { id: String(flow) }
  const form = await ask('GET /api/flows/{id}/form', { params, query: { step } })
  assert.deepEqual([form.status, form.body.why], [200, null])
  assert.deepEqual(form.body.schema.properties, { yes: { type: 'boolean' } })
  const wrong = await ask('POST /api/flows/{id}/answer', { params, json: { step, value: { yes: 'so' } } })
  assert.deepEqual([wrong.status, wrong.body.data.misfits[0].pointer], [422, '/yes'])
  const none = await ask('GET /api/flows/{id}/form', { params, query: { step: 'other' } })
  assert.deepEqual([none.status, none.body.code], [409, 'millrace/not-asked'])
  assert.equal((await ask('POST /api/flows/{id}/answer', { params, json: { step, value: { yes: true } } })).status, 204)
})

test('the second of two editors is told who did what, and nothing is overwritten', async (t) => {
  const { shop, ask, pay } = await bank(t)
  await pay('a', 0)
  await shop.idle()
  const { body } = await ask('GET /api/desk')
  const params = { id: String(body.items.find((one: { state: string }) => one.state === 'held').id) }
  const { headers } = await ask('GET /api/desk/{id}', { params })
  const match = { 'if-match': headers.get('etag')! }
  assert.equal((await ask('POST /api/desk/{id}/release', { params, headers: match, json: {} })).status, 204)
  await shop.idle()
  const second = await ask('POST /api/desk/{id}/discard', { params, headers: match, json: { reason: 'a test' } })
  assert.equal(second.status, 412)
  assert.match(second.body.detail, /by ada/)
  assert.equal((await shop.desk.show(Number(params.id)))?.state, 'held')
})

test('a claim is seen by others and binds them; notes are about a message or a group', async (t) => {
  const { shop, ask, pay } = await bank(t)
  await pay('a', 0)
  await shop.idle()
  const [item] = await shop.desk.list({ processor: 'ledger' })
  const [group] = await shop.desk.groups('all', { processor: 'ledger' })
  const params = { id: String(item!.id), about: String(item!.id), group: String(group!.id) }
  assert.ok((await ask('POST /api/desk/{id}/claim', { params, json: {} })).status < 300)
  const { body, headers } = await ask('GET /api/desk/{id}', { params })
  assert.equal(body.claim.by, 'ada')
  const byEve = shop.desk.release(item!.id, { by: 'eve' })
  await assert.rejects(byEve, { code: 'millrace/claimed' })
  for (const route of ['POST /api/desk/{about}/notes', 'POST /api/desk/groups/{group}/notes']) {
    assert.ok((await ask(route, { params, json: { text: 'the bank knows' } })).status < 300, route)
  }
  const match = { 'if-match': headers.get('etag')! }
  assert.equal((await ask('POST /api/desk/{id}/release', { params, json: {}, headers: match })).status, 204)
})

test('the author of an action is its sender; a body that names another is refused', async (t) => {
  const { ask } = await bank(t)
  const params = { name: 'ledger' }
  const forged = await ask('POST /api/parts/{name}/pause', { params, json: { by: 'eve', reason: 'x' } })
  assert.deepEqual([forged.status, forged.body.code], [400, 'millrace/unknown-option'])
  assert.equal((await ask('POST /api/parts/{name}/pause', { params, json: { reason: 'lunch' } })).status, 204)
  const { body } = await ask('GET /api/parts')
  const paused = body.find(({ name }: { name: string }) => name === 'ledger').paused
  assert.deepEqual([paused.by, paused.reason], ['ada', 'lunch'])
  for (const [what, code] of [
    ['retire', 'millrace/processor-in-use'],
    ['test', 'millrace/unknown-processor'],
  ]) {
    const path = `POST /api/parts/{name}/${what}`
    assert.equal((await ask(path, { params, json: { by: 'eve' } })).body.code, 'millrace/unknown-option')
    assert.equal((await ask(path, { params, json: { reason: 'x' } })).body.code, code)
  }
})

test('no answer of any route shows a secret, in data, errors, flows, audit or problems', async (t) => {
  const { shop, ask, pay } = await bank(t)
  const { id } = await pay('a', 0)
  await pay('a', 1)
  await shop.idle()
  const [held] = await shop.desk.list({ states: ['held'], processor: 'ledger' })
  await shop.desk.resubmit(held!.id, { account: 'a', iban: canary, cents: 0 }, { by: 'ada', reason: 'again' })
  const [question] = await shop.flows.questions()
  await shop.flows.answer(question!.flow, 'approve', { yes: true }, { by: 'ada' })
  await shop.idle()
  const { items: operations } = {
    items: [await shop.desk.select('release', { processor: 'ledger' }, { name: 'all', by: 'ada' })],
  }
  await shop.idle()
  const ids = { id: String(held!.id), name: 'ledger', operation: String(operations[0]!.id) }
  let shown = 0
  for (const route of called.filter(({ method }) => method === 'GET')) {
    const isMessage = route.calls.startsWith('messages.')
    const isFlow = route.calls.startsWith('flows.')
    const params = { ...ids, id: isMessage ? id : isFlow ? String(question!.flow) : ids.id }
    const { body, status } = await ask(`GET ${route.path}`, { params })
    const text = JSON.stringify(body)
    assert.equal(text.includes(canary), false, `${route.path} shows it: ${text.slice(0, 2_000)}`)
    if (status === 200 && text.includes('***')) shown++
  }
  assert.ok(shown >= 6, `the secret was hidden in ${shown} answers`)
})

test('a grant that is narrowed reaches its part only, and no list of all', async (t) => {
  const { shop, ask, pay } = await bank(t, [{ role: 'operator', on: ['ledger'] }])
  await pay('a', 0)
  await shop.idle()
  const [flow] = await shop.flows.list()
  const [item] = await shop.desk.list({ processor: 'ledger' })
  assert.equal((await ask('GET /api/desk')).body.code, 'millrace/not-allowed')
  assert.equal((await ask('GET /api/desk', { query: { processor: 'books' } })).status, 403)
  assert.equal((await ask('GET /api/desk', { query: { processor: 'ledger' } })).status, 200)
  assert.equal((await ask('GET /api/desk/{id}', { params: { id: String(item!.id) } })).status, 200)
  assert.equal((await ask('GET /api/flows/{id}', { params: { id: String(flow!.id) } })).status, 403)
  assert.equal((await ask('POST /api/parts/{name}/pause', { params: { name: 'books' }, json: {} })).status, 403)
  assert.equal((await ask('POST /api/parts/{name}/pause', { params: { name: 'ledger' }, json: {} })).status, 204)
  const what = { action: 'release', what: { processor: 'books' }, name: 'x' }
  assert.equal((await ask('POST /api/desk/operations', { json: what })).status, 403)
})

test('a reader changes nothing', async (t) => {
  const { ask } = await bank(t, [{ role: 'reader' }])
  for (const route of called.filter(({ method }) => method === 'POST')) {
    const params = { id: '1', name: 'ledger', operation: '1', group: '1', about: '1' }
    const { status } = await ask(`POST ${route.path}`, { params, json: {} })
    assert.equal(status, 403, route.path)
  }
  assert.equal((await ask('GET /api/desk/counts')).status, 200)
})

test('an unknown thing is a 404, a bad value a 400, with the field', async (t) => {
  const { ask } = await bank(t)
  assert.equal((await ask('GET /api/desk/{id}', { params: { id: '99' } })).body.code, 'millrace/unknown-item')
  assert.equal((await ask('GET /api/desk/{id}', { params: { id: 'x' } })).body.code, 'millrace/unknown-route')
  const wrong = await ask('GET /api/desk', { query: { states: ['hold'] } })
  assert.equal(wrong.status, 400)
  assert.match(wrong.body.detail, /states has "hold".*did you mean "held"/)
  const match = { 'if-match': '"x"' }
  assert.equal(
    (await ask('POST /api/desk/{id}/release', { params: { id: '1' }, headers: match, json: {} })).status,
    400,
  )
})

test('pages lead to the end, each row once', async (t) => {
  const { shop, ask, pay } = await bank(t)
  for (let n = 0; n < 7; n++) await pay(`a-${n}`, 0)
  await shop.idle()
  const seen: number[] = []
  let after: number | null = 0
  while (after !== null) {
    const { body } = await ask('GET /api/desk', { query: { processor: 'ledger', limit: 3, after } })
    seen.push(...body.items.map(({ id }: { id: number }) => id))
    after = body.next
  }
  assert.equal(seen.length, 7)
  assert.deepEqual(
    [...new Set(seen)].sort((a, b) => a - b),
    seen,
  )
})

test('a list is a file where that is accepted: all of its pages, without secrets', async (t) => {
  const { shop, ask, pay } = await bank(t)
  for (let n = 0; n < 7; n++) await pay(`a-${n}`, 0)
  await shop.idle()
  const headers = { accept: 'application/x-ndjson' }
  const query = { processor: 'ledger' }
  const { body } = await ask('GET /api/desk', { query, headers })
  const rows = body
    .trimEnd()
    .split('\n')
    .map((line: string) => JSON.parse(line))
  assert.deepEqual(rows, (await ask('GET /api/desk', { query })).body.items)
  const cut = await ask('GET /api/desk', { query: { ...query, limit: 3 }, headers })
  const ids = rows.map(({ id }: { id: number }) => id)
  assert.match(cut.body, new RegExp(`\\n{"truncated":true,"rows":3,"next":${ids[2]}}\\n$`))
  assert.equal(cut.headers.get('link'), `</api/desk?processor=ledger&limit=3&after=${ids[2]}>; rel="next"`)
  const audit = await ask('GET /api/audit', { headers: { accept: 'text/csv' } })
  assert.match(audit.body, /^id,at,by,action,item,group,subject,reason,detail\r\n/)
  assert.equal(audit.body.trimEnd().split('\r\n').length, 1 + (await shop.desk.audit()).length)
  for (const text of [body, audit.body]) assert.equal(text.includes(canary), false)
})

test('the messages that are kept, and those that come later, are files too', async (t) => {
  const { shop, ask, pay } = await bank(t)
  for (let n = 0; n < 5; n++) await pay(`a-${n}`, 1)
  for (let n = 0; n < 3; n++) await shop.publish(Paid, { account: 'a', cents: 1, iban: canary }, { delayMs: 3_600_000 })
  const lines = (text: string) =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
  for (const [route, query, count] of [
    ['GET /api/messages', { destination: 'payments' }, 5],
    ['GET /api/delayed', {}, 3],
  ] as const) {
    const page = (await ask(route, { query })).body
    assert.equal(page.items.length, count, route)
    const headers = { accept: 'application/x-ndjson' }
    const whole = await ask(route, { query, headers })
    assert.deepEqual(lines(whole.body), page.items, route)
    const cut = await ask(route, { query: { ...query, limit: 2 }, headers })
    const end = lines(cut.body).at(-1)
    assert.deepEqual({ ...end, next: '' }, { truncated: true, rows: 2, next: '' }, route)
    const [, link] = /^<(.*)>; rel="next"$/.exec(cut.headers.get('link')!)!
    const after = new URL(link!, 'http://mill.example').searchParams.get('after')!
    assert.equal(after, end.next)
    const rest = await ask(route, { query: { ...query, after }, headers })
    assert.deepEqual(lines(rest.body), page.items.slice(2), route)
    const csv = await ask(route, { query, headers: { accept: 'text/csv' } })
    assert.equal(csv.body.trimEnd().split('\r\n').length, 1 + count, route)
    for (const text of [whole.body, csv.body]) assert.equal(text.includes(canary), false, route)
  }
  assert.match((await ask('GET /api/delayed', { headers: { accept: 'text/csv' } })).body, /^id,|^[a-zA-Z]+,/)
})

test('a file of a search that finds little looks at a bounded number of pages, and says that it is cut', async () => {
  let asked = 0
  const page = async () => ({ rows: [], next: `n${++asked}` })
  const hide = (rows: readonly Readonly<Record<string, unknown>>[]) => rows
  const { signal } = new AbortController()
  const url = 'http://mill.example/api/messages?text=rare'
  const { body, headers } = await fileOf({
    type: 'application/x-ndjson',
    cursor: 'after',
    query: {},
    url,
    signal,
    page,
    hide,
  })
  assert.equal(asked, 101)
  assert.deepEqual(JSON.parse(body as string), { truncated: true, rows: 0, next: 'n100' })
  assert.equal(headers!['link'], '</api/messages?text=rare&after=n100>; rel="next"')
})

test('an act with a key is done once: again it has its answer, with other content it is refused', async (t) => {
  const { shop, ask, pay } = await bank(t)
  for (const account of ['a', 'b']) await pay(account, 0)
  await shop.idle()
  const [first, second] = (await ask('GET /api/desk', { query: { processor: 'ledger' } })).body.items
  const note = (key: string, text: string, about = first.id) =>
    ask('POST /api/desk/{about}/notes', {
      params: { about: String(about) },
      headers: { 'idempotency-key': key },
      json: { text },
    })
  assert.equal((await note('"n-1"', 'I look')).status, 204)
  assert.equal((await note('n-1', 'I look')).status, 204, 'with or without quotes it is one key')
  const other = await note('n-1', 'I look again')
  assert.deepEqual([other.status, other.body.code], [422, 'millrace/key-reused'])
  assert.equal((await note('n-1', 'I look', second.id)).body.code, 'millrace/key-reused', 'another path is another act')
  assert.equal((await note('', 'x')).body.code, 'millrace/bad-request')
  const noted = (await shop.desk.audit()).filter(({ action }) => action === 'noted')
  assert.equal(noted.length, 1)

  const select = () =>
    ask('POST /api/desk/operations', {
      headers: { 'idempotency-key': 's-1' },
      json: { action: 'discard', what: { processor: 'ledger' }, name: 'old', reason: 'old' },
    })
  const made = await select()
  await shop.idle()
  const again = await select()
  assert.deepEqual([again.status, again.body], [made.status, made.body], 'the answer is the recorded one')
  assert.equal((await shop.desk.operations()).length, 1)

  const discard = (revision: number) =>
    ask('POST /api/desk/{id}/discard', {
      params: { id: String(first.id) },
      headers: { 'if-match': `"${revision}"`, 'idempotency-key': 'd-1' },
      json: { reason: 'old' },
    })
  const refusals = [await discard(first.revision), await discard(first.revision)]
  assert.deepEqual(
    refusals.map(({ status, body }) => [status, body.code]),
    Array(2).fill([refusals[0]!.status, refusals[0]!.body.code]),
  )
  assert.equal((await discard(first.revision + 1)).body.code, 'millrace/key-reused', 'the revision is of the content')
})

test('a token is shown once, also to the same key', async (t) => {
  const { ask } = await bank(t, [{ role: 'admin' }])
  const make = () =>
    ask('POST /api/tokens', { headers: { 'idempotency-key': 't' }, json: { name: 'till', grants: ['sender'] } })
  assert.match((await make()).body.token, /^mrt_/)
  assert.equal((await make()).body.code, 'millrace/token-exists')
})

test('nobody finds a secret out by tests of guesses, in a check, a correction or an operation', async (t) => {
  const { shop, ask, pay } = await bank(t)
  await pay('a', 0)
  await shop.idle()
  const [held] = (await ask('GET /api/desk', { query: { processor: 'ledger' } })).body.items
  const params = { id: String(held.id) }
  const headers = { 'if-match': `"${held.revision}"` }
  const replace = { op: 'replace', path: '/cents', value: 5 }
  const answers = async (path: string, value: unknown) => {
    const change = [{ op: 'test', path, value }, replace]
    const what = { processor: 'ledger' }
    return [
      await ask('POST /api/desk/{id}/check', { params, json: { change } }),
      await ask('POST /api/desk/operations', {
        json: { action: 'resubmit', what, name: `${path} ${value}`, change, reason: 'a test', prepare: true },
      }),
      await ask('POST /api/desk/{id}/change', { params, headers, json: { change, reason: 'a test' } }),
    ].map(({ status, body }) => [status, body.code, body.detail])
  }
  for (const path of ['/iban', '/iban/0', '']) {
    const whole = { account: 'a', iban: canary, cents: 0 }
    const right = await answers(path, path === '' ? whole : canary)
    assert.deepEqual(right, await answers(path, path === '' ? { ...whole, iban: 'x' } : 'x'), 'a guess tells nothing')
    for (const [status, code, detail] of right) {
      assert.deepEqual([status, code], [403, 'millrace/not-allowed'], path)
      assert.match(detail, /see-secret/)
    }
  }
  const plain = await answers('/cents', 0)
  assert.deepEqual(
    plain.map(([status]) => status),
    [200, 200, 204],
    'other fields can be tested',
  )
})

test('who may see secrets may test them; a list of secret objects is covered element by element', async (t) => {
  const { shop, ask, pay } = await bank(t, [{ role: 'admin' }])
  await pay('a', 0)
  await shop.idle()
  const [held] = (await ask('GET /api/desk', { query: { processor: 'ledger' } })).body.items
  const check = (value: string) =>
    ask('POST /api/desk/{id}/check', {
      params: { id: String(held.id) },
      json: { change: [{ op: 'test', path: '/iban', value }] },
    })
  assert.equal((await check(canary)).body.error, null)
  assert.equal((await check('x')).body.error.code, 'millrace/change-does-not-fit')
  for (const [path, secret, is] of [
    ['/cards/0/number', '/cards/number', true],
    ['/cards/0/number', '/cards/*/number', true],
    ['/cards/0/name', '/cards/*/number', false],
    ['/cards', '/cards/*/number', true],
    ['/card/number/last', '/card/number', true],
    ['/cardnumber', '/card', false],
    ['/a~1b', '/a~1b', true],
    ['/x', '', true],
  ] as const) {
    assert.equal(touches(path, secret), is, `${path} ${secret}`)
  }
})

test('secrets are hidden in data by their type, at any depth, and the same values elsewhere', () => {
  const hide = hideOf([Paid, Book])
  const json = JSON.stringify({ account: 'a', iban: canary, cents: 1 })
  const hidden = JSON.stringify({ account: 'a', iban: '***', cents: 1 })
  assert.deepEqual(hide({ type: 'paid', json }), { type: 'paid', json: hidden })
  assert.deepEqual(
    hide({ message: { type: 'paid', json }, data: JSON.parse(json), error: { message: `no ${canary}!` } }),
    {
      message: { type: 'paid', json: hidden },
      data: JSON.parse(hidden),
      error: { message: 'no ***!' },
    },
  )
  const failed = JSON.stringify({ processor: 'ledger', message: { type: 'paid', data: JSON.parse(json) } })
  assert.equal(JSON.stringify(hide({ type: 'processing.failed', json: failed })).includes(canary), false)
  assert.deepEqual(hide([{ type: 'other', json: '{"a":1.10}' }, 1, null, 'x']), [
    { type: 'other', json: '{"a":1.10}' },
    1,
    null,
    'x',
  ])
  assert.deepEqual(hide({ type: 'paid', json: 'no json' }), { type: 'paid', json: 'no json' })
  const change = [
    { op: 'replace', path: '/iban', value: canary },
    { op: 'replace', path: '/cents', value: 5 },
    { op: 'remove', path: '/iban' },
  ]
  const shown = hide({ name: 'mend', action: 'resubmit', change }) as { change: unknown }
  assert.deepEqual(shown.change, [{ ...change[0], value: '***' }, change[1], change[2]], 'what a change list brings')
  const value = { type: 'paid', json }
  assert.equal(hideOf([])(value), value, 'an app without secrets pays nothing')
})

test('the state of a request has no secret, in its reply or refusal, but for who may see it', async (t) => {
  const Ask = command('ask', {
    schema: z.object({ iban: z.string(), refuse: z.boolean() }),
    reply: z.object({ iban: z.string(), text: z.string() }),
    secret: ['/iban'],
  })
  const asks = channel('asks', [Ask])
  const teller = processor('teller', {
    on: asks,
    handle: {
      ask: ({ data: { iban, refuse } }) => {
        if (refuse) throw new Refused('no', { iban })
        return { iban, text: `for ${iban}` }
      },
    },
  })
  const shop = app({ name: 'asks', broker: sqlite({ file: place(t) }), parts: [teller], log: () => {} })
  t.after(() => shop.stop({ graceMs: 0 }))
  await shop.start()
  for (const [role, iban] of [
    ['sender', '***'],
    ['admin', canary],
  ] as const) {
    const { url, close } = await shop.serve({ port: 0, access: () => ({ name: 'ben', grants: [{ role }] }) })
    const { ask } = client(url)
    for (const refuse of [false, true]) {
      const sent = await ask('POST /commands/{channel}/{type}', {
        params: { channel: 'asks', type: 'ask' },
        json: { iban: canary, refuse },
        headers: { 'idempotency-key': `${role} ${refuse}` },
      })
      assert.equal(sent.status, 202)
      const { body } = await ask('GET /requests/{id}', {
        params: { id: `${role} ${refuse}` },
        headers: { prefer: 'wait=30' },
      })
      if (refuse) assert.deepEqual(body.refusal, { message: 'no', data: { iban } })
      else assert.deepEqual(body.reply, { iban, text: `for ${iban}` })
    }
    await close()
  }
})

test('a long list comes as gzip to a client that takes it, the same as without', async (t) => {
  const { shop, ask, pay } = await bank(t)
  for (let n = 0; n < 10; n++) await pay(`a${n}`, 0)
  await shop.idle()
  const plain = await ask('GET /api/desk', { headers: { 'accept-encoding': 'identity' } })
  const packed = await ask('GET /api/desk', { headers: { 'accept-encoding': 'gzip' } })
  const encodings = [plain, packed].map(({ headers }) => headers.get('content-encoding'))
  assert.deepEqual(encodings, [null, 'gzip'])
  assert.deepEqual(packed.body, plain.body)
  assert.equal(packed.body.items.length > 9, true)
})

test('a mask never takes the place of a secret, on any route that takes data for a message', async (t) => {
  const { shop, ask, pay } = await bank(t, [{ role: 'admin' }])
  await pay('a', 0)
  await shop.idle()
  const [item] = await shop.desk.list({ processor: 'ledger' })
  const params = { id: String(item!.id) }
  const { body, headers } = await ask('GET /api/desk/{id}', { params })
  assert.equal(body.data.iban, '***')
  const data = { ...body.data, cents: 7 }
  const change = [{ op: 'replace', path: '/iban', value: '***' }] as const
  const taken = { data, change, edit: { data } }
  const takers = called.flatMap(({ method, path, calls: named }) => {
    const [on, name] = named.split('.') as ['desk', 'resubmit']
    const fields = Object.keys(takenBy(on, name)![0])
    const field = (['data', 'change', 'edit'] as const).find((one) => fields.includes(one))
    return method === 'POST' && field !== undefined ? [{ path, given: taken[field], field }] : []
  })
  assert.deepEqual(takers.map(({ path }) => path.split('/').at(-1)).sort(), ['change', 'check', 'resubmit'])
  const match = { 'if-match': headers.get('etag')! }
  for (const { path, given, field } of takers) {
    const json = field === 'edit' ? given : { [field]: given, reason: 'the cents were lost' }
    const { status, body } = await ask(`POST ${path}`, { params, json, headers: match })
    if (field === 'edit') assert.equal(body.error.code, 'millrace/masked')
    else assert.deepEqual([status, body.code], [422, 'millrace/masked'])
    assert.match(JSON.stringify(body), /change list/)
  }
  const many = { action: 'resubmit', what: { processor: 'ledger' }, options: { name: 'm', change, reason: 'r' } }
  const { options, ...rest } = many
  const begun = await ask('POST /api/desk/operations', { json: { ...rest, ...options } })
  assert.equal(begun.status, 200, JSON.stringify(begun.body))
  await shop.idle()
  assert.deepEqual(
    (await shop.desk.refused((await shop.desk.operations())[0]!.id)).map(({ item }) => item),
    [item!.id],
  )
  const after = (await shop.desk.show(item!.id))!
  assert.deepEqual([after.state, after.data], ['held', { account: 'a', iban: canary, cents: 0 }])
})

test('a page gets the shape of data, has an edit checked, and sends only what is different: secrets stay, unseen', async (t) => {
  const { shop, ask, pay } = await bank(t, [{ role: 'clerk' }])
  await pay('a', 0)
  await shop.idle()
  const { body: list } = await ask('GET /api/desk', { query: { processor: 'ledger', states: ['held'] } })
  const params = { id: String(list.items[0].id) }
  const form = await ask('GET /api/desk/{id}/form', { params })
  assert.deepEqual(
    [form.body.schema.required, form.body.secret, form.body.why],
    [['account', 'iban', 'cents'], ['/iban'], null],
  )
  const wrong = [{ op: 'replace', path: '/cents', value: 'many' }]
  const refused = await ask('POST /api/desk/{id}/check', { params, json: { change: wrong } })
  assert.deepEqual([refused.body.error.code, refused.body.misfits[0].pointer], ['millrace/bad-data', '/cents'])
  const change = [{ op: 'replace', path: '/cents', value: 7 }]
  const { headers, body } = await ask('POST /api/desk/{id}/check', { params, json: { change } })
  assert.deepEqual(JSON.parse(body.after), { account: 'a', iban: '***', cents: 7 })
  assert.equal(JSON.stringify([refused.body, body, list, form.body]).includes(canary), false)
  const match = { 'if-match': headers.get('etag')! }
  const json = { change, reason: 'the cents were lost' }
  const missing = await ask('POST /api/desk/{id}/change', { params, json })
  assert.equal(missing.body.code, 'millrace/revision-missing')
  assert.equal((await ask('POST /api/desk/{id}/change', { params, json, headers: match })).status, 204)
  await shop.idle()
  const { data, state } = (await shop.desk.show(list.items[0].id))!
  assert.deepEqual([state, data], ['handled', { account: 'a', iban: canary, cents: 7 }])
  const again = await ask('POST /api/desk/{id}/change', { params, json, headers: match })
  assert.equal(again.body.code, 'millrace/stale-revision')
})
