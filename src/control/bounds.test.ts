// What is asked of an app costs it a bounded number of bytes, whoever asks, however much there is, and read or not.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { z } from 'zod'
import {
  type App,
  app,
  type Desk,
  type DeskRow,
  event,
  isMillraceError,
  type OfflineReader,
  processor,
  Refused,
  sqlite,
  topic,
} from '../index.ts'
import { lastOf } from '../operate/last.ts'
import { stoppedDesk } from '../operate/stopped.ts'
import { ControlClient } from './client.ts'
import { Following } from './follow.ts'
import { Lines } from './lines.ts'
import { rowsOf } from './pages.ts'
import { connectionsMax, type Followed, lineBytesMax, socketPath } from './protocol.ts'

const Said = event('said', {
  schema: z.object({ n: z.number(), text: z.string() }),
  context: ({ n }) => `${n}`,
})
const Words = topic('words', [Said])

function place(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bounds-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'talk.db')
}

/** An app that holds all that is said. */
async function holding(t: TestContext, file: string, texts: readonly string[]): Promise<App> {
  const refuses = processor('refuses', {
    on: Words,
    handle: {
      said: () => {
        throw new Refused('no')
      },
    },
  })
  const broker = sqlite({ file })
  const one = app({ name: 'talk', broker, log: () => {}, messageBytesMax: 10_000_000, parts: [Words, refuses] })
  await one.start()
  t.after(() => one.stop({ graceMs: 0 }))
  for (const [n, text] of texts.entries()) await one.publish(Said, { n, text })
  await one.idle()
  return one
}

async function client(t: TestContext, file: string): Promise<ControlClient> {
  const found = await ControlClient.connect(file, 5_000)
  assert.ok(found !== undefined, 'the app listens')
  t.after(() => found.close())
  return found
}

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n)

async function everyRow(desk: Desk): Promise<{ rows: DeskRow[]; pages: number[] }> {
  const pages: number[] = []
  const read = async (after: number | undefined, limit: number) => {
    const page = await desk.list({ after, limit })
    pages.push(page.length)
    return page
  }
  const rows: DeskRow[] = []
  for await (const row of rowsOf({ read, limit: 1_000 })) rows.push(row)
  return { rows, pages }
}

test('the desk is listed page by page, each bounded by its bytes, of an app that runs, over its socket, and that does not', async (t) => {
  const file = place(t)
  const texts = upTo(7).map((n) => `${n}`.repeat(5_000_000))
  const one = await holding(t, file, texts)
  const assertPaged = async (desk: Desk) => {
    const { rows, pages } = await everyRow(desk)
    assert.deepEqual(pages, [3, 3, 1, 0])
    assert.deepEqual(
      rows.map(({ data }) => data),
      texts.map((text, n) => ({ n, text })),
    )
  }
  await assertPaged(one.desk)
  await assertPaged((await client(t, file)).desk)
  await one.stop()
  await assertPaged(stoppedDesk(sqlite({ file }).offline!, { correct: undefined, now: Date.now }))
})

test('a client that asks and does not read gets no answers beyond what the socket holds; other clients are answered', async (t) => {
  const file = place(t)
  const one = await holding(
    t,
    file,
    upTo(50).map(() => 'x'.repeat(10_000)),
  )
  let answered = 0
  const { list } = one.desk
  Object.assign(one.desk, {
    list: (...given: Parameters<typeof list>) => {
      answered++
      return list(...given)
    },
  })
  const socket = connect(socketPath(file))
  t.after(() => socket.destroy())
  socket.pause()
  const asked = 200
  for (const id of upTo(asked)) {
    socket.write(`{"id":${id + 1},"do":"call","on":"desk","name":"list","given":[]}\n`)
  }
  const other = await client(t, file)
  // Each answer is half a megabyte: a few fill what there is between the two.
  for (let rounds = 0; rounds < 200; rounds++) await other.status()
  assert(answered <= 4, `${answered} of ${asked} were made`)
  assert.equal((await other.desk.list({ limit: 2 })).length, 2)
  const done = new Set<number>()
  await everyLine(socket, (line) => {
    const reply = JSON.parse(line) as { id?: number; done?: unknown }
    if ('done' in reply) done.add(reply.id!)
    return done.size === asked
  })
})

/** Reads lines until one is the last. */
function everyLine(socket: Socket, isLast: (line: string) => boolean): Promise<void> {
  const lines = new Lines(lineBytesMax)
  return new Promise((resolve, reject) => {
    socket.on('error', reject)
    socket.on('data', (chunk) => {
      for (const line of lines.take(chunk)) if (isLast(line.toString())) resolve()
    })
    socket.resume()
  })
}

test('publishes without a reader for their answers are bounded too, and all of them are done once it reads', async (t) => {
  const file = place(t)
  const one = await holding(t, file, [])
  const socket = connect(socketPath(file))
  t.after(() => socket.destroy())
  const count = 5_000
  const lines = upTo(count).map((n) => {
    return `${JSON.stringify({ id: n + 1, do: 'publish', type: 'said', data: { n: n % 3, text: '' } })}\n`
  })
  socket.write(lines.join(''))
  let done = 0
  await everyLine(socket, (line) => {
    if ('done' in JSON.parse(line)) done++
    return done === count
  })
  await one.idle()
  const { held, waiting } = await one.desk.counts()
  assert.equal(held + waiting, count)
})

test('the number of connected commands is bounded; a refused one is told so, and may come again', async (t) => {
  const file = place(t)
  await holding(t, file, [])
  const clients = await Promise.all(upTo(connectionsMax).map(() => client(t, file)))
  await assert.rejects(ControlClient.connect(file, 5_000), (error) => {
    assert(isMillraceError(error, 'millrace/too-many-connections'))
    return error.retryable && /^64 commands are connected/.test(error.message)
  })
  clients[0]!.close()
  let again: ControlClient | undefined
  for (let tries = 0; again === undefined && tries < 1_000; tries++) {
    again = await ControlClient.connect(file, 5_000).catch(() => undefined)
  }
  t.after(() => again?.close())
  assert.equal((await again!.status()).health.status, 'green')
})

test('the newest messages of a log are read one by one, as they are taken', async () => {
  const read: number[] = []
  let closed = false
  const spans = [{ stream: 1, name: 't', first: 1, last: 3, firstTime: 1, lastTime: 3 }]
  const rows = [3, 2, 1].map((position) => ({ stream: 1, position, time: position, json: null }))
  const reader = {
    messages: { spans: async () => spans, slice: async () => ({ rows, next: undefined, looked: 3 }) },
    log: {
      read: async (_stream: number, after: number) => {
        read.push(after + 1)
        // One was removed since it was found.
        return [{ position: after === 1 ? 3 : after + 1, trace: null }]
      },
    },
    close: () => {
      closed = true
    },
  } as unknown as OfflineReader
  const last = lastOf(async () => reader, 3, {})
  assert.deepEqual(read, [])
  assert.equal((await last.next()).value?.position, 1)
  assert.deepEqual(read, [1])
  assert.equal((await last.next()).value?.position, 3)
  await last.return(undefined)
  assert(closed)
  await assert.rejects(lastOf(async () => reader, 10_001, {}).next(), /last is 10001, but must be at most 10000/)
})

test('messages that come while the last ones are shown are kept up to a bound of bytes, then counted, in order', async (t) => {
  const one = await holding(t, place(t), [])
  const taken: Followed[] = []
  const following = new Following(one, { type: 'said' }, { take: (item) => void taken.push(item), hasRoom: () => true })
  t.after(() => following.end())
  const text = 'x'.repeat(3_000_000)
  for (let n = 0; n < 5; n++) await one.publish(Said, { n, text })
  assert.equal(taken.length, 0)
  following.begin()
  await one.publish(Said, { n: 5, text })
  const shown = taken.map((item: Followed) =>
    'missed' in item ? `missed ${item.missed}` : JSON.parse(item.message.json).n,
  )
  assert.deepEqual(shown, [0, 1, 2, 'missed 2', 5])
})

test('an answer that cannot be written is told to its caller; the connection and the app continue', async (t) => {
  const file = place(t)
  const one = await holding(t, file, ['a'])
  Object.assign(one.desk, { counts: async () => ({ held: 1n }) })
  const remote = await client(t, file)
  await assert.rejects(remote.desk.counts(), (error) => isMillraceError(error, 'millrace/answer-too-large'))
  assert.equal((await remote.desk.list()).length, 1)
  await one.publish(Said, { n: 1, text: '' })
})

test('one connection follows a bounded number of times', async (t) => {
  const file = place(t)
  await holding(t, file, [])
  const remote = await client(t, file)
  const followings = upTo(17).map(() => remote.tail({ filter: {}, last: 0, follow: true }, () => {}))
  const refused = await Promise.race(followings.map((following) => following.catch((error: unknown) => error)))
  assert(isMillraceError(refused, 'millrace/bad-request'))
  for (const following of followings) following.catch(() => {})
})

test('lists of other things give pages too', async (t) => {
  const file = place(t)
  const one = await holding(
    t,
    file,
    upTo(12).map(() => 'a'),
  )
  const by = 'anna'
  for (const n of upTo(12)) {
    await one.desk.resubmit(n + 1, { n, text: 'x'.repeat(2_000_000) }, { by, reason: 'longer' })
    await one.idle()
  }
  const audit = await one.desk.audit()
  assert(audit.length < 24, 'what was changed is in the audit log, and is large')
  const all = []
  const read = (before: number | undefined, limit: number) => one.desk.audit({ before, limit })
  for await (const row of rowsOf({ read, limit: 1_000 })) all.push(row)
  assert.equal(all.filter(({ action }) => action === 'resubmitted').length, 12)
  for (const n of upTo(3)) await one.desk.select('release', { items: [n + 1] }, { name: `op ${n}`, by })
  assert.deepEqual(
    (await one.desk.operations({ limit: 2 })).map(({ name }) => name),
    ['op 0', 'op 1'],
  )
  assert.deepEqual(
    (await one.desk.operations({ after: 2 })).map(({ name }) => name),
    ['op 2'],
  )
  assert.deepEqual(
    (await one.desk.operations({ name: 'op 1' })).map(({ id }) => id),
    [2],
  )
  await one.idle()
  const outcome = await one.desk.outcome(1)
  assert.deepEqual(outcome, { handled: 0, trying: 0, held: 1, discarded: 0 })
  assert.equal((await one.desk.groups('all', { limit: 1 })).length, 1)
})
