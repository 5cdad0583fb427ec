// What a processor does when everything fails: it stops sending messages to the desk and tries one at a time.
import assert from 'node:assert/strict'
import test from 'node:test'
import { app, event, processor, Refused, sqlite, topic } from 'millrace'
import { simulation } from 'millrace/testing'
import { z } from 'zod'
import { bank, type LedgerOptions, ledger, Moved, publish, seen, until, upTo } from './support.ts'

const probing = {
  probeAfter: 5,
  probeFirstMs: 1_000,
  probeEveryMs: 8_000,
  probeMaxMs: 600_000,
  retry: { attempts: 3, firstDelayMs: 100, maxDelayMs: 100, jitter: 0 },
} as const satisfies LedgerOptions

/** A ledger on something that is down for a while, with the attempts that began. */
function depending(options: LedgerOptions = {}, error: () => Error = () => new Error('the dependency is down')) {
  const begun: { account: string; at: number }[] = []
  const state = { down: true, begun, now: () => 0 }
  const part = ledger(
    async ({ account }) => {
      begun.push({ account, at: state.now() })
      await null
      if (state.down) throw error()
    },
    { ...probing, ...options },
  )
  return { part, state }
}

const accounts = (count: number) => upTo(count).map((n) => `a${n}`)

test('after so many failures in a row, across lanes, one message at a time is tried, with growing waits, until one succeeds', async (t) => {
  const { part, state } = depending()
  const sim = bank(t, [part])
  state.now = () => sim.now()
  await Promise.all(accounts(20).map((account) => sim.publish(Moved, { account, n: 0 })))
  await until(sim, 'it probes', () => sim.app.health().status === 'red')
  assert.match(sim.app.health().reasons.join(), /processor "ledger" is probing: its last attempts have all failed/)
  const [{ state: name } = { state: '' }] = await sim.settled(sim.app.processors.list())
  assert.equal(name, 'probing')
  await sim.advance(0)
  const before = state.begun.length
  assert(before <= 20, 'each was tried once at most before')
  await sim.advance(60_000)
  const probes = state.begun.slice(before)
  const waits = probes.slice(1).map(({ at }, index) => at - probes[index]!.at)
  assert(probes[0]!.at - state.begun[before - 1]!.at >= 900)
  assert.deepEqual(
    waits.map((wait) => Math.round(wait / 1_000)),
    [2, 4, 8, 8, 8, 8, 8, 8].slice(0, waits.length),
  )
  assert(waits.length >= 7)
  assert.equal(sim.held().length, 0, 'nothing is held')
  state.down = false
  await sim.untilIdle()
  assert.deepEqual(sim.app.health(), { status: 'green', reasons: [] })
  for (const account of accounts(20)) assert.deepEqual(seen(sim, account), [0])
  assert(sim.trace().some((line) => line.includes('processor "ledger" has recovered')))
})

test('the first wait is the first, however many attempts were running when the last straw came', async (t) => {
  const { part, state } = depending({ concurrency: 16 })
  const sim = bank(t, [part])
  state.now = () => sim.now()
  await Promise.all(accounts(16).map((account) => sim.publish(Moved, { account, n: 0 })))
  await until(sim, 'all have failed', () => state.begun.length === 16, 1)
  await until(sim, 'the first probe', () => state.begun.length === 17)
  const wait = state.begun[16]!.at - state.begun[15]!.at
  assert(wait >= 900 && wait <= 1_100, `the first probe came after ${wait} ms`)
})

test('the log tells probes from attempts: a probe that uses up no attempt has no number', async (t) => {
  const { part, state } = depending()
  const sim = bank(t, [part])
  state.now = () => sim.now()
  await Promise.all(accounts(20).map((account) => sim.publish(Moved, { account, n: 0 })))
  await until(sim, 'it probes', () => sim.app.health().status === 'red')
  await sim.advance(60_000)
  const failed = sim.trace().filter((line) => / of processor "ledger" failed/.test(line))
  assert(failed.some((line) => line.includes('a probe of processor "ledger" failed')))
  assert(failed.some((line) => line.includes('attempt 1 of processor "ledger" failed')))
  assert.deepEqual(
    failed.filter((line) => line.includes('attempt 0')),
    [],
  )
})

test('one lane that fails alone does not make its processor probe', async (t) => {
  const { part, state } = depending({ retry: { attempts: 40, firstDelayMs: 1, maxDelayMs: 1 } })
  const sim = bank(t, [part])
  await publish(sim, 'a', [0])
  await sim.untilIdle()
  assert.equal(state.begun.length, 40)
  assert.equal(sim.held()[0]?.attempts, 40)
  assert.equal(sim.app.health().status, 'green')
})

test('a success in between begins the count anew', async (t) => {
  const sim = bank(t, [
    ledger(
      ({ n }) => {
        if (n % 5 !== 4) throw new Error('broken')
      },
      { ...probing, retry: { attempts: 1 }, concurrency: 1 },
    ),
  ])
  for (const n of upTo(40)) await publish(sim, `a${n}`, [n])
  await sim.untilIdle()
  assert.equal(sim.held().length, 32)
  assert.equal(sim.app.health().status, 'green')
})

test('refusals and unreadable data are the fault of no dependency: they start no probing', async (t) => {
  const { part } = depending({}, () => new Refused('no'))
  const sim = bank(t, [part])
  for (const account of accounts(20)) await publish(sim, account, [0])
  await sim.untilIdle()
  assert.equal(sim.held().length, 20)
  assert.equal(sim.app.health().status, 'green')

  const Old = event('read', { schema: z.object({ n: z.number() }) })
  const New = event('read', { schema: z.object({ n: z.string() }) })
  let now = Old
  const other = simulation({
    app: () => {
      const On = topic('reads', [now])
      const reader = processor('reader', { on: On, probeAfter: 5, handle: { read: () => {} }, startAt: 'beginning' })
      return app({ name: 'reads', broker: sqlite({ file: 'reads.db' }), parts: now === Old ? [On] : [On, reader] })
    },
  })
  t.after(() => other.stop())
  for (const n of upTo(20)) await other.publish(Old, { n })
  now = New as never
  await other.restart()
  await other.untilIdle()
  assert.equal(other.held().length, 20)
  assert.equal(other.app.health().status, 'green')
})

test('probes go round the lanes and use up no attempts until probeMaxMs is over; then what stays broken comes to the desk', async (t) => {
  const { part, state } = depending({ probeMaxMs: 60_000, probeEveryMs: 2_000, concurrency: 1 })
  const sim = bank(t, [part])
  state.now = () => sim.now()
  await Promise.all(accounts(6).map((account) => sim.publish(Moved, { account, n: 0 })))
  await until(sim, 'it probes', () => sim.app.health().status === 'red')
  const began = sim.now()
  const first = state.begun.length
  await sim.advance(50_000)
  const probes = state.begun.slice(first).map(({ account }) => account)
  assert(probes.length >= 20)
  const per = new Map(accounts(6).map((account) => [account, probes.filter((one) => one === account).length]))
  assert(Math.max(...per.values()) - Math.min(...per.values()) <= 1, `each lane in turn: ${probes.join(' ')}`)
  assert.equal(sim.held().length, 0)
  await until(sim, 'one is held', () => sim.held().length > 0, 100)
  assert(sim.now() - began >= 60_000)
  const { attempts, tries } = sim.held()[0]!
  assert.deepEqual([attempts, tries.length], [3, 3])
  await sim.untilIdle()
  assert.equal(sim.held().length, 6)
})

test('a probing processor holds up no other, takes new messages, and forgets nothing in a crash', async (t) => {
  const { part, state } = depending()
  const sim = bank(t, [part, ledger(undefined, { name: 'other' })])
  await Promise.all(accounts(10).map((account) => sim.publish(Moved, { account, n: 0 })))
  await until(sim, 'it probes', () => sim.app.health().status === 'red')
  for (const account of accounts(10)) await publish(sim, account, [1])
  await sim.advance(1_000)
  for (const account of accounts(10)) assert.deepEqual(seen(sim, account, 'other'), upTo(2))
  await sim.crash()
  await sim.restart()
  await sim.advance(20_000)
  assert.equal(sim.app.health().status, 'red')
  state.down = false
  await sim.untilIdle()
  for (const account of accounts(10)) assert.deepEqual(seen(sim, account), upTo(2))
})

test('a message released while its processor probes takes its turn among the probes', async (t) => {
  const { part, state } = depending({ retry: { attempts: 1 } })
  const sim = bank(t, [part])
  await Promise.all(accounts(10).map((account) => sim.publish(Moved, { account, n: 0 })))
  await until(sim, 'it probes', () => sim.app.health().status === 'red')
  await sim.advance(100)
  const held = sim.held()
  assert(held.length >= 5)
  for (const { id } of held) await sim.release(id)
  await sim.advance(30_000)
  state.down = false
  await sim.untilIdle()
  for (const account of accounts(10)) assert.deepEqual(seen(sim, account), [0])
})
