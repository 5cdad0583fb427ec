// An app with one message that ends its process. Publishes its messages in the first life, then handles what is left.
// argv: file, way
import { app, event, processor, sqlite, topic } from 'millrace'
import { z } from 'zod'

const [file = '', way = ''] = process.argv.slice(2)
const Rang = event('rang', { schema: z.object({ bell: z.string(), n: z.number().int() }), context: (r) => r.bell })
const Bells = topic('bells', [Rang])

function block(): never {
  for (;;);
}

const deadly: Record<string, () => unknown> = {
  exits: () => process.exit(3),
  kills: () => process.kill(process.pid, 'SIGKILL'),
  blocks: block,

  aborts: () => {
    process.nextTick(() => process.abort())
    return new Promise(() => {})
  },
}

const ringer = processor('ringer', {
  on: Bells,
  handle: {
    rang: async ({ data: { bell, n } }, { commit }) => {
      const dies = bell === 'a' && n === 3
      if (dies && way in deadly) await deadly[way]!()
      return commit((tx) => {
        if (dies && way === 'blocks in commit') block()
        return tx.query`insert into rung values (${bell}, ${n})`
      })
    },
  },
})
const bells = app({
  name: 'bells',
  broker: sqlite({ file }),
  blockedMs: 200,
  log: () => {},
  setup: (tx) => tx.query`create table if not exists rung (bell text, n int)`,
  parts: [ringer],
})

await bells.start({ watchdog: true })
const ids = ['a', 'b', 'c'].flatMap((bell) => Array.from({ length: 6 }, (_, n) => ({ bell, n })))
for (const data of ids) await bells.publish(Rang, data, { id: `${data.bell}-${data.n}` })
await bells.idle()
await bells.stop()
