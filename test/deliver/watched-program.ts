// A process of `alerts-killed.deep.test.ts`: an app that watches itself, and tells a sink.
// node watched-program.ts FILE PORT-OF-THE-SINK
import { app, event, processor, sqlite, topic } from 'millrace'
import { alerts } from 'millrace/http'
import { z } from 'zod'
import { nodeWorld } from '../../src/adapters/node/world.ts'
import { appIn } from '../../src/app/running.ts'
import { looksOften } from './looks.ts'

const [file, port] = process.argv.slice(2) as [string, string]
const Placed = event('placed', { schema: z.object({ key: z.string() }), context: ({ key }) => key })
const Orders = topic('orders', [Placed])

const watched = app({
  name: 'watched',
  broker: sqlite({ file }),
  log: () => {},
  parts: [
    processor('labels', {
      on: Orders,
      retry: { attempts: 1 },
      handle: {
        placed: () => {
          throw new Error('no paper')
        },
      },
    }),
    alerts('ops', {
      url: `http://127.0.0.1:${port}/`,
      allow: ['127.0.0.1'],
      calmMs: 0,
      when: { closedMs: false },
      retry: { firstDelayMs: 10, maxDelayMs: 10 },
    }),
  ],
})
const running = appIn(watched, looksOften(nodeWorld(() => {})))
process.on('message', async (what: string) => {
  if (what === 'publish') await running.publish(Placed, { key: 'a' }, { id: 'one' })
  else
    for (const { id } of await running.desk.list({ states: ['held'] }))
      await running.desk.discard(id, { by: 'ada', reason: 'old' })
  process.send?.(`${what} is done`)
})
await running.start({ waitMs: 20_000 })
process.send?.('ready')
