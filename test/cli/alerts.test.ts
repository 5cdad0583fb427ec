// `millrace alerts`: of a running app, of a stopped one, and over HTTP.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import test from 'node:test'
import { app, processor, sqlite } from 'millrace'
import { alerts } from 'millrace/http'
import { nodeWorld } from '../../src/adapters/node/world.ts'
import { appIn } from '../../src/app/running.ts'
import { looksOften } from '../deliver/looks.ts'
import { until } from '../support.ts'
import { Orders, Placed } from './support/mill.ts'
import { folder, linesOf, millrace, objectsOf } from './support/millrace.ts'

test('the alerts that are raised are listed, while the app runs and when it is stopped', async (t) => {
  const file = join(folder(t), 'mill.db')
  const failing = processor('labels', {
    on: Orders,
    retry: { attempts: 1 },
    handle: {
      'order.placed': () => {
        throw Object.assign(new Error('no paper'), { code: 'NO_PAPER' })
      },
    },
  })
  const ops = alerts('ops', { url: 'http://127.0.0.1:9/', allow: ['127.0.0.1'], when: { closedMs: false } })
  const mill = app({ name: 'mill', broker: sqlite({ file }), log: () => {}, parts: [Orders, failing, ops] })
  const running = appIn(mill, looksOften(nodeWorld(() => {})))
  t.after(() => running.stop({ graceMs: 0 }))
  await running.start()
  assert.deepEqual(linesOf((await millrace(['alerts', '--db', file])).out), ['no alert is raised'])
  assert.equal((await millrace(['alerts', '--db', file, '--json'])).out, '')
  await running.publish(Placed, { orderId: 'a' })
  await until('it is raised', async () => (await running.processors.alerts()).length === 1)
  const [raised] = await running.processors.alerts()
  const shown = await millrace(['alerts', '--db', file])
  const [head, row, ...words] = linesOf(shown.out)
  assert.match(head!, /^ALERT +TOLD BY +SINCE +TOLD$/)
  assert.match(row!, /^group 1 +ops +\S.+$/)
  assert.equal(words.join(' '), `${raised!.what}: ${raised!.command}`)
  for (const line of linesOf(shown.out)) assert.ok(line.length <= 80, line)
  const [object] = objectsOf((await millrace(['alerts', '--db', file, '--json'])).out)
  const iso = (ms: number) => new Date(ms).toISOString()
  assert.deepEqual(object, { ...raised, since: iso(raised!.since), at: iso(raised!.at) })
  const { url, token } = await running.serve({ port: 0 })
  const answer = await fetch(`${url}/api/alerts`, { headers: { authorization: `Bearer ${token}` } })
  assert.deepEqual(await answer.json(), [raised])
  await running.stop({ graceMs: 0 })
  assert.deepEqual(objectsOf((await millrace(['alerts', '--db', file, '--json'])).out), [object])
})
