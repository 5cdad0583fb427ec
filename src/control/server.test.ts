import assert from 'node:assert/strict'
import { chownSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { z } from 'zod'
import { type App, app, event, isMillraceError, processor, sqlite, topic } from '../index.ts'
import { ControlClient } from './client.ts'
import { Following } from './follow.ts'
import { type Followed, socketPath } from './protocol.ts'

const Said = event('said', {
  schema: z.object({ n: z.number(), text: z.string().optional() }),
  context: ({ n }) => `${n}`,
})
const Words = topic('words', [Said])

const notRoot = process.getuid?.() === 0 ? false : 'only root can give a file to somebody else'

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'millrace-control-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

async function running(t: TestContext, file: string, said: string[] = []): Promise<App> {
  const listener = processor('listener', { on: Words, handle: { said: () => {} } })
  const log = (_level: string, text: string) => void said.push(text)
  const one = app({ name: 'talk', broker: sqlite({ file }), log, parts: [Words, listener] })
  await one.start()
  t.after(() => one.stop())
  return one
}

async function client(t: TestContext, file: string): Promise<ControlClient> {
  const found = await ControlClient.connect(file, 5_000)
  assert.ok(found !== undefined, 'the app listens')
  t.after(() => found.close())
  return found
}

/** What comes over a bare connection until it ends. */
async function all(socket: Socket): Promise<string> {
  let text = ''
  for await (const chunk of socket) text += chunk
  return text
}

test('many requests are answered over one connection, in the order of publishing', async (t) => {
  const file = join(folder(t), 'talk.db')
  const one = await running(t, file)
  const remote = await client(t, file)
  assert.deepEqual([remote.app, remote.pid], ['talk', process.pid])
  const seen: number[] = []
  one.tail(({ json }) => void seen.push(JSON.parse(json).n))
  const numbers = Array.from({ length: 10_000 }, (_, n) => n)
  const accepted = await Promise.all(numbers.map((n) => remote.publish('said', { n }, undefined)))
  assert.equal(new Set(accepted.map(({ id }) => id)).size, numbers.length)
  assert.deepEqual(seen, numbers)
  assert.deepEqual(
    (await remote.processors.list()).map(({ name }) => name),
    ['listener'],
  )
  assert.deepEqual(await remote.desk.counts(), { held: 0, snoozed: 0, waiting: 0, discarded: 0 })
  assert.equal(await remote.desk.show(1), undefined)
  assert.deepEqual((await remote.status()).health, { status: 'green', reasons: [] })
})

test('a client that does not speak the protocol is told so and disconnected; the app continues', async (t) => {
  const file = join(folder(t), 'talk.db')
  await running(t, file)
  for (const words of ['GET / HTTP/1.1\n', 'null\n', '{"id":1}\n', '{"do":"publish"}\n']) {
    const socket = connect(socketPath(file))
    socket.write(words)
    const [, answer] = (await all(socket)).split('\n')
    assert.equal(JSON.parse(answer!).error.code, 'millrace/bad-request')
  }
  const remote = await client(t, file)
  await assert.rejects(remote.ask({ do: 'dance' } as never), (error) => isMillraceError(error, 'millrace/bad-request'))
  for (const ask of [{ do: 'desk.list' }, { do: 'tail' }, { do: 'publish' }, { do: 'desk.show', item: {} }]) {
    await assert.rejects(remote.ask(ask as never))
  }
  await remote.publish('said', { n: 1 }, undefined)
})

test('an app of another version of the protocol is not spoken to', async (t) => {
  const file = join(folder(t), 'talk.db')
  const server = createServer((socket) => socket.end('{"millrace":99,"app":"a","pid":1}\n'))
  await new Promise<void>((resolve) => server.listen(socketPath(file), resolve))
  t.after(() => server.close())
  await assert.rejects(ControlClient.connect(file, 5_000), (error) => isMillraceError(error, 'millrace/other-protocol'))
})

test('when the path is too long the socket is in the temporary folder, and works', async (t) => {
  const deep = join(folder(t), 'd'.repeat(120))
  mkdirSync(deep)
  const file = join(deep, 'talk.db')
  const one = await running(t, file)
  const remote = await client(t, file)
  await remote.publish('said', { n: 1 }, undefined)
  assert.equal(existsSync(`${file}-control`), false)
  const path = socketPath(file)
  await one.stop()
  assert.equal(existsSync(path), false)
})

test('a socket of another user in the temporary folder is not trusted', { skip: notRoot }, async (t) => {
  const deep = join(folder(t), 'd'.repeat(120))
  mkdirSync(deep)
  const file = join(deep, 'talk.db')
  const path = socketPath(file)
  const server = createServer(() => {})
  await new Promise<void>((resolve) => server.listen(path, resolve))
  t.after(() => server.close())
  chownSync(path, 65_534, 65_534)
  await assert.rejects(ControlClient.connect(file, 5_000), (error) => isMillraceError(error, 'millrace/no-answer'))
})

test('an app whose socket cannot be made starts without it and says so', async (t) => {
  const file = join(folder(t), 'talk.db')
  mkdirSync(join(`${file}-control`, 'full'), { recursive: true })
  const said: string[] = []
  const one = await running(t, file, said)
  await one.publish(Said, { n: 1 })
  assert.equal(said.length, 1)
  assert.match(said[0]!, /^app "talk" cannot be reached by commands: /)
})

test('connected clients are told when the app stops, and new connections are refused', async (t) => {
  const file = join(folder(t), 'talk.db')
  const one = await running(t, file)
  const remote = await client(t, file)
  const following = remote.tail({ filter: {}, last: 0, follow: true }, () => {})
  const ended = assert.rejects(following, (error) => isMillraceError(error, 'millrace/stopping'))
  await remote.status()
  await one.stop()
  await ended
  await assert.rejects(remote.status(), (error) => isMillraceError(error, 'millrace/stopping'))
  assert.equal(await ControlClient.connect(file, 100), undefined)
  await one.start()
  await (await client(t, file)).publish('said', { n: 1 }, undefined)
})

test('a reader who does not read costs no more than the bound, and is told how many passed', async (t) => {
  const file = join(folder(t), 'talk.db')
  const one = await running(t, file)
  let room = 2
  const taken: Followed[] = []
  const following = new Following(
    one,
    {},
    {
      take: (item) => {
        taken.push(item)
        room--
      },
      hasRoom: () => room > 0,
    },
  )
  t.after(() => following.end())
  await one.publish(Said, { n: 0 })
  following.begin()
  for (let n = 1; n < 6; n++) await one.publish(Said, { n })
  room = 3
  following.drained()
  await one.publish(Said, { n: 6 })
  const shown = taken.map((item) => ('missed' in item ? `missed ${item.missed}` : JSON.parse(item.message.json).n))
  assert.deepEqual(shown, [0, 1, 'missed 4', 6])
})

test('a slow reader of a running app holds up no other, and is told what it missed', async (t) => {
  const file = join(folder(t), 'talk.db')
  const one = await running(t, file)
  const remote = await client(t, file)
  const text = 'x'.repeat(500_000)
  let go: () => void = () => {}
  const held = new Promise<void>((resolve) => {
    go = resolve
  })
  const taken: Followed[] = []
  let first: () => void = () => {}
  const begun = new Promise<void>((resolve) => {
    first = resolve
  })
  let told: () => void = () => {}
  const missed = new Promise<void>((resolve) => {
    told = resolve
  })
  const tail = remote.tail({ filter: {}, last: 1, follow: true }, (item) => {
    taken.push(item)
    first()
    if ('missed' in item) told()
    return held
  })
  tail.catch(() => {})
  // The last message comes at once or with the live ones; from then on the reader takes nothing.
  await one.publish(Said, { n: 0, text })
  await begun
  for (let n = 1; n < 60; n++) await one.publish(Said, { n, text })
  go()
  await missed
  const counted = taken.reduce((sum, item) => sum + ('missed' in item ? item.missed : 1), 0)
  assert.ok(counted <= 60)
  assert.ok(taken.length < 60)
})
