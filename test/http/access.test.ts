import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import { request as ask } from 'node:http'
import test, { type TestContext } from 'node:test'
import { type App, app, type ServeOptions, sqlite } from 'millrace'
import { accessOf } from '../../src/http/access/given.ts'
import type { Edge } from '../../src/operate/edge.ts'
import { hashOf, newToken } from '../../src/operate/token.ts'
import { client } from '../support/http-client.ts'
import { coded, place, started } from '../support.ts'

/** An app without parts, started and served. */
async function served(t: TestContext, options: ServeOptions = {}) {
  const file = place(t)
  const shop: App = app({ name: 'shop', broker: sqlite({ file }), parts: [], log: () => {} })
  t.after(() => shop.stop({ graceMs: 0 }))
  await shop.start()
  const serving = await shop.serve({ port: 0, ...options })
  const as = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })
  return { ...serving, ...client(serving.url), file, shop, as }
}

const admin = ['see', 'see-data', 'see-secret', 'send', 'answer', 'repair', 'repair-many', 'run', 'settings']

test('a server asks for the token of its file, which only its owner can read', async (t) => {
  const { ask, as, token, tokenFile, file } = await served(t)
  assert.equal(tokenFile, `${file}-token`)
  assert.equal(readFileSync(tokenFile!, 'utf8'), `${token}\n`)
  assert.equal(statSync(tokenFile!).mode & 0o777, 0o600)
  const without = await ask('GET /api/me')
  assert.deepEqual([without.status, without.body.code], [401, 'millrace/not-signed-in'])
  assert.equal(without.headers.get('www-authenticate'), 'Bearer')
  const { status, body } = await ask('GET /api/me', as(token!))
  assert.equal(status, 200)
  assert.deepEqual([body.roles, body.may], [['admin'], admin])
  assert.equal((await ask('GET /health')).status, 200, 'health asks for none')
})

test('the token stays the same over restarts', async (t) => {
  const { shop, token } = await served(t)
  await shop.stop()
  await shop.start()
  assert.equal((await shop.serve({ port: 0 })).token, token)
})

test('a token that was given counts beside that of the file, with its own grants', async (t) => {
  const token = newToken()
  const { ask, as } = await served(t, { access: { tokens: [{ name: 'ci', hash: hashOf(token), grants: ['sender'] }] } })
  assert.deepEqual((await ask('GET /api/me', as(token))).body, { name: 'ci', roles: ['sender'], may: ['send'] })
})

test('a link signs a browser in once; its session is a cookie that no script reads', async (t) => {
  const { ask, link, url } = await served(t)
  const [, code] = /^http:\/\/127\.0\.0\.1:\d+\/#code=([\w-]{32})$/.exec(link())!
  const page = { headers: { origin: url }, json: { code } }
  const begun = await ask('POST /api/session', page)
  assert.equal(begun.status, 200)
  const [cookie, ...words] = begun.headers.get('set-cookie')!.split('; ')
  assert.deepEqual(words, ['Path=/', 'HttpOnly', 'SameSite=Strict'])
  const me = await ask('GET /api/me', { headers: { cookie: cookie! } })
  assert.deepEqual(me.body.may, admin)
  assert.equal((await ask('POST /api/session', page)).body.code, 'millrace/not-signed-in')

  const elsewhere = { headers: { cookie: cookie!, origin: 'http://evil.example' } }
  assert.equal((await ask('DELETE /api/session', elsewhere)).body.code, 'millrace/cross-site')
  assert.equal((await ask('DELETE /api/session', { headers: { cookie: cookie!, origin: url } })).status, 204)
  assert.equal((await ask('GET /api/me', { headers: { cookie: cookie! } })).status, 401)
})

test('a restart signs nobody out; who has signed out stays so; the file of sessions is for its owner only', async (t) => {
  const { shop, ask, link, url, file } = await served(t)
  const signIn = async () => {
    const [, code] = link().split('#code=')
    const begun = await ask('POST /api/session', { headers: { origin: url }, json: { code } })
    return begun.headers.get('set-cookie')!.split('; ')[0]!
  }
  const [stays, leaves] = [await signIn(), await signIn()]
  await ask('DELETE /api/session', { headers: { cookie: leaves, origin: url } })
  await shop.stop()
  assert.equal(statSync(`${file}-sessions`).mode & 0o777, 0o600)
  const text = readFileSync(`${file}-sessions`, 'utf8')
  for (const cookie of [stays, leaves]) assert.equal(text.includes(cookie.split('=')[1]!), false)
  // A new process has nothing in memory.
  const again = await started(t, app({ name: 'shop', broker: sqlite({ file }), parts: [], log: () => {} }))
  const next = client((await again.serve({ port: 0 })).url)
  assert.deepEqual((await next.ask('GET /api/me', { headers: { cookie: stays } })).body.may, admin)
  assert.equal((await next.ask('GET /api/me', { headers: { cookie: leaves } })).status, 401)
})

test('a token of the app signs a browser in, until it is revoked', async (t) => {
  const { shop, ask, url } = await served(t)
  const { token } = await shop.tokens.make('ben', { grants: ['reader'] })
  const begun = await ask('POST /api/session', { headers: { origin: url }, json: { code: token } })
  assert.equal(begun.body.name, 'ben')
  const cookie = begun.headers.get('set-cookie')!.split('; ')[0]!
  assert.equal((await ask('GET /api/me', { headers: { cookie } })).status, 200)
  await shop.tokens.revoke('ben')
  assert.equal((await ask('GET /api/me', { headers: { cookie } })).status, 401)
})

test('a page of another site cannot sign its visitor in', async (t) => {
  const { ask, link } = await served(t)
  const [, code] = link().split('#code=')
  const { body } = await ask('POST /api/session', { headers: { origin: 'http://evil.example' }, json: { code } })
  assert.equal(body.code, 'millrace/cross-site')
})

/** The status of a request that names any host. */
function statusFor(url: string, host: string, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    ask(`${url}${path}`, { headers: { host } }, (answer) => {
      answer.resume()
      resolve(answer.statusCode!)
    })
      .on('error', reject)
      .end()
  })
}

test('an open server asks for no token, but for a host that it knows', async (t) => {
  const { ask, url } = await served(t, { access: { open: true } })
  assert.equal((await ask('GET /api/me')).status, 200)
  assert.equal(await statusFor(url, 'evil.example', '/api/me'), 421)
  assert.equal(await statusFor(url, 'localhost', '/api/me'), 200)
})

test('an app without a file has a token in memory only', async () => {
  const world = { now: () => 1 } as Edge['world']
  const decided = accessOf({ world, offline: () => undefined, access: () => assert.fail() }, undefined, {
    isLocal: true,
    host: '127.0.0.1',
  })
  assert.equal(decided.tokenFile, undefined)
  const headers = { host: 'localhost', authorization: `Bearer ${decided.token}` }
  const who = await decided.asks(new Request('http://localhost/', { headers }), 'a')
  assert.deepEqual(who?.grants, [{ role: 'admin' }])
})

test('with a function for access there are no sessions and no token', async (t) => {
  const name = 'by a header'
  const { ask, token, link, url } = await served(t, {
    access: ({ headers }) => (headers.has('x-me') ? { name, grants: [] } : undefined),
  })
  assert.deepEqual([token, link()], [undefined, url])
  assert.equal((await ask('GET /api/me')).status, 401)
  assert.deepEqual((await ask('GET /api/me', { headers: { 'x-me': '1' } })).body, { name, roles: [], may: [] })
  assert.equal((await ask('POST /api/session', { json: { code: 'x' } })).status, 404)
})

test('the result of an access function is checked, and the log says what is wrong with it', async (t) => {
  const answers: Record<string, unknown> = {
    text: 'ada',
    nothing: null,
    nameless: { grants: [] },
    granted: { name: 'ada', grants: 'admin' },
    role: { name: 'ada', grants: [{ role: 'amin' }] },
    good: { name: 'ada', grants: [{ role: 'reader' }], more: 1 },
  }
  const lines: unknown[] = []
  const shop = app({
    name: 'shop',
    broker: sqlite({ file: place(t) }),
    parts: [],
    log: (_, __, fields) => lines.push(fields?.['error']),
  })
  t.after(() => shop.stop({ graceMs: 0 }))
  await shop.start()
  lines.length = 0
  const { url } = await shop.serve({ port: 0, access: ({ headers }) => answers[headers.get('x-me')!] as never })
  const { ask } = client(url)
  const me = (name: string) => ask('GET /api/me', { headers: { 'x-me': name } })
  assert.deepEqual((await me('good')).body, { name: 'ada', roles: ['reader'], may: ['see', 'see-data'] })
  for (const name of ['text', 'nothing', 'nameless', 'granted', 'role']) {
    const { status, body } = await me(name)
    assert.deepEqual([status, body.code], [500, 'millrace/unexpected'], name)
  }
  assert.deepEqual(lines, [
    'millrace/bad-access: serve: the answer of access: it must be an object, { name, grants }',
    'millrace/bad-access: serve: the answer of access: it must be an object, { name, grants }',
    'millrace/bad-access: serve: the answer of access: name must be a text of 1 to 200 characters',
    'millrace/bad-access: serve: the answer of access: grants must be a list of at most 100',
    'millrace/bad-access: serve: the answer of access: "ada": role must be one of reader, sender, clerk, operator, admin; did you mean "admin"?',
  ])
})

test('access that is wrong is told before a port is taken', async (t) => {
  const { shop } = await served(t)
  const hash = hashOf(newToken())
  for (const [options, message] of [
    [{ access: 1 }, /access must be a function, or an object/],
    [{ access: { token: [] } }, /did you mean "tokens"/],
    [{ access: { tokens: [{ name: 'a', hash: 'x', grants: ['reader'] }] } }, /tokens\[0\]: hash must be the SHA-256/],
    [{ access: { tokens: [{ name: 'a', hash, grants: ['reder'] }] } }, /did you mean "reader"/],
    [{ access: { tokens: [{ name: 'a', hash, grants: [] }] } }, /grants must be a list with a role/],
    [{ access: { open: true }, host: '0.0.0.0' }, /access\.open is for this machine only/],
    [{ access: {}, host: '0.0.0.0' }, /can be reached from elsewhere: give `access`/],
    [{ host: '::' }, /can be reached from elsewhere: give `access`/],
  ] as const) {
    await assert.rejects(shop.serve({ port: 0, ...options } as never), message, JSON.stringify(options))
  }
  await assert.rejects(
    shop.serve({ port: 0, access: { open: 'yes' } } as never),
    coded('millrace/bad-option', /access\.open/),
  )
})
