// Alerts of an app that is killed at every commit, over a bad network: each incident has one beginning and one end in
// effect, in this order.
import assert from 'node:assert/strict'
import test from 'node:test'
import { app, event, processor, sqlite, topic } from 'millrace'
import { z } from 'zod'
import { alerts } from '../../src/http/alerts.ts'
import type { AlertEnded } from '../../src/model/alerts.ts'
import { beginsAtDefaultMs, Machine } from '../../src/testing/machine/machine.ts'
import { randomOf } from '../../src/testing/random.ts'
import { Killing } from './pair.ts'

const seeds = 200
const minute = 60_000
const Placed = event('placed', { schema: z.object({ key: z.string(), code: z.string() }), context: ({ key }) => key })
const Orders = topic('orders', [Placed])

test('killed at any commit, each incident begins once and ends once at a sink that knows ids, for 200 seeds', async () => {
  let incidents = 0
  let starts = 0
  for (let seed = 0; seed < seeds; seed++) {
    const random = randomOf(seed, 'alerts')
    const faults = new Killing(1 + (seed % 40), random.fork('faults'))
    const taken = new Map<string, { readonly type: string; readonly data: AlertEnded }>()
    const machine = new Machine({
      make: () =>
        app({
          name: 'watched',
          broker: sqlite({ file: 'watched.db' }),
          parts: [
            processor('labels', {
              on: Orders,
              retry: { attempts: 1 },
              handle: {
                placed: ({ data: { code } }) => {
                  throw Object.assign(new Error(code), { code })
                },
              },
            }),
            alerts('ops', { url: 'https://ops.example/', when: { closedMs: minute }, calmMs: 15_000 }),
          ],
        }),
      seed,
      beginsAt: beginsAtDefaultMs,
      faults,
      network: ({ headers, body }) => {
        if (!taken.has(headers['webhook-id']!)) taken.set(headers['webhook-id']!, JSON.parse(body))
        return random.chance(0.9) ? { status: 204 } : { status: 503 }
      },
    })
    const { scheduler } = machine
    const pass = async (ms: number) => {
      if (machine.app === undefined) await scheduler.settled('the start', machine.begin())
      let over = false
      scheduler.after(ms, { alive: true }, () => {
        over = true
      })
      await scheduler.until('time to pass', () => over)
    }
    /** Does something until the app has done it, as a person would. */
    const done = async (what: string, act: () => Promise<unknown>) => {
      for (let is = false; !is; ) {
        while (machine.app === undefined) await pass(0)
        const died = machine.ends().then(() => undefined)
        const acted = act().then(
          () => true,
          () => undefined,
        )
        let ended = false
        Promise.race([acted, died]).then((result) => {
          ended = true
          is = result === true
        })
        await scheduler.until(what, () => ended)
      }
    }
    for (let n = 0; n < 2; n++) {
      const code = `E_${'ab'[n]}`
      await done('a publish', () => machine.app!.publish(Placed, { key: `k${n}`, code }, { id: `m${n}` }))
      await pass(random() * 1.5 * minute)
      if (random.chance(0.5)) await done('a repair', () => discardAll(machine))
      await pass(random() * 1.5 * minute)
    }
    faults.heal()
    await done('the last repair', () => discardAll(machine))
    for (let n = 0; n < 3; n++) await pass(minute)
    const order = [...taken.values()]
    for (const { data } of order) {
      const types = order.filter((one) => one.data.incident === data.incident).map(({ type }) => type)
      assert.deepEqual(types, ['alert.raised', 'alert.ended'], `seed ${seed}, ${data.alert}`)
    }
    for (const alert of new Set(order.map(({ data }) => data.alert))) {
      const types = order.filter(({ data }) => data.alert === alert).map(({ type }) => type)
      assert(
        types.every((type, index) => type === (index % 2 === 0 ? 'alert.raised' : 'alert.ended')),
        `seed ${seed}, ${alert}`,
      )
    }
    incidents += order.length / 2
    starts += machine.starts
  }
  assert(incidents > seeds, `${incidents} incidents`)
  assert(starts > 1.2 * seeds, `${starts} starts`)
})

async function discardAll({ app: running }: Machine): Promise<void> {
  for (const { id } of await running!.desk.list({ states: ['held'] })) {
    await running!.desk.discard(id, { by: 'ada', reason: 'tested' })
  }
}
