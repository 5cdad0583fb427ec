// Cases for the desk: a message that uses up its attempts is held in sight, closes its lane, and returns in order.
import assert from 'node:assert/strict'
import { channel, command, type DeskRow, event, processor, Refused, topic } from '../../index.ts'
import {
  assertDesk,
  assertWritten,
  type BrokerCase,
  brokerCase,
  lanes,
  ledger,
  Moved,
  move,
  onlyHeld,
  publish,
  shape,
  upTo,
  write,
} from './support.ts'

/** A ledger that fails at these moves of account a, while they are in the set. */
const failing = (broken: ReadonlySet<number>) =>
  ledger('ledger', {
    before: ({ account, n }) => {
      if (account === 'a' && broken.has(n)) throw new Error(`broken ${n}`)
    },
  })

export const holdCases: readonly BrokerCase[] = [
  brokerCase('a message that fails for good is held and closes its lane, and no other', async (place) => {
    const bank = await place.start([failing(new Set([1]))])
    await publish(bank, ['a', 'b'], upTo(5))
    await place.idle(bank)
    const expected = new Map([...lanes(['a'], [0]), ...lanes(['b'], upTo(5))])
    await assertWritten(bank, 'ledger', expected)
    await assertDesk(bank, { held: 1, waiting: 3 })
    const { processor, attempts, error, message, waiting } = await onlyHeld(bank)
    assert.deepEqual(
      { processor, attempts, error: error?.message, context: message.context, waiting },
      { processor: 'ledger', attempts: 2, error: 'broken 1', context: 'a', waiting: 3 },
    )
  }),

  brokerCase('a refused message is held without another attempt', async (place) => {
    let attempts = 0
    const before = () => {
      attempts++
      throw new Refused('never', { why: 'asked for' })
    }
    const bank = await place.start([ledger('ledger', { before })])
    await publish(bank, ['a'], [0])
    await place.idle(bank)
    const { error } = await onlyHeld(bank)
    assert.deepEqual([attempts, error?.message, error?.data], [1, 'never', { why: 'asked for' }])
  }),

  brokerCase('a release drains the line in order and opens the lane again, and nothing overtakes', async (place) => {
    let broken = true
    const draining = Promise.withResolvers<void>()
    const newcomers = Promise.withResolvers<void>()
    const before = async ({ n }: { n: number }) => {
      if (broken && n === 0) throw new Error('broken')
      if (n !== 1) return
      draining.resolve()
      await newcomers.promise
    }
    const bank = await place.start([ledger('ledger', { before })])
    await publish(bank, ['a'], upTo(5))
    await place.idle(bank)
    await assertDesk(bank, { held: 1, waiting: 4 })
    broken = false
    await bank.desk.release((await onlyHeld(bank)).id)
    await place.until('the first in line is handled', draining.promise)
    await publish(bank, ['a'], upTo(10, 5))
    newcomers.resolve()
    await place.idle(bank)
    await assertWritten(bank, 'ledger', lanes(['a'], upTo(10)))
    await publish(bank, ['a'], upTo(12, 10))
    await place.idle(bank)
    await assertWritten(bank, 'ledger', lanes(['a'], upTo(12)))
    await assertDesk(bank, { held: 0, waiting: 0 })
  }),

  brokerCase('a message in line that fails for good is held with the rest of the line behind it', async (place) => {
    const broken = new Set([0, 3])
    const bank = await place.start([failing(broken)])
    await publish(bank, ['a'], upTo(6))
    await place.idle(bank)
    broken.delete(0)
    await bank.desk.release((await onlyHeld(bank)).id)
    await place.idle(bank)
    await assertWritten(bank, 'ledger', lanes(['a'], upTo(3)))
    await assertDesk(bank, { held: 1, waiting: 2 })
    broken.clear()
    await bank.desk.release((await onlyHeld(bank)).id)
    await place.idle(bank)
    await assertWritten(bank, 'ledger', lanes(['a'], upTo(6)))
  }),

  brokerCase('each failed attempt keeps the version of the app that made it, and so does the end', async (place) => {
    const broken = new Set([0])
    const before = await place.start([failing(broken)], { version: '1.0' })
    await publish(before, ['a'], [0])
    await place.idle(before)
    await place.stop(before)
    const bank = await place.start([failing(broken)], { version: '1.1' })
    const { id } = await onlyHeld(bank)
    await bank.desk.release(id)
    await place.idle(bank)
    broken.clear()
    await bank.desk.release(id)
    await place.idle(bank)
    const { tries, history } = (await bank.desk.show(id))!
    assert.deepEqual(
      tries.map(({ message, version }) => [message, version]),
      ['1.0', '1.0', '1.1', '1.1'].map((version) => ['broken 0', version]),
    )
    const { action, detail } = history.at(-1)!
    assert.deepEqual([action, detail], ['handled', { version: '1.1' }])
  }),

  brokerCase('a long line is kept in order', async (place) => {
    const broken = new Set([0])
    const bank = await place.start([failing(broken)], { windowMessages: 16 })
    await publish(bank, ['a', 'b'], upTo(300))
    await place.idle(bank)
    await assertDesk(bank, { held: 1, waiting: 299 })
    broken.clear()
    await bank.desk.release((await onlyHeld(bank)).id)
    await place.idle(bank)
    await assertWritten(bank, 'ledger', lanes(['a', 'b'], upTo(300)))
  }),

  brokerCase(
    'the line behind a held message is read page by page, in order, and each row says behind which',
    async (place) => {
      const bank = await place.start([failing(new Set([0]))])
      await publish(bank, ['a', 'b'], upTo(8))
      await place.idle(bank)
      const { id, processor, message } = await onlyHeld(bank)
      const rows: DeskRow[] = []
      for (let after: number | undefined; ; after = rows.at(-1)!.place) {
        const page = await bank.desk.line(id, { after, limit: 3 })
        if (page.length === 0) break
        rows.push(...page)
      }
      const ns = rows.map(({ data }) => (data as { n: number }).n)
      assert.deepEqual(ns, upTo(8, 1), 'the line, page by page')
      for (const row of rows) {
        const { behind, state, message: of } = row
        assert.deepEqual([row.processor, of.context, state, behind], [processor, message.context, 'line', id])
      }
    },
  ),

  brokerCase(
    'a message in line is corrected or discarded where it stands, and each act raises its revision',
    async (place) => {
      const broken = new Set([0])
      const bank = await place.start([failing(broken)])
      await publish(bank, ['a'], upTo(4))
      await place.idle(bank)
      const { id, revision } = await onlyHeld(bank)
      const by = { by: 'case', reason: 'a case' }
      const [one, two] = await bank.desk.line(id)
      const corrected = { ...(one!.data as object), n: 10 }
      await bank.desk.resubmit(one!.id, corrected, { ...by, revision: one!.revision })
      await bank.desk.discard(two!.id, { ...by, revision: two!.revision })
      const line = await bank.desk.line(id)
      const shown = line.map(({ data, place, revision }) => [(data as { n: number }).n, place, revision])
      assert.deepEqual(shown, [
        [10, one!.place, one!.revision + 1],
        [3, line[1]!.place, 0],
      ])
      const again = bank.desk.discard(one!.id, { ...by, revision: one!.revision })
      await assert.rejects(again, { code: 'millrace/stale-revision' }, 'a repair that names an old revision')
      broken.clear()
      await bank.desk.release(id, { ...by, revision })
      await place.idle(bank)
      await assertWritten(bank, 'ledger', lanes(['a'], [0, 10, 3]))
    },
  ),

  brokerCase('what is held and its line are kept across a restart', async (place) => {
    const broken = new Set([2])
    const first = await place.start([failing(broken)])
    await publish(first, ['a', 'b'], upTo(6))
    await place.idle(first)
    const before = await onlyHeld(first)
    await place.stop(first)
    const bank = await place.start([failing(broken)])
    await publish(bank, ['a', 'b'], upTo(8, 6))
    await place.idle(bank)
    await assertDesk(bank, { held: 1, waiting: 5 })
    const { id, message, error, attempts } = await onlyHeld(bank)
    assert.deepEqual(
      { id, message: message.id, json: message.json, error, attempts },
      { id: before.id, message: before.message.id, json: before.message.json, error: before.error, attempts: 2 },
    )
    broken.clear()
    await bank.desk.release(id)
    await place.idle(bank)
    await assertWritten(bank, 'ledger', lanes(['a', 'b'], upTo(8)))
  }),

  brokerCase('a message of a type that nobody knows is held, and goes on when the type is back', async (place) => {
    const Closed = event('closed', { schema: move, context: ({ account }) => account })
    const Both = topic('moves', [Moved, Closed])
    const before = await place.start([Both])
    await before.publish(Closed, { account: 'a', n: 0 })
    await publish(before, ['a', 'b'], [1])
    await place.stop(before)
    const without = await place.start([ledger('ledger')])
    await place.idle(without)
    await assertWritten(without, 'ledger', lanes(['b'], [1]))
    const { id, error, message, waiting } = await onlyHeld(without)
    assert.deepEqual([message.type, error?.code, waiting], ['closed', 'millrace/unknown-type', 1])
    await place.stop(without)
    const again = processor('ledger', {
      on: Both,
      handle: {
        moved: ({ data }, { commit }) => commit((tx) => write(tx, 'ledger', data)),
        closed: ({ data }, { commit }) => commit((tx) => write(tx, 'ledger', data)),
      },
    })
    const bank = await place.start([again])
    await bank.desk.release(id)
    await place.idle(bank)
    const expected = new Map([...lanes(['a'], upTo(2)), ...lanes(['b'], [1])])
    await assertWritten(bank, 'ledger', expected)
  }),

  brokerCase('a message that does not fit its schema any more is held', async (place) => {
    const Older = event('moved', {
      schema: shape({ account: 'string', n: 'string' }),
      context: ({ account }) => account,
    })
    const before = await place.start([topic('moves', [Older])])
    await before.publish(Older, { account: 'a', n: 'one' })
    await place.stop(before)
    const bank = await place.start([ledger('ledger')])
    await publish(bank, ['b'], [0])
    await place.idle(bank)
    await assertWritten(bank, 'ledger', lanes(['b'], [0]))
    assert.equal((await onlyHeld(bank)).error?.code, 'millrace/bad-data')
  }),

  brokerCase(
    'a request that is held says so, and those of its lane behind which it is, until it is released',
    async (place) => {
      const Move = command('move', {
        schema: shape({ account: 'string', n: 'number' }),
        context: ({ account }) => account,
      })
      const broken = new Set([1])
      const mover = processor('mover', {
        on: channel('moves', [Move]),
        retry: { attempts: 1 },
        handle: {
          move: ({ data: { n } }) => {
            if (broken.has(n)) throw new Error(`broken ${n}`)
          },
        },
      })
      const bank = await place.start([mover])
      const ask = (account: string, n: number) =>
        bank.request(Move, { account, n }, { id: `${account}${n}` }).then(
          () => 'done',
          (error: { data?: unknown }) => error.data,
        )
      const shown = async (id: string) => {
        const { state, item, behind } = (await bank.requestStatus(id))!
        return { state, item, behind }
      }
      const ends = place.until('the callers are told', Promise.all([ask('a', 1), ask('a', 2), ask('b', 3)]))
      const { id: item } = (await ends.then(() => bank.desk.list({ states: ['held'] })))[0]!
      assert.deepEqual(await ends, [{ id: 'a1', item }, { id: 'a2', behind: item }, 'done'])
      assert.deepEqual(await place.until('the caller is told', ask('a', 4)), { id: 'a4', behind: item })
      assert.deepEqual(await shown('a1'), { state: 'held', item, behind: undefined })
      assert.deepEqual(await shown('a4'), { state: 'waiting', item: undefined, behind: item })
      broken.clear()
      await bank.desk.release(item)
      await place.idle(bank)
      for (const id of ['a1', 'a2', 'a4']) {
        assert.deepEqual(await shown(id), { state: 'replied', item: undefined, behind: undefined })
      }
    },
  ),
]
