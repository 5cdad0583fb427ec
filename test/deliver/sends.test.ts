// `deliver` in the simulation: what it sends, when, and what follows from the answers.
import assert from 'node:assert/strict'
import test from 'node:test'
import { event, processor, topic } from 'millrace'
import { type Answered, type Arrived, type Network, type Simulation, simulation } from 'millrace/testing'
import { z } from 'zod'
import { type DeliverOptions, deliver } from '../../src/http/deliver.ts'
import { standardWebhooks } from '../../src/http/webhooks.ts'
import { edgeOf, takeIn } from '../../src/operate/edge.ts'

const schema = z.object({ key: z.string(), n: z.number() })
const Placed = event('placed', { schema, context: ({ key }) => key })
const Loose = event('loose', { schema })
const Orders = topic('orders', [Placed, Loose])
const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const url = 'https://sink.example/in'

type Options = Partial<DeliverOptions<typeof Placed | typeof Loose>>
const withSink = (network: Network, options: Options = {}, seed = 1) =>
  simulation({ parts: [Orders, deliver('out', { on: Orders, url, secret, ...options })], network, seed })

interface Got extends Arrived {
  readonly at: number
  readonly event: { readonly id: string; readonly data: { readonly key: string; readonly n: number } }
}

/** A sink that keeps what it takes, and answers by `answer`. */
function sink(sim: () => Simulation, answer: (got: Got, times: number) => Answered = () => ({ status: 204 })) {
  const got: Got[] = []
  const network: Network = (arrived) => {
    const one = { ...arrived, at: sim().now(), event: JSON.parse(arrived.body) }
    got.push(one)
    return answer(one, got.filter(({ event }) => event.id === one.event.id).length)
  }
  return {
    got,
    network,
    taken: (key: string) => got.filter(({ event }) => event.data.key === key).map(({ event }) => event.data.n),
  }
}

const hour = 3_600_000
const inOrder = (list: readonly number[]) => [...new Set(list)].every((n, index) => n === index)

test('an event leaves as a structured CloudEvent, signed, with its id and its context', async () => {
  let sim!: Simulation
  const { got, network } = sink(() => sim)
  sim = withSink(network, { headers: { Authorization: 'Bearer x' } })
  await using _ = sim
  const { id } = await sim.publish(Placed, { key: 'a', n: 0 })
  await sim.untilIdle()
  const [one] = got as [Got]
  assert.equal(one.url, url)
  assert.deepEqual(one.event as object, {
    specversion: '1.0',
    id,
    source: '/simulated',
    type: 'placed',
    time: (one.event as unknown as { time: string }).time,
    datacontenttype: 'application/json',
    dataschema: 'urn:millrace:placed:1',
    partitionkey: 'a',
    millracepath: 'simulated',
    data: { key: 'a', n: 0 },
  })
  assert.equal(one.headers['content-type'], 'application/cloudevents+json; charset=utf-8')
  assert.equal(one.headers['authorization'], 'Bearer x')
  const request = { header: (name: string) => one.headers[name], body: Buffer.from(one.body), now: one.at }
  assert.deepEqual(standardWebhooks({ secret }).verify(request), { ok: true, id })
})

test('the binary form has the attributes as headers, encoded as the binding says', async () => {
  const network: Network = (arrived) => {
    seen.push(arrived)
    return { status: 200 }
  }
  const seen: Arrived[] = []
  await using sim = withSink(network, { form: 'binary', secret: undefined })
  await sim.publish(Placed, { key: 'Euro € "50%"', n: 0 }, { id: 'e 1' })
  await sim.untilIdle()
  const [{ headers, body }] = seen as [Arrived]
  assert.equal(headers['ce-partitionkey'], 'Euro%20%E2%82%AC%20%2250%25%22')
  assert.equal(headers['ce-id'], 'e%201')
  assert.equal(headers['content-type'], 'application/json')
  assert.equal(headers['webhook-id'], 'e 1')
  assert.equal(headers['webhook-signature'], undefined)
  assert.equal(body, '{"key":"Euro € \\"50%\\"","n":0}')
})

test('an event with bytes leaves with them as base64 in JSON, in either form', async () => {
  const Scanned = event('scanned', { schema: z.string() })
  const Scans = topic('scans', [Scanned])
  for (const form of ['structured', 'binary'] as const) {
    const seen: Arrived[] = []
    const network: Network = (arrived) => {
      seen.push(arrived)
      return { status: 200 }
    }
    await using sim = simulation({ parts: [Scans, deliver('out', { on: Scans, url, form })], network, seed: 1 })
    await sim.untilIdle()
    const attributes = { datacontenttype: 'image/png' }
    await sim.settled(takeIn(sim.app, Scanned, '/wA=', { source: '/scanner', id: '1', attributes }))
    await sim.untilIdle()
    const { datacontenttype, data, data_base64: base64 } = JSON.parse(seen[0]!.body)
    assert.deepEqual([datacontenttype, data, base64], ['image/png', undefined, '/wA='])
    assert.equal(seen[0]!.headers['content-type'], 'application/cloudevents+json; charset=utf-8')
  }
})

test('every attempt at an event has the same webhook-id, and a signature of its own time', async () => {
  let sim!: Simulation
  const { got, network } = sink(
    () => sim,
    (_, times) => ({ status: times < 4 ? 500 : 200 }),
  )
  sim = withSink(network)
  await using _ = sim
  const { id } = await sim.publish(Placed, { key: 'a', n: 0 })
  await sim.untilIdle()
  assert.deepEqual(
    got.map(({ headers }) => headers['webhook-id']),
    [id, id, id, id],
  )
  for (const { headers, body, at } of got) {
    const request = { header: (name: string) => headers[name], body: Buffer.from(body), now: at }
    assert.equal(standardWebhooks({ secret }).verify(request).ok, true)
  }
})

test('a context whose event fails is in order and holds up no other', async () => {
  let sim!: Simulation
  const bad = ({ event: { data } }: Got) => data.key === 'bad' && data.n === 1
  const { got, network, taken } = sink(
    () => sim,
    (one) => ({ status: bad(one) ? 422 : 200, body: 'no such article' }),
  )
  sim = withSink(network, { retry: { attempts: 3 } })
  await using _ = sim
  for (let n = 0; n < 5; n++) for (const key of ['bad', 'a', 'b']) await sim.publish(Placed, { key, n })
  await sim.untilIdle()
  assert.deepEqual(
    [taken('a'), taken('b'), taken('bad')],
    [
      [0, 1, 2, 3, 4],
      [0, 1, 2, 3, 4],
      [0, 1, 1, 1],
    ],
  )
  const [held] = sim.held()
  assert.equal(held!.error!.code, 'millrace/not-delivered')
  assert.equal(held!.error!.message, 'sink.example answered 422: no such article')
  assert.deepEqual(held!.error!.data, { status: 422 })
  const before = got.length
  await sim.release(held!.id)
  await sim.untilIdle()
  assert.equal(got.length, before + 3)
})

test('an endpoint that fails for one event, and takes others, sees that event at the desk in the end', async () => {
  let sim!: Simulation
  const { network, taken } = sink(
    () => sim,
    ({ event: { data } }) => ({ status: data.key === 'bad' ? 500 : 200 }),
  )
  sim = withSink(network, { retry: { attempts: 3, firstDelayMs: 1_000, factor: 1 } })
  await using _ = sim
  await sim.publish(Placed, { key: 'bad', n: 0 })
  for (let n = 0; n < 40; n++) {
    await sim.publish(Placed, { key: 'a', n })
    await sim.advance(500)
  }
  await sim.untilIdle()
  assert.equal(sim.held().length, 1)
  assert.equal(taken('bad').length, 3)
  assert.equal(taken('a').length, 40)
})

for (const [what, contexts] of [
  ['one context', 1],
  ['three hundred contexts', 300],
] as const) {
  test(`an endpoint away for 24 hours: probed, nothing at the desk, then all in order: ${what}`, async () => {
    let sim!: Simulation
    let back = 0
    const { got, network, taken } = sink(() => sim)
    const away: Network = (arrived) => {
      requests++
      if (sim.now() >= back) return network(arrived)
      if (requests % 3 === 0) throw new Error('gone')
      return { status: requests % 3 === 1 ? 503 : 502 }
    }
    let requests = 0
    sim = withSink(away)
    await using _ = sim
    await sim.publish(Placed, { key: '0', n: 0 })
    await sim.untilIdle()
    back = sim.now() + 24 * hour
    for (let n = 0; n < 3; n++) {
      for (let key = 0; key < contexts; key++) await sim.publish(Placed, { key: String(key), n: key === 0 ? n + 1 : n })
      await sim.advance(hour)
    }
    await sim.advance(20.9 * hour)
    assert.deepEqual(sim.held(), [])
    assert.equal((await sim.processors.list())[0]!.state, 'probing')
    assert(requests < 24 * 60 + 200, `${requests} requests in 24 hours`)
    assert(requests > 1_000)
    await sim.advance(0.2 * hour)
    await sim.untilIdle()
    assert.deepEqual(sim.held(), [])
    assert.equal(got.length, contexts * 3 + 1)
    for (let key = 0; key < contexts; key++) assert(inOrder(taken(String(key))), `context ${key}`)
  })
}

test('away across restarts: a run that has seen no success uses up no attempt at what failed before', async () => {
  await using sim = withSink(() => ({ status: 500 }), { retry: { attempts: 3 } })
  await sim.publish(Placed, { key: 'a', n: 0 })
  for (let run = 0; run < 8; run++) {
    await sim.advance(10 * 60_000)
    await sim.crash()
    await sim.restart()
  }
  assert.deepEqual(sim.held(), [])
})

test('after probeMaxMs an endpoint that is away counts as gone: its events come to the desk', async () => {
  await using sim = withSink(() => ({ status: 500 }), { probeMaxMs: 2 * hour, retry: { attempts: 3 } })
  await sim.publish(Placed, { key: 'a', n: 0 })
  await sim.advance(1.9 * hour)
  assert.equal(sim.held().length, 0)
  await sim.advance(hour)
  assert.equal(sim.held().length, 1)
})

for (const [what, after, waitMs] of [
  ['seconds', () => '120', 120_000],
  ['a date', (now: number) => new Date(now + 300_000).toUTCString(), 299_000],
  ['at most an hour', () => '86400', hour],
] as const) {
  test(`Retry-After of 429 is obeyed for all contexts, though others succeed at that moment: ${what}`, async () => {
    let sim!: Simulation
    let limited = true
    const { got, network, taken } = sink(
      () => sim,
      ({ event: { data }, at }) => {
        if (!limited || data.key !== 'a') return { status: 200 }
        limited = false
        return { status: 429, headers: { 'retry-after': after(at) } }
      },
    )
    sim = withSink(network)
    await using _ = sim
    for (let n = 0; n < 2; n++)
      for (const key of ['a', 'b', 'c', 'd']) await sim.publish(Placed, { key, n }, { id: `${key} ${n}` })
    const asked = () => got.find(({ event }) => event.data.key === 'a')!.at
    await sim.untilIdle()
    // Requests that were on their way when the answer came do not count.
    const late = got.filter(({ at }) => at > asked() + 100)
    assert(late.length > 0)
    for (const { at } of late) assert(at >= asked() + waitMs, `${at - asked()} ms after it`)
    assert(late[0]!.at < asked() + waitMs + 10_000)
    assert(inOrder(taken('a')))
    assert.deepEqual(sim.held(), [])
  })
}

test('an answer 410 pauses the part, on record; resumed it sends the same event again', async () => {
  let sim!: Simulation
  let gone = true
  const { got, network } = sink(
    () => sim,
    () => ({ status: gone ? 410 : 200 }),
  )
  sim = withSink(network)
  await using _ = sim
  await sim.publish(Placed, { key: 'a', n: 0 })
  await sim.untilIdle()
  await sim.advance(hour)
  const [row] = await sim.processors.list()
  assert.equal(row!.state, 'paused')
  assert.deepEqual(
    [row!.paused!.by, row!.paused!.reason],
    ['millrace', 'sink.example answered 410: it wants nothing more'],
  )
  assert.equal(got.length, 1)
  assert(sim.trace().some((line) => line.includes('processor "out" is paused: sink.example answered 410')))
  gone = false
  await sim.processors.resume('out', { by: 'ada' })
  await sim.untilIdle()
  assert.equal(got.length, 2)
  assert.deepEqual(sim.held(), [])
})

test('the newest requests are listed with their answers, also a test, which is sent while the part is paused', async () => {
  let sim!: Simulation
  const body = 'x'.repeat(100)
  const { got, network } = sink(
    () => sim,
    (_, times) => (times === 1 ? { status: 500, body } : { status: 200 }),
  )
  sim = withSink(network)
  await using _ = sim
  assert.deepEqual(await sim.processors.deliveries('out'), [])
  for (let n = 0; n < 30; n++) await sim.publish(Placed, { key: 'a', n }, { id: `a ${n}` })
  await sim.untilIdle()
  const rows = await sim.processors.deliveries('out')
  assert.equal(rows.length, 50)
  assert.deepEqual(
    rows
      .slice(0, 2)
      .map(({ id, type, attempt, outcome, status, answer }) => ({ id, type, attempt, outcome, status, answer })),
    [
      { id: 'a 29', type: 'placed', attempt: 2, outcome: 'answered', status: 200, answer: '' },
      { id: 'a 29', type: 'placed', attempt: 1, outcome: 'answered', status: 500, answer: body },
    ],
  )
  assert(rows.every(({ at }, index) => index === 0 || at <= rows[index - 1]!.at))
  await sim.processors.pause('out')
  const tested = await sim.processors.test('out')
  assert.deepEqual([tested.type, tested.attempt, tested.status], ['millrace.test', 0, 500])
  assert.deepEqual(got.at(-1)!.event.data as object, { test: true })
  assert.equal((await sim.processors.deliveries('out'))[0]!.id, tested.id)
  assert.equal(sim.published(Placed).length, 30)
  await assert.rejects(sim.processors.test('nobody'), { code: 'millrace/unknown-processor' })
})

test('a part that does not deliver has no deliveries; a reset of one that does says that it sends again', async () => {
  const keep = processor('keep', { on: Orders, handle: { placed: () => {} } })
  const out = deliver('out', { on: Orders, url })
  await using sim = simulation({ parts: [Orders, keep, out], network: () => ({ status: 200 }) })
  await sim.publish(Placed, { key: 'a', n: 0 })
  await sim.untilIdle()
  await assert.rejects(sim.processors.deliveries('keep'), /"keep" delivers to no other system/)
  await assert.rejects(sim.processors.reset('out', { to: 'beginning' }), { code: 'millrace/sends-again' })
})

const from = (id: string, path: string) => ({ source: '/there', id, attributes: { millracepath: path } })

test('an event that has passed the other side is not sent to it; the rest continues with one name more', async () => {
  let sim!: Simulation
  const { got, network } = sink(() => sim)
  sim = withSink(network, { to: 'there' })
  await using _ = sim
  await sim.untilIdle()
  await sim.settled(takeIn(sim.app, Placed, { key: 'a', n: 0 }, from('0', 'there')))
  await sim.settled(takeIn(sim.app, Placed, { key: 'a', n: 1 }, from('1', 'elsewhere,further')))
  await sim.publish(Placed, { key: 'a', n: 2 })
  await sim.untilIdle()
  const sent = got.map(({ event }) => event as unknown as { source: string; millracepath: string })
  assert.deepEqual(
    sent.map(({ source, millracepath }) => [source, millracepath]),
    [
      ['/there', 'elsewhere,further,simulated'],
      ['/simulated', 'simulated'],
    ],
  )
})

test('an app takes in nothing that has passed it before', async () => {
  await using sim = simulation({ parts: [Orders, processor('keep', { on: Orders, handle: {} })] })
  await sim.untilIdle()
  const again = await sim.settled(takeIn(sim.app, Placed, { key: 'a', n: 0 }, from('0', 'simulated,there')))
  assert.deepEqual(again, { id: '0', duplicate: true })
  const first = await sim.settled(takeIn(sim.app, Placed, { key: 'a', n: 0 }, from('0', 'there')))
  assert.deepEqual(first, { id: '0' })
  const batch = ['1', '2', '3'].map((id) => ({
    type: Placed,
    data: { key: 'a', n: 1 },
    from: from(id, id === '2' ? 'simulated' : 'there'),
  }))
  const taken = await sim.settled(edgeOf(sim.app).intake().takeInMany(batch))
  assert.deepEqual(taken, [{ id: '1' }, { id: '2', duplicate: true }, { id: '3' }])
  assert.equal(sim.published(Placed).length, 3)
})

test('an event that has passed eight systems comes to the desk', async () => {
  let sim!: Simulation
  const { got, network } = sink(() => sim)
  sim = withSink(network)
  await using _ = sim
  await sim.untilIdle()
  const path = (count: number) => Array.from({ length: count }, (_, n) => `s${n}`).join(',')
  await sim.settled(takeIn(sim.app, Placed, { key: 'a', n: 0 }, from('0', path(7))))
  await sim.settled(takeIn(sim.app, Placed, { key: 'b', n: 0 }, from('1', path(8))))
  await sim.untilIdle()
  assert.equal(got.length, 1)
  assert.match(sim.held()[0]!.error!.message, /^it has passed 8 systems, the most that a message passes: s0, s1/)
})

test('a redirect is a failure of the event', async () => {
  await using sim = withSink(() => ({ status: 302, headers: { location: 'https://other.example/' } }), {
    retry: { attempts: 2 },
  })
  await sim.publish(Placed, { key: 'a', n: 0 })
  await sim.untilIdle()
  assert.equal(sim.held()[0]!.error!.message, 'sink.example answered 302')
})

test('without a network nothing is sent, and the error says so', async () => {
  await using sim = simulation({ parts: [Orders, deliver('out', { on: Orders, url })] })
  await sim.publish(Placed, { key: 'a', n: 0 })
  await sim.advance(5_000)
  assert(sim.trace().some((line) => line.includes('the simulation has no network: give it the option network')))
})

test('only the types that are named are sent', async () => {
  let sim!: Simulation
  const { got, network } = sink(() => sim)
  sim = withSink(network, { types: ['loose'] })
  await using _ = sim
  await sim.publish(Placed, { key: 'a', n: 0 })
  await sim.publish(Loose, { key: 'b', n: 0 })
  await sim.untilIdle()
  assert.deepEqual(
    got.map(({ event }) => event.data.key),
    ['b'],
  )
})

test('wrong options are refused with what to do, and no secret is in an error', () => {
  const refuses = (options: object, text: RegExp, code = 'millrace/bad-option') =>
    assert.throws(
      () => deliver('out', { on: Orders, url, ...options } as never),
      (error: Error & { code: string }) => {
        assert.match(error.message, text)
        assert.equal(error.code, code)
        return true
      },
    )
  refuses(
    { url: 'http://10.0.0.1:80/x' },
    /^deliver "out": url is http:\/\/10.0.0.1, but must be https; where http is meant, say allow: \['10.0.0.1'\]$/,
  )
  refuses({ url: 'ftp://x' }, /must be https/)
  refuses({ url: 'sink' }, /url is "sink", but must be an address/)
  refuses({ url: 'https://ada:pw@sink.example' }, /^(?!.*pw).*give headers.authorization/)
  refuses({ allow: '127.0.0.1' }, /allow must be a list of hosts/)
  refuses({ headers: { 'content-length': '1' } }, /"content-length" is no header that you may set/)
  refuses({ headers: { authorization: 'x\r\ny' } }, /the value of "authorization" must be printable ASCII/)
  refuses({ form: 'batch' }, /form is "batch", but must be 'structured' or 'binary'/)
  refuses({ types: ['lose'] }, /types: "lose" is not on topic "orders"; did you mean "loose"\?/)
  refuses({ secret: 'whsec_x' }, /a secret is whsec_ and 16 to 1024 bytes in base64/)
  refuses({ to: 'no name' }, /to must be the name of the app at the other end/)
  refuses({ secrets: secret }, /unknown option "secrets"; did you mean "secret"\?/, 'millrace/unknown-option')
  refuses({ timeoutMs: 1 }, /timeoutMs is 1/)
  refuses({ on: undefined }, /on must be a topic/)
})
