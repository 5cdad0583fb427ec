// Clients that are slow, half closed or gone: each has an answer or the end of its connection, nothing of it is kept unless
// it came whole, and others are served at the same time. The limits of the server are small, and a client sends its next
// byte when another client has its answer, so that no test sleeps.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import test, { type TestContext } from 'node:test'
import type { ServeOptions } from '../../src/http/serving.ts'
import { kept, place, started } from '../support.ts'
import { shopOn } from './shop.ts'

const post =
  'POST /events/talk?type=said HTTP/1.1\r\nHost: example.com\r\nContent-Type: application/json\r\nIdempotency-Key: k\r\n'

async function slowly(t: TestContext, options: Partial<ServeOptions> = {}) {
  const file = place(t)
  const logged: unknown[] = []
  const log = (level: string, text: string, fields: unknown) => {
    if (level === 'error') logged.push([text, fields])
  }
  const shop = await started(t, shopOn({ file, log }))
  const { url } = await shop.serve({ port: 0, access: { open: true, hosts: ['example.com'] }, ...options })
  const others = async () => assert.equal((await fetch(`${url}/ready`)).status, 204)
  const { hostname, port } = new URL(url)
  /** A connection, with all that it hears until it is closed. */
  const raw = async () => {
    const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true })
    let text = ''
    socket.setEncoding('latin1').on('data', (data) => {
      text += data
    })
    // A connection that is reset has an error as well.
    const closed = new Promise<string>((resolve) => void socket.on('close', () => resolve(text)))
    socket.on('error', () => {}).on('end', () => socket.end())
    await once(socket, 'connect')
    return { socket, closed }
  }
  /** Sends parts, each when another client has its answer, until all are sent or the connection is closed. */
  const dribble = async (socket: Socket, parts: Iterable<string>) => {
    for (const part of parts) {
      if (!socket.writable) return
      socket.write(part)
      await others()
    }
  }
  const ids = () => kept(file, 'talk').map(({ id }) => id)
  return { file, raw, dribble, others, ids, logged }
}

function* endless(part: string): Generator<string> {
  for (;;) yield part
}

test('a client that is slow and within its time is taken, though it sends byte by byte', async (t) => {
  const { raw, dribble, ids, logged } = await slowly(t)
  const { socket, closed } = await raw()
  await dribble(socket, `${post}Connection: close\r\nContent-Length: 8\r\n\r\n"slowly"`)
  assert.match(await closed, /^HTTP\/1\.1 202 /)
  assert.deepEqual([ids(), logged], [['k'], []])
})

test('headers that never end are answered with 408, and others are served until then', async (t) => {
  const { raw, dribble, ids, logged } = await slowly(t, { headersMs: 100 })
  const { socket, closed } = await raw()
  await dribble(socket, post)
  // Of more than Node.js takes the answer is 431.
  await dribble(
    socket,
    Array.from({ length: 200 }, (_, n) => `x-${n}: ${n}\r\n`),
  )
  assert.match(await closed, /^HTTP\/1\.1 408 /)
  assert.deepEqual([ids(), logged], [[], []])
})

for (const [what, header, part] of [
  ['with its length', 'Content-Length: 1000000', '1'],
  ['in chunks', 'Transfer-Encoding: chunked', '1\r\n1\r\n'],
] as const) {
  test(`a body ${what} that never ends is answered with 408, and nothing of it is kept`, async (t) => {
    const { raw, dribble, others, ids, logged } = await slowly(t, { headersMs: 100, receiveMs: 100 })
    const { socket, closed } = await raw()
    socket.write(`${post}${header}\r\n\r\n`)
    await dribble(socket, endless(part))
    assert.match(await closed, /^HTTP\/1\.1 408 /)
    await others()
    assert.deepEqual([ids(), logged], [[], []])
  })
}

test('a client that sends nothing at all is closed', async (t) => {
  const { raw, logged } = await slowly(t, { headersMs: 100, receiveMs: 100 })
  const { closed } = await raw()
  assert.match(await closed, /^(HTTP\/1\.1 408 |$)/)
  assert.deepEqual(logged, [])
})

const leaving = [
  ['closes its half', (socket: Socket) => void socket.end()],
  ['closes the connection', (socket: Socket) => void socket.destroy()],
  ['resets the connection', (socket: Socket) => void socket.resetAndDestroy()],
] as const

for (const [what, leaves] of leaving) {
  for (const [where, sent] of [
    ['in its headers', post],
    ['in a body with its length', `${post}Content-Length: 100\r\n\r\n12`],
    ['in a body in chunks', `${post}Transfer-Encoding: chunked\r\n\r\n1\r\n1\r\n`],
    ['in a batch', `${post}Content-Length: 100\r\n\r\n[{"specversion":"1.0"},`],
  ] as const) {
    test(`of a client that ${what} ${where} nothing is kept, and the next one is served`, async (t) => {
      const { raw, dribble, others, ids, logged } = await slowly(t)
      const { socket, closed } = await raw()
      await dribble(socket, [sent])
      leaves(socket)
      assert.doesNotMatch(await closed, /^HTTP\/1\.1 [25]/)
      await others()
      assert.deepEqual([ids(), logged], [[], []])
    })
  }
}

for (const [what, leaves] of leaving) {
  test(`a client that ${what} before its answer may send again with its id: the event is there once`, async (t) => {
    const { raw, others, ids, logged } = await slowly(t)
    const whole = `${post}Connection: close\r\nContent-Length: 1\r\n\r\n1`
    for (let n = 0; n < 10; n++) {
      const { socket, closed } = await raw()
      socket.write(whole, () => leaves(socket))
      // Some have an answer all the same.
      assert.match(await closed, /^(HTTP\/1\.1 202 |$)/)
    }
    await others()
    const { socket, closed } = await raw()
    socket.write(whole)
    assert.match(await closed, /^HTTP\/1\.1 202 /)
    assert.deepEqual([ids(), logged], [['k'], []])
  })
}
