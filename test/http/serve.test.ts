import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { request } from 'node:http'
import { connect } from 'node:net'
import test, { type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type App, app, errors, sqlite } from 'millrace'
import { gateway } from 'millrace/http'
import { statusOf } from '../../src/http/status.ts'
import { client } from '../support/http-client.ts'
import { coded, place, started } from '../support.ts'

function empty(t: TestContext): App {
  const one = app({ name: 'shop', broker: sqlite({ file: place(t) }), parts: [], log: () => {} })
  t.after(() => one.stop({ graceMs: 0 }))
  return one
}

test('every error has a status of the table', () => {
  const statuses = [400, 401, 403, 404, 405, 409, 412, 413, 415, 421, 422, 428, 429, 500, 503]
  for (const code of Object.keys(errors) as (keyof typeof errors)[]) {
    const status = statusOf(code)
    assert(statuses.includes(status), `${code}: ${status}`)
    assert(
      !errors[code].retryable || [409, 429, 500, 503].includes(status),
      `${code} may succeed later, and is ${status}`,
    )
  }
})

test('an app is served where it says, healthy and ready; stopped, the server is closed', async (t) => {
  const shop = empty(t)
  await shop.start()
  const { url } = await shop.serve({ port: 0 })
  assert.match(url, /^http:\/\/127\.0\.0\.1:[1-9]\d*$/)
  const { ask } = client(url)
  assert.deepEqual((await ask('GET /health')).body, { status: 'green', reasons: [] })
  assert.equal((await ask('GET /ready')).status, 204)
  await shop.stop()
  await assert.rejects(fetch(`${url}/health`), { message: 'fetch failed' })
})

test('a server of a stopped app says so with 503, and what to do', async (t) => {
  const shop = empty(t)
  const { url, close } = await shop.serve({ port: 0 })
  const { ask } = client(url)
  const { status, body } = await ask('GET /health')
  assert.deepEqual([status, body], [503, { status: 'red', reasons: ['app "shop" is not running'] }])
  const ready = await ask('GET /ready')
  assert.deepEqual([ready.status, ready.body.code], [503, 'millrace/not-started'])
  assert.equal(ready.headers.get('retry-after'), '1')
  await close()
  await assert.rejects(fetch(url), { message: 'fetch failed' })
})

test('a port in use by another program is an error with its name, and the app continues', async (t) => {
  const shop = await started(t, empty(t))
  const first = await shop.serve({ port: 0 })
  const port = Number(new URL(first.url).port)
  await assert.rejects(
    shop.serve({ port }),
    coded('millrace/port-in-use', /^another program has port \d+ of 127\.0\.0\.1$/),
  )
  assert.equal((await fetch(`${first.url}/ready`)).status, 204)
})

test('it is served beyond this machine only where access is given', async (t) => {
  const shop = empty(t)
  await assert.rejects(
    shop.serve({ port: 0, host: '0.0.0.0' }),
    coded('millrace/bad-option', /can be reached from elsewhere: give/),
  )
  const { url } = await shop.serve({ port: 0, host: '0.0.0.0', access: () => undefined })
  assert.equal((await fetch(`http://127.0.0.1:${new URL(url).port}/health`)).status, 503)
})

test('wrong options of serve are told before a port is taken', async (t) => {
  const shop = empty(t)
  await assert.rejects(shop.serve({ prot: 0 } as never), coded('millrace/unknown-option', /did you mean "port"/))
  await assert.rejects(shop.serve({ port: 70_000 }), coded('millrace/bad-option', /port is 70000/))
  await assert.rejects(
    shop.serve({ port: 0, basePath: '/edge/' }),
    coded('millrace/bad-option', /basePath must be like \/edge/),
  )
  await assert.rejects(
    shop.serve({ port: 0, access: 'all' as never }),
    coded('millrace/bad-option', /access must be a function/),
  )
  await assert.rejects(
    shop.serve({ port: 0, host: 'nowhere.invalid', access: () => undefined }),
    coded('millrace/bad-option', /nowhere/),
  )
})

test('a path that is not there is 404, another method 405 with those it takes', async (t) => {
  const shop = empty(t)
  const { url } = await shop.serve({ port: 0 })
  const missing = await fetch(`${url}/nowhere`)
  assert.equal(missing.status, 404)
  assert.equal(missing.headers.get('content-type'), 'application/problem+json')
  const problem = (await missing.json()) as { code: string }
  assert.equal(problem.code, 'millrace/unknown-route')
  const wrong = await fetch(`${url}/health`, { method: 'POST' })
  assert.equal(wrong.status, 405)
  assert.equal(wrong.headers.get('allow'), 'GET, HEAD, OPTIONS')
  assert.equal((await fetch(`${url}/health`, { method: 'HEAD' })).status, 503)
})

test('a query that a route does not take is refused with its name', async (t) => {
  const shop = empty(t)
  const { ask } = client((await shop.serve({ port: 0 })).url)
  const { status, body } = await ask('GET /health', { query: { verbose: true } })
  assert.deepEqual([status, body.code], [400, 'millrace/unknown-option'])
  assert.match(body.detail, /^GET \/health: unknown option "verbose"/)
})

test('a url, headers and bytes beyond their limits are refused as what they are', async (t) => {
  const shop = empty(t)
  const { url } = await shop.serve({ port: 0, urlCharsMax: 100, headerBytesMax: 2_000 })
  const long = await fetch(`${url}/health?${'x'.repeat(200)}`)
  assert.deepEqual([long.status, ((await long.json()) as { code: string }).code], [414, 'millrace/bad-request'])
  const raw = (text: string) =>
    new Promise<string>((resolve, reject) => {
      const { hostname, port } = new URL(url)
      let heard = ''
      const socket = connect(Number(port), hostname, () => socket.write(text))
      socket.setEncoding('utf8').on('data', (data) => {
        heard += data
      })
      socket.on('error', reject).on('close', () => resolve(heard))
    })
  const large = await raw(`GET /health HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(4_000)}\r\n\r\n`)
  assert.match(large, /^HTTP\/1\.1 431 [\s\S]*"code":"millrace\/bad-request"/)
  assert.match(await raw('hello\r\n\r\n'), /^HTTP\/1\.1 400 [\s\S]*no request of HTTP/)
})

test('a server that is closed lets a connection end that it keeps', async (t) => {
  const shop = empty(t)
  const { url, close } = await shop.serve({ port: 0 })
  const answer = await new Promise<{ statusCode?: number | undefined }>((resolve, reject) => {
    request(`${url}/ready`, { headers: { connection: 'keep-alive' } }, (response) => {
      response.resume().on('end', () => resolve(response))
    })
      .on('error', reject)
      .end()
  })
  assert.equal(answer.statusCode, 503)
  await close(0)
})

test('a gateway takes who may use it, and its options are checked', async (t) => {
  const shop = empty(t)
  assert.throws(() => gateway(shop, {} as never), /access must be given/)
  assert.throws(() => gateway({} as never, { access: () => undefined }), /an edge takes an app/)
  const { fetch: answer } = gateway(shop, { access: () => undefined, basePath: '/edge' })
  // What only a server of its own has is not there.
  assert.equal((await answer(new Request('http://shop.example/edge/health'))).status, 404)
})

test('an app without HTTP loads nothing of it', (t) => {
  const program = `
    import { registerHooks } from 'node:module'
    const loaded = []
    registerHooks({ resolve: (name, context, next) => { loaded.push(name); return next(name, context) } })
    const { app, sqlite } = await import('millrace')
    const one = app({ name: 'one', broker: sqlite({ file: ${JSON.stringify(place(t))} }), parts: [] })
    const heavy = () => loaded.filter((name) => /hono|jose|http/.test(name))
    console.log(JSON.stringify(heavy()))
    await one.serve({ port: 0 })
    console.log(heavy().includes('hono'))
    await one.stop()
  `
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--conditions=millrace-source', '--input-type=module', '--eval', program],
    { encoding: 'utf8', cwd: fileURLToPath(new URL('../..', import.meta.url)) },
  )
  assert.equal(stdout, '[]\ntrue\n', stderr)
})
