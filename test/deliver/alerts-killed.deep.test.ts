// Alerts to a real sink over HTTP, by a process that is killed as the sink takes them.
import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import test from 'node:test'
import { bodyOf } from '../support/bodies.ts'
import { place, until } from '../support.ts'

interface Arrived {
  readonly id: string
  readonly type: string
  readonly incident: string
}

for (const answer of ['before', 'after'] as const) {
  test(`killed ${answer} the answer of a sink, an alert is told again under its id, and its end comes behind it`, async (t) => {
    const arrived: Arrived[] = []
    let child: ChildProcess
    let kills = 0
    let killed = Promise.resolve<unknown>(undefined)
    /** Kills the process with the first request that has an event, and answers all others. */
    const take = (event: { readonly id: string; readonly type: string }, response: ServerResponse) => {
      const seen = arrived.filter(({ id }) => id === event.id).length
      if (seen > 1) return response.writeHead(204).end()
      kills++
      killed = once(child, 'exit')
      if (answer === 'before') return child.kill('SIGKILL')
      return response.writeHead(204).end(() => child.kill('SIGKILL'))
    }
    const sink = createServer(async (request, response) => {
      const body = await bodyOf(request)
      const event = JSON.parse(body)
      arrived.push({ id: request.headers['webhook-id'] as string, type: event.type, incident: event.data.incident })
      take({ id: request.headers['webhook-id'] as string, type: event.type }, response)
    }).listen(0, '127.0.0.1')
    await once(sink, 'listening')
    const args = [place(t), String((sink.address() as AddressInfo).port)]
    const start = async () => {
      child = fork(join(import.meta.dirname, 'watched-program.ts'), args, {
        execArgv: ['--conditions=millrace-source'],
      })
      await once(child, 'message')
    }
    t.after(() => {
      child.kill('SIGKILL')
      sink.close()
      sink.closeAllConnections()
    })
    await start()
    for (const [at, [what, type]] of (
      [
        ['publish', 'alert.raised'],
        ['discard', 'alert.ended'],
      ] as const
    ).entries()) {
      child!.send(what)
      await until(`${type} has come`, () => kills === at + 1)
      await killed
      await start()
      // Where the answer has left, the process may have had it: then it does not come again, and that is right.
      const again = () => arrived.filter((one) => one.type === type).length > 1
      if (answer === 'before') await until(`${type} has come again`, again)
    }
    const ids = [...new Set(arrived.map(({ id }) => id))]
    assert.equal(ids.length, 2, 'one for the beginning, and one for the end')
    assert.equal(new Set(arrived.map(({ incident }) => incident)).size, 1)
    const types = arrived.map(({ type }) => type)
    assert.deepEqual(types, types.toSorted().reverse(), 'the end comes behind all of the beginning')
  })
}
