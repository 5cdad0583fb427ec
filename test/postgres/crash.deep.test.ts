// The server crashes, is replaced by a replica that lagged, is restored elsewhere, or has no room.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { asAdmin } from '../support/postgres.ts'
import { Cluster, needsInstalled } from '../support/postgres-cluster.ts'
import { tcpProxy } from '../support/tcp-proxy.ts'
import { chainOn, judge, lanesIn, lanesOf, Publishers } from './support-faults.ts'

test(
  'a server that crashes again and again loses nothing, and its dump is not taken for it',
  needsInstalled,
  async (t) => {
    await using cluster = await Cluster.start()
    const shop = chainOn(cluster.url)
    await shop.start({ control: false })
    const publishers = new Publishers(shop, lanesOf('a', 8))
    for (let crash = 0; crash < 2; crash++) {
      await publishers.more(40)
      await cluster.stop('immediate')
      await cluster.begin()
    }
    await publishers.more(40)
    await publishers.end()
    await shop.idle()
    t.diagnostic(`2 crashes, ${publishers.count} accepted`)
    await judge(cluster.url, publishers.accepted)
    await shop.stop()

    await using fresh = await Cluster.start()
    const dump = join(cluster.folder, 'dump')
    await cluster.run('pg_dump', ['-Fc', '-f', dump, cluster.url])
    await fresh.run('pg_restore', ['-d', fresh.url, dump])
    const restored = chainOn(fresh.url)
    await assert.rejects(restored.start({ control: false }), { code: 'millrace/moved-database' })
  },
)

test('a replica that lagged takes over: what it has is handled once, in order', needsInstalled, async (t) => {
  await using primary = await Cluster.start()
  await using replica = await primary.replica()
  await using proxy = await tcpProxy(primary.url)
  const shop = chainOn(proxy.url)
  await shop.start({ control: false })
  const publishers = new Publishers(shop, lanesOf('a', 8))
  await publishers.more(40)
  const before = new Map(publishers.accepted)
  const [at] = await asAdmin<{ lsn: string }>(primary.url, 'select pg_current_wal_lsn()::text as lsn')
  const reached = `select pg_last_wal_replay_lsn() >= '${at!.lsn}' as reached`
  while (!(await asAdmin<{ reached: boolean }>(replica.url, reached))[0]!.reached);
  // From here on it gets nothing more.
  await asAdmin(replica.url, "alter system set primary_conninfo = ''")
  await asAdmin(replica.url, 'select pg_reload_conf()')
  while ((await asAdmin(replica.url, 'select 1 from pg_stat_wal_receiver')).length > 0);
  await publishers.more(60)
  const lost = new Map(publishers.accepted)
  await primary.stop('immediate')
  await replica.promote()
  const [kept] = await asAdmin<{ count: number }>(replica.url, 'select count(*)::int as count from public.taken')
  proxy.leadTo(replica.url)
  await publishers.more(60)
  await publishers.end()
  await shop.idle()
  const sum = [...lost.values()].reduce((one, other) => one + other, 0)
  t.diagnostic(`${sum} accepted before, ${kept!.count} of them handled on the replica, ${publishers.count} in the end`)
  const text = `select m.context as id, m.data::json ->> 'n' as n from millrace.messages m
    join millrace.kinds k on k.id = m.kind where k.type = 'ordered' order by m.seq`
  const logged = new Map<string, number[]>()
  for (const { id, n } of await asAdmin<{ id: string; n: string }>(replica.url, text)) {
    logged.set(id, [...(logged.get(id) ?? []), Number(n)])
  }
  for (const [lane, numbers] of logged) {
    const sorted = [...new Set(numbers)].sort((one, other) => one - other)
    assert.deepEqual(numbers, sorted, `lane ${lane} is in order, without doubles`)
    // What the replica had, and what was accepted since.
    for (let n = 0; n < before.get(lane)!; n++) assert(numbers.includes(n), `${lane} ${n}`)
    for (let n = lost.get(lane)! + 1; n < publishers.accepted.get(lane)!; n++)
      assert(numbers.includes(n), `${lane} ${n}`)
  }
  assert.deepEqual(await lanesIn(replica.url, 'taken'), logged, 'all of it is handled once, in order')
  assert.deepEqual(await lanesIn(replica.url, 'shipped'), logged)
  await shop.stop()
})

/** Why no file system of its own can be made for a server. */
function noMount(): string | false {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-mount-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { stdio: 'ignore' })
    execFileSync('umount', [folder])
    return needsInstalled.skip
  } catch {
    return 'a small file system cannot be mounted here: it takes root, and a container that may'
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('where the disk of the server is full nothing is accepted, and work resumes when there is room', {
  skip: noMount(),
}, async (t) => {
  await using cluster = await Cluster.start({ diskMb: 160 })
  const shop = chainOn(cluster.url)
  await shop.start({ control: false })
  const publishers = new Publishers(shop, lanesOf('a', 4))
  await publishers.more(40)
  const full = new Promise<string>((resolve) => {
    publishers.refused = resolve
  })
  const ballast = join(cluster.data, 'ballast')
  const { bavail, bsize } = statfsSync(cluster.data)
  writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - (64 << 10))))
  t.diagnostic(`refused with ${await full} after ${publishers.count}`)
  rmSync(ballast)
  // Where its log could not be written, the server has ended.
  await cluster.begin().catch(() => {})
  await publishers.more(40)
  await publishers.end()
  await shop.idle()
  await judge(cluster.url, publishers.accepted)
  await shop.stop()
})
