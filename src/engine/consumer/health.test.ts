import assert from 'node:assert/strict'
import test from 'node:test'
import { Counters, SettledAt } from './counters.ts'
import { type Looked, reasonsOf, stateOf } from './health.ts'

const looked = (some: Partial<Looked> = {}): Looked => ({
  spec: {
    name: 'p',
    part: { kind: 'processor', name: 'p' },
    destination: { name: 'orders' } as never,
    concurrency: 16,
  },
  status: 'running',
  progress: { low: 3 },
  reader: { head: 5, messages: 1, isBehind: false },
  attempts: { taken: 1, stuck: false },
  side: { desk: { tried: 2 }, failing: { probing: { active: false } } },
  counters: new Counters(new SettledAt()),
  deadlines: { overdue: 0 },
  ...some,
})

test('the state of a processor names what people look at first', () => {
  const stuck = { attempts: { taken: 1, stuck: true } }
  const behind = { reader: { head: 5, messages: 1, isBehind: true } }
  const probing = { side: { desk: { tried: 0 }, failing: { probing: { active: true } } } }
  const names = [
    {},
    behind,
    { ...behind, ...probing },
    { ...probing, ...stuck },
    { ...stuck, status: 'paused' as const },
  ]
  assert.deepEqual(
    names.map((some) => stateOf(looked(some)).state),
    ['live', 'behind', 'probing', 'stuck', 'paused'],
  )
  assert.equal(stateOf(looked()).lag, 2)
})

test('a processor is healthy until it is stuck, late or probes', () => {
  assert.deepEqual(reasonsOf(looked()), [])
  const side = { desk: { tried: 0 }, failing: { probing: { active: true } } }
  const all = looked({ attempts: { taken: 1, stuck: true }, side, deadlines: { overdue: 4 } })
  const [stuck, late, probes] = reasonsOf(all)
  assert.match(stuck!, /"p" is stuck/)
  assert.match(late!, /"p" is late: 4 commands/)
  assert.match(probes!, /"p" is probing/)
})
