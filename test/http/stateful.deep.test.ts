// The gateway against a model, by random sequences of requests, crashes and power cuts. Three laws: no 500 and no answer that
// the model does not expect; no 2xx that is not on disk; no part of a batch called whole, and no part of one that is refused.
import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { gateway } from 'millrace/http'
import { type Simulation, simulation } from 'millrace/testing'
import { type Asks, client } from '../support/http-client.ts'
import { shopOn } from './shop.ts'

interface Event {
  readonly id: string
  readonly n: number
}

type Form = 'plain' | 'binary' | 'structured'

/** What must be on disk, and what may be. */
class Expected {
  /** By source and id, in the order of the log where that is known. */
  readonly events = new Map<string, number>()
  /** Sent, and not answered: all of a list are on disk, or none. */
  readonly open: Map<string, number>[] = []
  readonly asked = new Map<string, { readonly quantity: number; isSure: boolean }>()

  /** Whether an event may have been taken without an answer. */
  isOpen(key: string): boolean {
    return this.open.some((one) => one.has(key))
  }
}

interface Real {
  readonly sim: Simulation
}

const source = '/client'
const keyOf = (form: Form | 'batch', id: string) => (form === 'plain' ? id : `${source} ${id}`)
const whole = (id: string, n: unknown) => ({ specversion: '1.0', id, source, type: 'said', data: n })
const batchType = 'application/cloudevents-batch+json'
const talk = { topic: 'talk' }

function asks(form: Form, { id, n }: Event): Asks {
  const json = { 'content-type': 'application/json' }
  if (form === 'plain') {
    const headers = { ...json, 'idempotency-key': id }
    return { params: talk, query: { type: 'said' }, headers, body: String(n) }
  }
  if (form === 'structured') {
    const headers = { 'content-type': 'application/cloudevents+json' }
    return { params: talk, headers, body: JSON.stringify(whole(id, n)) }
  }
  const attributes = { 'ce-specversion': '1.0', 'ce-id': id, 'ce-source': source, 'ce-type': 'said' }
  return { params: talk, headers: { ...json, ...attributes }, body: String(n) }
}

const post = 'POST /events/{topic}'
const asksBatch = (all: readonly unknown[]): Asks => {
  return { params: talk, headers: { 'content-type': batchType }, body: JSON.stringify(all) }
}
const take = 'POST /commands/{channel}/{type}'
const asksTake = (id: string, quantity: number): Asks => ({
  params: { channel: 'stock', type: 'stock.take' },
  headers: { 'idempotency-key': id, prefer: 'wait=60' },
  json: { sku: quantity === 0 ? 'broken' : 'sieve', quantity },
})

/** A client of the app of the process that runs now. */
function clientOf({ sim }: Real) {
  const access = () => ({ name: 'client', grants: [{ role: 'admin' as const }] })
  const { ask } = client('http://shop.example', gateway(sim.app, { access }))
  return (route: string, given: Asks) => sim.settled(ask(route, given))
}

/** The process dies while a request is under way: nobody hears of its answer. */
async function cutOff(real: Real, route: string, given: Asks, { power, afterMs }: Cut): Promise<void> {
  const access = () => ({ name: 'client', grants: [{ role: 'admin' as const }] })
  client('http://shop.example', gateway(real.sim.app, { access }))
    .open(route, given)
    .catch(() => {})
  await real.sim.advance(afterMs)
  await real.sim.crash({ power })
  await real.sim.restart()
}

interface Cut {
  readonly power: boolean
  readonly afterMs: number
}

type Step = fc.AsyncCommand<Expected, Real>

class Publish implements Step {
  readonly form: Form
  readonly event: Event
  readonly cut: Cut | undefined

  constructor(form: Form, event: Event, cut: Cut | undefined) {
    this.form = form
    this.event = event
    this.cut = cut
  }

  check = () => true

  async run(expected: Expected, real: Real): Promise<void> {
    const { form, event, cut } = this
    const { id, n } = event
    const key = keyOf(form, id)
    if (cut !== undefined) {
      if (!expected.events.has(key)) expected.open.push(new Map([[key, n]]))
      return cutOff(real, post, asks(form, event), cut)
    }
    const known = expected.events.get(key)
    const { status, body } = await clientOf(real)(post, asks(form, event))
    if (known === undefined && !expected.isOpen(key)) {
      assert.deepEqual([status, body], [202, { accepted: [{ id }] }])
    } else if (known === undefined) {
      // It may be there, also with other data.
      assert([202, 409].includes(status), `${status}`)
    } else {
      assert.equal(status, known === n ? 202 : 409)
      if (status === 202) assert.deepEqual(body, { accepted: [{ id, duplicate: true }] })
    }
    if (status === 202) expected.events.set(key, n)
  }

  toString = () => `publish ${this.form} ${this.event.id} ${this.event.n} ${shown(this.cut)}`
}

class Batch implements Step {
  readonly events: readonly Event[]
  /** The index of an event whose type is not known; beyond the end: none. */
  readonly bad: number
  readonly cut: Cut | undefined

  constructor(events: readonly Event[], bad: number, cut: Cut | undefined) {
    this.events = events
    this.bad = bad
    this.cut = cut
  }

  check = () => true

  async run(expected: Expected, real: Real): Promise<void> {
    const { events, bad, cut } = this
    const given = asksBatch(
      events.map(({ id, n }, at) => (at === bad ? { ...whole(id, n), type: 'nothing' } : whole(id, n))),
    )
    const isBad = bad < events.length
    const keys = events.map(({ id }) => keyOf('batch', id))
    if (cut !== undefined) {
      const fresh = events.flatMap(({ n }, at) => (expected.events.has(keys[at]!) ? [] : [[keys[at]!, n] as const]))
      const mayBe = !isBad && events.every(({ n }, at) => (expected.events.get(keys[at]!) ?? n) === n)
      if (mayBe && fresh.length > 0) expected.open.push(new Map(fresh))
      return cutOff(real, post, given, cut)
    }
    const { status, body } = await clientOf(real)(post, given)
    if (isBad) {
      assert.equal(status, 422)
      return
    }
    const conflicts = events.some(({ n }, at) => (expected.events.get(keys[at]!) ?? n) !== n)
    const isOpen = keys.some((key) => expected.isOpen(key))
    if (conflicts) assert.equal(status, 409)
    else if (!isOpen) assert.equal(status, 202)
    else assert([202, 409].includes(status), `${status}`)
    if (status !== 202) return
    assert.equal(body.accepted.length, events.length)
    for (const [at, { id, n }] of events.entries()) {
      const { id: told, duplicate } = body.accepted[at]
      assert.equal(told, id)
      const key = keys[at]!
      if (!expected.isOpen(key)) assert.equal(duplicate === true, expected.events.has(key), `duplicate ${id}`)
      expected.events.set(key, n)
    }
  }

  toString = () => `batch ${JSON.stringify(this.events)} bad ${this.bad} ${shown(this.cut)}`
}

class Ask implements Step {
  readonly id: string
  readonly quantity: number
  readonly cut: Cut | undefined

  constructor(id: string, quantity: number, cut: Cut | undefined) {
    this.id = id
    this.quantity = quantity
    this.cut = cut
  }

  check = () => true

  async run(expected: Expected, real: Real): Promise<void> {
    const { id, quantity, cut } = this
    const known = expected.asked.get(id)
    if (cut !== undefined) {
      if (known === undefined) expected.asked.set(id, { quantity, isSure: false })
      return cutOff(real, take, asksTake(id, quantity), cut)
    }
    const { status, body } = await clientOf(real)(take, asksTake(id, quantity))
    if (known !== undefined && known.quantity !== quantity) {
      if (known.isSure || status === 409) {
        assert.equal(body.code, 'millrace/id-conflict')
        expected.asked.set(id, { ...known, isSure: true })
        return
      }
    }
    expected.asked.set(id, { quantity, isSure: true })
    if (quantity === 0) assert.deepEqual([status, body.state], [202, 'held'])
    else if (quantity > 10) assert.deepEqual([status, body.code, body.data], [422, 'millrace/refused', { left: 10 }])
    else assert.deepEqual([status, body], [200, { left: 10 - quantity }])
  }

  toString = () => `ask ${this.id} ${this.quantity} ${shown(this.cut)}`
}

class Look implements Step {
  readonly id: string

  constructor(id: string) {
    this.id = id
  }

  check = () => true

  async run({ asked }: Expected, real: Real): Promise<void> {
    const { id } = this
    await real.sim.untilIdle()
    const { status, body } = await clientOf(real)('GET /requests/{id}', { params: { id } })
    const known = asked.get(id)
    if (known === undefined) assert.equal(status, 404)
    else if (status === 404) {
      assert(!known.isSure, `request ${id} is gone`)
      asked.delete(id)
    } else {
      const state = known.quantity === 0 ? 'held' : known.quantity > 10 ? 'refused' : 'replied'
      assert.deepEqual([body.id, body.state, status], [id, state, state === 'held' ? 202 : 200])
      asked.set(id, { ...known, isSure: true })
    }
  }

  toString = () => `look ${this.id}`
}

class Crash implements Step {
  readonly power: boolean

  constructor(power: boolean) {
    this.power = power
  }

  check = () => true

  async run(_: Expected, { sim }: Real): Promise<void> {
    await sim.crash({ power: this.power })
    await sim.restart()
  }

  toString = () => (this.power ? 'power cut' : 'crash')
}

/** Stops the app, in order, and starts it again. */
class Restart implements Step {
  check = () => true

  run = (_: Expected, { sim }: Real): Promise<void> => sim.restart()

  toString = () => 'restart'
}

/** All that is on the topic, page by page, is all that was accepted, once each. */
class ReadBack implements Step {
  check = () => true

  async run(expected: Expected, real: Real): Promise<void> {
    const ask = clientOf(real)
    const found = new Map<string, number>()
    for (let after = 'beginning'; ; ) {
      const page = { params: talk, query: { after, limit: 3 }, headers: { accept: batchType } }
      const { headers, body } = await ask('GET /events/{topic}', page)
      for (const { id, source: from, data } of body) {
        const key = from === source ? `${from} ${id}` : id
        assert(!found.has(key), `${key} is there twice`)
        found.set(key, data)
      }
      if (body.length === 0) break
      after = new URL(/<(.*?)>/.exec(headers.get('link')!)![1]!, 'http://x').searchParams.get('after')!
    }
    for (const [key, n] of expected.events) assert.equal(found.get(key), n, `${key} was accepted`)
    const isThere = ([key, n]: [string, number]) => found.get(key) === n
    for (const one of expected.open) {
      const fresh = [...one].filter(([key]) => !expected.events.has(key))
      const elsewhere = ([key]: [string, number]) => expected.open.some((other) => other !== one && other.has(key))
      const own = fresh.filter((entry) => !elsewhere(entry))
      assert(own.every(isThere) || !own.some(isThere), 'a part of a batch is there')
    }
    for (const [key, n] of found) {
      const mayBe = expected.events.get(key) === n || expected.open.some((one) => one.get(key) === n)
      assert(mayBe, `${key} is there, and nobody has sent it so, or it was refused`)
      expected.events.set(key, n)
    }
    expected.open.splice(0)
  }

  toString = () => 'read back'
}

const shown = (cut: Cut | undefined) => (cut === undefined ? '' : `cut off after ${cut.afterMs} ms ${cut.power}`)

const event = fc.record({ id: fc.constantFrom('a', 'b', 'c', 'd', 'e'), n: fc.constantFrom(1, 1, 1, 2) })
const events = fc.uniqueArray(event, { selector: ({ id }) => id, minLength: 1, maxLength: 4 })
const cut = fc.oneof(
  { weight: 3, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.record({ power: fc.boolean(), afterMs: fc.constantFrom(0, 1, 3, 8, 20) }) },
)
const id = fc.constantFrom('r1', 'r2', 'r3', 'r4')
const bad = fc.constantFrom(0, 1, 9, 9, 9, 9)
const steps: fc.Arbitrary<Step>[] = [
  fc.tuple(fc.constantFrom<Form>('plain', 'binary', 'structured'), event, cut).map((all) => new Publish(...all)),
  fc.tuple(events, bad, cut).map((all) => new Batch(...all)),
  fc.tuple(id, fc.constantFrom(0, 1, 1, 11), cut).map((all) => new Ask(...all)),
  id.map((one) => new Look(one)),
  fc.boolean().map((power) => new Crash(power)),
  fc.constant(new Restart()),
  fc.constant(new ReadBack()),
]

test('for any requests in any order, across crashes, the gateway answers as its model and loses or doubles nothing', async () => {
  await fc.assert(
    fc.asyncProperty(fc.commands(steps, { maxCommands: 30 }), async (commands) => {
      const logged: unknown[] = []
      const log = (level: string, text: string, fields: unknown) =>
        void (level === 'error' && logged.push([text, fields]))
      await using sim = simulation({ app: () => shopOn({ file: 'shop.db', log }) })
      await sim.untilIdle()
      const expected = new Expected()
      await fc.asyncModelRun(() => ({ model: expected, real: { sim } }), commands)
      await new ReadBack().run(expected, { sim })
      assert.deepEqual(logged, [])
    }),
    { numRuns: 100, seed: 18 },
  )
})
