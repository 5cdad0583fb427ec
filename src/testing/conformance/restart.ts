// Cases for restarts: state that a stop and a start leave unchanged.
import assert from 'node:assert/strict'
import { type App, processor } from '../../index.ts'
import type { Audit } from '../../model/desk.ts'
import { edgeOf } from '../../operate/edge.ts'
import { hashOf } from '../../operate/token.ts'
import {
  accounts,
  assertDesk,
  assertWritten,
  type BrokerCase,
  betweenMessages,
  brokerCase,
  coded,
  lanes,
  ledger,
  type Move,
  Moves,
  publish,
  upTo,
} from './support.ts'

export const restartCases: readonly BrokerCase[] = [
  brokerCase('a processor goes on where it was', async (place) => {
    const first = await place.start([ledger('ledger')])
    await publish(first, accounts(5), upTo(10))
    await place.idle(first)
    await place.stop(first)
    const bank = await place.start([ledger('ledger')])
    await place.idle(bank)
    await publish(bank, accounts(5), upTo(20, 10))
    await place.idle(bank)
    await assertWritten(bank, 'ledger', lanes(accounts(5), upTo(20)))
  }),

  brokerCase('what is published while a processor does not run waits for it', async (place) => {
    const parts = [ledger('sometimes'), ledger('always')]
    const first = await place.start(parts)
    await publish(first, accounts(5), upTo(10))
    await place.idle(first)
    await place.stop(first)
    const without = await place.start(parts, { only: ['always'] })
    await publish(without, accounts(5), upTo(20, 10))
    await place.idle(without)
    await assertWritten(without, 'sometimes', lanes(accounts(5), upTo(10)))
    await place.stop(without)
    const bank = await place.start(parts)
    await place.idle(bank)
    for (const name of ['sometimes', 'always']) await assertWritten(bank, name, lanes(accounts(5), upTo(20)))
  }),

  brokerCase('the concurrency that a person has set is kept, and given back to the code', async (place) => {
    const listed = async (bank: App) => {
      const rows = await bank.processors.list()
      return rows.map(({ name, concurrencySet }) => `${name} ${concurrencySet ?? 'as in code'}`).sort()
    }
    const parts = [ledger('one'), ledger('two')]
    const first = await place.start(parts)
    await first.processors.set('one', { concurrency: 3 })
    await first.processors.set('two', { concurrency: 2 })
    await first.processors.set('one', { concurrency: 4 })
    assert.deepEqual(await listed(first), ['one 4', 'two 2'])
    await place.stop(first)
    const second = await place.start(parts)
    assert.deepEqual(await listed(second), ['one 4', 'two 2'])
    await second.processors.set('one', { concurrency: 'default' })
    await place.stop(second)
    const bank = await place.start(parts)
    assert.deepEqual(await listed(bank), ['one as in code', 'two 2'])
    const set = (await bank.desk.audit()).filter(({ action }) => action === 'set')
    assert.deepEqual(
      set.map(({ subject, detail }) => [subject, detail]),
      [
        ['one', { concurrency: 'default' }],
        ['one', { concurrency: 4 }],
        ['two', { concurrency: 2 }],
        ['one', { concurrency: 3 }],
      ],
    )
  }),

  brokerCase('refused requests are lines of the audit log, found by themselves, page by page', async (place) => {
    const first = await place.start([ledger('ledger')])
    const refused = (n: number): Audit => ({
      ...{ at: n, by: `address ${n}`, action: 'refused', item: null },
      ...{ subject: 'GET /api/desk', reason: 'no token', detail: { code: 'millrace/not-signed-in' } },
    })
    await edgeOf(first)
      .access()
      .refused([refused(1), refused(2)])
    await first.processors.pause('ledger', { by: 'ann' })
    await edgeOf(first)
      .access()
      .refused([refused(3)])
    await place.stop(first)
    const bank = await place.start([ledger('ledger')])
    const page = await bank.desk.audit({ refused: true, limit: 2 })
    const rest = await bank.desk.audit({ refused: true, before: page.at(-1)!.id })
    assert.deepEqual(
      [page, rest].map((rows) => rows.map(({ by }) => by)),
      [['address 3', 'address 2'], ['address 1']],
    )
    const { id: _, ...line } = rest[0]!
    assert.deepEqual(line, { ...refused(1), group: null })
    assert.equal((await bank.desk.audit()).length, 4)
  }),

  brokerCase('a token is kept as its hash, once under a name, until it is revoked', async (place) => {
    const first = await place.start([ledger('ledger')])
    const till = { grants: [{ role: 'sender', on: ['orders'] }], by: 'ann', reason: 'the new till' } as const
    const { token, ...made } = await first.tokens.make('till', till)
    await first.tokens.make('ci', { grants: ['reader'], expiresAt: made.createdAt + 3_600_000, by: 'ann' })
    await assert.rejects(first.tokens.make('till', till), coded('millrace/token-exists'))
    await place.stop(first)
    const second = await place.start([ledger('ledger')])
    const listed = await second.tokens.list()
    assert.deepEqual(
      listed.map(({ name }) => name),
      ['ci', 'till'],
    )
    assert.deepEqual(listed[1], made)
    const [, kept] = await edgeOf(second).access().tokens()
    assert.deepEqual(kept, { ...made, hash: hashOf(token) })
    await second.tokens.revoke('till', { by: 'ben', reason: 'stolen' })
    await assert.rejects(second.tokens.revoke('till', { by: 'ben' }), coded('millrace/unknown-token'))
    await place.stop(second)
    const bank = await place.start([ledger('ledger')])
    assert.deepEqual(
      (await bank.tokens.list()).map(({ name }) => name),
      ['ci'],
    )
    const [line] = await bank.desk.audit({ limit: 1 })
    assert.deepEqual([line!.action, line!.subject, line!.by, line!.reason], ['revoked', 'token till', 'ben', 'stolen'])
  }),

  brokerCase('stops in the middle of the work lose nothing and repeat nothing', async (place) => {
    for (const round of upTo(6)) {
      const begun = Promise.withResolvers<void>()
      const bank = await place.start([ledger('one', { before: () => begun.resolve() }), ledger('two')])
      await publish(bank, accounts(5), upTo(20 * round + 20, 20 * round))
      await place.until('the work is under way', begun.promise)
      await place.stop(bank, round % 2 === 0 ? 0 : undefined)
    }
    const bank = await place.start([ledger('one'), ledger('two')])
    await place.idle(bank)
    for (const name of ['one', 'two']) await assertWritten(bank, name, lanes(accounts(5), upTo(120)))
  }),

  brokerCase('a stop gives running handlers their time, and what they did counts', async (place) => {
    const begun = Promise.withResolvers<void>()
    const go = Promise.withResolvers<void>()
    let handled = 0
    const before = () => {
      handled++
      begun.resolve()
      return go.promise
    }
    const first = await place.start([ledger('ledger', { before })])
    await publish(first, ['a'], [0])
    await place.until('the handler runs', begun.promise)
    const stopped = place.stop(first)
    go.resolve()
    await stopped
    const bank = await place.start([ledger('ledger', { before })])
    await place.idle(bank)
    assert.equal(handled, 1, 'the handler ran once')
    await assertWritten(bank, 'ledger', lanes(['a'], [0]))
  }),

  brokerCase(
    'a stop hands back what has not ended in time, untouched, and it is handled once afterwards',
    async (place) => {
      const begun = Promise.withResolvers<void>()
      const never = new Promise<void>(() => {})
      const retry = { attempts: 1 }
      const before = () => {
        begun.resolve()
        return never
      }
      const first = await place.start([ledger('ledger', { retry, before })])
      await publish(first, accounts(3), upTo(3))
      await place.until('a handler runs', begun.promise)
      await place.stop(first, 0)
      const bank = await place.start([ledger('ledger', { retry })])
      await place.idle(bank)
      await assertWritten(bank, 'ledger', lanes(accounts(3), upTo(3)))
      await assertDesk(bank, { held: 0, waiting: 0 })
    },
  ),

  brokerCase('a processor that is reset handles each message again, and nothing of before counts', async (place) => {
    const begun = Promise.withResolvers<void>()
    const go = Promise.withResolvers<void>()
    let fails = true
    const before = ({ account, n }: Move) => {
      if (!fails || account === 'a0') return
      if (account === 'a1') throw new Error('fails')
      if (n > 0) return
      begun.resolve()
      return go.promise
    }
    const bank = await place.start([ledger('ledger', { before }), ledger('other')])
    await publish(bank, accounts(2), upTo(3))
    await place.idle(bank)
    await publish(bank, ['a2'], upTo(3))
    await place.until('a handler runs', begun.promise)
    fails = false
    await bank.transaction((tx) => tx.query`delete from written where who = 'ledger'`)
    const reset = bank.processors.reset('ledger', { to: 'beginning', by: 'ann' })
    const { again, held, inLine } = await place.until('the processor is reset', reset)
    assert.deepEqual([again, held, inLine], [6, 1, 2], 'what is handled again, and what of the desk ends')
    go.resolve()
    await place.idle(bank)
    for (const name of ['ledger', 'other']) await assertWritten(bank, name, lanes(accounts(3), upTo(3)))
    await assertDesk(bank, { held: 0, waiting: 0 })
    const [end] = await bank.desk.list({ states: ['reset'] })
    assert.equal(end?.message.context, 'a1', 'the failed message is on record')
    await place.stop(bank)
    const later = await place.start([ledger('ledger'), ledger('other')])
    await publish(later, accounts(3), [3])
    await place.idle(later)
    await assertWritten(later, 'ledger', lanes(accounts(3), upTo(4)))
  }),

  brokerCase('a reset begins at a date or a position, and the keys of its attempts are new', async (place) => {
    const keys: string[] = []
    const noting = processor('noting', {
      on: Moves,
      handle: {
        moved: ({ data }, { idempotencyKey }) => void keys.push(`${data.n} ${idempotencyKey.split('/').at(-1)}`),
      },
    })
    const bank = await place.start([noting])
    await publish(bank, ['a'], upTo(2))
    const between = await betweenMessages()
    await publish(bank, ['a'], [2])
    await place.idle(bank)
    await bank.processors.reset('noting', { to: between })
    await place.idle(bank)
    await bank.processors.reset('noting', { to: 2 })
    await place.idle(bank)
    await assert.rejects(bank.processors.reset('noting', { to: 5 }), coded('millrace/bad-position'))
    assert.deepEqual(keys, ['0 0', '1 0', '2 0', '2 0.1', '1 0.2', '2 0.2'])
  }),
]
