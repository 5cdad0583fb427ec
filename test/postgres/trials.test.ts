// Trials of held messages on this store: the cases that every store keeps.
import test from 'node:test'
import { postgres } from 'millrace/postgres'
import { brokerCases } from 'millrace/testing'
import { needsServer, testDatabase } from '../support/postgres.ts'

for (const { name, run } of brokerCases) {
  if (!/^a trial tells|selects by the version/.test(name)) continue
  test(name, needsServer, async () => {
    await using database = await testDatabase()
    await run(postgres({ url: database.url }))
  })
}
