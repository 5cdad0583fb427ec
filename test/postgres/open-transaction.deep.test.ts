// The promises that every commit touches, once more under a transaction that stays open: no row that it could still see is
// ever removed, as under `pg_dump`.
import { suite, test } from 'node:test'
import { postgres } from 'millrace/postgres'
import { Client } from 'pg'
import { commitCases } from '../../src/testing/conformance/commit.ts'
import { deliveryCases } from '../../src/testing/conformance/delivery.ts'
import { holdCases } from '../../src/testing/conformance/hold.ts'
import { orderCases } from '../../src/testing/conformance/order.ts'
import { publishCases } from '../../src/testing/conformance/publish.ts'
import { needsServer, testDatabase } from '../support/postgres.ts'

const cases = [...publishCases, ...deliveryCases, ...orderCases, ...holdCases, ...commitCases]

suite('under a transaction that stays open', { concurrency: 4 }, () => {
  for (const { name, run } of cases) {
    test(name, needsServer, async () => {
      await using database = await testDatabase()
      const open = new Client({ connectionString: database.url })
      await open.connect()
      await open.query('begin isolation level repeatable read')
      await open.query('select pg_current_xact_id()')
      await run(postgres({ url: database.url }), 60_000)
      // It has lasted until now.
      await open.query('commit')
      await open.end()
    })
  }
})
