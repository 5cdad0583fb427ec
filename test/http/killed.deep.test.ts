// A client with a record of its own, and an app that is killed under it again and again: each 202 is there exactly once, and
// what had no answer is sent again with its id, and not doubled.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import test, { type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { kept, place } from '../support.ts'

const program = fileURLToPath(new URL('./killed-program.ts', import.meta.url))
const clients = 32
const rounds = 4
const answersPerRound = 300

async function begin(t: TestContext, file: string) {
  const child = spawn(process.execPath, ['--conditions=millrace-source', program, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  const [url] = (await once(createInterface(child.stdout), 'line')) as [string]
  return { child, url }
}

interface Sent {
  readonly id: string
  readonly own: boolean
}

/** Sends one event: as the app's own by its key, or as that of another system by its source and id. */
function send(url: string, { id, own }: Sent): Promise<Response> {
  const data = { orderId: id, quantity: 1 }
  if (own) {
    const headers = { 'content-type': 'application/json', 'idempotency-key': id }
    return fetch(`${url}/events/orders?type=order.placed`, { method: 'POST', headers, body: JSON.stringify(data) })
  }
  const headers = { 'content-type': 'application/cloudevents+json' }
  const body = JSON.stringify({ specversion: '1.0', id, source: '/client', type: 'order.placed', data })
  return fetch(`${url}/events/orders`, { method: 'POST', headers, body })
}

test('an app that is killed under load has each 202 once, and doubles nothing that is sent again', async (t) => {
  const file = place(t)
  const acknowledged = new Set<string>()
  const open = new Map<string, Sent>()
  let count = 0
  for (let round = 0; round < rounds; round++) {
    const { child, url } = await begin(t, file)
    let answers = 0
    const repeated = [...open.values()]
    const one = async (): Promise<void> => {
      for (;;) {
        const id = `e-${count++}`
        const sent = repeated.pop() ?? { id, own: count % 2 === 0 }
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
          acknowledged.add(sent.id)
        } else assert.equal(answer.status, 503)
        if (++answers === answersPerRound) child.kill('SIGKILL')
      }
    }
    const gone = once(child, 'exit')
    await Promise.all(Array.from({ length: clients }, one))
    await gone
    const ids = kept(file, 'orders').map((row) => row.id)
    assert.equal(new Set(ids).size, ids.length, 'nothing is there twice')
    const missing = [...acknowledged].filter((id) => !ids.includes(id))
    assert.deepEqual(missing, [], `round ${round}: acknowledged and not there`)
  }
  const { child, url } = await begin(t, file)
  for (const sent of open.values()) assert.equal((await send(url, sent)).status, 202)
  const again = await (await send(url, { id: 'e-0', own: false })).json()
  assert.deepEqual(again, { accepted: [{ id: 'e-0', duplicate: true }] })
  child.kill('SIGKILL')
  await once(child, 'exit')
  const ids = kept(file, 'orders').map((row) => row.id)
  assert.deepEqual([...ids].sort(), [...new Set([...acknowledged, ...open.keys()])].sort())
  assert(acknowledged.size >= rounds * answersPerRound - rounds)
})
