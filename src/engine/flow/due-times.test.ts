import assert from 'node:assert/strict'
import test from 'node:test'
import type { FlowState } from '../../model/flow.ts'
import type { FlowChange } from '../../seam/flows.ts'
import { DueTimes } from './due-times.ts'

/** One time of flow 1 that has come, of a flow in a state. */
function due(state: FlowState | undefined, { reaches = false, mediator = 'sale', some = true } = {}) {
  const written: FlowChange[][] = []
  const logged: string[] = []
  const times = new DueTimes({
    world: { now: () => 5, log: (_level, text) => void logged.push(text) },
    times: { due: async () => (some ? [{ flow: 1, n: 2 }] : []) },
    stateOf: async () => (state === undefined ? undefined : { state, mediator }),
    runs: (name) => name === 'sale',
    tell: async () => reaches,
    write: async (changes) => void written.push([...changes]),
  })
  return { times, written, logged }
}

const gone = [{ do: 'untimer', flow: 1, n: 2 }]
const asleep = [{ do: 'asleep', flow: 1, n: 2 }]

test('a time that has reached its flow is gone, and so is one whose flow has ended', async () => {
  for (const [state, reaches] of [
    ['running', true],
    ['completed', false],
    [undefined, false],
  ] as const) {
    const { times, written } = due(state, { reaches })
    await times.tell()
    assert.deepEqual(written, [gone])
  }
})

test('a time of a paused flow sleeps, and so does one whose mediator is not there', async () => {
  for (const [state, mediator] of [
    ['paused', 'sale'],
    ['running', 'gone'],
  ] as const) {
    const { times, written } = due(state, { mediator })
    await times.tell()
    assert.deepEqual(written, [asleep])
  }
})

test('a time that does not reach its flow comes again, and sleeps after a hundred tries', async () => {
  const { times, written, logged } = due('running')
  for (let tries = 1; tries < 100; tries++) await times.tell()
  assert(written.every((changes) => changes.length === 0) && logged.length === 0)
  await times.tell()
  assert.deepEqual([written.at(-1), logged.length], [asleep, 1])
})

test('when no time is due after all, an empty commit returns the next one', async () => {
  const { times, written } = due('running', { some: false })
  await times.tell()
  assert.deepEqual(written, [[]])
})
