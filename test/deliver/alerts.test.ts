// `alerts` in the simulation: what begins and what ends, once each, and what is said.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import test, { type TestContext } from 'node:test'
import { app, type Broker, event, mediator, processor, sqlite, topic } from 'millrace'
import { type Answered, type Network, type Simulation, simulation } from 'millrace/testing'
import { z } from 'zod'
import { nodeWorld } from '../../src/adapters/node/world.ts'
import { sqliteOn } from '../../src/adapters/sqlite/index.ts'
import { nodeDisk } from '../../src/adapters/sqlite/node-disk.ts'
import { appIn } from '../../src/app/running.ts'
import { alertInSlack } from '../../src/http/alert-slack.ts'
import { type AlertsOptions, alerts } from '../../src/http/alerts.ts'
import { deliver } from '../../src/http/deliver.ts'
import { standardWebhooks } from '../../src/http/webhooks.ts'
import type { AlertEnded, AlertRaised } from '../../src/model/alerts.ts'
import type { Part } from '../../src/parts/part.ts'
import { bodyOf } from '../support/bodies.ts'
import { place, until } from '../support.ts'
import { looksOften } from './looks.ts'

const schema = z.object({ key: z.string(), fails: z.string().optional() })
const Placed = event('placed', { schema, context: ({ key }) => key })
const Orders = topic('orders', [Placed])
const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const url = 'https://ops.example/alerts'
const minute = 60_000

interface Told {
  readonly id: string
  readonly type: 'alert.raised' | 'alert.ended'
  readonly data: AlertRaised & Partial<AlertEnded>
}

/** A part whose messages fail as they say, until they are mended. */
function labels(mended: () => boolean = () => false) {
  const handle = {
    placed: ({ data: { fails } }: { data: { fails?: string | undefined } }) => {
      if (fails !== undefined && !mended()) throw Object.assign(new Error('canary'), { code: fails })
    },
  }
  return processor('labels', { on: Orders, retry: { attempts: 1 }, handle })
}

interface Watched {
  readonly parts?: readonly Part[]
  readonly options?: Partial<AlertsOptions>
  readonly answer?: () => Answered
}

/** An app with `alerts`, and what its other side has taken. */
function watched({ parts = [labels()], options = {}, answer = () => ({ status: 204 }) }: Watched = {}) {
  const told: Told[] = []
  const network: Network = ({ url: to, body, headers }) => {
    if (to !== url) return { status: 410 }
    const answered = answer()
    if (answered.status < 300) told.push(JSON.parse(body))
    if (options.form === undefined) {
      const request = { header: (name: string) => headers[name], body: Buffer.from(body), now: sim.now() }
      assert.equal(standardWebhooks({ secret }).verify(request).ok, true)
    }
    return answered
  }
  const signed = options.form === 'slack' ? {} : { secret }
  const ops = alerts('ops', { url, ...signed, ...options })
  const sim: Simulation = simulation({ parts: [Orders, ...parts, ops], network })
  const seen = () => told.map(({ type, data }) => `${type.replace('alert.', '')} ${data.alert}`)
  return { sim, told, seen }
}

test('a group of held messages is told once, with any messages that join it, and once when it is well again', async () => {
  let mended = false
  const { sim, told, seen } = watched({ parts: [labels(() => mended)], options: { when: { closedMs: false } } })
  await using _ = sim
  for (const key of ['a', 'b']) await sim.publish(Placed, { key, fails: 'NO_SKU' })
  await sim.advance(minute)
  await sim.publish(Placed, { key: 'c', fails: 'NO_SKU' })
  await sim.advance(10 * minute)
  assert.deepEqual(seen(), ['raised group 1'])
  const [{ data }] = told as [Told]
  assert.deepEqual(
    { ...data, incident: '', at: 0, since: 0 },
    {
      watch: 'ops',
      incident: '',
      alert: 'group 1',
      kind: 'group',
      part: 'labels',
      group: 1,
      type: 'placed',
      code: 'NO_SKU',
      state: null,
      count: 2,
      since: 0,
      at: 0,
      what: '2 messages of type "placed" are held at "labels": NO_SKU',
      works: 'Other contexts and all other parts are handled. What comes later in the same context waits in order.',
      command: 'npx millrace desk app.ts --group 1',
      url: null,
    },
  )
  mended = true
  for (const { id } of sim.held()) await sim.release(id)
  await sim.untilIdle()
  await sim.advance(10 * minute)
  assert.deepEqual(seen(), ['raised group 1', 'ended group 1'])
  const end = told[1]!.data
  assert.deepEqual([end.incident, end.end, end.what], [data.incident, 'well', data.what])
  assert(end.endedAt! - end.at >= 10 * minute)
})

test('an alert that is well for less than calmMs has not ended', async () => {
  const { sim, seen } = watched({ options: { when: { closedMs: false }, calmMs: minute } })
  await using _ = sim
  await sim.publish(Placed, { key: 'a', fails: 'NO_SKU' })
  for (let n = 0; n < 5; n++) {
    await sim.advance(30_000)
    await sim.desk.discard(sim.held()[0]!.id, { by: 'ada', reason: 'no such article' })
    await sim.advance(30_000)
    await sim.publish(Placed, { key: 'a', fails: 'NO_SKU' })
  }
  assert.deepEqual(seen(), ['raised group 1'])
})

test('a group that is snoozed is quiet, and is told anew when the snooze is over', async () => {
  const { sim, told, seen } = watched()
  await using _ = sim
  await sim.publish(Placed, { key: 'a', fails: 'NO_SKU' })
  await sim.advance(minute)
  await sim.desk.snooze(1, { until: sim.now() + 60 * minute, by: 'mia', reason: 'on Monday' })
  await sim.publish(Placed, { key: 'b', fails: 'OTHER' })
  await sim.advance(55 * minute)
  assert.deepEqual(seen(), ['raised group 1', 'ended group 1', 'raised group 2', 'raised closed labels'])
  assert.equal(told[1]!.data.end, 'quiet')
  assert.equal(told[3]!.data.count, 1)
  await sim.desk.discard(sim.held().at(-1)!.id, { by: 'mia', reason: 'tested' })
  await sim.advance(3 * minute)
  assert.deepEqual(seen().slice(4).sort(), ['ended closed labels', 'ended group 2'])
  await sim.advance(5 * minute)
  assert.deepEqual(seen().slice(6).sort(), ['raised closed labels', 'raised group 1'])
  assert.notEqual(told.at(-1)!.data.incident, told[0]!.data.incident)
})

test('lanes that stay closed are one alert for a part, with their number', async () => {
  const { sim, told, seen } = watched({ options: { when: { group: false, closedMs: 5 * minute } } })
  await using _ = sim
  for (const key of ['a', 'b', 'c']) await sim.publish(Placed, { key, fails: `E_${key}` })
  await sim.advance(4 * minute)
  assert.deepEqual(seen(), [])
  await sim.advance(2 * minute)
  const data = told.at(0)!.data
  assert.deepEqual([told.length, data.alert, data.count], [1, 'closed labels', 3])
  assert.equal(data.what, '3 lanes of "labels" are closed, for more than 5 minutes')
})

test('a part that is paused or behind is told when its oldest message has waited so long', async () => {
  const { sim, told, seen } = watched({ options: { when: { behindMs: 5 * minute } } })
  await using _ = sim
  await sim.untilIdle()
  await sim.processors.pause('labels', { by: 'ada' })
  await sim.advance(60 * minute)
  assert.deepEqual(seen(), [], 'nothing waits')
  for (const key of ['a', 'b']) await sim.publish(Placed, { key })
  await sim.advance(4 * minute)
  assert.deepEqual(seen(), [])
  await sim.advance(2 * minute)
  const { what, since } = told[0]!.data
  assert.equal(what, '"labels" is paused: its oldest message waits for more than 5 minutes, 2 messages in all')
  assert(sim.now() - since < 7 * minute)
  await sim.processors.resume('labels', { by: 'ada' })
  await sim.advance(3 * minute)
  assert.deepEqual(seen(), ['raised behind labels', 'ended behind labels'])
})

test('an unanswered question is told, and ended by the answer', async () => {
  const approvals = mediator('approvals', {
    on: Orders,
    startedBy: Placed,
    run: async (_, flow) => {
      await flow.ask('approve', { title: 'Is canary right?', schema: z.boolean() })
    },
  })
  const { sim, told, seen } = watched({ parts: [approvals], options: { when: { questionMs: 30 * minute } } })
  await using _ = sim
  await sim.publish(Placed, { key: 'a' })
  await sim.advance(29 * minute)
  assert.deepEqual(seen(), [])
  await sim.advance(2 * minute)
  assert.deepEqual(seen(), ['raised question approvals'])
  assert(!JSON.stringify(told).includes('canary'))
  const [asked] = await sim.flows.questions()
  await sim.flows.answer(asked!.flow, 'approve', true, { by: 'ada' })
  await sim.advance(3 * minute)
  assert.deepEqual(seen(), ['raised question approvals', 'ended question approvals'])
})

test('an endpoint that wants nothing more is told', async () => {
  const out = deliver('out', { on: Orders, url: 'https://gone.example/in' })
  const { sim, seen } = watched({ parts: [out] })
  await using _ = sim
  await sim.publish(Placed, { key: 'a' })
  await sim.advance(minute)
  assert.deepEqual(seen(), ['raised paused out'])
})

test('a storm is bounded: ten alerts of a kind, and one for the rest, each with its end', async () => {
  const { sim, told, seen } = watched({ options: { when: { closedMs: false } } })
  await using _ = sim
  const word = (n: number) => `E${String.fromCharCode(97 + (n % 26), 97 + Math.floor(n / 26))}`
  for (let n = 0; n < 300; n++) await sim.publish(Placed, { key: String(n), fails: word(n) })
  await sim.advance(5 * minute)
  assert.equal(told.length, 11)
  const rest = told.find(({ data }) => data.alert === 'more group')!
  assert.match(rest.data.what, /^\d+ more alerts of the kind "group" are not sent one by one$/)
  for (const { id } of sim.held()) await sim.desk.discard(id, { by: 'ada', reason: 'all of it' })
  await sim.advance(5 * minute)
  const begun = told.filter(({ type }) => type === 'alert.raised').map(({ data }) => data.incident)
  const ended = told.filter(({ type }) => type === 'alert.ended').map(({ data }) => data.incident)
  assert.deepEqual(ended.sort(), begun.sort(), seen().join('\n'))
})

test('a restart repeats no beginning and forgets no end', async () => {
  const { sim, seen } = watched({ options: { when: { closedMs: false } } })
  await using _ = sim
  await sim.publish(Placed, { key: 'a', fails: 'NO_SKU' })
  await sim.advance(minute)
  await sim.crash()
  await sim.restart()
  await sim.advance(5 * minute)
  assert.deepEqual(seen(), ['raised group 1'])
  await sim.desk.discard(sim.held()[0]!.id, { by: 'ada', reason: 'tested' })
  await sim.crash()
  await sim.restart()
  await sim.advance(5 * minute)
  assert.deepEqual(seen(), ['raised group 1', 'ended group 1'])
})

test('a part that is renamed sends what was told under its old name, and its ends', async () => {
  let away = true
  let run = 0
  const told: Told[] = []
  const network: Network = ({ body }) => {
    if (!away) told.push(JSON.parse(body))
    return { status: away ? 503 : 204 }
  }
  const named = () => (run++ === 0 ? alerts('ops', { url }) : alerts('watch', { url, renamedFrom: 'ops' }))
  const make = () => app({ name: 'shop', broker: sqlite({ file: 's.db' }), parts: [Orders, labels(), named()] })
  await using sim = simulation({ app: make, network })
  await sim.publish(Placed, { key: 'a', fails: 'NO_SKU' })
  await sim.advance(minute)
  await sim.crash()
  away = false
  await sim.restart()
  await sim.advance(5 * minute)
  assert.deepEqual(
    told.map(({ type, data }) => [type, data.alert]),
    [['alert.raised', 'group 1']],
  )
  await sim.desk.discard(sim.held()[0]!.id, { by: 'ada', reason: 'tested' })
  await sim.advance(5 * minute)
  assert.deepEqual([told.length, told[1]?.type], [2, 'alert.ended'])
  assert.equal(told[1]?.data.incident, told[0]?.data.incident)
})

test('while the other side is away nothing comes to the desk; both follow in order', async () => {
  let away = true
  const { sim, seen } = watched({
    options: { when: { closedMs: false } },
    answer: () => ({ status: away ? 503 : 200 }),
  })
  await using _ = sim
  await sim.publish(Placed, { key: 'a', fails: 'NO_SKU' })
  await sim.advance(60 * minute)
  await sim.desk.discard(sim.held()[0]!.id, { by: 'ada', reason: 'tested' })
  await sim.advance(60 * minute)
  assert.deepEqual([seen(), sim.held()], [[], []])
  away = false
  await sim.advance(5 * minute)
  assert.deepEqual(seen(), ['raised group 1', 'ended group 1'])
})

test('for Slack it is a text and blocks', async () => {
  const bodies: { text: string; blocks: { type: string; text: { type: string; text: string } }[] }[] = []
  const network: Network = ({ body, headers }) => {
    assert.equal(headers['content-type'], 'application/json; charset=utf-8')
    bodies.push(JSON.parse(body))
    return { status: 200, body: 'ok' }
  }
  const ops = alerts('ops', { url, form: 'slack', baseUrl: 'https://ops.example/mill/', when: { closedMs: false } })
  await using sim = simulation({ parts: [Orders, labels(), ops], network })
  await sim.publish(Placed, { key: 'a', fails: 'NO_SKU' })
  await sim.advance(minute)
  await sim.desk.discard(sim.held()[0]!.id, { by: 'ada', reason: 'tested' })
  await sim.advance(5 * minute)
  assert.equal((await sim.processors.test('ops')).status, 200)
  const [begun, ended, tested] = bodies as [(typeof bodies)[0], (typeof bodies)[0], (typeof bodies)[0]]
  const what = '1 message of type "placed" is held at "labels": NO_SKU'
  assert.equal(begun.text, `simulated: ${what}`)
  for (const { blocks } of bodies) {
    for (const { type, text } of blocks) assert.deepEqual([type, text.type], ['section', 'mrkdwn'])
  }
  assert.equal(begun.blocks.length, 3)
  assert.equal(
    begun.blocks[2]!.text.text,
    '`npx millrace desk app.ts --group 1` <https://ops.example/mill/desk/g/1|Open>',
  )
  assert.equal(ended.text, `simulated: well again: ${what}`)
  assert.equal(tested.text, 'simulated: a test of its alerts')
})

test('the signs that Slack reads as its own are escaped', () => {
  const data = { what: '<!channel> & co', works: '', command: '', url: null, since: 0 }
  const { body } = alertInSlack({ message: { type: 'alert.raised', data } as never, trace: null, app: 'shop' })
  assert.equal(JSON.parse(body).text, 'shop: &lt;!channel&gt; &amp; co')
})

test('a code that is no plain word is not told: it may hold data', async () => {
  const { sim, told } = watched()
  await using _ = sim
  await sim.publish(Placed, { key: 'a', fails: 'no canary' })
  await sim.advance(minute)
  assert.equal(told[0]!.data.what, '1 message of type "placed" is held at "labels"')
  assert(!JSON.stringify(told).includes('canary'))
})

test('two parts that watch have alerts of their own', async () => {
  const got: string[] = []
  const network: Network = ({ url: to, body }) => {
    got.push(`${to} ${JSON.parse(body).data.alert}`)
    return { status: 200 }
  }
  const all = alerts('all', { url: 'https://all.example/', when: { closedMs: minute } })
  const some = alerts('some', { url: 'https://some.example/', when: { group: false, closedMs: minute } })
  await using sim = simulation({ parts: [Orders, labels(), all, some], network })
  await sim.publish(Placed, { key: 'a', fails: 'NO_SKU' })
  await sim.advance(5 * minute)
  const expected = ['https://all.example/ closed labels', 'https://all.example/ group 1']
  assert.deepEqual(got.sort(), [...expected, 'https://some.example/ closed labels'])
})

/** A sink over HTTP that answers as it is told, and what it has taken. */
async function sinkOf(t: TestContext) {
  const taken: Told[] = []
  const state = { status: 204 }
  const server = createServer(async (request, response) => {
    const body = await bodyOf(request)
    if (state.status < 300) taken.push(JSON.parse(body))
    response.writeHead(state.status).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const to = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  return {
    taken,
    state,
    options: { url: to, allow: ['127.0.0.1'], calmMs: 0, retry: { firstDelayMs: 5, maxDelayMs: 5 } },
  }
}

/** An app in the real world, but that it looks often. */
async function runs(t: TestContext, broker: Broker, parts: readonly Part[]) {
  const shop = appIn(
    app({ name: 'shop', broker, parts: [Orders, ...parts], log: () => {} }),
    looksOften(nodeWorld(() => {})),
  )
  t.after(() => shop.stop({ graceMs: 0 }))
  await shop.start()
  return shop
}

test('a low disk is told though nothing is published, and ended when there is room', async (t) => {
  const { taken, options } = await sinkOf(t)
  let free = Number.MAX_SAFE_INTEGER
  const disks = () => Object.assign(nodeDisk(), { freeBytes: () => free })
  const broker = sqliteOn({ file: place(t), diskFreeMinBytes: 1_000 }, disks)
  const shop = await runs(t, broker, [alerts('ops', options)])
  await shop.idle()
  free = 999
  await until('it is told', () => taken.length === 1)
  const [{ data }] = taken as [Told]
  assert.deepEqual(
    [data.alert, data.kind, data.part, data.command],
    ['disk', 'disk', null, 'npx millrace doctor app.ts'],
  )
  await assert.rejects(shop.publish(Placed, { key: 'a' }), { code: 'millrace/disk-low' })
  free = 1_000
  await until('it is ended', () => taken.length === 2)
  assert.deepEqual(
    [taken[1]!.type, taken[1]!.data.incident, taken[1]!.data.end],
    ['alert.ended', data.incident, 'well'],
  )
})

test('a part that is renamed sends what it has told of before, and ends it', async (t) => {
  const { taken, state, options } = await sinkOf(t)
  const file = place(t)
  const when = { closedMs: false } as const
  state.status = 503
  const first = await runs(t, sqlite({ file }), [labels(), alerts('ops', { ...options, when })])
  await first.publish(Placed, { key: 'a', fails: 'NO_SKU' })
  await until('it is raised', async () => (await first.processors.alerts()).length === 1)
  await first.stop({ graceMs: 0 })
  state.status = 204
  const pager = alerts('pager', { ...options, when, renamedFrom: 'ops' })
  const second = await runs(t, sqlite({ file }), [labels(), pager])
  assert.deepEqual(
    (await second.processors.alerts()).map(({ watch, alert }) => [watch, alert]),
    [['pager', 'group 1']],
  )
  await until('its beginning is sent', () => taken.length === 1)
  const [held] = await second.desk.list()
  await second.desk.discard(held!.id, { by: 'ada', reason: 'old' })
  await until('its end is sent', () => taken.length === 2)
  assert.deepEqual(
    taken.map(({ type, data }) => [type, data.incident]),
    [
      ['alert.raised', taken[0]!.data.incident],
      ['alert.ended', taken[0]!.data.incident],
    ],
  )
  assert.deepEqual(await second.processors.alerts(), [])
})

test('wrong options are refused with what to do', () => {
  const refuses = (options: object, text: RegExp, code = 'millrace/bad-option') =>
    assert.throws(() => alerts('ops', { url, ...options } as never), { message: text, code })
  refuses({ url: 'http://ops.example' }, /^alerts "ops": url is http:\/\/ops.example, but must be https/)
  refuses({ form: 'teams' }, /form is "teams", but must be 'structured', 'binary' or 'slack'/)
  refuses({ form: 'slack', secret }, /Slack checks no signature: leave out secret/)
  refuses({ when: { group: 1 } }, /^alerts "ops": when: group must be true or false/)
  refuses({ when: { closedMs: -1 } }, /alerts "ops": when: closedMs/)
  refuses({ when: { lanes: true } }, /alerts "ops": when/, 'millrace/unknown-option')
  refuses({ baseUrl: 'ops' }, /baseUrl is "ops", but must be an address/)
})
