// An app with a mediator, for the commands below `millrace flows`.
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type App, app, channel, command, event, mediator, processor, Refused, sqlite, topic } from 'millrace'
import { z } from 'zod'
import { folder } from './millrace.ts'

const order = z.object({ order: z.string(), how: z.enum(['asks', 'fails', 'refused', 'sleeps', 'waits']) })
export const Placed = event('order.placed', { schema: order, context: (data) => data.order })
export const Paid = event('order.paid', { schema: z.object({ order: z.string() }), context: (data) => data.order })
const Reserve = command('stock.reserve', { schema: order, context: (data) => data.order })
const Return = command('stock.return', { schema: order, context: (data) => data.order })
const Charge = command('card.charge', {
  schema: order,
  context: (data) => data.order,
  reply: z.object({ receipt: z.string() }),
})
const Orders = topic('orders', [Placed, Paid])
const Work = channel('work', [Reserve, Return, Charge])

/** What a worker cannot do at the moment. */
export interface Trouble {
  charging: boolean
  returning: boolean
}

/** `renamed`: a step has another name; `gone`: there is no such mediator; `more`: a step is added at the end. */
export type Code = 'as it was' | 'renamed' | 'gone' | 'more'

export function flowMill(file: string, trouble: Trouble, code: Code = 'as it was'): App {
  const worker = processor('worker', {
    on: Work,
    retry: { attempts: 2, firstDelayMs: 1, maxDelayMs: 1 },
    probeAfter: 10_000,
    handle: {
      'stock.reserve': () => {},
      'stock.return': () => {
        if (trouble.returning) throw new Refused('the shelf is full')
      },
      'card.charge': ({ data: { order, how } }) => {
        if (how === 'refused') throw new Refused('no money')
        if (how === 'fails' && trouble.charging) throw Object.assign(new Error('no answer'), { code: 'BANK' })
        return { receipt: `r ${order}` }
      },
    },
  })
  const fulfilment = mediator('fulfilment', {
    on: Orders,
    startedBy: Placed,
    sends: [Reserve, Return, Charge],
    waits: [Paid],
    run: async ({ data }, flow) => {
      const { how } = data
      await flow.call(code === 'renamed' ? 'take' : 'reserve', Reserve, data, {
        undo: () => flow.call('back', Return, data),
      })
      if (how === 'asks') {
        const answer = z.object({ yes: z.boolean() }).nullable()
        await flow.ask('approve', { schema: answer, title: 'A large order', to: 'sales', timeoutMs: 86_400_000 })
      }
      if (how === 'sleeps') await flow.sleep('a while', 3_600_000)
      const { receipt } = await flow.call('charge', Charge, data)
      if (how === 'waits') await flow.wait('paid', Paid)
      if (code === 'more') await flow.call('once more', Reserve, data)
      return { receipt }
    },
  })
  const parts = code === 'gone' ? [Orders, worker] : [Orders, worker, fulfilment]
  return app({ name: 'mill', broker: sqlite({ file }), log: () => {}, parts })
}

export interface Running {
  readonly app: App
  readonly file: string
  readonly trouble: Trouble
  /** Publishes orders, one for each way, and waits until all rests. */
  place(...how: z.infer<typeof order>['how'][]): Promise<void>
}

export async function runningMill(t: TestContext): Promise<Running> {
  const file = join(folder(t), 'mill.db')
  const trouble = { charging: true, returning: false }
  const one = flowMill(file, trouble)
  await one.start()
  t.after(() => one.stop())
  let count = 0
  return {
    app: one,
    file,
    trouble,
    place: async (...all) => {
      for (const how of all) await one.publish(Placed, { order: `o-${++count}`, how })
      await one.idle()
    },
  }
}
