// What comes over the control socket is checked field by field, whatever it is: who asks wrongly is told so with a code,
// and the app is none the worse for it.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { type App, app, desk, event, mediator, processor, Refused, sqlite, topic } from '../index.ts'
import { type Called, calls } from '../operate/calls.ts'
import type { Field } from '../operate/fields.ts'
import { Lines } from './lines.ts'
import { lineBytesMax, socketPath } from './protocol.ts'

const Said = event('said', { schema: z.object({ n: z.number(), text: z.string().optional() }), context: () => 'one' })
const Words = topic('words', [Said])

async function running(t: TestContext): Promise<{ one: App; file: string; log: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-requests-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'talk.db')
  const log: string[] = []
  const refuses = processor('refuses', {
    on: Words,
    handle: {
      said: ({ data: { n } }) => {
        if (n === 0) throw new Refused('no')
      },
    },
  })
  const waits = mediator('waits', { on: Words, startedBy: Said, run: (_message, flow) => flow.sleep('long', 1e9) })
  const parts = [Words, refuses, waits, desk('words-desk', { on: Words, decide: {} })]
  const one = app({
    name: 'talk',
    broker: sqlite({ file }),
    parts,
    log: (_level, text) => void (/ holds a message$/.test(text) || log.push(text)),
  })
  await one.start()
  t.after(() => one.stop({ graceMs: 0 }))
  await one.publish(Said, { n: 0 })
  return { one, file, log }
}

interface Answer {
  readonly items: unknown[]
  readonly done?: unknown
  readonly error?: { readonly code: string; readonly message: string }
}

/** The socket without anything that would correct what is sent. */
class Bare {
  readonly socket: Socket
  private readonly waiting = new Map<number, { items: unknown[]; resolve: (answer: Answer) => void }>()
  private id = 0

  constructor(t: TestContext, file: string) {
    this.socket = connect(socketPath(file))
    t.after(() => this.socket.destroy())
    const lines = new Lines(lineBytesMax)
    this.socket.on('data', (chunk) => {
      for (const line of lines.take(chunk)) this.take(JSON.parse(line.toString()))
    })
    this.socket.on('close', () => {
      for (const { items, resolve } of this.waiting.values()) {
        resolve({ items, error: { code: 'closed', message: 'the app has ended the connection' } })
      }
    })
  }

  ask(request: object): Promise<Answer> {
    const id = ++this.id
    return new Promise((resolve) => {
      this.waiting.set(id, { items: [], resolve })
      // As text, so that a key such as "__proto__" stays one.
      this.socket.write(`${JSON.stringify(request).replace('{', `{"id":${id}${hasFields(request) ? ',' : ''}`)}\n`)
    })
  }

  private take(reply: { id: number; item?: unknown; done?: unknown; error?: { code: string; message: string } }): void {
    const waiting = this.waiting.get(reply.id)
    if (waiting === undefined) return
    if ('item' in reply) waiting.items.push(reply.item)
    else {
      this.waiting.delete(reply.id)
      waiting.resolve({ items: waiting.items, ...reply })
    }
  }
}

const hasFields = (request: object) => Object.keys(request).length > 0

function nested(levels: number): unknown {
  let value: unknown = 'deep'
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : { of: value }
  return value
}

/** Of each kind that JSON knows, small, large, deep, and with keys that mean something to JavaScript. */
const values: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e300,
  '',
  'x',
  '__proto__',
  '\u0000\ud800',
  'y'.repeat(1_000_000),
  [],
  [null],
  [{}],
  {},
  JSON.parse('{"__proto__":{"by":"x"},"constructor":1}'),
  { by: 'x', reason: 'y', name: 'z', unknown: 1 },
  { toString: null, valueOf: 1, length: 3 },
  nested(500),
]

const valid: Readonly<Record<string, object>> = {
  status: { do: 'status' },
  publish: { do: 'publish', type: 'said', data: { n: 1 } },
  tail: { do: 'tail', filter: {}, last: 0, follow: false },
  call: { do: 'call', on: 'desk', name: 'counts', given: [] },
  backup: { do: 'backup', to: '/nowhere/copy.db' },
  accept: { do: 'accept' },
}

/** A value that a field takes, so that only one field of a request is wrong at a time. */
function fitting(field: Field): unknown {
  if (typeof field === 'string') {
    return { text: 'x', path: 'x', number: 1, count: 1, whole: 0, flag: false, numbers: [1], list: [], any: { n: 1 } }[
      field
    ]
  }
  if ('oneOf' in field) return field.oneOf[0]
  if (!('fields' in field)) return [field[0]]
  return Object.fromEntries((field.needs ?? []).map((name) => [name, fitting(field.fields[name]!)]))
}

/** Each call of the library with each of its fields wrong in each way. */
function* wrongCalls(): Generator<{ on: Called; name: string; given: unknown[] }> {
  for (const on of Object.keys(calls) as Called[]) {
    for (const [name, [parameters]] of Object.entries(calls[on])) {
      const fields = Object.values(parameters)
      const good = fields.map(fitting)
      yield { on, name, given: [] }
      yield { on, name, given: [...good, 1] }
      for (const [at, field] of fields.entries()) {
        for (const value of values) yield { on, name, given: good.with(at, value) }
        if (typeof field !== 'object' || !('fields' in field)) continue
        for (const inner of [...Object.keys(field.fields), 'unknown', '__proto__']) {
          for (const value of values) {
            const object = { ...(good[at] as object) }
            Object.defineProperty(object, inner, { value, enumerable: true, configurable: true })
            yield { on, name, given: good.with(at, object) }
          }
        }
      }
    }
  }
}

function assertClear(asked: object, { error }: Answer): void {
  if (error === undefined) return
  const what = JSON.stringify(asked).slice(0, 300)
  assert.match(error.code, /^millrace\//, `${what}: ${error.code}: ${error.message.slice(0, 300)}`)
  assert.notEqual(error.code, 'millrace/disk-failed', what)
  assert(error.message.length < 12_000, `the message is no longer than it has to be: ${what}`)
}

async function assertWell(one: App, bare: Bare, log: readonly string[]): Promise<void> {
  assert.deepEqual(one.health(), { status: 'green', reasons: [] })
  assert.deepEqual(log, [])
  const { done } = await bare.ask({ do: 'publish', type: 'said', data: { n: 1 } })
  assert.equal(typeof (done as { id: string }).id, 'string')
}

test('every request with each field of each wrong kind, missing or unknown is told so with a code', async (t) => {
  const { one, file, log } = await running(t)
  const bare = new Bare(t, file)
  let refused = 0
  for (const request of Object.values(valid)) {
    const fields = Object.entries(request).filter(([name]) => name !== 'do')
    const tries = [{ do: (request as { do: string }).do }, { ...request, unknown: 1 }, { ...request, __proto: 1 }]
    for (const [name] of fields) {
      // A path that would do is one in a folder that there is not.
      const isPath = (value: unknown) => name === 'to' && typeof value === 'string' && value !== ''
      for (const value of values)
        tries.push({ ...request, [name]: isPath(value) ? `/nowhere/${value}` : value } as never)
    }
    tries.push(JSON.parse(`{"do":"${(request as { do: string }).do}","__proto__":{"filter":{}},"hasOwnProperty":1}`))
    for (const asked of tries) {
      // What follows messages rightly has no end.
      if (
        (asked as { follow?: unknown }).follow === true &&
        isDeepStrictEqual({ ...asked, follow: false }, valid['tail'])
      )
        continue
      const answer = await bare.ask(asked)
      assertClear(asked, answer)
      if (answer.error !== undefined) refused++
    }
    await assertWell(one, bare, log)
  }
  assert(refused > 150, `${refused} were refused`)
  for (const what of ['', 'dance', '__proto__', 'constructor', 'x'.repeat(1_000_000)]) {
    const answer = await bare.ask({ do: what })
    assert.equal(answer.error?.code, 'millrace/bad-request')
    assertClear({ do: what }, answer)
  }
  await assertWell(one, bare, log)
})

test('every call with each field of each wrong kind, missing or unknown is told so with a code', async (t) => {
  const { one, file, log } = await running(t)
  await one.idle()
  const bare = new Bare(t, file)
  let asked = 0
  const asks: Promise<void>[] = []
  for (const call of wrongCalls()) {
    asks.push(bare.ask({ do: 'call', ...call }).then((answer) => assertClear(call, answer)))
    if (++asked % 100 === 0) await Promise.all(asks.splice(0))
  }
  await Promise.all(asks)
  assert(asked > 1_000)
  for (const on of ['__proto__', 'constructor', 'toString', 'app', '']) {
    const { error } = await bare.ask({ do: 'call', on, name: 'includes', given: [] })
    assert.match(error!.code, /^millrace\/bad-/)
  }
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'then', '']) {
    const { error } = await bare.ask({ do: 'call', on: 'desk', name, given: [] })
    assert.equal(error!.code, 'millrace/bad-request')
  }
  await one.processors.resume('refuses', { by: 'test' }).catch(() => {})
  await assertWell(one, bare, log)
})

test('the functions of the library check the same', async (t) => {
  const { one, log } = await running(t)
  await one.idle()
  let refused = 0
  const wrong = [undefined, Number.NaN, Symbol('s'), () => {}, 10n, new Date(), Object.create(null)]
  for (const { on, name, given } of wrongCalls()) {
    const call = (one[on] as never as Record<string, (...given: unknown[]) => Promise<unknown>>)[name]!
    for (const values of [
      given,
      ...wrong.map((value, at) => (given.length === 0 ? [value] : given.with(at % given.length, value))),
    ]) {
      const error: unknown = await call(...values).then(
        () => undefined,
        (error: unknown) => error,
      )
      if (error === undefined) continue
      assert.match(String((error as { code?: unknown }).code), /^millrace\//, `${on}.${name}: ${String(error)}`)
      refused++
    }
  }
  assert(refused > 1_000)
  assert.deepEqual(log, [])
  assert.equal(one.health().status, 'green')
})

test('a bad value in a filter is named with the allowed ones, and a wrong name with the likely one', async (t) => {
  const { one } = await running(t)
  const says = (call: Promise<unknown>, text: RegExp) => assert.rejects(call, text)
  const list = (filter: object) => one.desk.list(filter as never)
  await says(list({ limit: 0 }), /^ConfigurationError: desk\.list: limit is 0, but must be a whole number from 1$/)
  await says(list({ procesor: 'a' }), /desk\.list: unknown option "procesor"; did you mean "processor"\?$/)
  await says(list({ states: ['hold'] }), /states has "hold", which is none of held, .*; did you mean "held"\?$/)
  await says(list({ states: 'held' }), /states is "held", but must be a list of held, deciding/)
  await says(one.desk.groups('typ' as never), /desk\.groups: by is "typ", but must be .*; did you mean "type"\?$/)
  await says(one.desk.audit({ item: 'x' } as never), /desk\.audit: item is "x", but must be a number$/)
  await says(one.desk.release(1, {} as never), /desk\.release: by is missing$/)
  await says(one.desk.discard(1, undefined as never), /desk\.discard: actor is missing$/)
  await says(one.processors.pause('refuses', { bye: 'a' } as never), /unknown option "bye"; did you mean "by"\?$/)
  await says(one.flows.runAgain(1, { from: 3 } as never), /flows\.runAgain: from is 3, but must be a text of/)
})
