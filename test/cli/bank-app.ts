import assert from 'node:assert/strict'
import { app, event, processor, sqlite, topic } from 'millrace'
import type { Scenario } from 'millrace/testing'
import { z } from 'zod'

const Moved = event('moved', { schema: z.object({ account: z.string() }), context: ({ account }) => account })
const Moves = topic('moves', [Moved])
const ledger = processor('ledger', {
  on: Moves,
  handle: {
    moved: ({ data: { account } }, { commit }) => commit((tx) => tx.query`insert into seen values (${account})`),
  },
})

export default app({
  name: 'bank',
  broker: sqlite({ file: './bank.db' }),
  setup: (tx) => tx.query`create table if not exists seen (account text)`,
  parts: [Moves, ledger],
})

/** With MILLRACE_WRONG it asks for what does not hold. */
export const simulation: Omit<Scenario, 'app'> = {
  workload: (work) => {
    for (const account of ['a', 'b', 'c']) work.publish(Moved, { account })
  },
  eventually: {
    'each move is seen once': ({ rows, accepted }) =>
      assert.equal(rows('seen').length, accepted.length + (process.env['MILLRACE_WRONG'] ? accepted.length : 0)),
  },
}
