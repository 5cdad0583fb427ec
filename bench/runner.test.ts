import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { casesAt, only } from './cases.ts'
import { type Peer, thatConduct } from './peers/peers.ts'
import { Place } from './place.ts'
import { resultOf } from './result.ts'
import { Runner } from './runner.ts'
import { scales } from './scale.ts'
import type { Task } from './task.ts'

const span = { warmMs: 1, measureMs: 2 }
const handles: Peer = { name: 'handles', task: (load) => ({ by: 'plainjob', ...load }) }
const conducts: Peer = { name: 'conducts', flows: (load) => ({ by: 'openworkflow', ...load }) }
const cannot: Peer = { name: 'cannot', flows: (load) => ({ by: 'restate', program: 'nowhere', ...load }) }

async function measured(pattern: string) {
  const tasks: Task[] = []
  const failures: string[] = []
  const [todo] = only(casesAt(scales.tiny), [pattern])
  const runner = new Runner({
    place: new Place(tmpdir()),
    measure: async (task) => {
      tasks.push(task)
      if (task.by === 'restate') throw new Error('no server')
      return { perSecond: 10, p50Ms: 1, p99Ms: 2 }
    },
    peers: [handles, conducts, cannot],
    span,
    progress: () => {},
    failed: (what) => failures.push(what),
  })
  const found = await runner.run(todo!)
  return { tasks, failures, results: todo!.lines.map((line) => resultOf(line, found)) }
}

test('a peer takes part in its own kind of work: it handles events or conducts flows', async () => {
  const flows = await measured('flow.3.100')
  assert.deepEqual(flows.tasks.slice(1), [
    { by: 'openworkflow', steps: 3, inFlight: 100, ...span },
    { by: 'restate', program: 'nowhere', steps: 3, inFlight: 100, ...span },
  ])
  const events = await measured('handle.norow.1000')
  assert.deepEqual(
    events.tasks.map(({ by }) => by),
    ['raw', 'millrace', 'raw', 'plainjob'],
  )
})

test('a peer that does not start is named, and the others continue', async () => {
  const { failures, results } = await measured('flow.3.100')
  assert.deepEqual(failures, ['flow.3.100, cannot'])
  assert.deepEqual(
    results.map(({ peer }) => peer),
    ['conducts', 'conducts', 'conducts', null],
  )
})

test('without a server for this machine Restate is left out by name', () => {
  const said: string[] = []
  const { peers, notes } = thatConduct(null, { note: (text) => said.push(text) })
  assert.deepEqual(
    peers.map(({ name }) => name),
    ['openworkflow'],
  )
  assert.match(said.join(), /^restate is not measured: there is no restate-server for /)
  assert.ok(notes.includes(said[0]!))
})
