import assert from 'node:assert/strict'
import test from 'node:test'
import { runInNewContext } from 'node:vm'
import { deepFreeze } from './codec.ts'
import { isMillraceError } from './errors.ts'
import { toldOfFrozen } from './frozen.ts'

const data = deepFreeze({ items: [3, 1], order: { id: 'a', tags: [] as string[] } })
const thrownBy = (fn: () => unknown): unknown => {
  try {
    fn()
  } catch (error) {
    return error
  }
  throw new Error('it throws nothing')
}

// biome-ignore lint/suspicious/noExplicitAny: it is about what may not be done
const writes: Record<string, (given: any) => unknown> = {
  'sorts a list': ({ items }) => items.sort(),
  'reverses a list': ({ items }) => items.reverse(),
  'pushes to a list': ({ items }) => items.push(2),
  'pops from a list': ({ items }) => items.pop(),
  'shifts a list': ({ items }) => items.shift(),
  'splices a list': ({ items }) => items.splice(0, 1),
  'fills a list': ({ items }) => items.fill(0),
  'sets the length of a list': ({ items }) => {
    items.length = 0
  },
  'pushes to an empty list': ({ order }) => order.tags.push('x'),
  'assigns a property': ({ order }) => {
    order.id = 'b'
  },
  'adds a property': (given) => {
    given.more = 1
  },
  'deletes a property': ({ order }) => delete order.id,
  'assigns by Object.assign': ({ order }) => Object.assign(order, { id: 'b', more: 1 }),
  'defines a property': ({ order }) => Object.defineProperty(order, 'more', { value: 1 }),
  'defines a property again': ({ order }) => Object.defineProperty(order, 'id', { value: 'b' }),
}

for (const [what, writeTo] of Object.entries(writes)) {
  test(`code that ${what} of frozen data is told so, with what to do`, () => {
    const cause = thrownBy(() => writeTo(data))
    for (const given of [undefined, data]) {
      const told = toldOfFrozen('processor "p"', cause, given)
      assert(isMillraceError(told, 'millrace/data-is-frozen'), String(cause))
      assert.equal(told.retryable, false)
      assert.equal(told.cause, cause)
      assert.match(
        told.message,
        /^processor "p" wrote to data of a message, which are frozen; .*structuredClone\(data\): /,
      )
      assert(told.message.endsWith((cause as Error).message))
    }
  })
}

test('the same of another realm', () => {
  const cause = thrownBy(() => runInNewContext('"use strict"; data.order.id = 1', { data }))
  assert(!(cause instanceof TypeError))
  assert(isMillraceError(toldOfFrozen('a', cause, data), 'millrace/data-is-frozen'))
})

test('errors about anything else stay as they are', () => {
  class Config {
    readonly id = 1
  }
  const others: unknown[] = [
    thrownBy(() => Object.assign(Object.freeze(new Config()), { id: 2 })),
    thrownBy(() => Object.assign(Object.freeze({ colour: 1 }), { colour: 2 })),
    thrownBy(() => Object.freeze([] as number[]).concat.call(null)),
    thrownBy(() => (undefined as never as { x: number }).x),
    new Error("Cannot assign to read only property 'id' of object '#<Object>'"),
    new TypeError('other'),
    'text',
    undefined,
    null,
    Object.defineProperty(new TypeError('x'), 'message', { get: () => assert.fail() }),
    Object.assign(new TypeError('x'), { message: 1 }),
  ]
  for (const other of others) assert.equal(toldOfFrozen('a', other, data), other)
  const pushes = thrownBy(() => (Object.freeze([]) as unknown as number[]).push(1))
  assert.equal(toldOfFrozen('a', pushes, deepFreeze({ id: 1 })), pushes, 'there is no list in the data')
  assert.equal(toldOfFrozen('a', pushes, 'text'), pushes)
})
