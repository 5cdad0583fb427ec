// `GET /metrics`, read by a parser of the format's own rules, against what the app says of itself.
import assert from 'node:assert/strict'
import test from 'node:test'
import { histogramBoundsMs, type Metrics, type PartMetrics } from 'millrace'
import { gateway } from 'millrace/http'
import { metricsText } from '../../src/http/metrics-text.ts'
import { hashOf, newToken } from '../../src/operate/token.ts'
import { client } from '../support/http-client.ts'
import { place } from '../support.ts'
import { Note, Placed, served, shopOn, Take } from './shop.ts'

interface Family {
  help: string
  type: string
  readonly samples: {
    readonly name: string
    readonly labels: Readonly<Record<string, string>>
    readonly value: number
  }[]
}

/**
 * Reads text format 0.0.4: each line ends with a line feed; HELP and TYPE come once, before the samples, which stand
 * together; of labels `\\`, `\"` and `\n` are escapes; no two samples are of one series.
 */
function parsed(text: string): Map<string, Family> {
  assert(text.endsWith('\n'))
  const families = new Map<string, Family>()
  const series = new Set<string>()
  let family: [string, Family] | undefined
  for (const line of text.slice(0, -1).split('\n')) {
    const [, what, name, said] = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$/.exec(line) ?? []
    if (what === 'HELP') {
      assert(!families.has(name!), `${name} comes once`)
      family = [name!, { help: said!.replace(/\\(.)/g, (_, one) => (one === 'n' ? '\n' : one)), type: '', samples: [] }]
      families.set(...family)
    } else if (what === 'TYPE') {
      assert(family?.[0] === name && family!.length === 2 && family![1].samples.length === 0 && family![1].type === '')
      assert(['gauge', 'counter', 'histogram'].includes(said!))
      family![1].type = said!
    } else {
      const [, sample, inner = '', value] =
        /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (\S+)$/.exec(line) ?? []
      assert(sample !== undefined && family !== undefined, `${line} is no sample`)
      const [own, { type, samples }] = family
      const suffixes = type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']
      assert(
        suffixes.some((suffix) => sample === own + suffix),
        `${sample} stands with ${own}`,
      )
      const labels = Object.fromEntries(
        [...inner.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label, escaped]) => [
          label!,
          escaped!.replace(/\\(.)/g, (_, one) => (one === 'n' ? '\n' : one)),
        ]),
      )
      const key = sample + JSON.stringify(Object.entries(labels).sort())
      assert(!series.has(key), `${line} is there twice`)
      series.add(key)
      assert(Number.isFinite(Number(value)), line)
      samples.push({ name: sample, labels, value: Number(value) })
    }
  }
  return families
}

/** Compares all that the text says of parts. */
function checkParts(families: ReadonlyMap<string, Family>, parts: readonly PartMetrics[]) {
  const singles: Readonly<Record<string, (part: PartMetrics) => number>> = {
    millrace_lag: ({ lag }) => lag,
    millrace_held: ({ held }) => held,
    millrace_handled_total: ({ counts }) => counts.handled,
    millrace_failed_total: ({ counts }) => counts.failed,
    millrace_refused_total: ({ counts }) => counts.refused,
  }
  for (const part of parts) {
    const of = { processor: part.name, part: part.part.name, on: part.on }
    for (const [name, read] of Object.entries(singles)) {
      const { type, samples } = families.get(name)!
      assert.equal(type, name.endsWith('_total') ? 'counter' : 'gauge')
      const found = samples.filter(({ labels }) => labels['processor'] === part.name && labels['on'] === part.on)
      assert.deepEqual(found, [{ name, labels: of, value: read(part) }])
    }
    for (const [name, histogram] of [
      ['millrace_attempt_seconds', part.counts.attempt],
      ['millrace_critical_time_seconds', part.counts.critical],
    ] as const) {
      const { type, samples } = families.get(name)!
      assert.equal(type, 'histogram')
      const own = samples.filter(({ labels }) => labels['processor'] === part.name && labels['on'] === part.on)
      const buckets = own.filter((one) => one.name === `${name}_bucket`)
      assert.deepEqual(
        buckets.map(({ labels }) => (labels['le'] === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels['le']))),
        [...histogramBoundsMs.map((ms) => ms / 1_000), Number.POSITIVE_INFINITY],
      )
      const counted = buckets.map(({ value }, at) => value - (buckets[at - 1]?.value ?? 0))
      assert.deepEqual(counted, histogram.buckets, 'each bucket has those below it too')
      const value = (suffix: string) => own.find((one) => one.name === name + suffix)!.value
      assert.equal(value('_count'), histogram.count)
      assert.equal(buckets.at(-1)!.value, histogram.count)
      assert.ok(Math.abs(value('_sum') - histogram.sumMs / 1_000) < 1e-9)
    }
  }
}

test('the metrics for Prometheus are those of the app, in the rules of the format', async (t) => {
  const { shop, open } = await served(t)
  await shop.publish(Placed, { orderId: 'o', quantity: 1 })
  for (const quantity of [1, 2, 11]) await shop.send(Take, { sku: 'a', quantity })
  await shop.send(Take, { sku: 'broken', quantity: 1 })
  await shop.send(Note, { sku: 'canary-4242' })
  await shop.idle()
  const response = await open('GET /metrics')
  assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
  const text = await response.text()
  const families = parsed(text)
  const { parts } = await shop.metrics()
  const { handled, failed, refused } = parts.find(({ name }) => name === 'stock')!.counts
  assert.deepEqual([handled, failed, refused], [3, 1, 1])
  checkParts(families, parts)
  for (const name of ['millrace_up', 'millrace_healthy']) {
    assert.deepEqual(families.get(name)!.samples, [{ name, labels: {}, value: 1 }])
  }
  for (const family of families.values()) assert.notEqual(family.help, '')
  const names = new Set(
    [...families.values()].flatMap(({ samples }) => samples.flatMap((one) => Object.keys(one.labels))),
  )
  assert.deepEqual([...names].sort(), ['le', 'on', 'part', 'processor'])
  assert.doesNotMatch(text, /canary|broken|"o"/)
})

test('names are escaped, and values above all bounds are in the last bucket', () => {
  const name = 'a"b\\c\nd'
  const buckets = histogramBoundsMs.map((_, at) => at).concat(7)
  const count = buckets.reduce((sum, one) => sum + one, 0)
  const histogram = { count, sumMs: 1_234_567.8, buckets }
  const counts = { handled: 1, failed: 2, refused: 3, attempt: histogram, critical: histogram, criticalNewestMs: null }
  const part: PartMetrics = {
    name,
    part: { kind: 'route', name: 'r' },
    on: 't',
    state: 'live',
    lag: 4,
    running: 0,
    held: 5,
    counts,
  }
  const metrics: Metrics = { at: 2, since: 1, parts: [part, { ...part, name: 'other' }] }
  checkParts(parsed(metricsText({ health: 'red', metrics, edge: { headersUnencoded: 0 } })), metrics.parts)
})

test('headers of CloudEvents with a percent that is no encoding are counted, one by one', async (t) => {
  const { ask, shop } = await served(t)
  const counted = async () => {
    const { body } = await ask('GET /metrics')
    const { type, samples } = parsed(body).get('millrace_ce_header_unencoded_total')!
    return [type, ...samples.map(({ value }) => value)]
  }
  assert.deepEqual(await counted(), ['counter', 0])
  const event = { 'ce-specversion': '1.0', 'ce-source': '/one', 'ce-type': 'said', 'content-type': 'application/json' }
  const sends = (id: string, headers: object) =>
    ask('POST /events/{topic}', { params: { topic: 'talk' }, headers: { ...event, 'ce-id': id, ...headers }, json: 1 })
  await sends('1', { 'ce-a': '50% off', 'ce-b': '%zz', 'ce-c': '100%25', 'ce-d': 'plain' })
  assert.deepEqual(await counted(), ['counter', 2])
  // A gateway of the same app counts in the same place.
  const edge = gateway(shop, { access: () => ({ name: 'till', grants: [{ role: 'sender' }] }) })
  const mounted = client('http://shop.example', edge)
  const body = { params: { topic: 'talk' }, headers: { ...event, 'ce-id': '2', 'ce-a': '5%' }, json: 1 }
  assert.equal((await mounted.ask('POST /events/{topic}', body)).status, 202)
  assert.deepEqual(await counted(), ['counter', 3])
})

test('an app that does not run is down, and nothing is said of its parts', async (t) => {
  const shop = shopOn({ file: place(t) })
  const { url, close } = await shop.serve({ port: 0, access: { open: true } })
  t.after(() => close())
  const { status, body } = await client(url).ask('GET /metrics')
  assert.equal(status, 200)
  assert.deepEqual(
    [...parsed(body)].map(([name, { samples }]) => [name, samples.map(({ value }) => value)]),
    [
      ['millrace_up', [0]],
      ['millrace_healthy', [0]],
      ['millrace_ce_header_unencoded_total', [0]],
    ],
  )
})

test('a caller without the right to see gets no metrics', async (t) => {
  const shop = shopOn({ file: place(t) })
  const token = newToken()
  const grants = [{ role: 'sender' as const }, { role: 'reader' as const, on: ['stock'] }]
  const access = { tokens: [{ name: 'ada', hash: hashOf(token), grants }] }
  const { url, close } = await shop.serve({ port: 0, access })
  t.after(() => close())
  const { ask } = client(url)
  assert.equal((await ask('GET /metrics')).status, 401)
  assert.equal((await ask('GET /metrics', { headers: { authorization: `Bearer ${token}` } })).status, 403)
})
