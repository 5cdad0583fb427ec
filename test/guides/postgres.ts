// The database of the guide about PostgreSQL.
import type { Stage } from '../support/blocks.ts'
import { testDatabase } from '../support/postgres.ts'

export async function stage(): Promise<Stage> {
  const database = await testDatabase()
  return { steps: {}, env: { DATABASE_URL: database.url }, stop: () => database.drop() }
}
