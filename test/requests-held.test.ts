// Requests that a person has to decide about: a caller that fails when held learns of it at once, one that waits gets the
// end, and the request itself continues.
import assert from 'node:assert/strict'
import test from 'node:test'
import {
  type App,
  app,
  channel,
  command,
  desk,
  hold,
  isMillraceError,
  type Part,
  type ProcessorOptions,
  processor,
  type RequestStatus,
  resubmit,
  retry,
  sqlite,
} from 'millrace'
import { simulation } from 'millrace/testing'
import { z } from 'zod'
import { coded, place, started } from './support.ts'

const Till = z.object({ till: z.string(), n: z.number().int() })
const Ring = command('ring', { schema: Till, reply: z.object({ rung: z.number().int() }), context: ({ till }) => till })
const Open = command('open', { schema: z.object({ n: z.number().int() }) })
const Tills = channel('tills', [Ring, Open])

/** Tills that fail for the numbers in `broken`, after two attempts. */
const tills = (
  broken: ReadonlySet<number>,
  more: Partial<ProcessorOptions<typeof Ring | typeof Open, [], []>> = {},
) => {
  const check = (n: number) => {
    if (broken.has(n)) throw new Error(`jammed at ${n}`)
  }
  return processor('tills', {
    on: Tills,
    retry: { attempts: 2, firstDelayMs: 1, maxDelayMs: 1 },
    ...more,
    handle: {
      ring: ({ data: { n } }) => {
        check(n)
        return { rung: n }
      },
      open: ({ data: { n } }) => check(n),
    },
  })
}

const shop = (file: string, ...parts: readonly Part[]): App =>
  app({ name: 'shop', broker: sqlite({ file }), log: () => {}, parts })

type Asks = Pick<App, 'request'>

/** What the caller gets: a reply, or the code of an error, with its data. */
const asked = (running: Asks, n: number, options: Parameters<App['request']>[2] = {}) =>
  running.request(Ring, { till: 'a', n }, { id: `ring ${n}`, ...options }).then(
    ({ rung }) => rung,
    (error: unknown) => {
      assert(isMillraceError(error), String(error))
      return error.code === 'millrace/request-held' ? error.data : error.code
    },
  )

const brief = ({ state, item, behind, reply }: RequestStatus) => ({
  state,
  ...(item === undefined ? {} : { item }),
  ...(behind === undefined ? {} : { behind }),
  ...(reply === undefined ? {} : { reply }),
})
const statusOf = async (running: Pick<App, 'requestStatus'>, n: number) =>
  brief((await running.requestStatus(`ring ${n}`))!)

test('a caller fails at once when its request is held, and again when it asks again; released, the reply is fetched', async (t) => {
  const broken = new Set([1])
  const running = await started(t, shop(place(t), tills(broken)))
  const error = await running.request(Ring, { till: 'a', n: 1 }, { id: 'ring 1' }).catch((caught: unknown) => caught)
  assert(isMillraceError(error, 'millrace/request-held'))
  const [held] = await running.desk.list()
  const item = held!.id
  assert.deepEqual(error.data, { id: 'ring 1', item })
  assert.equal(
    error.message,
    `"ring" is held at the desk as message ${item}, until a person decides; app.requestStatus("ring 1") tells how it ends`,
  )
  assert.deepEqual(await asked(running, 1), { id: 'ring 1', item })
  assert.deepEqual(await statusOf(running, 1), { state: 'held', item })
  assert.equal(await asked(running, 1, { whenHeld: 'wait', timeoutMs: 20 }), 'millrace/request-timed-out')
  const waits = asked(running, 1, { whenHeld: 'wait' })
  broken.clear()
  await running.desk.release(item, { by: 'ann' })
  assert.equal(await waits, 1)
  assert.deepEqual(await statusOf(running, 1), { state: 'replied', reply: { rung: 1 } })
  assert.equal(await asked(running, 1), 1)
})

test('a request behind a held one fails too and says behind which, asked before or after; in its turn it is handled', async (t) => {
  const broken = new Set([1])
  const running = await started(t, shop(place(t), tills(broken)))
  const before = [asked(running, 1), asked(running, 2), asked(running, 3)]
  const first = await before[0]
  const item = (await running.desk.list({ states: ['held'] }))[0]!.id
  assert.deepEqual(first, { id: 'ring 1', item })
  assert.deepEqual(await Promise.all(before.slice(1)), [
    { id: 'ring 2', behind: item },
    { id: 'ring 3', behind: item },
  ])
  assert.deepEqual(await asked(running, 4), { id: 'ring 4', behind: item })
  assert.deepEqual(await asked(running, 4), { id: 'ring 4', behind: item })
  const waits = asked(running, 5, { whenHeld: 'wait' })
  assert.deepEqual(await statusOf(running, 4), { state: 'waiting', behind: item })
  await assert.rejects(
    running.request(Ring, { till: 'a', n: 4 }, { id: 'ring 4' }),
    coded('millrace/request-held', new RegExp(`"ring" waits behind message ${item}, held at the desk`)),
  )
  // Another lane, and a command without one, wait for nobody.
  assert.deepEqual(await running.request(Ring, { till: 'b', n: 6 }), { rung: 6 })
  await running.request(Open, { n: 7 })
  broken.clear()
  broken.add(3)
  await running.desk.release(item, { by: 'ann' })
  await running.idle()
  const next = (await running.desk.list({ states: ['held'] }))[0]!.id
  assert.deepEqual(await Promise.all([1, 2, 3, 4, 5].map((n) => statusOf(running, n))), [
    { state: 'replied', reply: { rung: 1 } },
    { state: 'replied', reply: { rung: 2 } },
    { state: 'held', item: next },
    { state: 'waiting', behind: next },
    { state: 'waiting', behind: next },
  ])
  await running.desk.discard(next, { by: 'ann', reason: 'rung by hand' })
  assert.equal(await waits, 5)
  assert.equal(await asked(running, 4), 4)
  assert.equal(await asked(running, 3), 'millrace/request-discarded')
})

test('those in line behind a message that is tried later fail when it is held, not before', async () => {
  const broken = new Set([1])
  const part = tills(broken, {
    retry: { attempts: 2, immediate: 0, firstDelayMs: 60_000, maxDelayMs: 60_000, jitter: 0 },
  })
  await using sim = simulation({ parts: [part] })
  await sim.send(Ring, { till: 'a', n: 1 }, { id: 'ring 1' })
  await sim.advance(1_000)
  const ends: unknown[] = []
  const behind = [2, 3].map((n) => asked(sim.app, n, { timeoutMs: 600_000 }).then((end) => ends.push(end)))
  await sim.advance(50_000)
  assert.deepEqual(ends, [])
  assert.deepEqual(brief((await sim.settled(sim.app.requestStatus('ring 2')))!), { state: 'waiting' })
  await sim.advance(15_000)
  await Promise.all(behind)
  const item = sim.held()[0]!.id
  assert.deepEqual(ends, [
    { id: 'ring 2', behind: item },
    { id: 'ring 3', behind: item },
  ])
})

test('while a rule decides a request waits; it fails when the rule holds, and not when the rule repairs', async (t) => {
  const broken = new Set([1, 2, 3])
  const asks = Promise.withResolvers<void>()
  const answers = Promise.withResolvers<void>()
  const rule = desk('mender', {
    on: Tills,
    decide: {
      ring: async ({ message }) => {
        if (message.data.n === 1) return resubmit({ till: 'a', n: 9 }, 'mended')
        asks.resolve()
        await answers.promise
        return message.data.n === 2 ? hold('not for a rule') : retry()
      },
    },
  })
  const running = await started(t, shop(place(t), tills(broken), rule))
  assert.equal(await asked(running, 1), 9)
  const fails = asked(running, 2)
  await asks.promise
  assert.deepEqual(await statusOf(running, 2), { state: 'waiting' })
  const behind = asked(running, 4)
  answers.resolve()
  const item = (await fails) as { item: number }
  assert.deepEqual(await statusOf(running, 2), { state: 'held', item: item.item })
  assert.deepEqual(await behind, { id: 'ring 4', behind: item.item })
})

test('a request that kills the process shows as held once the starts give it up, and asking again fails at once', async () => {
  let kills = true
  const part = processor('tills', {
    on: Tills,
    handle: {
      ring: ({ data: { n } }) => (kills ? new Promise<never>(() => {}) : { rung: n }),
      open: () => {},
    },
  })
  await using sim = simulation({ parts: [part] })
  await sim.send(Open, { n: 0 })
  const ends: Promise<unknown>[] = []
  for (let life = 0; life < 6 && sim.held().length === 0; life++) {
    ends.push(asked(sim.app, 1).catch(() => {}))
    await sim.advance(100)
    if (sim.held().length > 0) break
    await sim.crash()
    await sim.restart()
    await sim.advance(100)
  }
  const [held] = sim.held()
  assert.equal(held?.error?.code, 'millrace/killed-the-process')
  const data = { id: 'ring 1', item: held!.id }
  assert.deepEqual(await sim.settled(asked(sim.app, 1)), data)
  assert.deepEqual(await sim.settled(asked(sim.app, 2)), { id: 'ring 2', behind: held!.id })
  kills = false
  await sim.release(held!.id)
  await sim.untilIdle()
  assert.deepEqual(await sim.settled(Promise.all([1, 2].map((n) => statusOf(sim.app, n)))), [
    { state: 'replied', reply: { rung: 1 } },
    { state: 'replied', reply: { rung: 2 } },
  ])
})

test('the next process answers as the one before: held, behind a held one, and its reply after the release', async (t) => {
  const file = place(t)
  const broken = new Set([1])
  const first = await started(t, shop(file, tills(broken)))
  const { item } = (await asked(first, 1)) as { item: number }
  assert.deepEqual(await asked(first, 2), { id: 'ring 2', behind: item })
  await first.stop()
  const second = await started(t, shop(file, tills(broken)))
  assert.deepEqual(await asked(second, 1), { id: 'ring 1', item })
  assert.deepEqual(await asked(second, 2), { id: 'ring 2', behind: item })
  assert.deepEqual(await asked(second, 3), { id: 'ring 3', behind: item })
  broken.clear()
  await second.desk.release(item, { by: 'ann' })
  await second.idle()
  assert.deepEqual(await Promise.all([1, 2, 3].map((n) => asked(second, n))), [1, 2, 3])
})

test('a held request that is cancelled ends as withdrawn, for callers that wait and those that ask again', async (t) => {
  const running = await started(t, shop(place(t), tills(new Set([1]))))
  const { item } = (await asked(running, 1)) as { item: number }
  assert.deepEqual(await asked(running, 2), { id: 'ring 2', behind: item })
  const waits = [1, 2].map((n) => asked(running, n, { whenHeld: 'wait' }))
  assert.equal(await running.cancel(Ring, 'ring 2'), true)
  assert.equal(await waits[1], 'millrace/request-withdrawn')
  assert.equal(await asked(running, 2), 'millrace/request-withdrawn')
  assert.equal(await running.cancel(Ring, 'ring 1'), true)
  assert.equal(await waits[0], 'millrace/request-withdrawn')
  assert.equal(await asked(running, 1), 'millrace/request-withdrawn')
  assert.equal(await asked(running, 3), 3)
})

test('where a lane passes held messages, no request waits behind one', async (t) => {
  const running = await started(t, shop(place(t), tills(new Set([1]), { onHold: 'pass' })))
  const { item } = (await asked(running, 1)) as { item: number }
  assert.equal(await asked(running, 2), 2)
  assert.deepEqual(await statusOf(running, 1), { state: 'held', item })
})

test('a request that is released and held again fails its callers once more', async (t) => {
  const running = await started(t, shop(place(t), tills(new Set([1]))))
  const data = await asked(running, 1)
  await running.desk.release((data as { item: number }).item, { by: 'ann' })
  await running.idle()
  assert.deepEqual(await asked(running, 1), data)
})
