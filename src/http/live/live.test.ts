import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import test from 'node:test'
import { TestClock } from '../../../test/clock.ts'
import type { AuditRow } from '../../model/desk.ts'
import type { Operation } from '../../model/desk-views.ts'
import { fault } from '../../model/errors.ts'
import type { Edge } from '../../operate/edge.ts'
import type { Served } from '../served.ts'
import { Live } from './live.ts'

interface Event {
  readonly event: string
  readonly id: string | undefined
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at what it expects
  readonly data: any
}

/** An app of one part, whose counters a test sets, on a clock that a test sets. */
function watched() {
  const clock = new TestClock(1_000)
  const is = {
    held: 0,
    handled: 0,
    looks: 0,
    isUp: true,
    audit: [] as Partial<AuditRow>[],
    questions: [] as { id: number; flow: number }[],
    operations: [] as Partial<Operation>[],
    logged: [] as string[],
  }
  const counts = () => ({ handled: is.handled, failed: 0, refused: 0, criticalNewestMs: 4, attempt: {}, critical: {} })
  const part = () => ({
    name: 'ledger',
    on: 'payments',
    state: 'live',
    lag: 2,
    running: 1,
    held: is.held,
    counts: counts(),
  })
  const app = {
    name: 'bank',
    health: () => (is.isUp ? { status: 'green', reasons: [] } : { status: 'red', reasons: ['the disk is full'] }),
    metrics: async () => {
      is.looks++
      if (!is.isUp) throw fault('millrace/not-started', 'the app does not run')
      return { at: clock.now(), since: 500, parts: [part()] }
    },
    desk: { audit: async ({ limit }: { limit: number }) => is.audit.toReversed().slice(0, limit) },
    flows: {
      questions: async ({ after, limit }: { after: number; limit: number }) =>
        is.questions.filter(({ id }) => id > after).slice(0, limit),
    },
  } as unknown as Served
  const edge = {
    world: {
      ...{ now: clock.now, elapsed: clock.elapsed, after: clock.after, newId: () => 'run' },
      log: (_level: string, text: string) => void is.logged.push(text),
    },
    operations: async () => is.operations,
  } as unknown as Edge
  const live = new Live(app, edge)
  const settled = () => new Promise<void>((resolve) => setImmediate(resolve))
  const second = async (count = 1) => {
    for (let n = 0; n < count; n++) {
      clock.pass(1_000)
      await settled()
    }
  }
  return { live, clock, is, settled, second }
}

/** Reads what is in a stream, and what comes, as events. */
function reading(stream: ReadableStream<Uint8Array>) {
  const reader = stream.getReader()
  let text = ''
  let isOver = false
  const read = async () => {
    for (;;) {
      const next = reader.read()
      const got = await Promise.race([
        next,
        new Promise<undefined>((resolve) => setImmediate(() => resolve(undefined))),
      ])
      if (got === undefined) {
        rest = next
        return
      }
      isOver = got.done
      if (got.done) return
      text += new TextDecoder().decode(got.value)
    }
  }
  let rest: ReturnType<typeof reader.read> | undefined
  return {
    async events(): Promise<Event[]> {
      if (rest !== undefined) {
        const got = await Promise.race([
          rest,
          new Promise<undefined>((resolve) => setImmediate(() => resolve(undefined))),
        ])
        if (got === undefined) return []
        rest = undefined
        isOver = got.done
        if (!got.done) text += new TextDecoder().decode(got.value)
      }
      if (!isOver) await read()
      const blocks = text.split('\n\n').slice(0, -1)
      text = ''
      return blocks
        .filter((block) => block.startsWith('event'))
        .map((block) => ({
          event: /^event: (.*)$/m.exec(block)![1]!,
          id: /^id: (.*)$/m.exec(block)?.[1],
          data: JSON.parse(/^data: (.*)$/m.exec(block)![1]!),
        }))
    },
    get isOver() {
      return isOver
    },
    cancel: () => reader.cancel(),
  }
}

const names = (events: readonly Event[]) => events.map(({ event }) => event)

test('nothing is read and no timer is set without a viewer', async () => {
  const { live, clock, is, settled, second } = watched()
  await second(3)
  assert.deepEqual([is.looks, clock.waits], [0, []])
  const one = live.add(undefined, 10)
  one.stream()
  await settled()
  await second(2)
  assert.deepEqual([is.looks, clock.waits.length], [3, 1])
  one.end()
  await second(5)
  assert.deepEqual([is.looks, clock.waits], [3, []])
})

test('all who watch are given the same bytes, from one look a second', async () => {
  const { live, is, settled, second } = watched()
  const streams = [live.add(undefined, 10), live.add(undefined, 10)].map((viewer) => viewer.stream().getReader())
  await settled()
  is.handled = 7
  await second()
  const chunks = await Promise.all(
    streams.map(async (reader) =>
      [await reader.read(), await reader.read(), await reader.read()].map(({ value }) => value),
    ),
  )
  assert.equal(chunks[0]![1], chunks[1]![1])
  assert.equal(chunks[0]![2], chunks[1]![2])
  assert.equal(is.looks, 2)
  const [, data] = /^data: (.*)$/m.exec(new TextDecoder().decode(chunks[0]![2]))!
  assert.deepEqual(JSON.parse(data!), {
    ...{ at: 2_000, health: 'green', reasons: [], since: 500 },
    parts: [
      {
        ...{ name: 'ledger', on: 'payments', state: 'live', lag: 2, running: 1, held: 0 },
        ...{ handled: 7, failed: 0, refused: 0, criticalMs: 4 },
      },
    ],
  })
})

test('changes are named: parts, groups, messages, flows, operations', async () => {
  const { live, is, settled, second } = watched()
  is.audit.push({ id: 1, action: 'held', item: 1, group: null, subject: 'ledger' })
  const { events } = reading(live.add(undefined, 10).stream())
  await settled()
  assert.deepEqual(names(await events()), ['pulse'])
  await second()
  assert.deepEqual(names(await events()), ['pulse'])
  is.held = 1
  is.audit.push({ id: 2, action: 'noted', item: null, group: 5, subject: '' })
  is.audit.push({ id: 3, action: 'claimed', item: 8, group: null, subject: 'books' })
  is.audit.push({ id: 4, action: 'answered', item: null, group: null, subject: '12' })
  is.questions.push({ id: 30, flow: 11 })
  is.operations = [{ id: 2, state: 'running', total: 9, done: 1, refused: 0, failures: 0 }]
  await second()
  const [desk, question, operation, pulse] = await events()
  assert.deepEqual(desk?.data, { parts: ['ledger', 'books'], groups: [5], items: [8] })
  assert.deepEqual(question?.data, { flows: [11, 12] })
  const open = [{ id: 2, state: 'running', total: 9, done: 1, refused: 0, failures: 0 }]
  assert.deepEqual(operation?.data, { open, ended: [] })
  assert.deepEqual([pulse?.event, pulse?.data.parts[0].held], ['pulse', 1])
  is.operations = []
  await second()
  assert.deepEqual((await events())[0]?.data, { open: [], ended: [2] })
})

test('a returning viewer gets the changes since; after too long, or from another run, it is told reset', async () => {
  const { live, is, settled, second } = watched()
  const keeps = reading(live.add(undefined, 10).stream())
  const goes = reading(live.add(undefined, 10).stream())
  await settled()
  await second()
  const { id } = (await goes.events()).at(-1)!
  await goes.cancel()
  is.held = 3
  await second(2)
  assert.deepEqual(names(await reading(live.add(id, 10).stream()).events()), ['desk', 'pulse', 'pulse'])
  await keeps.events()
  for (let n = 0; n < 300; n++) {
    await second()
    await keeps.events()
  }
  assert.deepEqual(names(await reading(live.add(id, 10).stream()).events()), ['reset', 'pulse'])
  for (const strange of ['other-3', 'run-999999', 'run-', '']) {
    assert.deepEqual(names(await reading(live.add(strange, 10).stream()).events()), ['reset', 'pulse'], strange)
  }
})

test('changes while no viewer was there are told to a returning one', async () => {
  const { live, is, settled, second } = watched()
  const first = reading(live.add(undefined, 10).stream())
  await settled()
  await second()
  const { id } = (await first.events()).at(-1)!
  await first.cancel()
  is.held = 1
  await second(60)
  const again = reading(live.add(id, 10).stream())
  await settled()
  assert.deepEqual(names(await again.events()), ['desk', 'pulse'])
})

test('a reader that stands still is given nothing, told reset when it reads again, and closed after 30 seconds', async () => {
  const { live, is, settled, second } = watched()
  const others = reading(live.add(undefined, 10).stream())
  const slow = live.add(undefined, 10)
  const stream = slow.stream()
  const big = { id: 0, action: 'noted', item: null, subject: '' } as const
  await settled()
  let desks = 0
  const heard = async () => {
    desks += (await others.events()).filter(({ event }) => event === 'desk').length
  }
  // Names of parts fill the stream of who does not read.
  for (let n = 1; n <= 3; n++) {
    is.audit.push({ ...big, id: n, item: n, group: null, subject: `${n}`.repeat(100_000) })
    await second()
    await heard()
  }
  is.audit.push({ ...big, id: 9, group: 9 })
  await second()
  await heard()
  assert.equal(desks, 4)
  const reader = reading(stream)
  const before = await reader.events()
  assert.equal(before.filter(({ event }) => event === 'desk').length, 3)
  await second()
  assert.deepEqual(names(await reader.events()), ['reset', 'pulse'])
  for (let n = 11; n <= 14; n++) {
    is.audit.push({ ...big, id: n, item: n, group: null, subject: `${n}`.repeat(50_000) })
    await second()
  }
  await others.events()
  await second(31)
  const last = await reader.events()
  assert.deepEqual([names(last).filter((name) => name === 'desk').length, last.length, reader.isOver], [4, 8, true])
  assert((await others.events()).length >= 31)
  assert.equal(others.isOver, false)
})

test('an app that does not run is told as red; when it runs anew, all is to be read anew', async () => {
  const { live, is, settled, second } = watched()
  const { events } = reading(live.add(undefined, 10).stream())
  await settled()
  await events()
  is.isUp = false
  await second()
  const [pulse, ...none] = await events()
  assert.deepEqual(none, [])
  assert.deepEqual(pulse?.data, { at: 2_000, health: 'red', reasons: ['the disk is full'], since: null, parts: null })
  is.isUp = true
  await second()
  assert.deepEqual(names(await events()), ['reset', 'pulse'])
  assert.deepEqual(is.logged, [])
})

test('more acts than one look reads are told as reset', async () => {
  const { live, is, settled, second } = watched()
  const { events } = reading(live.add(undefined, 10).stream())
  await settled()
  await events()
  for (let id = 1; id <= 101; id++) is.audit.push({ id, action: 'held', item: id, group: null, subject: 'ledger' })
  await second()
  assert.deepEqual(names(await events()), ['reset', 'desk', 'pulse'])
})

test('a comment comes every 15 seconds, and the number of viewers is bounded', async () => {
  const { live, settled, second } = watched()
  const stream = live.add(undefined, 1).stream()
  assert.throws(() => live.add(undefined, 1), { code: 'millrace/too-many-listeners' })
  await settled()
  await second(30)
  const reader = stream.getReader()
  let comments = 0
  for (let n = 0; n < 34; n++) if (new TextDecoder().decode((await reader.read()).value) === ':\n\n') comments++
  assert.equal(comments, 3)
})

test('a viewer that left leaves nothing at the signal of the server, and its place is free', async () => {
  const { live } = watched()
  const { signal } = new AbortController()
  const viewer = live.add(undefined, 1)
  viewer.endWith([signal])
  const stream = viewer.stream()
  assert.equal(getEventListeners(signal, 'abort').length, 1)
  await stream.cancel()
  assert.equal(getEventListeners(signal, 'abort').length, 0)
  live.add(undefined, 1)
})
