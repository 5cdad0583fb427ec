// Who owns the store: a death, a stop, a lease that is taken away.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import test from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { asAdmin, needsServer, testDatabase } from '../support/postgres.ts'
import { Ordered, shopOn, takenOf, upTo } from './support.ts'

const program = fileURLToPath(new URL('program.ts', import.meta.url))

/** Starts the shop in a process of its own, which publishes without end and says what was accepted. */
async function startedProgram(url: string): Promise<{ readonly child: ChildProcess; readonly accepted: number[] }> {
  const child = spawn(process.execPath, ['--conditions=millrace-source', program, url], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const accepted: number[] = []
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    for (const line of text.split('\n')) if (line !== '') accepted.push(Number(line))
  })
  while (accepted.length < 20) await once(child.stdout!, 'data')
  return { child, accepted }
}

test('a process that is killed loses nothing, and the next goes on at once', needsServer, async () => {
  await using database = await testDatabase()
  const { child, accepted } = await startedProgram(database.url)
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
  const shop = shopOn(database.url)
  await shop.start({ control: false })
  await shop.idle()
  const taken = await takenOf(shop, 'o-1')
  assert.deepEqual(taken, upTo(taken.length))
  assert(taken.length >= accepted.length, `${accepted.length} were accepted, and ${taken.length} are there`)
  await shop.stop()
})

test(
  'one process handles: a second is refused, or waits and takes over when the first stops',
  needsServer,
  async () => {
    await using database = await testDatabase()
    const [first, second] = [shopOn(database.url), shopOn(database.url)]
    await first.start({ control: false })
    await assert.rejects(second.start({ control: false }), { code: 'millrace/in-use' })
    const waiting = second.start({ control: false, waitMs: 60_000 })
    await first.publish(Ordered, { id: 'o-1', n: 0 })
    await first.idle()
    await first.stop()
    await waiting
    await second.publish(Ordered, { id: 'o-1', n: 1 })
    await second.idle()
    assert.deepEqual(await takenOf(second, 'o-1'), [0, 1])
    await second.stop()
  },
)

test('an owner whose lease was taken away writes nothing, and takes the store up anew', needsServer, async () => {
  await using database = await testDatabase()
  const shop = shopOn(database.url)
  await shop.start({ control: false })
  await shop.publish(Ordered, { id: 'o-1', n: 0 })
  await asAdmin(
    database.url,
    `begin; select set_config('millrace.tx', 'test', true);
     update millrace.leases set owner = null, epoch = epoch + 1; commit`,
  )
  const refused = await shop.publish(Ordered, { id: 'o-1', n: 9 }).catch((error: { code: string }) => error.code)
  assert(['millrace/ownership-lost', 'millrace/store-failed'].includes(String(refused)), String(refused))
  for (let isAccepted = false; !isAccepted; ) {
    await turn()
    isAccepted = await shop.publish(Ordered, { id: 'o-1', n: 1 }).then(
      () => true,
      () => false,
    )
  }
  await shop.idle()
  assert.deepEqual(await takenOf(shop, 'o-1'), [0, 1])
  await shop.stop()
})

test('an app that drops what it has in memory takes its own lease back at once', {
  ...needsServer,
  timeout: 30_000,
}, async () => {
  await using database = await testDatabase()
  const shop = shopOn(database.url, undefined, { leaseMs: 60_000 })
  await shop.start({ control: false })
  await shop.publish(Ordered, { id: 'o-1', n: 1 })
  // As if the server had started again.
  await asAdmin(
    database.url,
    `create or replace function millrace.server() returns text language sql stable as $$ select 'another' $$`,
  )
  // A poll finds it.
  while (shop.health().status === 'green') await turn()
  while (shop.health().status === 'red') await turn()
  await shop.publish(Ordered, { id: 'o-1', n: 2 })
  await shop.idle()
  assert.deepEqual(await takenOf(shop, 'o-1'), [1, 2])
  await shop.stop()
})
