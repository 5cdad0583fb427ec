import assert from 'node:assert/strict'
import type { LookupAddress } from 'node:dns'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, createServer as createTcp, type Server as Tcp } from 'node:net'
import { text } from 'node:stream/consumers'
import test, { type TestContext } from 'node:test'
import type { Sending } from '../../model/sending.ts'
import { type LookUp, sender } from './send.ts'

async function listening(t: TestContext, server: Server | Tcp): Promise<URL> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    if ('closeAllConnections' in server) server.closeAllConnections()
    server.close()
  })
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/in`)
}
const serving = (t: TestContext, answer: RequestListener) => listening(t, createServer(answer))

const sending = (url: URL | string, more: Partial<Sending> = {}): Sending => ({
  url: new URL(url),
  headers: { 'content-type': 'application/json', 'webhook-id': 'm-1' },
  body: '{"ä":1}',
  allow: ['127.0.0.1'],
  timeoutMs: 10_000,
  ...more,
})
const send = sender()

test('a request goes out as given, and its answer comes back', async (t) => {
  const seen: [IncomingMessage, string][] = []
  const url = await serving(t, async (request, response) => {
    seen.push([request, await text(request)])
    response.writeHead(201, { 'Retry-After': '7', 'x-two': ['a', 'b'] }).end('done')
  })
  const { is, status, headers, body, cut } = (await send(sending(url))) as Extract<
    Awaited<ReturnType<typeof send>>,
    { is: 'answered' }
  >
  assert.deepEqual({ is, status, body, cut }, { is: 'answered', status: 201, body: 'done', cut: false })
  assert.equal(headers['retry-after'], '7')
  assert.equal(headers['x-two'], 'a, b')
  const [[request, given]] = seen as [[IncomingMessage, string]]
  assert.equal(given, '{"ä":1}')
  assert.equal(request.method, 'POST')
  assert.equal(request.headers['webhook-id'], 'm-1')
  assert.equal(request.headers['content-length'], '8')
})

test('a connection is kept for the next request; one that was closed in between is made anew', async (t) => {
  const ports = new Set<number | undefined>()
  const server = createServer((request, response) => {
    ports.add(request.socket.remotePort)
    response.end()
  })
  const url = await listening(t, server)
  await send(sending(url))
  await send(sending(url))
  assert.equal(ports.size, 1)
  server.closeAllConnections()
  assert.equal((await send(sending(url))).is, 'answered')
  assert.equal(ports.size, 2)
})

test('many requests at once share connections, and no listener is left on one', async (t) => {
  const warnings: Error[] = []
  const warned = (warning: Error) => void warnings.push(warning)
  process.on('warning', warned)
  t.after(() => process.off('warning', warned))
  const ports = new Set<number | undefined>()
  const url = await serving(t, (request, response) => {
    ports.add(request.socket.remotePort)
    response.end()
  })
  const all = await Promise.all(Array.from({ length: 600 }, () => send(sending(url))))
  assert(all.every(({ is }) => is === 'answered'))
  assert(ports.size <= 128, `${ports.size} connections`)
  assert.deepEqual(warnings, [])
})

test('a redirect is an answer and not followed', async (t) => {
  let requests = 0
  const url = await serving(t, (_, response) => {
    requests++
    response.writeHead(307, { location: '/elsewhere' }).end()
  })
  const sent = await send(sending(url))
  assert(sent.is === 'answered')
  assert.equal(sent.status, 307)
  assert.equal(requests, 1)
})

test('of a long answer the first 16 KB are kept, and the rest is not read', async (t) => {
  let written = 0
  const closed = Promise.withResolvers<void>()
  const url = await serving(t, (_, response) => {
    const more = () => {
      while (response.write('x'.repeat(10_000))) written += 10_000
    }
    response.on('drain', more).on('close', () => closed.resolve())
    response.writeHead(200)
    more()
  })
  const sent = await send(sending(url))
  assert(sent.is === 'answered')
  assert.deepEqual([sent.status, sent.body.length, sent.cut], [200, 16 * 1024, true])
  await closed.promise
  assert(written < 50_000_000)
})

test('a host that refuses: not sent; one that closes after the request: unknown; one that never answers: unknown', async (t) => {
  const gone = createTcp()
  const refusing = await listening(t, gone)
  await new Promise((resolve) => void gone.close(resolve))
  const refused = await send(sending(refusing))
  assert(refused.is === 'not sent')
  assert.equal(refused.code, 'ECONNREFUSED')

  const closing = await listening(
    t,
    createTcp((socket) => void socket.once('data', () => socket.destroy())),
  )
  const closed = await send(sending(closing))
  assert.equal(closed.is, 'unknown')

  const silent = await listening(
    t,
    createTcp((socket) => void socket.resume()),
  )
  assert.deepEqual(await send(sending(silent, { timeoutMs: 50 })), {
    is: 'unknown',
    code: 'ETIMEDOUT',
    why: 'no answer within 50 ms',
  })
})

test('an attempt that is over ends its request', async (t) => {
  const arrived = Promise.withResolvers<void>()
  const url = await serving(t, () => arrived.resolve())
  const over = new AbortController()
  const sent = send(sending(url, { signal: over.signal }))
  await arrived.promise
  over.abort()
  assert.deepEqual(await sent, { is: 'unknown', code: 'ABORT_ERR', why: 'the attempt is over' })
})

test('a body that breaks off leaves the answer that came', async (t) => {
  const url = await listening(
    t,
    createTcp(
      (socket) => void socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf')),
    ),
  )
  const sent = await send(sending(url))
  assert(sent.is === 'answered')
  assert.deepEqual([sent.status, sent.body, sent.cut], [200, 'half', true])
})

test('without being allowed: no http, and no address that is not public, however it is written', async () => {
  const never: LookUp = () => assert.fail('an address is not looked up')
  const strict = sender(never)
  const urls = [
    'http://example.org/',
    ...['127.0.0.1', '2130706433', '0x7f000001', '0177.0.0.1', '127.1', '10.0.0.1', '169.254.169.254'].map(
      (host) => `https://${host}/`,
    ),
    ...['[::1]', '[::ffff:127.0.0.1]', '[::ffff:a9fe:a9fe]', '[fe80::1]', '[fd00::1]', '[64:ff9b::a9fe:a9fe]'].map(
      (host) => `https://${host}/`,
    ),
  ]
  for (const url of urls) {
    const sent = await strict(sending(url, { allow: ['localhost'] }))
    assert(sent.is === 'not sent', url)
    assert.equal(sent.code, 'millrace/not-public', url)
  }
})

test('a name that leads to a non-public address is not dialled; one look-up gives the address checked and dialled', async () => {
  const names: string[] = []
  const found =
    (addresses: readonly string[]): LookUp =>
    (name, options, done) => {
      names.push(name)
      assert.equal(options.all, true)
      const list: LookupAddress[] = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
      done(null, list)
    }
  const inner = await sender(found(['127.0.0.1', '10.1.2.3', '::1']))(sending('https://rebinding.example/'))
  assert(inner.is === 'not sent')
  assert.equal(inner.code, 'millrace/not-public')
  assert.match(inner.why, /rebinding.example has no public address; where that is meant, name the host in allow/)
  assert.deepEqual(names, ['rebinding.example'])
})

test('a host that is allowed by name is reached wherever its name leads', async (t) => {
  const url = await serving(t, (request, response) => response.end(request.headers.host))
  const lookUp: LookUp = (_, options, done) =>
    options.all === true ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4)
  const host = `inner.example:${url.port}`
  const sent = await sender(lookUp)(sending(`http://${host}/`, { allow: ['inner.example'] }))
  assert(sent.is === 'answered')
  assert.equal(sent.body, host)
})
