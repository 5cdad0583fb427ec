import assert from 'node:assert/strict'
import test from 'node:test'
import type { JournalEntry, StepKind } from '../../model/flow.ts'
import type { Command } from '../../model/message.ts'
import type { FlowChange } from '../../seam/flows.ts'
import { EndDelivery } from './end-delivery.ts'
import type { StepPlan } from './host.ts'
import { Inbox } from './inbox.ts'
import { Journal } from './journal.ts'
import { Replay } from './replay.ts'
import { Steps } from './steps.ts'

const end = (n: number, of: number, value: unknown = n): JournalEntry => ({
  n,
  of,
  kind: 'call',
  step: '',
  what: '',
  data: { ok: true, value },
  at: 0,
})

function deliveryOf(ahead: readonly JournalEntry[] = []) {
  let number = 100
  const behind: FlowChange[] = []
  const differences: string[] = []
  const status = { isClosed: false }
  const replay = new Replay()
  replay.load(ahead, undefined)
  const inbox = new Inbox(null)
  const flow = {
    steps: new Steps(),
    inbox,
    replay,
    journal: new Journal(7, { now: () => 1_000, entryId: () => ++number }),
    branches: { root: { late: () => {} } },
    status,
    host: { blame: () => {}, prompted: () => {}, endsBehind: () => behind },
    differences: { differs: (what: string) => differences.push(what) },
  }
  const got: string[] = []
  const begin = (n: number, kind: StepKind = 'call', step = `step ${n}`, plan: StepPlan = {}) => {
    const entry: JournalEntry = { n, of: null, kind, step, what: 'type', data: null, at: 0 }
    const begun = flow.steps.begin(entry, n, plan)
    begun.promise.then(
      (value) => got.push(`${step}: ${JSON.stringify(value)}`),
      (error) => got.push(`${step}: ${error.code ?? error.name}`),
    )
    return begun
  }
  const settled = () => new Promise(setImmediate).then(() => got)
  return { delivery: new EndDelivery(flow), ...flow, begin, settled, behind, differences }
}

test('an end reaches its step once', async () => {
  const { delivery, begin, settled } = deliveryOf()
  begin(1)
  delivery.receive(end(2, 1, 'a'))
  delivery.receive(end(2, 1, 'b'))
  delivery.deliver(delivery.next()!)
  delivery.receive(end(3, 1, 'c'))
  assert.equal(delivery.next(), undefined)
  assert.deepEqual(await settled(), ['step 1: "a"'])
})

test('ends in the journal are delivered before those that the flow makes itself', async () => {
  const { delivery, begin, settled, journal } = deliveryOf()
  begin(1)
  const sleep = begin(2, 'sleep')
  delivery.receive(end(3, 1))
  delivery.conclude(sleep, { ok: true, value: null })
  assert.deepEqual(await settled(), ['step 1: 3', 'step 2: null'])
  const [entry] = journal.take().changes
  assert.deepEqual(entry?.do === 'entry' && [entry.entry.n, entry.entry.of], [101, 2])
})

test('ends ahead in a replay are delivered before those that the flow makes itself, once', async () => {
  const { delivery, begin, settled, journal, replay } = deliveryOf([end(4, 1), end(5, 2)])
  begin(1)
  begin(2)
  delivery.conclude(begin(3, 'sleep'), { ok: true, value: null })
  assert.deepEqual(await settled(), ['step 1: 4', 'step 2: 5', 'step 3: null'])
  assert.equal(replay.next(), undefined)
  const [entry] = journal.take().changes
  assert.deepEqual(entry?.do === 'entry' && [entry.entry.n, entry.entry.of], [101, 3])
})

test('a step whose end the journal has ahead is not ended again', async () => {
  const { delivery, begin, settled, journal } = deliveryOf([end(3, 1), end(4, 2)])
  begin(1)
  const later = begin(2)
  delivery.conclude(later, { ok: false, code: 'millrace/step-timed-out', message: '' })
  assert.deepEqual(await settled(), ['step 1: 3', 'step 2: 4'])
  assert.equal(journal.hasChanges, false)
})

test('an end that is being written comes behind what the flow ends itself', () => {
  const { delivery, begin, behind, journal } = deliveryOf()
  behind.push({ do: 'renumber', flow: 7, from: 50, n: 102 })
  delivery.conclude(begin(1, 'sleep'), { ok: true, value: null })
  assert.deepEqual(journal.take().changes.at(-1), behind[0])
})

test('an end that was received before the journal was loaded is delivered once: by the journal, or after it', () => {
  const { delivery, begin } = deliveryOf()
  begin(1)
  begin(2)
  delivery.receive(end(3, 1))
  delivery.receive(end(4, 2))
  delivery.loaded(3)
  delivery.deliver(end(3, 1))
  assert.equal(delivery.next()?.n, 4)
})

test('a function that has ended gets nothing; the outcome is kept, and undos get theirs', async () => {
  const { delivery, begin, settled, status } = deliveryOf()
  const step = begin(1)
  begin(2, 'call', 'undo step 1/back')
  status.isClosed = true
  delivery.receive(end(3, 1))
  delivery.receive(end(4, 2))
  delivery.deliver(delivery.next()!)
  delivery.deliver(delivery.next()!)
  assert.deepEqual(await settled(), ['undo step 1/back: 4'])
  assert.deepEqual(step.outcome, { ok: true, value: 3 })
})

test('a command without a reply returns nothing, a failure is thrown with its code', async () => {
  const { delivery, begin, settled } = deliveryOf()
  begin(1, 'call', 'sent', { command: { reply: undefined } as Command })
  begin(2)
  begin(3)
  delivery.deliver(end(4, 1))
  delivery.deliver({ ...end(5, 2), data: { ok: false, code: 'refused', message: 'sold out' } })
  delivery.deliver({ ...end(6, 3), data: { ok: false, code: 'millrace/request-discarded', message: '' } })
  assert.deepEqual(await settled(), ['sent: undefined', 'step 2: refused', 'step 3: millrace/request-discarded'])
})

test('the end of a step that the code has not begun is a difference', () => {
  const { delivery, differences } = deliveryOf()
  delivery.deliver(end(3, 1))
  assert.match(differences.join(), /which today's code has not begun/)
})

test('a wait remembers the mail that ended it', () => {
  const { delivery, begin, inbox } = deliveryOf()
  delivery.conclude(begin(1, 'wait'), { ok: true, value: { mail: 9 } })
  assert.equal(inbox.mailHad('type'), 9)
})
