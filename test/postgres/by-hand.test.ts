// The schema as an administrator makes it.
import assert from 'node:assert/strict'
import test from 'node:test'
import { millrace } from '../cli/support/millrace.ts'
import { asAdmin, needsServer, testDatabase } from '../support/postgres.ts'
import { Ordered, shopOn, takenOf } from './support.ts'

test('what sql prints makes the schema for a role that may make none', needsServer, async () => {
  await using database = await testDatabase()
  const url = new URL(database.url)
  const role = `${url.pathname.slice(1)}_shop`
  const { status, out, err } = await millrace(['sql'])
  assert.equal(status, 0, err)
  await asAdmin(
    database.url,
    `create role ${role} login password 'sesame'; create table taken (place serial, id text, n integer);
    grant all on taken, taken_place_seq to ${role}`,
  )
  await asAdmin(database.url, out)
  await asAdmin(
    database.url,
    `grant usage on schema millrace to ${role};
    grant all on all tables in schema millrace to ${role}; grant all on all sequences in schema millrace to ${role};
    grant execute on all functions in schema millrace to ${role}`,
  )
  url.username = role
  url.password = 'sesame'
  const shop = shopOn(url.href, undefined, { setup: undefined })
  await shop.start({ control: false })
  await shop.publish(Ordered, { id: 'o-1', n: 1 })
  await shop.idle()
  assert.deepEqual(await takenOf(shop, 'o-1'), [1])
  await shop.stop()
  await database.drop()
  const server = new URL(database.url)
  server.pathname = '/postgres'
  await asAdmin(server.href, `drop role ${role}`)
})
