// A process of `processes.deep.test.ts`: an app that delivers its topic to another one, and is served over HTTP.
// node side.ts NAME TO FILE PORT PORT-OF-THE-OTHER
import { app, event, processor, sqlite, topic } from 'millrace'
import { deliver } from 'millrace/http'
import { z } from 'zod'

const [name, to, file, port, other] = process.argv.slice(2) as [string, string, string, string, string]
const Noted = event('noted', { schema: z.object({ key: z.string(), n: z.number() }), context: ({ key }) => key })
const Notes = topic('notes', [Noted])

const side = app({
  name,
  broker: sqlite({ file }),
  log: () => {},
  setup: (tx) => tx.query`create table if not exists kept (place integer primary key, source text, id text,
    key text, n int, unique (source, id))`,
  parts: [
    deliver('out', {
      on: Notes,
      url: `http://127.0.0.1:${other}/events/notes`,
      allow: ['127.0.0.1'],
      to,
      probeFirstMs: 20,
      probeEveryMs: 100,
      retry: { firstDelayMs: 20, maxDelayMs: 100 },
    }),
    processor('keep', {
      on: Notes,
      handle: {
        noted: ({ id, source, data }, { commit }) =>
          commit(
            (tx) => tx.query`insert into kept (source, id, key, n) values (${source}, ${id}, ${data.key}, ${data.n})`,
          ),
      },
    }),
  ],
})
await side.start({ waitMs: 20_000 })
await side.serve({ port: Number(port), access: () => ({ name: 'anybody here', grants: [{ role: 'sender' }] }) })
process.send?.('ready')
