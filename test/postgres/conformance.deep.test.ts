// The conformance suite on PostgreSQL.
import { after, test } from 'node:test'
import { postgres } from 'millrace/postgres'
import { testBroker } from 'millrace/testing'
import { needsServer, type TestDatabase, testDatabase } from '../support/postgres.ts'

const databases: TestDatabase[] = []
after(async () => {
  for (const database of databases) await database.drop()
})

testBroker({
  name: 'postgres',
  open: async () => {
    const database = await testDatabase()
    databases.push(database)
    return postgres({ url: database.url })
  },
  test: (name, run) => test(name, needsServer, run),
  // Promises that do not hold yet, each with its reason: one that holds fails here.
  cannot: {},
  withinMs: 60_000,
})
