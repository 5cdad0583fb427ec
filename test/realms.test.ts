// Values of another realm, as each test file of Jest and each `vm` context makes them, and errors of any kind: taken for
// what they are, wherever they are handed in, and told as they were.
import assert from 'node:assert/strict'
import test, { mock } from 'node:test'
import vm from 'node:vm'
import {
  app,
  type Channel,
  channel,
  command,
  desk,
  type ErrorRecord,
  event,
  hold,
  isMillraceError,
  type Processor,
  processor,
  Refused,
  sqlite,
  topic,
} from 'millrace'
import { given, simulation } from 'millrace/testing'
import { z } from 'zod'
import { coded, place, started } from './support.ts'

const elsewhere = (code: string, names: object = {}): never => vm.runInNewContext(code, { ...names }) as never
const raises = () => {
  throw new Error('detached')
}

const schema = z.object({ name: z.string(), list: z.array(z.object({ n: z.number() })).optional() })
const Rang = event('rang', { schema, context: ({ name }) => name })
const Bells = topic('bells', [Rang])
const refusal = z.object({ wrong: z.array(z.object({ line: z.number(), why: z.string() })) })
const Import = command('lines.import', { schema: z.object({}), reply: z.object({ ok: z.boolean() }), refusal })
const Imports = channel('imports', [Import])

const fails = (throws: (name: string) => unknown) =>
  processor('fails', {
    on: Bells,
    retry: { attempts: 1 },
    handle: {
      rang: ({ data }) => {
        throw throws(data.name)
      },
    },
  })

// ── values ───────────────────────────────────────────────────────────────────────────────────────────────────────

test('objects, lists and dates of another realm are taken as those of this one', async () => {
  const got: unknown[] = []
  const hears = processor('hears', {
    on: Bells,
    startAt: elsewhere('new Date(0)'),
    handle: { rang: ({ data }) => void got.push(data) },
  })
  await using sim = simulation({ parts: [Bells, hears], beginsAt: elsewhere('new Date(Date.UTC(2026, 0, 1))') })
  const data = elsewhere('({ name: "a", list: [{ n: 1 }] })')
  await sim.publish(Rang, data)
  await sim.publish(Rang, structuredClone({ name: 'b' }))
  const at = elsewhere('new Date(Date.UTC(2026, 0, 2))')
  await sim.publish(Rang, elsewhere('({ name: "c", list: [] })'), elsewhere('({ id: "c", at })', { at }))
  await sim.advance(25 * 3_600_000)
  await sim.untilIdle()
  assert.deepEqual(got, [{ name: 'a', list: [{ n: 1 }] }, { name: 'b' }, { name: 'c', list: [] }])
  for (const code of ['({ name: "d", list: new Map() })', '({ name: new Date(0) })']) {
    await assert.rejects(sim.publish(Rang, elsewhere(code)), (error) => isMillraceError(error))
  }
})

test('an object of a class is no plain data, whichever realm it is of', async () => {
  const Any = event('any', { schema: z.unknown() as never as typeof schema })
  await using sim = simulation({ parts: [topic('all', [Any])] })
  for (const code of [
    'new (class Bell {})()',
    'new Map()',
    'new Date(0)',
    '({ deep: [new Set()] })',
    'Promise.resolve()',
  ]) {
    await assert.rejects(sim.publish(Any, elsewhere(code)), coded('millrace/not-json'))
  }
  const getter = Object.defineProperty({ name: 'a' }, 'lazy', { get: raises, enumerable: true })
  await assert.rejects(sim.publish(Any, getter), coded('millrace/not-json', /detached/))
})

// ── errors ───────────────────────────────────────────────────────────────────────────────────────────────────────

test('the desk and rules see the thrown value: fields of an error, its causes, errors of another realm', async () => {
  const errors: Record<string, () => unknown> = {
    aggregate: () => new AggregateError([new Error('inner one'), new TypeError('inner two')], 'both mirrors failed'),
    connect: () => new AggregateError([Object.assign(new Error('refused ::1:5432'), { code: 'ECONNREFUSED' })]),
    realm: () => elsewhere('new RangeError("from another realm", { cause: new Error("why") })'),
    legacy: () => Object.assign(Object.create(Error.prototype), { message: 'made by hand' }),
    stack: () => Object.defineProperty(new Error('the message is fine'), 'stack', { get: raises }),
    data: () => Object.assign(new Error('with data'), { data: { lines: Array(5_000).fill('wrong') } }),
  }
  const seen: Record<string, ErrorRecord> = {}
  const rules = desk('rules', {
    on: Bells,
    decide: {
      rang: ({ message, error }) => {
        seen[message.data.name] = error
        return hold('seen')
      },
    },
  })
  await using sim = simulation({ parts: [fails((name) => errors[name]!()), rules] })
  for (const name of Object.keys(errors)) await sim.publish(Rang, { name })
  await sim.untilIdle()
  const kept: Record<string, ErrorRecord> = Object.fromEntries(sim.held().map(({ lane, error }) => [lane, error!]))
  assert.deepEqual(
    kept['aggregate']!.errors!.map(({ message }) => message),
    ['inner one', 'inner two'],
  )
  assert.deepEqual([kept['connect']!.message, kept['connect']!.errors![0]!.code], ['refused ::1:5432', 'ECONNREFUSED'])
  assert.deepEqual([kept['realm']!.code, kept['realm']!.cause!.message], ['RangeError', 'why'])
  assert.equal(kept['legacy']!.message, 'made by hand')
  assert.equal(kept['stack']!.message, 'the message is fine')
  assert.deepEqual(kept['data']!.data, { lines: Array(5_000).fill('wrong') })
  assert.deepEqual(seen['data']!.data, kept['data']!.data)
  const told = sim.failures().find(({ data }) => data.message.context === 'data')!.data as { error: { data: unknown } }
  assert.deepEqual(told.error.data, kept['data']!.data)
})

test('an error thrown by a schema is told, and is the cause', async () => {
  const refined = z.object({ v: z.json().refine((v) => (v as { a: { b: boolean } }).a.b) })
  const E = event('e', { schema: refined })
  const later = event('later', { schema: z.object({ v: z.string().refine(async () => true) }) })
  await using sim = simulation({ parts: [topic('t', [E, later])] })
  const causeOf = (code: 'millrace/bad-data' | 'millrace/async-schema', says: RegExp) => (error: unknown) => {
    coded(code, says)(error)
    assert.match(String((error as Error).cause), says)
    return true
  }
  await assert.rejects(sim.publish(E, { v: null }), causeOf('millrace/bad-data', /Cannot read properties of null/))
  let deep: unknown = 1
  for (let n = 0; n < 3_000; n++) deep = [deep]
  await assert.rejects(sim.publish(E, { v: deep as never }), causeOf('millrace/bad-data', /call stack/))
  await assert.rejects(sim.publish(later, { v: 'a' }), causeOf('millrace/async-schema', /synchronous|parseAsync/))
})

// ── refusals ─────────────────────────────────────────────────────────────────────────────────────────────────────

const refuses = (on: Channel<typeof Import>, data: () => unknown, reason = 'wrong lines'): Processor =>
  processor('imports', {
    on,
    retry: { attempts: 1 },
    handle: {
      'lines.import': () => {
        throw new Refused(reason, data())
      },
    },
  })
const lines = (count: number) => ({
  wrong: Array.from({ length: count }, (_, line) => ({ line, why: 'x'.repeat(1_000) })),
})

test('the data of a refusal reach the caller whole, at any size up to messageBytesMax', async (t) => {
  const bank = await started(
    t,
    app({ name: 'bank', broker: sqlite({ file: place(t) }), parts: [refuses(Imports, () => lines(900))] }),
  )
  const error = await bank.request(Import, {}, { id: 'large' }).catch((caught) => caught)
  assert(Refused.by(Import, error))
  assert.deepEqual(error.data, lines(900))
  assert.deepEqual((await bank.requestStatus('large'))?.refusal?.data, lines(900))
})

for (const [what, data, code] of [
  ['larger than messageBytesMax', () => lines(1_000), 'millrace/too-large'],
  ['no JSON', () => ({ amount: 10n }), 'millrace/not-json'],
] as const) {
  test(`a refusal whose data are ${what} fails the attempt, and is told as that`, async (t) => {
    const parts = [refuses(Imports, data)]
    const bank = await started(t, app({ name: 'bank', broker: sqlite({ file: place(t) }), log: () => {}, parts }))
    const asked = bank.request(Import, {}).catch(() => {})
    await bank.idle()
    const [held] = await bank.desk.list()
    assert.equal(held!.error!.code, code)
    assert.match(held!.error!.message, /refusal of command "lines.import"/)
    await given(parts[0]!).when(Import, {}).then({ fails: code })
    await bank.desk.discard(held!.id, { by: 'ann', reason: 'seen' })
    await asked
  })
}

// ── logs ─────────────────────────────────────────────────────────────────────────────────────────────────────────

test('a log line shows any value of a field, and no field fails the handler that logs it', async (t) => {
  const circle: Record<string, unknown> = {}
  circle['self'] = circle
  const fields: Record<string, unknown>[] = [
    { amount: 10n },
    { request: circle },
    Object.defineProperty({}, 'lazy', { get: raises, enumerable: true }),
    { reason: new Error('connection refused', { cause: new Error('no route') }) },
    { reason: elsewhere('new RangeError("elsewhere")') },
    { odd: new Proxy({}, { get: raises, ownKeys: raises, getPrototypeOf: raises }) },
    new Proxy({}, { get: raises, ownKeys: raises, getPrototypeOf: raises }),
    'no object' as never,
    { symbol: Symbol('s'), fn: raises, map: new Map([[1, { a: 2n }]]) },
  ]
  const logs = processor('logs', {
    on: Bells,
    retry: { attempts: 1 },
    handle: { rang: ({ data }, { log }) => log.warn('look', fields[Number(data.name)]) },
  })
  const bank = await started(t, app({ name: 'bank', broker: sqlite({ file: place(t) }), parts: [logs] }))
  let printed = ''
  const write = mock.method(process.stderr, 'write', (text: string) => {
    printed += text
    return true
  })
  for (const name of fields.keys()) await bank.publish(Rang, { name: String(name) })
  await bank.idle()
  write.mock.restore()
  assert.deepEqual(await bank.desk.list(), [])
  const says = [/amount=10n/, /request=\{"self":\[circle\]\}/, /lazy=\[cannot be read: detached\]/]
  for (const text of [
    ...says,
    /reason=Error: connection refused \{"cause":Error: no route\}/,
    /reason=RangeError: elsewhere/,
  ]) {
    assert.match(printed, text)
  }
  for (const text of [
    /odd=\[cannot be looked at\]/,
    /fields=no object/,
    /symbol=Symbol\(s\)/,
    /map=Map\[\[1,\{"a":2n\}\]\]/,
  ]) {
    assert.match(printed, text)
  }
  assert.equal(printed.split('\n').length - 1, fields.length)
})
