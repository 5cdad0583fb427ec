// Request and reply: who asks gets the reply of its own request, or learns what there is instead, and a crash on either
// side loses nothing.
import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import test from 'node:test'
import { app, channel, command, type Processor, type ProcessorOptions, processor, Refused, sqlite } from 'millrace'
import { simulation } from 'millrace/testing'
import { z } from 'zod'
import { coded, place, rows, started } from './support.ts'

const Take = command('stock.take', {
  schema: z.object({ sku: z.string(), quantity: z.number().int() }),
  reply: z.object({ left: z.number().int() }),
  refusal: z.object({ short: z.number().int() }),
  context: (take) => take.sku,
})
const Ring = command('bell.ring', { schema: z.object({ times: z.number().int() }) })
const Stock = channel('stock', [Take, Ring])

type Handle = ProcessorOptions<typeof Take | typeof Ring, [], []>['handle']

/** A stock of ten each, kept in a table. */
const stock = (more: Partial<ProcessorOptions<typeof Take | typeof Ring, [], []>> = {}, handle: Partial<Handle> = {}) =>
  processor('stock', {
    on: Stock,
    retry: { attempts: 2, firstDelayMs: 1, maxDelayMs: 1 },
    ...more,
    handle: {
      'stock.take': ({ data: { sku, quantity } }, { commit }) =>
        commit(async (tx) => {
          await tx.query`insert into stock values (${sku}, 10) on conflict do nothing`
          const [row] = await tx.query<{ left: number }>`update stock set left = left - ${quantity}
            where sku = ${sku} and left >= ${quantity} returning left`
          if (row === undefined) throw new Refused('out of stock', { short: quantity })
          return { left: row.left }
        }),
      'bell.ring': () => {},
      ...handle,
    },
  })

const setup = (tx: { query: import('millrace').Query }) =>
  tx.query`create table if not exists stock (sku text primary key, left integer not null)`

const shop = (file: string, part: Processor) =>
  app({ name: 'shop', broker: sqlite({ file }), log: () => {}, setup, parts: [part] })

test('a request gets the reply of its own command, and many at once get theirs', async (t) => {
  const running = await started(t, shop(place(t), stock()))
  assert.deepEqual(await running.request(Take, { sku: 'a', quantity: 3 }), { left: 7 })
  const replies = await Promise.all(
    Array.from({ length: 200 }, (_, n) => running.request(Take, { sku: `s${n}`, quantity: (n % 9) + 1 })),
  )
  assert.deepEqual(
    replies.map(({ left }) => left),
    Array.from({ length: 200 }, (_, n) => 9 - (n % 9)),
  )
  assert.equal(await running.request(Ring, { times: 2 }), undefined)
})

test('the id of a request is that of no request of another type', async (t) => {
  const running = await started(t, shop(place(t), stock()))
  const asked = [
    running.request(Take, { sku: 'a', quantity: 3 }, { id: 'same' }),
    running.request(Ring, { times: 1 }, { id: 'same' }),
  ]
  const ends = await Promise.allSettled([...asked, running.request(Ring, { times: 2 }, { id: 'same' })])
  const [one, ...others] = ends
  assert.deepEqual(one?.status === 'fulfilled' && one.value, { left: 7 })
  for (const end of others) assert(end.status === 'rejected' && coded('millrace/id-conflict')(end.reason))
})

test('a function of a transaction, and one of a commit, run in the async context of their caller', async (t) => {
  const scope = new AsyncLocalStorage<string>()
  const seen: unknown[] = []
  const part = stock(
    {},
    {
      'bell.ring': async (_, { commit }) => {
        await null
        return scope.run('handler', () => commit(() => void seen.push(scope.getStore())))
      },
    },
  )
  const running = await started(t, shop(place(t), part))
  await scope.run('who asks', () => running.request(Ring, { times: 1 }))
  const each = ['one', 'two'].map((name) => scope.run(name, () => running.transaction(() => scope.getStore())))
  assert.deepEqual(await Promise.all(each), ['one', 'two'])
  assert.deepEqual(seen, ['handler'])
})

test('a refusal comes typed, leaves no row and nothing at the desk; a failing attempt is made again first', async (t) => {
  const file = place(t)
  let failures = 1
  const handle: Partial<Handle> = {
    'bell.ring': () => {
      if (failures-- > 0) throw new Error('the rope broke')
    },
  }
  const running = await started(t, shop(file, stock({}, handle)))
  const error = await running.request(Take, { sku: 'a', quantity: 11 }).catch((caught: unknown) => caught)
  assert(Refused.by(Take, error))
  assert.equal(error.message, 'out of stock')
  assert.equal(error.data.short, 11)
  assert.deepEqual(rows(file, 'select * from stock'), [])
  assert.deepEqual(await running.desk.list(), [])
  await running.request(Ring, { times: 1 })
  assert.equal(failures, -1)
})

test('a refused command that was only sent is held: no caller would be told', async (t) => {
  const running = await started(t, shop(place(t), stock()))
  await running.send(Take, { sku: 'a', quantity: 11 })
  await running.idle()
  assert.equal((await running.desk.list())[0]?.error?.code, 'refused')
})

test('a caller that waits in vain is told so, and a late reply is kept under the id', async (t) => {
  const file = place(t)
  const opened = Promise.withResolvers<void>()
  const handle: Partial<Handle> = {
    'stock.take': async ({ data: { quantity } }) => {
      await opened.promise
      return { left: 10 - quantity }
    },
  }
  const first = await started(t, shop(file, stock({}, handle)))
  const asked = first.request(Take, { sku: 'a', quantity: 4 }, { id: 'take-1', timeoutMs: 20 })
  await assert.rejects(asked, coded('millrace/request-timed-out', /no reply to "stock.take" within 20 ms/))
  // What was accepted before this is on disk.
  await first.send(Ring, { times: 1 })
  const early = await first.requestStatus('take-1')
  assert.deepEqual([early?.state, early?.reply, early?.endedAt], ['waiting', undefined, undefined])
  opened.resolve()
  await first.idle()
  const late = await first.requestStatus('take-1')
  assert.deepEqual([late?.command, late?.state, late?.reply], ['stock.take', 'replied', { left: 6 }])
  assert(late!.endedAt! >= late!.askedAt)
  assert.equal(await first.requestStatus('none'), undefined)
  await first.stop()
  const second = await started(t, shop(file, stock()))
  assert.deepEqual(await second.requestStatus('take-1'), late)
  assert.deepEqual(await second.request(Take, { sku: 'a', quantity: 4 }, { id: 'take-1' }), { left: 6 })
})

test('asking again with the same id sends nothing, and gives the reply of the first', async (t) => {
  const file = place(t)
  const running = await started(t, shop(file, stock()))
  const first = await running.request(Take, { sku: 'a', quantity: 4 }, { id: 'take-1' })
  assert.deepEqual(await running.request(Take, { sku: 'a', quantity: 4 }, { id: 'take-1' }), first)
  assert.equal(rows<{ left: number }>(file, 'select left from stock')[0]?.left, 6)
  await assert.rejects(
    running.request(Take, { sku: 'a', quantity: 5 }, { id: 'take-1' }),
    coded('millrace/id-conflict', /was published before with other data/),
  )
  await running.send(Ring, { times: 1 }, { id: 'sent' })
  await assert.rejects(
    running.request(Ring, { times: 1 }, { id: 'sent' }),
    coded('millrace/id-conflict', /was sent with id "sent" before, and not as a request/),
  )
})

test('a waiting caller: a finally failed command shows as held; released it replies, discarded it says why', async (t) => {
  let broken = true
  const handle: Partial<Handle> = {
    'bell.ring': () => {
      if (broken) throw new Error('the rope broke')
    },
  }
  const running = await started(t, shop(place(t), stock({}, handle)))
  const released = running.request(Ring, { times: 1 }, { id: 'one', whenHeld: 'wait' })
  const discarded = running.request(Ring, { times: 2 }, { id: 'two', whenHeld: 'wait' })
  await running.idle()
  const one = await running.requestStatus('one')
  const two = await running.requestStatus('two')
  assert.deepEqual([one?.state, two?.state], ['held', 'held'])
  broken = false
  await running.desk.release(one!.item!, { by: 'ann' })
  assert.equal(await released, undefined)
  const told = assert.rejects(
    discarded,
    coded('millrace/request-discarded', /"bell.ring" was discarded .*: nobody listens/),
  )
  await running.desk.discard(two!.item!, { by: 'ann', reason: 'nobody listens' })
  await told
  assert.equal((await running.requestStatus('two'))?.reason, 'nobody listens')
  assert.equal((await running.requestStatus('one'))?.state, 'replied')
})

test('a wrong request is refused before anything is sent', async (t) => {
  const running = await started(t, shop(place(t), stock()))
  const request = running.request as (...given: unknown[]) => Promise<unknown>
  await assert.rejects(request.call(running, Take, { sku: 1 }), coded('millrace/bad-data'))
  await assert.rejects(
    request.call(running, Take, { sku: 'a', quantity: 1 }, { timeoutMs: 0 }),
    coded('millrace/bad-option', /timeoutMs is 0/),
  )
  await assert.rejects(
    request.call(running, Take, { sku: 'a', quantity: 1 }, { timeout: 5 }),
    coded('millrace/unknown-option', /did you mean "timeoutMs"/),
  )
  await assert.rejects(
    request.call(running, Take, { sku: 'a', quantity: 1 }, { whenHeld: 'never' }),
    coded('millrace/bad-option', /request: whenHeld is never, but must be 'fail' or 'wait'/),
  )
  await assert.rejects(request.call(running, Take, { sku: 'a', quantity: 1 }, { id: '' }), coded('millrace/bad-id'))
  await assert.rejects(
    request.call(running, Take, { sku: 'a', quantity: 1 }, { id: 'flow/1/1' }),
    coded('millrace/bad-id', /belong to commands of flows/),
  )
  await running.stop()
  await assert.rejects(running.request(Ring, { times: 1 }), coded('millrace/not-started'))
})

test('a stop tells waiting callers; the request continues with the next start, and asking again gets its reply', async (t) => {
  const file = place(t)
  const hangs = shop(file, stock({}, { 'bell.ring': () => new Promise<void>(() => {}) }))
  await hangs.start()
  const asked = hangs.request(Ring, { times: 1 }, { id: 'bell' })
  const told = assert.rejects(asked, coded('millrace/stopping'))
  await hangs.request(Take, { sku: 'a', quantity: 1 })
  await hangs.stop({ graceMs: 0 })
  await told
  const running = await started(t, shop(file, stock()))
  assert.equal(await running.request(Ring, { times: 1 }, { id: 'bell' }), undefined)
})

test('for forty seeds: despite any crash, a client that asks until it is answered is answered once, and rightly', async () => {
  for (let seed = 1; seed <= 40; seed++) {
    await using simulated = simulation({ parts: [stock()], setup: setup as never, seed })
    const answers: number[] = []
    for (let n = 0; n < 6; n++) {
      const id = `take-${n}`
      for (;;) {
        const asked = simulated.request(Take, { sku: 'a', quantity: 1 }, { id })
        if ((seed + n) % 3 === 0) {
          const died = asked.then(
            () => undefined,
            () => undefined,
          )
          await simulated.advance(((seed * 7 + n * 3) % 5) / 4)
          await simulated.crash({ power: seed % 2 === 0 })
          await died
          await simulated.restart()
        }
        try {
          answers.push((await simulated.request(Take, { sku: 'a', quantity: 1 }, { id })).left)
          break
        } catch (error) {
          coded('millrace/not-started')(error)
          await simulated.restart()
        }
      }
    }
    assert.deepEqual(answers, [9, 8, 7, 6, 5, 4], `seed ${seed}`)
  }
})

test('a command that is not handled in time is noticed: late in health, at its turn held at the desk, run if released', async () => {
  const Wash = command('wash', { schema: z.object({ car: z.string() }), deadlineMs: 60_000, context: ({ car }) => car })
  const Washing = channel('washing', [Wash])
  const washed: string[] = []
  const washer = processor('washer', { on: Washing, handle: { wash: ({ data: { car } }) => void washed.push(car) } })
  await using simulated = simulation({ parts: [Washing, washer] })
  await simulated.send(Wash, { car: 'a' })
  await simulated.untilIdle()
  await simulated.processors.pause('washer', { by: 'ann' })
  await simulated.send(Wash, { car: 'b' })
  await simulated.advance(59_000)
  await simulated.send(Wash, { car: 'c' })
  const health = () => simulated.app.health().reasons.filter((reason) => reason.includes('late'))
  assert.deepEqual(health(), [])
  await simulated.advance(2_000)
  assert.deepEqual(health(), ['processor "washer" is late: 1 commands have passed their deadline'])
  await simulated.crash()
  await simulated.restart()
  // A start reads before it takes messages from the log, and each of these reads takes a moment.
  await simulated.advance(20)
  assert.equal(health().length, 1)
  await simulated.processors.resume('washer', { by: 'ann' })
  await simulated.untilIdle()
  assert.deepEqual(washed, ['a', 'c'])
  assert.deepEqual(health(), [])
  const [held] = await simulated.desk.list()
  assert.equal(held?.error?.code, 'millrace/deadline-passed')
  await simulated.desk.release(held!.id)
  await simulated.untilIdle()
  assert.deepEqual(washed, ['a', 'c', 'b'])
  assert.throws(
    () => command('wash', { schema: z.object({}), deadlineMs: 0 }),
    coded('millrace/bad-option', /deadlineMs/),
  )
})
