// Two real processes that feed each other, killed again and again, with a client that keeps a record of its own (B7).
import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import test, { type TestContext } from 'node:test'
import { until } from '../support.ts'

const each = 40
const keys = ['a', 'b', 'c']
const kills = 6

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

interface Row {
  readonly source: string
  readonly key: string
  readonly n: number
}

class Side {
  readonly file: string
  readonly url: string
  private readonly args: string[]
  private child: ChildProcess | undefined
  over = false

  constructor(file: string, args: readonly string[], port: number) {
    this.file = file
    this.args = [...args]
    this.url = `http://127.0.0.1:${port}/events/notes`
  }

  async start(): Promise<void> {
    const child = fork(join(import.meta.dirname, 'side.ts'), this.args, { execArgv: ['--conditions=millrace-source'] })
    this.child = child
    await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(([code]) => assert.fail(`it has ended with ${code}`)),
    ])
  }

  async kill(): Promise<void> {
    const { child } = this
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }

  /** Sends an event until it is acknowledged, as a client does that keeps its id. */
  async send(source: string, key: string, n: number): Promise<void> {
    const event = { specversion: '1.0', id: `${key} ${n}`, source, type: 'noted', data: { key, n } }
    while (!this.over) {
      const answer = await fetch(this.url, {
        method: 'POST',
        headers: { 'content-type': 'application/cloudevents+json' },
        body: JSON.stringify(event),
      }).catch(() => undefined)
      if (answer?.status === 202) return
      assert(answer === undefined || answer.status >= 500, `${answer?.status} ${await answer?.text()}`)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  kept(): Row[] {
    const db = new DatabaseSync(this.file, { readOnly: true })
    try {
      return db.prepare('select source, key, n from kept order by place').all() as unknown as Row[]
    } finally {
      db.close()
    }
  }
}

async function pair(t: TestContext): Promise<readonly [Side, Side]> {
  const folder = mkdtempSync(join(tmpdir(), 'feed-'))
  const [left, right] = [await freePort(), await freePort()]
  const side = (name: string, to: string, port: number, other: number) => {
    const file = join(folder, `${name}.db`)
    return new Side(file, [name, to, file, String(port), String(other)], port)
  }
  const sides = [side('left', 'right', left, right), side('right', 'left', right, left)] as const
  t.after(async () => {
    for (const side of sides) side.over = true
    await Promise.all(sides.map((one) => one.kill()))
    rmSync(folder, { recursive: true, force: true })
  })
  await Promise.all(sides.map((one) => one.start()))
  return sides
}

test('two processes that feed each other, killed again and again: acknowledged events are on both, once and in order', async (t) => {
  const sides = await pair(t)
  let sent = 0
  const clients = sides.flatMap((side, index) =>
    keys.map(async (key) => {
      for (let n = 0; n < each; n++) {
        await side.send(`/client-${index}`, key, n)
        sent++
      }
    }),
  )
  const killer = async () => {
    for (let kill = 1; kill <= kills; kill++) {
      await until('enough is sent', () => sent >= (kill * 2 * keys.length * each) / (kills + 1), 60_000)
      const side = sides[kill % 2]!
      await side.kill()
      await side.start()
    }
  }
  await Promise.all([...clients, killer()])
  await until('all is on both', () => sides.every((side) => side.kept().length >= 2 * keys.length * each), 60_000)
  for (const side of sides) {
    const kept = side.kept()
    assert.equal(kept.length, 2 * keys.length * each)
    for (const source of ['/client-0', '/client-1']) {
      for (const key of keys) {
        const of = kept.filter((row) => row.source === source && row.key === key).map(({ n }) => n)
        assert.deepEqual(
          of,
          Array.from({ length: each }, (_, n) => n),
        )
      }
    }
  }
})
