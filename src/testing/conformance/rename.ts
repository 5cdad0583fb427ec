// Cases for renames: what is kept under an old name is found under the new one, once.
import assert from 'node:assert/strict'
import { gather, mediator, type Part, processor, Refused, schedule } from '../../index.ts'
import { channel, command, event, topic } from '../../model/message.ts'
import {
  accounts,
  assertDesk,
  assertWritten,
  type BrokerCase,
  brokerCase,
  coded,
  lanes,
  ledger,
  Moved,
  Moves,
  onlyHeld,
  publish,
  shape,
  upTo,
} from './support.ts'

const Full = event('full', { schema: shape({ count: 'number' }) })
const Batches = topic('batches', [Full])
const hour = 3_600_000

/** A part of each kind, under a name and an earlier one. */
function parts(name: string, renamedFrom?: string): Part[] {
  const named = (kind: string) => [`${kind}-${name}`, renamedFrom && `${kind}-${renamedFrom}`] as const
  const [gathers, gathered] = named('gathers')
  const [flows, flowed] = named('flows')
  const [yearly, before] = named('yearly')
  const data = (moves: readonly unknown[]) => ({ count: moves.length })
  return [
    Batches,
    gather(gathers, { on: Moves, of: [Moved], publishes: Full, count: 3, afterMs: hour, renamedFrom: gathered, data }),
    mediator(flows, {
      on: Moves,
      startedBy: Moved,
      renamedFrom: flowed,
      oncePer: ({ account }) => account,
      run: (_, flow) => flow.sleep('long', hour),
    }),
    schedule(yearly, { cron: '@yearly', renamedFrom: before, publishes: Full, data: { count: 0 } }),
  ]
}

export const renameCases: readonly BrokerCase[] = [
  brokerCase('a processor with a new name goes on where it was, with what it has at the desk', async (place) => {
    const keys = new Set<string>()
    const looks = (name: string, renamedFrom?: string) =>
      processor(name, {
        on: Moves,
        renamedFrom,
        handle: {
          moved: ({ data: { account, n } }, { idempotencyKey }) => {
            if (account !== 'held') return
            keys.add(idempotencyKey)
            if (n === 0) throw new Refused('no')
          },
        },
      })
    const first = await place.start([ledger('old'), looks('looks')])
    await publish(first, ['held', ...accounts(3)], upTo(5))
    await place.idle(first)
    await first.processors.pause('looks', { by: 'case' })
    await place.stop(first)
    for (const [name, earlier] of [
      ['seen', 'looks'],
      ['seen', 'looks'],
      ['later', 'seen'],
    ] as const) {
      const bank = await place.start([ledger('new', { renamedFrom: 'old' }), looks(name, earlier)])
      await assertDesk(bank, { held: 1, waiting: 4 })
      const rows = (await bank.processors.list()).map((row) => `${row.name} ${row.state}`)
      assert.deepEqual(rows.sort(), [`${name} paused`, 'new live'].sort(), 'the processors')
      await place.stop(bank)
    }
    const bank = await place.start([ledger('new'), looks('later')])
    await bank.processors.resume('later', { by: 'case' })
    await publish(bank, accounts(3), upTo(10, 5))
    await bank.desk.release((await onlyHeld(bank)).id, { by: 'case' })
    await place.idle(bank)
    assert.equal((await onlyHeld(bank)).processor, 'later', 'the processor of the held message')
    assert.equal(keys.size, 1, 'the released message has one idempotency key under all names')
    await assertWritten(bank, 'old', lanes(['held', ...accounts(3)], upTo(5)))
    await assertWritten(bank, 'new', lanes(accounts(3), upTo(10, 5)))
  }),

  brokerCase('a gather, a mediator and a schedule with new names have what they had', async (place) => {
    const first = await place.start(parts('old'))
    const batches: number[] = []
    await publish(first, ['a'], upTo(2))
    await place.idle(first)
    await place.stop(first)
    for (const renamed of [parts('new', 'old'), parts('new', 'old'), parts('new')]) {
      const bank = await place.start(renamed)
      await place.idle(bank)
      const flows = (await bank.flows.list()).map(({ mediator, state }) => `${mediator} ${state}`)
      assert.deepEqual(flows, ['flows-new running'], 'the flows')
      assert.equal((await bank.processors.list()).filter(({ state }) => state === 'gone').length, 0)
      await place.stop(bank)
    }
    const counts = processor('counts', { on: Batches, handle: { full: ({ data }) => void batches.push(data.count) } })
    const bank = await place.start([...parts('new'), counts])
    await publish(bank, ['a'], [2])
    await place.idle(bank)
    assert.deepEqual(batches, [3], 'the batch has what was gathered under the old name')
    assert.equal((await bank.flows.list()).length, 1, 'the key of `oncePer` is taken')
  }),

  brokerCase('a start that is refused because of a name leaves the store as it was', async (place) => {
    const Notify = command('notify', { schema: shape({ account: 'string' }) })
    const notices = processor('notices', { on: channel('notices', [Notify]), handle: { notify: () => {} } })
    const sends = (name: string, renamedFrom?: string) => [
      processor(name, { on: Moves, sends: [Notify], renamedFrom, handle: {} }),
      ledger('ledger'),
      notices,
    ]
    const first = await place.start(sends('old'))
    await publish(first, accounts(2), upTo(3))
    await place.idle(first)
    await place.stop(first)
    await assert.rejects(place.start(sends('new')), coded('millrace/renamed-or-new'))
    await assert.rejects(place.start(sends('new', 'older')), coded('millrace/renamed-or-new'))
    const bank = await place.start(sends('old'))
    const rows = (await bank.processors.list()).map(({ name, state, lag }) => `${name} ${state} ${lag}`)
    assert.deepEqual(rows.sort(), ['ledger live 0', 'notices live 0', 'old live 0'])
    await assertWritten(bank, 'ledger', lanes(accounts(2), upTo(3)))
  }),
]
