// Cases for operations on many held messages: a frozen selection, its rate and its failures, across restarts.
import assert from 'node:assert/strict'
import type { App } from '../../index.ts'
import { accounts, assertDesk, assertWritten, type BrokerCase, brokerCase, lanes, ledger, publish } from './support.ts'

const anna = { by: 'anna', reason: 'it is corrected' }

/** A ledger that fails while this is true, but for moves whose number is 9. */
const failing = (state: { broken: boolean }) =>
  ledger('ledger', {
    before: ({ n }) => {
      if (state.broken && n !== 9) throw new Error('broken')
    },
  })

const first = async (bank: App) => (await bank.desk.operations())[0]!

export const operationCases: readonly BrokerCase[] = [
  brokerCase('an operation that is prepared does nothing until it is run, also after a restart', async (place) => {
    const state = { broken: true }
    const before = await place.start([failing(state)])
    await publish(before, accounts(4), [0])
    await place.idle(before)
    const made = await before.desk.select('release', {}, { name: 'all', prepare: true, ...anna })
    assert.deepEqual([made.state, made.total, made.lanes], ['prepared', 4, 4])
    await place.stop(before)
    state.broken = false
    const bank = await place.start([failing(state)])
    await place.idle(bank)
    assert.deepEqual([(await first(bank)).state, (await first(bank)).done], ['prepared', 0])
    await assertDesk(bank, { held: 4, waiting: 0 })
    await bank.desk.run(made.id, { perSecond: 1_000, ...anna })
    await place.idle(bank)
    assert.deepEqual([(await first(bank)).state, (await first(bank)).done], ['done', 4])
    await assertWritten(bank, 'ledger', lanes(accounts(4), [0]))
  }),

  brokerCase('an operation stops at so many failures, and is run on with what is left', async (place) => {
    const state = { broken: true }
    const before = await place.start([failing(state)])
    await publish(before, accounts(5), [0])
    await place.idle(before)
    const { id } = await before.desk.select('release', {}, { name: 'all', stopAfter: 2, ...anna })
    await place.idle(before)
    const stopped = await first(before)
    assert.deepEqual([stopped.state, stopped.failures, stopped.done], ['stopped', 2, 2])
    await place.stop(before)
    state.broken = false
    const bank = await place.start([failing(state)])
    await place.idle(bank)
    assert.equal((await first(bank)).done, 2)
    await bank.desk.run(id, anna)
    await place.idle(bank)
    assert.deepEqual([(await first(bank)).state, (await first(bank)).failures], ['done', 0])
    await assertDesk(bank, { held: 2, waiting: 0 })
  }),

  brokerCase('an operation selects by the version of the app that made the last attempt', async (place) => {
    const state = { broken: true }
    const before = await place.start([failing(state)], { version: '1.2' })
    await publish(before, accounts(3), [0])
    await place.idle(before)
    await place.stop(before)
    const bank = await place.start([failing(state)], { version: '1.3' })
    await publish(bank, ['b'], [0])
    await place.idle(bank)
    const [one] = await bank.desk.list({ context: 'a1' })
    assert.deepEqual([one!.codeThen, one!.codeNow], ['1.2', '1.3'])
    await bank.desk.release(one!.id, anna)
    await place.idle(bank)
    const selects = async (name: string, what: object) =>
      (await bank.desk.select('release', what, { name, prepare: true, ...anna })).total
    assert.equal(await selects('old', { failedIn: '1.2' }), 2)
    assert.equal(await selects('new', { failedIn: '1.3', processor: 'ledger' }), 2)
    const none = { failedIn: '1.2', items: [one!.id] }
    assert.equal(await selects('none', none).catch(({ code }) => code), 'millrace/nothing-selected')
  }),

  brokerCase('an operation changes many messages alike, and shows before what it would make of them', async (place) => {
    const bank = await place.start([failing({ broken: true })])
    await publish(bank, accounts(3), [0])
    await place.idle(bank)
    const change = [
      { op: 'test', path: '/account', value: 'a1' },
      { op: 'replace', path: '/n', value: 9 },
    ] as const
    const { id } = await bank.desk.select('resubmit', {}, { name: 'all', change, prepare: true, ...anna })
    const shown = await bank.desk.preview(id)
    assert.deepEqual(
      shown.map(({ after }) => after),
      [null, '{"account":"a1","n":9}', null],
    )
    const [, second] = await bank.desk.preview(id, { after: shown[0]!.item, limit: 2 })
    assert.equal(second!.item, shown[2]!.item)
    await bank.desk.run(id, anna)
    await place.idle(bank)
    const { state, done, refused } = await first(bank)
    assert.deepEqual([state, done, refused, (await bank.desk.refused(id)).length], ['done', 3, 2, 2])
    await assertWritten(bank, 'ledger', lanes(['a1'], [9]))
    await assertDesk(bank, { held: 2, waiting: 0 })
  }),
]
