// Help for operators: what an error means and what to do, beside what is held.
import assert from 'node:assert/strict'
import test from 'node:test'
import { channel, command, type DeskOptions, desk, type Help, processor } from 'millrace'
import { z } from 'zod'
import { topologyOf } from '../../src/describe/topology.ts'
import { coded } from '../support.ts'
import { atDesk, bank, ledger, Moves, publish } from './support.ts'

const empty = { text: 'Order more of the article, then release.', url: 'https://wiki.example/empty' }
const down = { text: 'The bank is away. Wait an hour, then release.' }
const typed = { text: 'Ask the bank.' }
const wrong = { text: 'A mistake in the code: tell the team.' }

const coding = (code: string, cause?: unknown) => Object.assign(new Error('broken 7', { cause }), { code })
const errors: Readonly<Record<string, () => unknown>> = {
  a: () => coding('EMPTY'),
  b: () => coding('OTHER', coding('ECONNREFUSED')),
  c: () => new TypeError('no such field'),
  d: () => coding('constructor'),
}
const failing = ledger(
  ({ account }) => {
    throw errors[account]!()
  },
  { retry: { attempts: 1 }, owner: 'team money' },
)
const rules = desk('rules', { on: Moves, help: { EMPTY: empty, ECONNREFUSED: down, TypeError: wrong, moved: typed } })

test('a held message has the help of its error, its causes or its type, and the owner of its processor', async (t) => {
  const sim = bank(t, [failing, rules])
  for (const account of Object.keys(errors)) await publish(sim, account, [0])
  await sim.untilIdle()
  const held = await atDesk(sim, 'held')
  assert.deepEqual(
    held.map(({ help }) => help),
    [empty, down, wrong, typed],
  )
  assert.deepEqual(new Set(held.map(({ owner }) => owner)), new Set(['team money']))
  assert.deepEqual(sim.held(), held)
  const item = await sim.settled(sim.app.desk.show(held[0]!.id))
  assert.deepEqual([item?.help, item?.owner], [empty, 'team money'])
})

test('a group has the help of its error or its type; one of several types, where all desks say the same', async (t) => {
  const Ping = command('ping', { schema: z.object({}) })
  const Pings = channel('pings', [Ping])
  const pinged = processor('pinged', {
    on: Pings,
    retry: { attempts: 1 },
    handle: {
      ping: () => {
        throw coding('EMPTY')
      },
    },
  })
  const said = async (help: Help) => {
    const sim = bank(t, [failing, rules, pinged, desk('pings-desk', { on: Pings, help: { EMPTY: help } })])
    await publish(sim, 'a', [0])
    await publish(sim, 'd', [0])
    await sim.settled(sim.app.send(Ping, {}))
    await sim.untilIdle()
    const of = async (by: 'all' | 'error' | 'type' | 'processor') => {
      const groups = await sim.settled(sim.app.desk.groups(by))
      return groups.map(({ processor, type, error, help, owner }) => [processor ?? type ?? error, help, owner])
    }
    return { of }
  }
  const other = await said(down)
  assert.deepEqual(await other.of('all'), [
    ['ledger', empty, 'team money'],
    ['ledger', typed, 'team money'],
    ['pinged', down, null],
  ])
  assert.deepEqual(await other.of('error'), [
    ['EMPTY: broken #', null, null],
    ['constructor: broken #', null, null],
  ])
  assert.deepEqual(await other.of('type'), [
    ['moved', typed, null],
    ['ping', null, null],
  ])
  assert.deepEqual(await other.of('processor'), [
    ['ledger', null, 'team money'],
    ['pinged', null, null],
  ])
})

test('help of a desk is in the topology, and nothing else there has any', () => {
  const { nodes } = topologyOf({ name: 'bank', parts: [failing, rules] })
  assert.deepEqual(
    nodes.filter(({ help }) => help !== undefined).map(({ id, help }) => [id, help]),
    [['desk:rules', { EMPTY: empty, ECONNREFUSED: down, TypeError: wrong, moved: typed }]],
  )
})

test('help that says nothing, or leads to no page, is refused where it is declared', () => {
  const declare = (help: unknown) => () => desk('d', { on: Moves, help } as DeskOptions<never>)
  for (const [help, why] of [
    ['release it', /help must be an object with \{ text, url \} per error code or message type/],
    [{ EMPTY: 'release it' }, /help of "EMPTY" must be \{ text, url \}, not "release it"/],
    [{ EMPTY: {} }, /help of "EMPTY": text must be a text of 1 to 2000 characters/],
    [{ EMPTY: { text: ' ' } }, /text must be a text/],
    [{ EMPTY: { text: 'a', url: 'javascript:alert(1)' } }, /url must begin with https:\/\/ or http:\/\//],
    [{ EMPTY: { text: 'a', url: '/wiki' } }, /url must begin/],
    [{ '': { text: 'a' } }, /a key of help must have 1 to 200 characters/],
  ] as const) {
    assert.throws(declare(help), coded('millrace/bad-option', why))
  }
  assert.throws(declare({ EMPTY: { text: 'a', link: 'b' } }), coded('millrace/unknown-option', /has "link"/))
})

test('a list has the first line of each stack, one message has all of it', async (t) => {
  const sim = bank(t, [failing, rules])
  await publish(sim, 'b', [0])
  await sim.untilIdle()
  const [row] = await atDesk(sim, 'held')
  const item = (await sim.settled(sim.app.desk.show(row!.id)))!
  const whole = [item.error!, item.error!.cause!].map(({ stack }) => stack!)
  const brief = [row!.error!, row!.error!.cause!]
  assert(whole.every((stack) => stack.includes('\n    at ')))
  assert.deepEqual(
    brief.map(({ stack }) => stack),
    whole.map((stack) => stack.split('\n')[0]),
  )
  assert.deepEqual([row!.error!.lost, item.error!.lost], [['stack'], undefined])
})
