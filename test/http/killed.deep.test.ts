// A client with a record of its own, and an app that is killed under it again and again: each 202 is there exactly once, and
// what had no answer is sent again with its id, and not doubled.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import test, { type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { kept, place, rows } from '../support.ts'

const program = fileURLToPath(new URL('./killed-program.ts', import.meta.url))
const telemetry = fileURLToPath(new URL('../telemetry/register.ts', import.meta.url))
const clients = 32
const answersPerRound = 300

interface How {
  readonly rounds: number
  /** Whether the app has an SDK of OpenTelemetry. */
  readonly traces: boolean
}

async function begin(t: TestContext, file: string, { traces }: How) {
  const before = traces ? ['--import', telemetry] : []
  const child = spawn(process.execPath, ['--conditions=millrace-source', ...before, program, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  const [url] = (await once(createInterface(child.stdout), 'line')) as [string]
  return { child, url }
}

const kinds = ['own', 'structured', 'binary', 'batch', 'command'] as const

interface Sent {
  readonly id: string
  readonly kind: (typeof kinds)[number]
}

/** The ids in the log of what is sent: a batch has several. */
const idsOf = ({ id, kind }: Sent) => (kind === 'batch' ? [`${id}.1`, `${id}.2`, `${id}.3`] : [id])

/** Sends it: as the app's own by its key, or as that of another system by its source and id. */
function send(url: string, sent: Sent): Promise<Response> {
  const { id, kind } = sent
  const data = { orderId: id, quantity: 1 }
  const event = (one: string) => ({ specversion: '1.0', id: one, source: '/client', type: 'order.placed', data })
  const post = (path: string, headers: Record<string, string>, body: unknown) =>
    fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  const json = { 'content-type': 'application/json' }
  switch (kind) {
    case 'own':
      return post('/events/orders?type=order.placed', { ...json, 'idempotency-key': id }, data)
    case 'structured':
      return post('/events/orders', { 'content-type': 'application/cloudevents+json' }, event(id))
    case 'binary': {
      const attributes = { 'ce-specversion': '1.0', 'ce-id': id, 'ce-source': '/client', 'ce-type': 'order.placed' }
      return post('/events/orders', { ...json, ...attributes }, data)
    }
    case 'batch':
      return post(
        '/events/orders',
        { 'content-type': 'application/cloudevents-batch+json' },
        idsOf(sent).map((one) => event(one)),
      )
    default:
      return post('/commands/stock/stock.take', { ...json, 'idempotency-key': id }, { sku: id, quantity: 1 })
  }
}

/** All ids that are on disk. */
const idsIn = (file: string) => ['orders', 'stock'].flatMap((stream) => kept(file, stream).map(({ id }) => id))

test('an app that is killed under load has each 202 once, and doubles nothing that is sent again', async (t) => {
  await killed(t, { rounds: 4, traces: false })
})

test('with traces too; and each message that is on disk has its place in a trace', async (t) => {
  const file = await killed(t, { rounds: 2, traces: true })
  const without = rows<{ id: number }>(file, 'select id from millrace_streams').map(
    ({ id }) => rows(file, `select count(*) as n from millrace_log_${id} where trace is null`)[0]!['n'],
  )
  assert.deepEqual(new Set(without), new Set([0]))
})

async function killed(t: TestContext, how: How): Promise<string> {
  const { rounds } = how
  const file = place(t)
  const acknowledged = new Set<string>()
  const open = new Map<string, Sent>()
  let count = 0
  for (let round = 0; round < rounds; round++) {
    const { child, url } = await begin(t, file, how)
    let answers = 0
    const repeated = [...open.values()]
    const one = async (): Promise<void> => {
      for (;;) {
        const sent = repeated.pop() ?? { id: `e-${count}`, kind: kinds[count++ % kinds.length]! }
        open.set(sent.id, sent)
        let answer: Response
        try {
          answer = await send(url, sent)
          await answer.body?.cancel()
        } catch {
          return
        }
        if (answer.status === 202) {
          open.delete(sent.id)
          for (const id of idsOf(sent)) acknowledged.add(id)
        } else assert.equal(answer.status, 503)
        if (++answers === answersPerRound) child.kill('SIGKILL')
      }
    }
    const gone = once(child, 'exit')
    await Promise.all(Array.from({ length: clients }, one))
    await gone
    const ids = idsIn(file)
    const there = new Set(ids)
    assert.equal(there.size, ids.length, 'nothing is there twice')
    const missing = [...acknowledged].filter((id) => !there.has(id))
    assert.deepEqual(missing, [], `round ${round}: acknowledged and not there`)
    for (const sent of open.values()) {
      const parts = idsOf(sent).map((id) => there.has(id))
      assert(
        parts.every((is) => is === parts[0]),
        `round ${round}: a part of batch ${sent.id} is there`,
      )
    }
  }
  const { child, url } = await begin(t, file, how)
  for (const sent of open.values()) assert.equal((await send(url, sent)).status, 202)
  // What was accepted in the first round is known now; the first of each kind has these ids.
  for (const [n, kind] of kinds.entries()) {
    const sent = { id: `e-${n}`, kind }
    const { status, accepted } = await answerTo(url, sent)
    const duplicates = idsOf(sent).map((id) => ({ id, duplicate: true }))
    assert.deepEqual([status, accepted], [202, kind === 'command' ? undefined : duplicates])
  }
  // The last end of a request comes when its command is handled, which may be after its 202.
  const ended = await fetch(`${url}/requests/e-${kinds.indexOf('command')}`, { headers: { prefer: 'wait=30' } })
  assert.deepEqual([ended.status, (await toState(ended)).reply], [200, { left: 9 }])
  child.kill('SIGKILL')
  await once(child, 'exit')
  const ids = idsIn(file)
  assert.deepEqual([...ids].sort(), [...new Set([...acknowledged, ...[...open.values()].flatMap(idsOf)])].sort())
  assert(acknowledged.size >= rounds * answersPerRound - rounds)
  return file
}

async function answerTo(url: string, sent: Sent) {
  const answer = await send(url, sent)
  const { accepted } = (await answer.json()) as { accepted?: unknown }
  return { status: answer.status, accepted }
}

const toState = async (answer: Response) => (await answer.json()) as { reply?: unknown }
