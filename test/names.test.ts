// Names that every object has are names like any other, wherever the user's own names are looked up.
import assert from 'node:assert/strict'
import test from 'node:test'
import {
  app,
  channel,
  command,
  desk,
  discard,
  event,
  mediator,
  processor,
  Refused,
  route,
  sqlite,
  topic,
} from 'millrace'
import { given } from 'millrace/testing'
import { z } from 'zod'
import { coded, place, started } from './support.ts'

const names = ['constructor', 'toString', 'valueOf', 'hasOwnProperty', 'isPrototypeOf', 'propertyIsEnumerable']
/** What is no name of a part, but may be an id, a context or the name of a step. */
const words = [...names, '__proto__', '__defineGetter__']
const schema = z.object({ of: z.string() })
const context = ({ of }: { of: string }) => of

test('a type named like a property of every object is not handled by an inherited one', async (t) => {
  const types = names.map((name) => event(name, { schema, context }))
  const Things = topic('things', types)
  const ignores = processor('ignores', { on: Things, handle: {} as never })
  const decidesNothing = desk('things-desk', { on: Things, decide: {} as never })
  const holds = processor('holds', {
    on: Things,
    onHold: 'pass',
    handle: Object.fromEntries(
      names.map((name) => [
        name,
        () => {
          throw new Refused(name)
        },
      ]),
    ) as never,
  })
  const passes = route('passes', { on: Things, handle: {} as never })
  const parts = [Things, ignores, decidesNothing, holds, passes]
  const one = await started(t, app({ name: 'names', broker: sqlite({ file: place(t) }), log: () => {}, parts }))
  for (const type of types) for (const word of words) await one.publish(type, { of: word }, { id: word })
  await one.idle()
  const held = await one.desk.list({ limit: 1_000 })
  assert.deepEqual(
    held.map(({ processor, message: { type, context, id } }) => [processor, type, context, id]),
    names.flatMap((name) => words.map((word) => ['holds', name, word, word])),
  )
  for (const word of words) assert.equal((await one.desk.list({ context: word })).length, names.length)
  for (const name of names) assert.equal((await one.desk.list({ type: name })).length, words.length)
  assert.deepEqual((await one.desk.groups('type')).map(({ type }) => type).sort(), [...names].sort())
})

test('a command whose name every object has needs a handler of its own', () => {
  for (const name of names) {
    const channelOfOne = channel('ch', [command(name, { schema })])
    assert.throws(
      () => processor('serves', { on: channelOfOne, handle: {} as never }),
      coded('millrace/missing-handler', new RegExp(`no handler for command "${name}"`)),
    )
    const handled: string[] = []
    processor('serves', { on: channelOfOne, handle: { [name]: () => void handled.push(name) } as never })
  }
})

test('parts, topics and processors may have names that every object has', async (t) => {
  const types = names.map((name) => event(`${name}.happened`, { schema, context }))
  const topics = names.map((name, at) => topic(name, [types[at]!]))
  const seen: string[] = []
  const parts = topics.map((on, at) =>
    processor(names[at]!, {
      on,
      handle: { [types[at]!.name]: () => void seen.push(names[at]!) } as never,
    }),
  )
  const broker = sqlite({ file: place(t) })
  const one = await started(t, app({ name: 'constructor', broker, parts: [...topics, ...parts] }))
  for (const type of types) await one.publish(type, { of: '__proto__' })
  await one.idle()
  assert.deepEqual(seen.sort(), [...names].sort())
  for (const name of names) await one.processors.pause(name, { by: '__proto__' })
  const states = (await one.processors.list()).filter(({ state }) => state === 'paused')
  assert.deepEqual(states.map(({ name }) => name).sort(), [...names].sort())
})

test('flows have steps, contexts, ids and mail whose names every object has', async (t) => {
  const Begun = event('constructor', { schema, context })
  const Came = event('toString', { schema, context })
  const Do = command('valueOf', { schema, reply: z.object({ of: z.string() }) })
  const Things = topic('things', [Begun, Came])
  const Work = channel('work', [Do])
  const works = processor('hasOwnProperty', { on: Work, handle: { valueOf: ({ data }) => data } })
  const conducts = mediator('isPrototypeOf', {
    on: Things,
    startedBy: Begun,
    sends: [Do],
    waits: [Came],
    oncePer: ({ of }) => of,
    run: async ({ data: { of } }, flow) => {
      const replies: unknown[] = []
      for (const word of words) replies.push(await flow.call(word, Do, { of: word }))
      const came = await flow.wait('came', Came, { timeoutMs: 60_000 })
      return { of, replies, came: came === undefined ? null : came.data }
    },
  })
  const broker = sqlite({ file: place(t) })
  const one = await started(t, app({ name: 'names', broker, parts: [Things, Work, works, conducts] }))
  for (const word of words) await one.publish(Begun, { of: word }, { id: word })
  for (const word of words) await one.publish(Came, { of: word }, { id: word })
  await one.idle()
  const flows = await one.flows.list({ states: ['completed'] })
  const results = flows.map(({ result }) => JSON.stringify(result)).sort()
  const replies = words.map((of) => ({ of }))
  assert.deepEqual(results, words.map((of) => JSON.stringify({ of, replies, came: { of } })).sort())
})

test('the test kit passes over a type without a handler, under any name', () => {
  for (const name of names) {
    const Type = event(name, { schema })
    const On = topic('on', [Type])
    const part = processor('part', { on: On, handle: {} as never })
    assert.throws(() => given(part).when(Type, { of: 'x' }), coded('millrace/missing-handler'))
  }
})

test('handlers and rules that an object inherits are refused, not passed over', () => {
  const Placed = event('placed', { schema })
  const On = topic('on', [Placed])
  class Handlers {
    placed(): void {}
  }
  const inherited = /must be an object with a .* per type, not of a class/
  const handle = new Handlers() as never
  assert.throws(() => processor('p', { on: On, handle }), coded('millrace/bad-option', inherited))
  assert.throws(() => route('r', { on: On, handle }), coded('millrace/bad-option', inherited))
  const decide = Object.create({ placed: () => discard('no') })
  assert.throws(() => desk('d', { on: On, decide }), coded('millrace/bad-option', inherited))
  const bare = Object.assign(Object.create(null), { placed: () => {} })
  assert.equal(processor('p', { on: On, handle: bare }).handle, bare)
})
