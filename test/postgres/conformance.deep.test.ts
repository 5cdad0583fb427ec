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
  cannot: {
    'a trial tells its statements, the rows of each and how many it changed, and leaves nothing':
      'trials are not built on PostgreSQL',
    'an operation selects by the version of the app that made the last attempt':
      'the desk on PostgreSQL keeps no version of the last attempt to select by',
  },
  withinMs: 60_000,
})
