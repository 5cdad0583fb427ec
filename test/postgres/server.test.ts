// The server for tests, and databases on it.
import assert from 'node:assert/strict'
import test from 'node:test'
import { asAdmin, needsServer, testDatabase } from '../support/postgres.ts'

test('each test gets an empty database on the server of the run', needsServer, async () => {
  await using one = await testDatabase()
  await using other = await testDatabase()
  await asAdmin(one.url, 'create table mine (n int)')
  const text =
    "select count(*)::int as tables, getdatabaseencoding() as encoding from pg_tables where schemaname = 'public'"
  assert.deepEqual(await asAdmin(one.url, text), [{ tables: 1, encoding: 'UTF8' }])
  assert.deepEqual(await asAdmin(other.url, text), [{ tables: 0, encoding: 'UTF8' }])
})
