// The finder under crashes and power cuts: its index is the log, whatever becomes of the process.
import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import test from 'node:test'
import { app, event, processor, sqlite, topic } from 'millrace'
import { z } from 'zod'
import type { Watch, Watched } from '../../src/testing/machine/watch.ts'
import { simulateWith } from '../../src/testing/simulate.ts'

const data = z.object({ n: z.number() })
const Asked = event('asked', { schema: data, context: ({ n }) => `c${n % 3}` })
const Answered = event('answered', { schema: data, context: ({ n }) => `c${n % 3}` })
const answer = processor('answer', {
  on: topic('asks', [Asked]),
  publishes: [Answered],
  handle: { asked: ({ data: asked }, { publish }) => publish(Answered, asked) },
})
const make = () =>
  app({
    name: 'asks',
    broker: sqlite({ file: 'asks.db' }),
    parts: [topic('answers', [Answered]), answer],
    finder: true,
  })

interface Row {
  readonly stream: number
  readonly position: number
  readonly id: string
  readonly causation: string | null
}

/** What the log has, as the judge reads it. */
function logOf(db: DatabaseSync): Row[] {
  const all = db.prepare("select name from sqlite_schema where name glob 'millrace_log_*'").all() as { name: string }[]
  const streams = all.map(({ name }) => Number(name.slice('millrace_log_'.length))).sort((a, b) => a - b)
  return streams.flatMap((stream) =>
    db
      .prepare(`select position, id, causation from millrace_log_${stream} order by position`)
      .all()
      .map((row) => ({ stream, ...row }) as Row),
  )
}

function indexOf(file: string): { found: Row[]; words: number } {
  const db = new DatabaseSync(`${file}-finder`, { readOnly: true })
  try {
    const found = db.prepare('select stream, position, id, causation from found order by stream, position').all()
    const { words } = db.prepare('select count(*) as words from words_docsize').get() as { words: number }
    return { found: found.map((row) => ({ ...row }) as unknown as Row), words }
  } finally {
    db.close()
  }
}

test('for twenty seeds of crashes and power cuts the index of the finder is the log in the end', async () => {
  let machine: Watched | undefined
  const compared = () => machine!.look((db) => ({ log: logOf(db), ...indexOf(db.location()!) }))
  const watch = (): Watch => ({
    durable: () => {},
    accepted: () => {},
    starting: (started) => {
      machine = started
    },
    // The finder works at its own pace: more may come until it has all.
    rested: async ({ messages }) => {
      const page = await messages.list({ text: 'nothing' }).catch(() => undefined)
      return page?.complete !== true
    },
  })
  const report = await simulateWith(
    {
      app: make,
      seeds: 20,
      workload: (work, random) => {
        for (let n = 0; n < 30; n++) work.publish(Asked, { n: random.below(1_000) }, { id: `asked ${n}` })
      },
      eventually: () => {
        const { log, found, words } = compared()
        assert.equal(log.length, 60)
        assert.deepEqual(found, log)
        assert.equal(words, log.length)
      },
    },
    watch,
  )
  assert(report.faults.crash + report.faults.powerCut > 20, 'the processes died')
})
