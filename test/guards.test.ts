// Every place where Millrace calls a function of its user's, and what comes of one that goes wrong there: it fails by
// itself, is told once, and everything else goes on.
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import {
  type App,
  type AppOptions,
  app,
  channel,
  command,
  desk,
  event,
  gather,
  isMillraceError,
  mediator,
  type Part,
  processor,
  route,
  type Schema,
  schedule,
  sqlite,
  topic,
} from 'millrace'
import { z } from 'zod'
import { place as fileOf, started, until } from './support.ts'

// biome-ignore lint/suspicious/noExplicitAny: it is about functions that give whatever they like
type Fn = (...given: any[]) => any

const fail = (): never => {
  throw new Error('unlucky')
}
const revoked = (): object => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

/** How a function goes wrong, in place of the one that would do. */
const ways = {
  'throws an error': () => fail,
  'throws what cannot be looked at': () => () => {
    throw revoked()
  },
  rejects: () => async () => fail(),
  'gives a promise that is broken': () => () => Object.defineProperty({}, 'then', { get: fail }),
  'gives what cannot be looked at': () => revoked,
  'gives a symbol': () => () => Symbol('nonsense'),
  'gives nothing': () => () => undefined,
  'throws what another database says of its disk': () => () => {
    throw Object.assign(new Error('database or disk is full'), { code: 'ERR_SQLITE_ERROR', errcode: 13 })
  },
  'forgets a promise that rejects':
    (good) =>
    (...given) => {
      Promise.reject(new Error('unlucky'))
      return good(...given)
    },
  'forgets a callback that throws':
    (good) =>
    (...given) => {
      setImmediate(fail)
      return good(...given)
    },
} as const satisfies Record<string, (good: Fn) => Fn>

type Way = keyof typeof ways

interface Place {
  /** What does here. */
  readonly good: Fn
  readonly parts?: (fn: Fn) => readonly Part[]
  readonly options?: (fn: Fn) => Partial<AppOptions>
  /** Makes Millrace call the function, and waits for what comes of it. */
  readonly act?: (app: App, fn: Fn, logged: readonly string[]) => Promise<unknown>
  /**
   * What comes of it, by way; a way that is left out does not apply. What schemas and contexts leave behind is left to
   * Node.js: they only compute, and run far too often to have an owner each time.
   */
  readonly outcomes: { readonly [W in Way]?: string }
}

const number = z.object({ n: z.number() })
const once = { attempts: 1 }
const schemaOf = (validate: Fn) =>
  ({ '~standard': { version: 1, vendor: 'guards', validate } }) as Schema<{ n: number }>
/** A processor that handles one message of a type. */
const handling = (types: Record<string, unknown>, handle: Fn = () => {}) => {
  const E = event('e', types as { schema: Schema<{ n: number }> })
  return [processor('p', { on: topic('t', [E]), retry: once, handle: { e: handle } })]
}
const typeOf = (app: App, name = 'e') => {
  const sources = app.parts.flatMap((part) => ('on' in part && part.on !== undefined ? [part.on] : []))
  return sources.flatMap(({ types }) => types).find((type) => type.name === name) as never
}
const publish = (app: App) => app.publish(typeOf(app), { n: 1 } as never)

const places: Record<string, Place> = {}
places['the schema of a type, when it is published,'] = {
  good: (value) => ({ value }),
  parts: (fn) => handling({ schema: schemaOf(fn) }),
  outcomes: {
    'throws an error': 'rejects: millrace/bad-data',
    'throws what cannot be looked at': 'rejects: millrace/bad-data',
    rejects: 'rejects: millrace/async-schema',
    'gives a promise that is broken': 'rejects: millrace/async-schema',
    'gives what cannot be looked at': 'rejects: millrace/async-schema',
    'gives a symbol': 'rejects: millrace/not-json',
    'gives nothing': 'rejects: millrace/bad-data',
  },
}
places['the schema of a type, when it is read,'] = {
  good: (value) => ({ value }),
  parts: (fn) => {
    let calls = 0
    return handling({ schema: schemaOf((value) => (calls++ === 0 ? { value } : fn(value))) })
  },
  outcomes: {
    'throws an error': 'held: millrace/bad-data',
    'throws what cannot be looked at': 'held: millrace/bad-data',
    rejects: 'held: millrace/async-schema',
    'gives a promise that is broken': 'held: millrace/async-schema',
    'gives what cannot be looked at': 'held: millrace/async-schema',
    'gives a symbol': 'goes on',
    'gives nothing': 'held: millrace/bad-data',
  },
}
places['a context'] = {
  good: () => 'c',
  parts: (fn) => handling({ schema: number, context: fn }),
  outcomes: {
    'throws an error': 'rejects: millrace/bad-context',
    'throws what cannot be looked at': 'rejects: millrace/bad-context',
    rejects: 'rejects: millrace/bad-context',
    'gives a promise that is broken': 'rejects: millrace/bad-context',
    'gives what cannot be looked at': 'rejects: millrace/bad-context',
    'gives a symbol': 'rejects: millrace/bad-context',
    'gives nothing': 'rejects: millrace/bad-context',
  },
}
places['a handler'] = {
  good: () => {},
  parts: (fn) => handling({ schema: number }, fn),
  outcomes: {
    'throws an error': 'held: Error',
    'throws what cannot be looked at': 'held: thrown',
    rejects: 'held: Error',
    'gives a promise that is broken': 'held: Error',
    'gives what cannot be looked at': 'held: TypeError',
    'gives a symbol': 'held: millrace/returned-value',
    'gives nothing': 'goes on',
    'forgets a promise that rejects': 'goes on; logged 1: processor "p" threw after its attempt had ended',
    'forgets a callback that throws': 'goes on; logged 1: processor "p" threw after its attempt had ended',
  },
}
places['a commit function'] = {
  good: () => {},
  parts: (fn) => handling({ schema: number }, (_message, { commit }) => commit(fn)),
  outcomes: {
    'throws an error': 'held: Error',
    'throws what cannot be looked at': 'held: thrown',
    rejects: 'held: Error',
    'gives a promise that is broken': 'held: Error',
    'gives what cannot be looked at': 'held: TypeError',
    'gives a symbol': 'goes on',
    'throws what another database says of its disk': 'held: ERR_SQLITE_ERROR',
    'gives nothing': 'goes on',
    'forgets a promise that rejects': 'goes on; logged 1: processor "p" threw after its attempt had ended',
    'forgets a callback that throws': 'goes on; logged 1: processor "p" threw after its attempt had ended',
  },
}
places['a listener of the signal'] = {
  good: () => {},
  parts: (fn) => {
    const E = event('e', { schema: number })
    const handle: Fn = (_message, { signal }) => {
      signal.addEventListener('abort', fn)
      return new Promise(() => {})
    }
    return [processor('p', { on: topic('t', [E]), retry: once, timeoutMs: 5, lingerMs: 0, handle: { e: handle } })]
  },
  outcomes: {
    'throws an error': 'held: millrace/timed-out; logged 1: processor "p" threw after its attempt had ended',
    'throws what cannot be looked at':
      'held: millrace/timed-out; logged 1: processor "p" threw after its attempt had ended',
    rejects: 'held: millrace/timed-out; logged 1: processor "p" threw after its attempt had ended',
    'gives a promise that is broken':
      'held: millrace/timed-out; logged 1: processor "p" threw after its attempt had ended',
    'gives what cannot be looked at':
      'held: millrace/timed-out; logged 1: processor "p" threw after its attempt had ended',
    'gives a symbol': 'held: millrace/timed-out',
    'gives nothing': 'held: millrace/timed-out',
    'forgets a promise that rejects':
      'held: millrace/timed-out; logged 1: processor "p" threw after its attempt had ended',
    'forgets a callback that throws':
      'held: millrace/timed-out; logged 1: processor "p" threw after its attempt had ended',
  },
}
places['byError of a retry policy'] = {
  good: () => ({ attempts: 1 }),
  parts: (fn) => {
    const E = event('e', { schema: number })
    return [processor('p', { on: topic('t', [E]), retry: { attempts: 1, byError: fn }, handle: { e: fail } })]
  },
  outcomes: {
    'throws an error':
      'held: Error; logged 1: byError of processor "p" failed; the other numbers of its retry policy apply',
    'throws what cannot be looked at':
      'held: Error; logged 1: byError of processor "p" failed; the other numbers of its retry policy apply',
    rejects: 'held: Error; logged 1: byError of processor "p" failed; the other numbers of its retry policy apply',
    'gives a promise that is broken':
      'held: Error; logged 1: byError of processor "p" failed; the other numbers of its retry policy apply',
    'gives what cannot be looked at':
      'held: Error; logged 1: byError of processor "p" failed; the other numbers of its retry policy apply',
    'gives a symbol':
      'held: Error; logged 1: byError of processor "p" failed; the other numbers of its retry policy apply',
    'gives nothing': 'held: Error',
    'forgets a promise that rejects':
      'held: Error; logged 1: byError of processor "p" failed; the other numbers of its retry policy apply',
    'forgets a callback that throws':
      'held: Error; logged 1: byError of processor "p" failed; the other numbers of its retry policy apply',
  },
}
places['a rule'] = {
  good: () => ({ do: 'discard', reason: 'enough' }),
  parts: (fn) => {
    const E = event('e', { schema: number })
    const on = topic('t', [E])
    return [processor('p', { on, retry: once, handle: { e: fail } }), desk('d', { on, decide: { e: fn } })]
  },
  outcomes: {
    'throws an error': 'held: Error',
    'throws what cannot be looked at': 'held: Error',
    rejects: 'held: Error',
    'gives a promise that is broken': 'held: Error',
    'gives what cannot be looked at': 'held: Error',
    'gives a symbol': 'held: Error',
    'gives nothing': 'held: Error',
    'forgets a promise that rejects': 'goes on; logged 1: a rule of desk "d" threw after it had ended',
    'forgets a callback that throws': 'goes on; logged 1: a rule of desk "d" threw after it had ended',
  },
}
places['data of a gather'] = {
  good: () => ({ n: 1 }),
  parts: (fn) => {
    const E = event('e', { schema: number })
    const Full = event('full', { schema: number })
    return [gather('p', { on: topic('t', [E]), of: [E], publishes: Full, count: 1, data: fn }), topic('full', [Full])]
  },
  outcomes: {
    'throws an error': 'held: Error',
    'throws what cannot be looked at': 'held: thrown',
    rejects: 'held: millrace/bad-data',
    'gives a promise that is broken': 'held: millrace/bad-data',
    'gives what cannot be looked at': 'held: millrace/bad-data',
    'gives a symbol': 'held: millrace/bad-data',
    'gives nothing': 'held: millrace/bad-data',
    'forgets a promise that rejects': 'goes on; logged 1: processor "p" threw after its attempt had ended',
    'forgets a callback that throws': 'goes on; logged 1: processor "p" threw after its attempt had ended',
  },
}
places['when of a gather'] = {
  good: () => 2,
  parts: (fn) => {
    const E = event('e', { schema: number })
    const Full = event('full', { schema: number })
    const more = { of: [E], publishes: Full, when: { value: fn, above: 1 }, data: () => ({ n: 1 }) }
    return [gather('p', { on: topic('t', [E]), ...more }), topic('full', [Full])]
  },
  outcomes: {
    'throws an error': 'held: Error',
    'throws what cannot be looked at': 'held: thrown',
    rejects: 'held: millrace/bad-data',
    'gives a promise that is broken': 'held: millrace/bad-data',
    'gives what cannot be looked at': 'held: millrace/bad-data',
    'gives a symbol': 'held: millrace/bad-data',
    'gives nothing': 'held: millrace/bad-data',
    'forgets a promise that rejects': 'goes on; logged 1: processor "p" threw after its attempt had ended',
    'forgets a callback that throws': 'goes on; logged 1: processor "p" threw after its attempt had ended',
  },
}
places['data of a schedule'] = {
  good: () => ({ n: 1 }),
  parts: (fn) => {
    const E = event('e', { schema: number })
    return [
      schedule('s', { cron: '* * * * * *', publishes: E, data: fn }),
      ...[processor('p', { on: topic('t', [E]), handle: { e: () => {} } })],
    ]
  },
  act: async (_app, _fn, logged) => {
    await until('a slot has come', () => logged.length > 0, 5_000)
  },
  outcomes: {
    'throws an error': 'goes on; logged 1: schedule "s" cannot publish a slot; it is tried again',
    'throws what cannot be looked at': 'goes on; logged 1: schedule "s" cannot publish a slot; it is tried again',
    rejects: 'goes on; logged 1: schedule "s" cannot publish a slot; it is tried again',
    'gives a promise that is broken': 'goes on; logged 1: schedule "s" cannot publish a slot; it is tried again',
    'gives what cannot be looked at': 'goes on; logged 1: schedule "s" cannot publish a slot; it is tried again',
    'gives a symbol': 'goes on; logged 1: schedule "s" cannot publish a slot; it is tried again',
    'gives nothing': 'goes on; logged 1: schedule "s" cannot publish a slot; it is tried again',
    'forgets a promise that rejects': 'goes on; logged 1: data of schedule "s" threw after it had ended',
    'forgets a callback that throws': 'goes on; logged 1: data of schedule "s" threw after it had ended',
  },
}
places['the function of a mediator'] = {
  good: () => {},
  parts: (fn) => {
    const E = event('e', { schema: number })
    return [mediator('m', { on: topic('t', [E]), startedBy: E, run: fn })]
  },
  outcomes: {
    'throws an error': 'flow failed: Error',
    'throws what cannot be looked at': 'flow failed: thrown',
    rejects: 'flow failed: Error',
    'gives a promise that is broken': 'flow failed: Error',
    'gives what cannot be looked at': 'flow failed: TypeError',
    'gives a symbol': 'flow failed: millrace/not-json',
    'gives nothing': 'goes on',
    'forgets a promise that rejects': 'goes on; logged 1: mediator "m", flow 1, threw an error that no step awaits',
    'forgets a callback that throws': 'goes on; logged 1: mediator "m", flow 1, threw an error that no step awaits',
  },
}
places['oncePer of a mediator'] = {
  good: () => 'x',
  parts: (fn) => {
    const E = event('e', { schema: number })
    return [mediator('m', { on: topic('t', [E]), startedBy: E, oncePer: fn, run: () => {} })]
  },
  outcomes: {
    'throws an error': 'held: Error',
    'throws what cannot be looked at': 'held: thrown',
    rejects: 'held: millrace/bad-option',
    'gives a promise that is broken': 'held: millrace/bad-option',
    'gives what cannot be looked at': 'held: millrace/bad-option',
    'gives a symbol': 'held: millrace/bad-option',
    'gives nothing': 'held: millrace/bad-option',
    'forgets a promise that rejects': 'held: Error',
    'forgets a callback that throws': 'held: Error',
  },
}
places['`flow` of an event that is waited for'] = {
  good: () => 'x',
  parts: (fn) => {
    const E = event('e', { schema: number })
    const Start = event('start', { schema: number })
    const run: Fn = () => {}
    return [
      mediator('m', { on: topic('t', [Start]), startedBy: Start, waits: [{ on: E, flow: fn }], run }),
      topic('u', [E]),
    ]
  },
  act: (app) => app.publish((app.parts[1] as never as { types: [never] }).types[0], { n: 1 } as never),
  outcomes: {
    'throws an error': 'held: Error',
    'throws what cannot be looked at': 'held: thrown',
    rejects: 'held: millrace/bad-context',
    'gives a promise that is broken': 'held: millrace/bad-context',
    'gives what cannot be looked at': 'held: millrace/bad-context',
    'gives a symbol': 'held: millrace/bad-context',
    'gives nothing': 'goes on',
    'forgets a promise that rejects': 'goes on; logged 1: processor "m.u" threw after its attempt had ended',
    'forgets a callback that throws': 'goes on; logged 1: processor "m.u" threw after its attempt had ended',
  },
}
places['an undo'] = {
  good: () => {},
  parts: (fn) => {
    const E = event('e', { schema: number })
    const Do = command('do', { schema: number })
    const run: Fn = async (_message, flow) => {
      await flow.call('do', Do, { n: 1 }, { undo: fn })
      fail()
    }
    return [
      mediator('m', { on: topic('t', [E]), startedBy: E, sends: [Do], run }),
      processor('w', { on: channel('work', [Do]), handle: { do: () => {} } }),
    ]
  },
  outcomes: {
    'throws an error': 'flow stuck: Error',
    'throws what cannot be looked at': 'flow stuck: thrown',
    rejects: 'flow stuck: Error',
    'gives a promise that is broken': 'flow stuck: Error',
    'gives what cannot be looked at': 'flow stuck: TypeError',
    'gives a symbol': 'flow compensated: Error',
    'gives nothing': 'flow compensated: Error',
    'forgets a promise that rejects':
      'flow compensated: Error; logged 1: mediator "m", flow 1, threw an error that no step awaits',
    'forgets a callback that throws':
      'flow compensated: Error; logged 1: mediator "m", flow 1, threw an error that no step awaits',
  },
}
places['the function of a route'] = {
  good: () => {},
  parts: (fn) => {
    const E = event('e', { schema: number })
    return [route('r', { on: topic('t', [E]), handle: { e: fn } })]
  },
  outcomes: {
    'throws an error': 'held: Error',
    'throws what cannot be looked at': 'held: thrown',
    rejects: 'held: Error',
    'gives a promise that is broken': 'held: Error',
    'gives what cannot be looked at': 'held: TypeError',
    'gives a symbol': 'goes on',
    'gives nothing': 'goes on',
    'forgets a promise that rejects': 'goes on; logged 1: processor "r" threw after its attempt had ended',
    'forgets a callback that throws': 'goes on; logged 1: processor "r" threw after its attempt had ended',
  },
}
places['setup'] = {
  good: () => {},
  options: (fn) => ({ setup: fn }),
  act: async () => {},
  outcomes: {
    'throws an error': 'start rejects: unlucky',
    'throws what cannot be looked at': 'start rejects: what cannot be looked at',
    rejects: 'start rejects: unlucky',
    'gives a promise that is broken': 'start rejects: unlucky',
    'gives what cannot be looked at': "start rejects: Cannot perform 'get' on a proxy that has been revoked",
    'gives a symbol': 'goes on',
    'throws what another database says of its disk': 'start rejects: database or disk is full',
    'gives nothing': 'goes on',
    'forgets a promise that rejects': 'goes on; logged 1: setup threw after it had ended',
    'forgets a callback that throws': 'goes on; logged 1: setup threw after it had ended',
  },
}
places['a transaction'] = {
  good: () => 1,
  act: (app, fn) => app.transaction(fn),
  outcomes: {
    'throws an error': 'rejects: unlucky',
    'throws what cannot be looked at': 'rejects: what cannot be looked at',
    rejects: 'rejects: unlucky',
    'gives a promise that is broken': 'rejects: unlucky',
    'gives what cannot be looked at': "rejects: Cannot perform 'get' on a proxy that has been revoked",
    'gives a symbol': 'goes on',
    'throws what another database says of its disk': 'rejects: database or disk is full',
    'gives nothing': 'goes on',
  },
}
places['a log'] = {
  good: () => {},
  parts: () => handling({ schema: number }, (_message, { log }) => log.warn('look', { n: 1 })),
  options: (fn) => ({ log: fn }),
  outcomes: {
    'throws an error': 'goes on',
    'throws what cannot be looked at': 'goes on',
    rejects: 'goes on',
    'gives a promise that is broken': 'goes on',
    'gives what cannot be looked at': 'goes on',
    'gives a symbol': 'goes on',
    'gives nothing': 'goes on',
    'forgets a promise that rejects': 'goes on',
    'forgets a callback that throws': 'goes on',
  },
}
places['a function given to tail'] = {
  good: () => {},
  parts: () => handling({ schema: number }),
  act: async (app, fn) => {
    app.tail(fn)
    await publish(app)
    await publish(app)
  },
  outcomes: {
    'throws an error': 'goes on; logged 1: a function given to tail of app "guards" has failed; it is not logged again',
    'throws what cannot be looked at':
      'goes on; logged 1: a function given to tail of app "guards" has failed; it is not logged again',
    rejects: 'goes on; logged 1: a function given to tail of app "guards" has failed; it is not logged again',
    'gives a promise that is broken':
      'goes on; logged 1: a function given to tail of app "guards" has failed; it is not logged again',
    'gives what cannot be looked at':
      'goes on; logged 1: a function given to tail of app "guards" has failed; it is not logged again',
    'gives a symbol': 'goes on',
    'gives nothing': 'goes on',
    'forgets a promise that rejects':
      'goes on; logged 1: a function given to tail of app "guards" has failed; it is not logged again',
    'forgets a callback that throws':
      'goes on; logged 1: a function given to tail of app "guards" has failed; it is not logged again',
  },
}
places['the schema of a reply'] = {
  good: (value) => ({ value }),
  parts: (fn) => {
    const Do = command('do', { schema: number, reply: schemaOf(fn) as never })
    return [processor('p', { on: channel('work', [Do]), retry: once, handle: { do: () => ({ n: 1 }) as never } })]
  },
  act: (app) => app.send(typeOf(app, 'do'), { n: 1 } as never),
  outcomes: {
    'throws an error': 'held: millrace/bad-data',
    'throws what cannot be looked at': 'held: millrace/bad-data',
    rejects: 'held: millrace/async-schema',
    'gives a promise that is broken': 'held: millrace/async-schema',
    'gives what cannot be looked at': 'held: millrace/async-schema',
    'gives a symbol': 'goes on',
    'gives nothing': 'held: millrace/bad-data',
  },
}
places['a handler that replies'] = {
  good: () => ({ n: 1 }),
  parts: (fn) => {
    const Do = command('do', { schema: number, reply: number })
    return [processor('p', { on: channel('work', [Do]), retry: once, handle: { do: fn } })]
  },
  act: (app) => app.send(typeOf(app, 'do'), { n: 1 } as never),
  outcomes: {
    'throws an error': 'held: Error',
    'throws what cannot be looked at': 'held: thrown',
    rejects: 'held: Error',
    'gives a promise that is broken': 'held: Error',
    'gives what cannot be looked at': 'held: TypeError',
    'gives a symbol': 'held: millrace/bad-data',
    'gives nothing': 'held: millrace/bad-data',
    'forgets a promise that rejects': 'goes on; logged 1: processor "p" threw after its attempt had ended',
    'forgets a callback that throws': 'goes on; logged 1: processor "p" threw after its attempt had ended',
  },
}
const Other = event('other', { schema: z.object({}) })

async function outcomeOf(t: TestContext, place: Place, way: Way): Promise<string> {
  const { good, parts = () => [], options = () => ({}), act = publish } = place
  const fn = ways[way](good)
  const logged: string[] = []
  let others = 0
  const subject = app({
    name: 'guards',
    broker: sqlite({ file: fileOf(t) }),
    log: (level, text) => void (level === 'info' || logged.push(text)),
    ...options(fn),
    parts: [
      ...parts(fn),
      processor('others', { on: topic('others', [Other]), handle: { other: () => void others++ } }),
    ],
  })
  t.after(() => subject.stop({ graceMs: 0 }))
  const codeOf = (error: unknown) => (isMillraceError(error) ? error.code : message(error))
  try {
    await subject.start({ control: false })
  } catch (error) {
    return `start rejects: ${codeOf(error)}`
  }
  const told: string[] = []
  await act(subject, fn, logged).catch((error: unknown) => told.push(`rejects: ${codeOf(error)}`))
  await subject.idle()
  for (let turns = 0; turns < 5; turns++) await turn()
  for (const { error } of await subject.desk.list()) told.push(`held: ${error?.code}`)
  for (const { state, error } of await subject.flows.list({ states: ends })) told.push(`flow ${state}: ${error?.code}`)
  await subject.publish(Other, {})
  await subject.idle()
  assert.equal(others, 1, `${way}: others go on`)
  const { reasons } = subject.health()
  // That a slot cannot be published is told there too, as it should.
  assert.deepEqual(
    reasons.filter((reason) => !reason.startsWith('schedule')),
    [],
    `${way}: the app is well`,
  )
  const said = logged.filter((line) => !/^attempt|holds a message$/.test(line))
  if (told.length === 0) told.push('goes on')
  return [...told, ...(said.length === 0 ? [] : [`logged ${said.length}: ${said[0]}`])].join('; ')
}

/** States of flows that are told. */
const ends = ['failed', 'compensated', 'stuck', 'paused'] as const

function message(error: unknown): string {
  try {
    return (error as Error).message
  } catch {
    return 'what cannot be looked at'
  }
}

for (const [name, place] of Object.entries(places)) {
  test(`${name} that goes wrong fails by itself, in every way`, async (t) => {
    const tried = Object.keys(place.outcomes) as Way[]
    const outcomes = await Promise.all(tried.map(async (way) => [way, await outcomeOf(t, place, way)]))
    assert.deepEqual(Object.fromEntries(outcomes), place.outcomes)
  })
}

test('code that writes to the data of a message is told so, wherever it is called', async (t) => {
  const E = event('e', { schema: z.object({ items: z.array(z.number()) }), context: ({ items }) => String(items) })
  // A schema that gives what it got: others give a copy of their own.
  const Again = event('again', {
    schema: schemaOf((value) => ({ value })) as never,
    context: ({ items }: { readonly items: number[] }) => String(items.sort()),
  })
  const [on, other] = [topic('t', [E]), topic('again', [Again])]
  const sort = ({ data }: { readonly data: { readonly items: number[] } }) => void data.items.sort()
  const subject = await started(
    t,
    app({
      name: 'guards',
      broker: sqlite({ file: fileOf(t) }),
      log: () => {},
      parts: [
        processor('handler', { on, retry: once, handle: { e: sort } }),
        processor('commit', { on, retry: once, handle: { e: (message, { commit }) => commit(() => sort(message)) } }),
        processor('context', {
          on,
          publishes: [Again],
          retry: once,
          handle: { e: ({ data }, { publish }) => void publish(Again, data as never) },
        }),
        mediator('flow', { on, startedBy: E, run: sort }),
        route('route', { on, handle: { e: sort } }),
        other,
      ],
    }),
  )
  await subject.publish(E, { items: [3, 1] })
  await subject.idle()
  const held = await subject.desk.list()
  assert.deepEqual(held.map(({ processor }) => processor).sort(), ['commit', 'context', 'handler', 'route'])
  const [flow] = await subject.flows.list({ states: ends })
  for (const error of [...held.map((item) => item.error), flow?.error]) {
    assert.equal(error?.code, 'millrace/data-is-frozen')
    assert.match(error.message, /change a copy, structuredClone\(data\)/)
  }
})

test('a rule that writes to the data of a message says so in its reason', async (t) => {
  const E = event('e', { schema: z.object({ items: z.array(z.number()) }) })
  const on = topic('t', [E])
  const rule: Fn = ({ message: { data } }) => data.items.sort()
  const parts = [processor('p', { on, retry: once, handle: { e: fail } }), desk('d', { on, decide: { e: rule } })]
  const subject = await started(t, app({ name: 'guards', broker: sqlite({ file: fileOf(t) }), log: () => {}, parts }))
  await subject.publish(E, { items: [3, 1] })
  await subject.idle()
  const [held] = await subject.desk.list()
  const records = await subject.desk.audit({ item: held!.id })
  assert(
    records.some(({ reason }) => /the rule failed with millrace\/data-is-frozen: it wrote to data/.test(reason ?? '')),
  )
})
