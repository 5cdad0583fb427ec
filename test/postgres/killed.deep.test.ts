// The active process is killed, or stands still beyond its lease: another takes over, and never do both write.
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { type Child, run } from '../faults/support/child.ts'
import { asAdmin, needsServer, testDatabase } from '../support/postgres.ts'
import { judge } from './support-faults.ts'

const program = (t: TestContext, ...args: readonly string[]) => run(t, '../../postgres/fault-program', ...args)

/** How many orders of each lane are in the log. One whose answer its publisher has not heard may be there too. */
async function loggedOf(url: string, children: Readonly<Record<string, Child>>): Promise<Map<string, number>> {
  const text = `select m.context, count(*)::int as count from millrace.messages m join millrace.kinds k on k.id = m.kind
    where k.type = 'ordered' group by m.context`
  const rows = await asAdmin<{ context: string; count: number }>(url, text)
  const logged = new Map(rows.map(({ context, count }) => [context, count]))
  for (const [name, { lines }] of Object.entries(children)) {
    const accepted = lines.filter((line) => line.startsWith('accepted')).length
    const count = logged.get(name) ?? 0
    assert(count === accepted || count === accepted + 1, `${name}: ${accepted} accepted, ${count} there`)
  }
  return logged
}

/** Ends the second of two, and judges what both have done. Nothing that the first wrote is behind what the second did. */
async function finish(url: string, first: Child, second: Child): Promise<void> {
  second.say('finish')
  await second.line('finished')
  await judge(url, await loggedOf(url, { first, second }))
  const text = `select (select max(place) from public.taken where who = 'first') <
    (select min(place) from public.taken where who = 'second') as apart`
  assert.deepEqual(await asAdmin(url, text), [{ apart: true }], 'they wrote one after the other')
}

test(
  'who is killed is followed within ten seconds, also where nobody can see that it has ended',
  needsServer,
  async (t) => {
    await using database = await testDatabase()
    const { url } = database
    const first = program(t, url, 'first', '5000')
    await first.line('accepted 20')
    // As one of another machine, whose beat has to stand still for the time of the lease.
    await asAdmin(
      url,
      `begin; select set_config('millrace.tx', 'test', true); update millrace.processes set place = 'elsewhere'; commit`,
    )
    const second = program(t, url, 'second', '5000')
    await first.line('accepted 60')
    const begun = performance.now()
    first.kill()
    await second.line('accepted 0')
    const tookMs = performance.now() - begun
    t.diagnostic(`handled again after ${Math.round(tookMs)} ms, with a lease of 5000 ms`)
    assert(tookMs < 10_000, `${tookMs} ms`)
    await second.line('accepted 20')
    await finish(url, first, second)
  },
)

test('who stands still beyond its lease has lost it, and writes nothing when it wakes', needsServer, async (t) => {
  await using database = await testDatabase()
  const { url } = database
  const first = program(t, url, 'first', '1000')
  await first.line('accepted 40')
  const second = program(t, url, 'second', '1000')
  const begun = performance.now()
  first.kill('SIGSTOP')
  await second.line('accepted 0')
  t.diagnostic(`handled again after ${Math.round(performance.now() - begun)} ms, with a lease of 1000 ms`)
  first.kill('SIGCONT')
  await first.line('refused')
  await second.line('accepted 40')
  first.kill()
  await first.ended
  await finish(url, first, second)
})
