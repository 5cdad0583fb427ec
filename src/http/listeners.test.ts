import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import test from 'node:test'
import type { Edge } from '../operate/edge.ts'
import { Listeners, type Wanted } from './listeners.ts'
import type { Served } from './served.ts'

const wanted: Wanted = { topic: 'orders', after: 0, fits: () => true, json: () => '{}', frames: new WeakMap() }

/** Listeners to a topic without messages. */
function listeners() {
  const edge = {
    world: { after: () => ({ cancel: () => {} }) },
    log: () => ({ head: () => 0, after: async () => [] }),
  } as unknown as Edge
  return new Listeners({ tail: () => () => {} } as unknown as Served, edge, new Map())
}

test('a listener that is gone leaves nothing at the signal of its server', async () => {
  const { signal } = new AbortController()
  const listener = listeners().add(wanted, 1)
  listener.endWith([signal])
  const stream = listener.stream()
  assert.equal(getEventListeners(signal, 'abort').length, 1)
  await stream.cancel()
  assert.equal(getEventListeners(signal, 'abort').length, 0)
})

test('the end of the server ends a listener, also one that comes after it', async () => {
  const ending = new AbortController()
  const all = listeners()
  const before = all.add(wanted, 2)
  before.endWith([ending.signal])
  const reader = before.stream().getReader()
  assert.match(new TextDecoder().decode((await reader.read()).value), /^: from here on/)
  ending.abort()
  assert.equal((await reader.read()).done, true)
  const after = all.add(wanted, 1)
  after.endWith([ending.signal])
  assert.match(await new Response(after.stream()).text(), /^: from here on/)
  // Neither counts as connected.
  all.add(wanted, 1)
})
