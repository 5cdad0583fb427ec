// Losing everything that was not synced, at random steps of a disk of our own, judged from the files that are left.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import test from 'node:test'
import { type App, app, event, processor, sqlite, topic } from 'millrace'
import { z } from 'zod'
import { sqliteOn } from '../../src/adapters/sqlite/index.ts'
import { LosingDisk } from './support/losing-disk.ts'

const data = z.object({ account: z.string(), n: z.number().int(), pad: z.string() })
const Asked = event('asked', { schema: data, context: (d) => d.account })
const Answered = event('answered', { schema: data, context: (d) => d.account })
const Questions = topic('questions', [Asked])
const Answers = topic('answers', [Answered])
const accounts = 4

function dice(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff
    return state / 0x80000000
  }
}

/** A chain of two processors, each with a row per message; `started` hears of each handler that begins. */
function chain(file: string, started: (who: string, id: string) => void): App {
  const answer = processor('answer', {
    on: Questions,
    publishes: [Answered],
    handle: {
      asked: async (asked, { commit, publish }) => {
        started('questions', asked.id)
        publish(Answered, asked.data)
        return commit((tx) => tx.query`insert into done values ('answer', ${asked.data.account}, ${asked.data.n})`)
      },
    },
  })
  const file_ = processor('file', {
    on: Answers,
    handle: {
      answered: async (answered, { commit }) => {
        started('answers', answered.id)
        const { account, n } = answered.data
        return commit((tx) => tx.query`insert into done values ('file', ${account}, ${n})`)
      },
    },
  })
  return app({
    name: 'chain',
    broker: sqlite({ file }),
    log: () => {},
    setup: (tx) => tx.query`create table if not exists done (who text, account text, n int)`,
    parts: [answer, file_],
  })
}

interface Left {
  readonly acknowledged: ReadonlySet<string>
  readonly started: { who: string; id: string }[]
  readonly file: string
}

/** Runs the chain until the power goes at the given step. */
async function runUntilCut(folder: string, seed: number, liesEvery: number): Promise<Left> {
  const roll = dice(seed)
  const acknowledged = new Set<string>()
  const started: { who: string; id: string }[] = []
  const image = join(folder, `left-${seed}.db`)
  let dark = false
  let left: (value: Left) => void
  const cut = new Promise<Left>((resolve) => {
    left = resolve
  })
  const file = join(folder, `run-${seed}.db`)
  const disk: LosingDisk = new LosingDisk(
    roll,
    4 + Math.floor(roll() * 120),
    () => {
      dark = true
      disk.image(image)
      left({ acknowledged: new Set(acknowledged), started: [...started], file: image })
    },
    liesEvery,
  )
  const running = chain(file, (who, id) => {
    if (!dark) started.push({ who, id })
  })
  await running.start({ broker: sqliteOn({ file, checkpointBytes: 65_536 }, () => disk), control: false })
  const publishing = async (account: number) => {
    for (let n = 0; !dark; n++) {
      const pad = 'x'.repeat(Math.floor(roll() * 3_000))
      const id = `${account}-${n}`
      await running.publish(Asked, { account: `a${account}`, n, pad }, { id })
      if (!dark) acknowledged.add(id)
    }
  }
  for (let account = 0; account < accounts; account++) void publishing(account)
  return cut
}

function rows<Row>(file: string, sql: string): Row[] {
  const db = new DatabaseSync(file)
  const found = db.prepare(sql).all() as Row[]
  db.close()
  return found
}

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n)

test('after sixty power cuts nothing acknowledged is lost, nothing is double, no handler ran ahead of the disk', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-power-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  let acknowledgedInAll = 0
  for (let seed = 1; seed <= 60; seed++) {
    const { acknowledged, started, file } = await runUntilCut(folder, seed, 1)
    acknowledgedInAll += acknowledged.size
    const [check] = rows<{ integrity_check: string }>(file, 'pragma integrity_check')
    assert.equal(check?.integrity_check, 'ok', `seed ${seed}`)
    const kept = rows<{ id: string }>(file, 'select id from millrace_log_1').map(({ id }) => id)
    for (const id of acknowledged) assert.ok(kept.includes(id), `seed ${seed}: ${id} was acknowledged and is lost`)
    const answers = rows<{ id: string }>(file, 'select id from millrace_log_2').map(({ id }) => id)
    for (const { who, id } of started) {
      assert.ok(
        (who === 'questions' ? kept : answers).includes(id),
        `seed ${seed}: a handler of ${who} ran ahead of the disk`,
      )
    }
    const again = chain(file, () => {})
    await again.start({ control: false })
    await again.idle()
    await again.stop()
    assert.equal(new Set(kept).size, kept.length, `seed ${seed}`)
    for (const who of ['answer', 'file']) {
      for (let account = 0; account < accounts; account++) {
        const done = rows<{ n: number }>(
          file,
          `select n from done where who = '${who}' and account = 'a${account}' order by rowid`,
        ).map(({ n }) => n)
        const expected = kept.filter((id) => id.startsWith(`${account}-`)).length
        assert.deepEqual(done, upTo(expected), `seed ${seed}: ${who} a${account}`)
      }
    }
  }
  assert.ok(acknowledgedInAll > 1_000, `${acknowledgedInAll} publishes were acknowledged in all`)
})

test('the control, which acknowledges before the sync, does lose what it acknowledged', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-power-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  let lost = 0
  for (let seed = 1; seed <= 12; seed++) {
    const { acknowledged, file } = await runUntilCut(folder, seed, 7)
    let kept = new Set<string>()
    try {
      kept = new Set(rows<{ id: string }>(file, 'select id from millrace_log_1').map(({ id }) => id))
    } catch {
      // Not even the table was on disk.
    }
    for (const id of acknowledged) if (!kept.has(id)) lost++
  }
  assert.ok(lost > 0, 'the test can see a loss')
})
