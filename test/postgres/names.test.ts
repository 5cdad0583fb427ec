import test from 'node:test'
import { rename } from '../../src/adapters/sqlite/names.ts'
import { newFlowRow } from '../../src/model/flow-views.ts'
import type { DeskChange } from '../../src/seam/desk.ts'
import type { FlowChange } from '../../src/seam/flows.ts'
import type { Rename } from '../../src/seam/names.ts'
import { BothStores, onServer, same } from '../support/both-stores.ts'
import { entryOf } from '../support/desk-tables.ts'
import { mailOf, messageOf, stepOf } from '../support/flow-tables.ts'
import { needsServer } from '../support/postgres.ts'

test('a rename finds and changes the same in both stores', needsServer, async () => {
  await using both = await BothStores.open()
  const desk: DeskChange[] = [0, 1, 2].map((n) => ({ do: 'put', entry: entryOf(n, { inLane: false }) }))
  await both.write(
    (tables) => desk.map((change) => tables.desk.apply(change)),
    (state, db) => state.desk.write(db, onServer(desk)),
  )
  const row = newFlowRow({ id: 1, mediator: 'm', version: 1, message: messageOf('begun'), once: 'x', startedAt: 1 })
  const flows: FlowChange[] = [
    { do: 'start', row, journal: [stepOf(1, { kind: 'flow', what: 'm' })] },
    { do: 'start', row: { ...row, id: 2, mediator: 'k' } },
    { do: 'mail', mail: mailOf(1) },
  ]
  await both.write(
    (tables) => tables.flows.write(flows),
    (state, db) => state.flows.write(db, flows),
  )
  const renames: Rename[] = [
    { what: 'processor', from: 'p', to: 'new' },
    { what: 'processor', from: 'none', to: 'other' },
    { what: 'mediator', from: 'm', to: 'k' },
    { what: 'stream', from: 't1', to: 'topic' },
    { what: 'type', from: 'placed', to: 'ordered' },
    { what: 'schedule', from: 's', to: 't' },
  ]
  for (const one of renames) {
    await both.write(
      ({ sql }) => rename(sql, one),
      (state, db) => state.names.rename(db, one),
    )
  }
  const looks = [both.sqlite.facets, both.postgres.facets].map(async ({ deskReads, flowReads }) => [
    // In SQLite a kind has the type, and its memory has the old one till the next start.
    (await deskReads.list({ processor: 'new' })).map(({ id, processor, message }) => [id, processor, message.id]),
    (await deskReads.groups('all', {}, 1)).map(({ processor, type, held }) => [processor, type, held]).sort(),
    (await deskReads.processors()).held,
    await flowReads.states(0, 9),
    await flowReads.journal(1),
  ])
  const [one, other] = await Promise.all(looks)
  same(other, one)
})
