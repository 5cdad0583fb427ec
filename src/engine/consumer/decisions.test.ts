import assert from 'node:assert/strict'
import test from 'node:test'
import type { Stored } from '../../model/codec.ts'
import type { AuditRow, DeskEntry, DeskState } from '../../model/desk.ts'
import type { Job } from '../commit/writes.ts'
import { type DecisionHost, Decisions } from './decisions.ts'
import { DeskLane } from './desk-lanes.ts'

const actor = { by: 'ann', reason: 'seen' }

const act = { by: 'bea', action: 'released', at: 0, reason: 'again' }

function decisions(state: DeskState, fields: Partial<DeskEntry> = {}, pinnable = true) {
  const message = { id: 'm1', type: 'placed', context: 'a', json: '{}' } as Stored
  const entry = {
    id: 1,
    place: 1,
    lane: 'a',
    state,
    message,
    attempts: 3,
    kills: 1,
    decisions: 2,
    revision: 4,
    processor: 'p',
    ...fields,
  }
  let stored: DeskEntry | undefined = Object.freeze(entry) as DeskEntry
  const jobs: Job[] = []
  const told: unknown[] = []
  const host: DecisionHost = {
    spec: {} as never,
    limits: { takeBackMs: 100, deskRetainMs: 100, messageBytesMax: 1 },
    writes: {
      record: (_, action) => ({ do: 'record', audit: { action } as never }),
      resolving: (one, as) => ({ changes: [{ do: 'resolve', entry: one, state: as, at: 1 }], outgoing: [] }),
      requestEnd: (_, as) => ({ do: 'end', state: as }) as never,
    },
    now: () => 1_000,
    entry: async () => stored,
    written: async (job) => {
      jobs.push(job)
      const [change] = job.changes!
      if (change?.do === 'update') stored = change.entry
      if (change?.do === 'resolve') stored = undefined
    },
    resume: (head) => new DeskLane(head.lane, head),
    requeue: (one, lane) => void told.push('requeue', one.state, lane?.context),
    advance: (one) => void told.push('advance', one.id),
    logHeld: ({ id }) => void told.push('logged', id),
    held: ({ id }) => void told.push('is held', id),
    notHandled: (item) => void told.push('not handled', item),
    isWithdrawn: () => false,
    asked: async () => undefined,
    isMine: () => true,
    pins: { pin: () => pinnable, unpin: ({ id }) => void told.push('unpinned', id) },
    claimOn: async () => undefined,
    acts: async () => [act as AuditRow],
  }
  return { decisions: new Decisions(host), entry, jobs, told }
}

test('a released message begins anew at the head of its lane, and the second decision finds that', async () => {
  const { decisions: desk, jobs, told } = decisions('held')
  const first = desk.decide(1, { do: 'retry' }, actor)
  const second = desk.decide(1, { do: 'discard', reason: 'no' }, actor)
  await first
  await assert.rejects(second, { code: 'millrace/not-held' })
  const [update, record] = jobs[0]!.changes!
  assert(update?.do === 'update')
  const { state, attempts, kills, decisions: count } = update.entry
  assert.deepEqual([state, attempts, kills, count, update.leaves], ['trying', 0, 0, 0, 'a'])
  assert.deepEqual(record, { do: 'record', audit: { action: 'released' } })
  assert.deepEqual([jobs.length, told], [1, ['requeue', 'trying', 'a']])
})

test('a discarded message is done, and its lane advances', async () => {
  const { decisions: desk, entry, jobs, told } = decisions('held')
  await desk.decide(1, { do: 'discard', reason: 'no' }, actor, { changes: [{ do: 'granted', item: 1 }] })
  assert.deepEqual(jobs[0]!.changes, [
    { do: 'resolve', entry, state: 'discarded', at: 1 },
    { do: 'granted', item: 1 },
  ])
  assert.deepEqual(told, ['not handled', 1, 'advance', 1])
})

test('a rule that holds counts its decision; it decides nothing about a message that is with no rule', async () => {
  const deciding = decisions('deciding')
  await deciding.decisions.decideByRule(1, { do: 'hold', reason: 'look' }, 'rule x')
  const [update] = deciding.jobs[0]!.changes!
  assert(update?.do === 'update')
  assert.deepEqual([update.entry.state, update.entry.decisions], ['held', 3])
  assert.deepEqual(deciding.told, ['logged', 1, 'is held', 1, 'not handled', 1])
  const held = decisions('held')
  await held.decisions.decideByRule(1, { do: 'retry' }, 'rule x')
  assert.deepEqual(held.jobs, [])
})

test('a discard is taken back to the end of an open lane, for a time', async () => {
  const fresh = decisions('discarded', { lane: null, resolvedAt: 950 })
  await fresh.decisions.takeBack(1, actor)
  assert.deepEqual(fresh.told, ['requeue', 'trying', undefined])
  const old = decisions('discarded', { lane: null, resolvedAt: 800 })
  await assert.rejects(old.decisions.takeBack(1, actor), { code: 'millrace/too-late' })
})

test('a repair that names an old revision is told who did what and when, and changes nothing', async () => {
  for (const state of ['held', 'line', 'trying', 'handled'] as const) {
    const { decisions: desk, jobs } = decisions(state)
    for (const decision of [{ do: 'retry' }, { do: 'discard', reason: 'no' }] as const) {
      await assert.rejects(desk.repair(1, decision, { ...actor, revision: 3 }), {
        code: 'millrace/stale-revision',
        message: /message 1 has changed since revision 3.*revision 4 now: released by bea at 1970-.*\(again\)/,
        data: { id: 1, revision: 4, ...act },
      })
    }
    assert.deepEqual(jobs, [])
  }
  const current = decisions('held')
  await current.decisions.repair(1, { do: 'retry' }, { ...actor, revision: 4 })
  assert.equal(current.jobs.length, 1)
})

test('a message in line is discarded where it stands, unless its turn has come; release is for the head', async () => {
  const inLine = decisions('line')
  await inLine.decisions.repair(1, { do: 'discard', reason: 'no' }, actor)
  assert.deepEqual(inLine.jobs[0]!.changes![0], { do: 'resolve', entry: inLine.entry, state: 'discarded', at: 1 })
  assert.deepEqual(inLine.told, ['not handled', 1, 'unpinned', 1])
  const late = decisions('line', {}, false)
  await assert.rejects(late.decisions.repair(1, { do: 'discard', reason: 'no' }, actor), { code: 'millrace/not-held' })
  await assert.rejects(late.decisions.repair(1, { do: 'retry' }, actor), { code: 'millrace/not-held' })
  assert.deepEqual([late.jobs, late.told], [[], []])
})
