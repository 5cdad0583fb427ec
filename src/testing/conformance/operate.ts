// Cases for what people see and say beside the repairs: claims, notes, snoozes, alerts, words, schedules, receipts.
import assert from 'node:assert/strict'
import { type App, channel, command, event, type Part, processor, schedule, topic } from '../../index.ts'
import { type AlertWatch, alertTopic } from '../../model/alerts.ts'
import { stoppedMessages, stoppedProcessors } from '../../operate/stopped.ts'
import type { World } from '../../seam/world.ts'
import {
  type BrokerCase,
  brokerCase,
  coded,
  ledger,
  move,
  onlyHeld,
  type Place,
  publish,
  shape,
  turns,
} from './support.ts'

const hour = 3_600_000
const fails = () => {
  throw new Error('no such account')
}

/** The newest line of the audit log, without its number and its time. */
async function lastLine(bank: App) {
  const [{ id: _id, at: _at, ...line }] = (await bank.desk.audit({ limit: 1 })) as [
    Awaited<ReturnType<App['desk']['audit']>>[number],
  ]
  return line
}

/** Waits until a list has as many rows as it should. */
async function rowsOf<Row>(place: Place, what: string, count: number, list: () => Promise<readonly Row[]>) {
  const look = async () => {
    for (;;) {
      const rows = await list()
      if (rows.length === count) return rows
      await turns(20)
    }
  }
  return place.until(what, look())
}

/** A part that watches, as `alerts` of `millrace/http` makes one; it sends nothing. */
function watching(name: string): Part {
  const watch: AlertWatch = {
    ...{ group: true, closedMs: false, behindMs: false, questionMs: false, paused: false, disk: false },
    ...{ calmMs: 0, baseUrl: undefined },
  }
  const handle = { 'alert.raised': () => {}, 'alert.ended': () => {} }
  return Object.freeze({ ...processor(name, { on: alertTopic, handle }), watch })
}

/** A world in which the time between two looks of alerts is short. */
const looksOften = (real: World): World => ({
  ...real,
  after: (ms, ...rest) => real.after(ms === 10_000 ? 5 : ms, ...rest),
})

const Ask = command('ask', { schema: move, reply: shape({ n: 'number' }) })
const Asks = channel('asks', [Ask])
const answers = processor('answers', { on: Asks, handle: { ask: ({ data: { n } }) => ({ n }) } })

export const operateCases: readonly BrokerCase[] = [
  brokerCase('a claim keeps others off, over a restart, until it is given back or taken over', async (place) => {
    const first = await place.start([ledger('ledger', { before: fails })])
    await publish(first, ['a'], [1])
    await place.idle(first)
    const { id, revision } = await onlyHeld(first)
    await first.desk.claim(id, { by: 'ada', forMs: hour, reason: 'I look' })
    await assert.rejects(first.desk.claim(id, { by: 'ben' }), coded('millrace/claimed'))
    await assert.rejects(first.desk.discard(id, { by: 'ben', reason: 'old' }), coded('millrace/claimed'))
    await place.stop(first)
    const bank = await place.start([ledger('ledger', { before: fails })])
    const held = await onlyHeld(bank)
    assert.deepEqual([held.claim?.by, held.revision], ['ada', revision], 'a claim is no repair')
    await assert.rejects(bank.desk.unclaim(id, { by: 'ben' }), coded('millrace/claimed'))
    await bank.desk.claim(id, { by: 'ben', takeOver: true, reason: 'ada is away' })
    assert.deepEqual(
      { ...(await lastLine(bank)), detail: null },
      { by: 'ben', action: 'claimed', item: id, group: null, subject: 'ledger', reason: 'ada is away', detail: null },
    )
    await bank.desk.unclaim(id, { by: 'ben' })
    assert.equal((await onlyHeld(bank)).claim, null)
    await bank.desk.discard(id, { by: 'cleo', reason: 'old' })
    await assert.rejects(bank.desk.claim(id, { by: 'ada' }), coded('millrace/not-held'))
  }),

  brokerCase(
    'notes and snoozes of a group are kept and audited; a snooze ends with as many messages as it says',
    async (place) => {
      const parts = [ledger('ledger', { before: fails })]
      const first = await place.start(parts)
      await publish(first, ['a'], [1])
      await place.idle(first)
      const { id } = await onlyHeld(first)
      const [group] = await first.desk.groups('all')
      await first.desk.note(id, 'asked the bank', { by: 'ada' })
      await first.desk.note({ group: group!.id! }, 'all of one bank', { by: 'ada' })
      const until = Date.now() + hour
      await first.desk.snooze(group!.id!, { by: 'ada', reason: 'until the bank answers', until, orCount: 3 })
      await place.stop(first)
      const bank = await place.start(parts)
      const shown = async () => (await bank.desk.groups('all'))[0]!
      const { note, snooze, snoozed } = await shown()
      assert.deepEqual([note?.text, note?.by, snoozed], ['all of one bank', 'ada', 1])
      assert.deepEqual({ ...snooze, at: 0 }, { until, orCount: 3, by: 'ada', at: 0, reason: 'until the bank answers' })
      assert.deepEqual(
        (await bank.desk.audit())
          .filter(({ by }) => by === 'ada')
          .map(({ action, item, group: of }) => [action, item, of]),
        [
          ['snoozed', null, group!.id],
          ['noted', null, group!.id],
          ['noted', id, null],
        ],
      )
      await publish(bank, ['b', 'c'], [1])
      await place.idle(bank)
      assert.deepEqual([(await shown()).held, (await shown()).snoozed], [3, 0], 'there are three now')
      await bank.desk.snooze(group!.id!, { by: 'ada', reason: 'once more', until })
      await bank.desk.wake(group!.id!, { by: 'ben' })
      assert.equal((await shown()).snooze, null)
      await assert.rejects(bank.desk.wake(group!.id! + 1_000, { by: 'ben' }), coded('millrace/unknown-group'))
    },
  ),

  brokerCase(
    'an alert is raised once and ended once, over a restart; people see those that are raised',
    async (place) => {
      const parts = [ledger('ledger', { before: fails }), watching('ops')]
      const first = await place.start(parts, { world: looksOften })
      await publish(first, ['a'], [1])
      const [raised] = await rowsOf(place, 'an alert is raised', 1, () => first.processors.alerts())
      const { id } = await onlyHeld(first)
      const [group] = await first.desk.groups('all')
      assert.deepEqual(
        [raised!.watch, raised!.alert, raised!.kind, raised!.part, raised!.count],
        ['ops', `group ${group!.id}`, 'group', 'ledger', 1],
      )
      await place.stop(first, 0)
      if (place.offline !== undefined) {
        assert.deepEqual(await stoppedProcessors(place.offline, undefined).alerts(), [raised])
      }
      const bank = await place.start(parts, { world: looksOften })
      assert.deepEqual(await bank.processors.alerts(), [raised])
      await bank.desk.discard(id, { by: 'ada', reason: 'old' })
      await rowsOf(place, 'the alert has ended', 0, () => bank.processors.alerts())
      const { items } = await bank.messages.list({ destination: 'millrace.alerts', order: 'oldest' })
      assert.deepEqual(
        items.map(({ type, json }) => [type, JSON.parse(json!).incident]),
        [
          ['alert.raised', raised!.incident],
          ['alert.ended', raised!.incident],
        ],
      )
    },
  ),

  brokerCase('a processor is retired in one step with its line of the audit log', async (place) => {
    const first = await place.start([ledger('old'), ledger('ledger')])
    await publish(first, ['a'], [1, 2])
    await place.idle(first)
    await place.stop(first)
    const second = await place.start([ledger('ledger')])
    await second.processors.retire('old', { by: 'ada', reason: 'replaced' })
    const line = await lastLine(second)
    assert.deepEqual(
      [line.by, line.action, line.subject, line.reason, line.item],
      ['ada', 'retired', 'old', 'replaced', null],
    )
    await place.stop(second)
    const bank = await place.start([ledger('ledger')])
    assert.deepEqual(
      (await bank.processors.list()).map(({ name }) => name),
      ['ledger'],
    )
    assert.deepEqual(await lastLine(bank), line)
  }),

  brokerCase('a schedule keeps how many slots were left out while the app was down, and when', async (place) => {
    const Told = event('told', { schema: shape({ slot: 'number' }) })
    const hourly = schedule('hourly', {
      cron: '0 * * * *',
      publishes: Told,
      data: ({ at }) => ({ slot: at.getTime() }),
    })
    const parts = [topic('tales', [Told]), hourly]
    // Each app starts half past an hour: just after a full hour its slot would still be fired.
    const toHalfPast = (1.5 * hour - (Date.now() % hour)) % hour
    const later =
      (ms: number) =>
      (real: World): World => ({ ...real, now: () => real.now() + toHalfPast + ms })
    const first = await place.start(parts, { world: later(0) })
    assert.deepEqual(
      (await first.schedules.list()).map(({ skipped, skippedAt }) => [skipped, skippedAt]),
      [[0, null]],
    )
    await place.stop(first)
    const second = await place.start(parts, { world: later(5 * hour) })
    const [left] = await rowsOf(place, 'slots are left out', 1, async () =>
      (await second.schedules.list()).filter(({ skipped }) => skipped > 0),
    )
    assert.equal(left!.skipped, 5)
    const startedAt = Date.now() + toHalfPast + 5 * hour
    assert(Math.abs(left!.skippedAt! - startedAt) < 0.1 * hour, 'it is the time of that start')
    await place.stop(second)
    const bank = await place.start(parts, { world: later(5 * hour + 1_000) })
    const [kept] = await bank.schedules.list()
    assert.deepEqual([kept!.skipped, kept!.skippedAt, kept!.lastAt], [5, left!.skippedAt, null])
  }),

  brokerCase('messages are found by the words in their data, also after a restart', async (place) => {
    const Said = event('said', { schema: shape({ text: 'string', secret: 'string' }), secret: ['/secret'] })
    const parts = [topic('talk', [Said])]
    const first = await place.start(parts, { finder: true })
    const say = (bank: App, text: string) => bank.publish(Said, { text, secret: 'canary' })
    const { id } = await say(first, 'a sieve and a kettle')
    await say(first, 'a pan')
    // The index is made a moment after the start.
    const notYet = (error: unknown) => {
      if ((error as { code?: string }).code !== 'millrace/no-finder') throw error
      return { items: [] }
    }
    const found = async (bank: App, text: string) => {
      const { items } = await bank.messages.list({ text }).catch(notYet)
      return items.map((item) => item.id)
    }
    assert.deepEqual(await rowsOf(place, 'it is indexed', 1, () => found(first, 'kettle sie')), [id])
    await place.stop(first)
    const bank = await place.start(parts, { finder: true })
    const later = await say(bank, 'another sieve')
    await rowsOf(place, 'both are found', 2, () => found(bank, 'sieve'))
    assert.deepEqual(await found(bank, 'sieve'), [later.id, id], 'the newest first')
    assert.deepEqual(await found(bank, 'canary'), [], 'what is secret is not found')
  }),

  brokerCase('a receipt has the end of a request, also out of the store of a stopped app', async (place) => {
    const parts = [Asks, answers]
    const bank = await place.start(parts)
    await place.until('the reply comes', bank.request(Ask, { account: 'a', n: 7 }, { id: 'mine' }))
    const requestIn = async (messages: App['messages']) => (await messages.receipt('mine')).items[0]!.request
    const running = await requestIn(bank.messages)
    assert.equal(running?.state, 'replied')
    await place.stop(bank)
    if (place.offline === undefined) return
    assert.deepEqual(await requestIn(stoppedMessages(place.offline, parts, Date.now)), running)
  }),
]
