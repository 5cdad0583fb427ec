import assert from 'node:assert/strict'
import test from 'node:test'
import type { FlowRow } from '../../model/flow-views.ts'
import type { FlowChange } from '../../seam/flows.ts'
import type { MediatorSpec } from './host.ts'
import { Loading } from './loading.ts'
import type { FlowRun } from './run.ts'

const row = (id: number, more: Partial<FlowRow> = {}) =>
  ({ id, mediator: 'sale', context: 'o-1', state: 'running', endedAt: null, ...more }) as FlowRow

/** Loading of flows whose runs note what is done with them. */
function loading(rows: readonly FlowRow[], { next = 1, fits = true } = {}) {
  const done: string[] = []
  const written: FlowChange[] = []
  const run = (id: number) =>
    ({
      id,
      begin: async () => void done.push(`begin ${id}`),
      input: async () => void done.push(`input ${id}`),
    }) as unknown as FlowRun
  const all = new Loading({
    rows: {
      row: async (id) => rows.find((one) => one.id === id),
      journal: async (id) => {
        done.push(`journal ${id}`)
        return []
      },
      next: async () => next,
    },
    making: {
      beginningOf: () => {
        if (!fits) throw new Error('its code is gone')
        return {} as never
      },
      runOf: (_spec, { id }) => run(id),
    },
    inJournal: (flow, journal) => {
      done.push(`told the ${journal.length} entries of ${flow}`)
      return journal
    },
    specOf: (mediator) => (mediator === 'sale' ? ({ name: 'sale' } as MediatorSpec) : undefined),
    keep: ({ id }) => void done.push(`keep ${id}`),
    flush: async ({ id }) => void done.push(`flush ${id}`),
    offerMail: ({ id }) => void done.push(`mail ${id}`),
    next: (_mediator, context, after) => void done.push(`next of ${context} after ${after}`),
    write: async (changes) => void written.push(...changes),
  })
  const make = (id: number) => all.make(id, undefined, () => void done.push(`known ${id}`))
  return { make, done, written }
}

test('a run is known before its journal is read, and kept before it is told what has ended since', async () => {
  const { make, done } = loading([row(1)])
  assert.equal((await make(1))?.id, 1)
  assert.deepEqual(done, [
    'known 1',
    'journal 1',
    'told the 0 entries of 1',
    'begin 1',
    'keep 1',
    'input 1',
    'flush 1',
    'mail 1',
  ])
})

test('a flow that has ended, is paused, is unknown or has no mediator is not made', async () => {
  const rows = [row(1, { endedAt: 1 }), row(2, { state: 'paused' }), row(3, { mediator: 'gone' })]
  const { make, done } = loading(rows)
  for (const id of [1, 2, 3, 4]) assert.equal(await make(id), undefined)
  assert.deepEqual(done, [])
})

test('a queued flow is made when its turn has come, and the next is looked for when it has begun', async () => {
  const { make, done } = loading([row(1, { state: 'queued' }), row(2, { state: 'queued' })])
  assert.equal(await make(2), undefined)
  assert.equal((await make(1))?.id, 1)
  assert.equal(done.at(-1), 'next of o-1 after 1')
})

test('a flow whose code does not fit is paused with the reason', async () => {
  const { make, written } = loading([row(1)], { fits: false })
  assert.equal(await make(1), undefined)
  const [change] = written
  assert.deepEqual(change?.do === 'state' && [change.state, change.error?.message], ['paused', 'its code is gone'])
})
