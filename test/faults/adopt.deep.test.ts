// A process that is killed while it takes a database up.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import test from 'node:test'
import { type App, app, event, processor, sqlite, topic } from 'millrace'
import { z } from 'zod'
import { sqliteOn } from '../../src/adapters/sqlite/index.ts'
import { nodeDisk } from '../../src/adapters/sqlite/node-disk.ts'
import { assertSound, look, number, rows } from './support/judge.ts'
import { place } from './support/place.ts'

const Asked = event('asked', { schema: z.object({ n: z.number() }) })
const Questions = topic('questions', [Asked])

function asking(file: string, said: string[] = []): App {
  const answer = processor('answer', {
    on: Questions,
    handle: {
      asked: ({ data }, { commit }) => commit((tx) => tx.query`insert into theirs values (${data.n}, 'ours')`),
    },
  })
  const log = (_level: unknown, text: string) => void said.push(text)
  return app({ name: 'asking', broker: sqlite({ file, adopt: true }), log, parts: [answer] })
}

/** Whether two deaths leave the same. */
const isSame = (one: string, other: string) =>
  ['', '-wal', '-journal'].every((ending) => {
    const [a, b] = [one + ending, other + ending].map((path) =>
      existsSync(path) ? readFileSync(path) : Buffer.alloc(0),
    )
    return a!.equals(b!)
  })

function assertTheirs(file: string): void {
  look(file, (db) => {
    assertSound(db)
    const [by] = rows<{ n: string }>(db, "select group_concat(n) as n from theirs where by <> 'ours' order by n")
    assert.equal(by!.n, '1,2')
    assert.equal(number(db, 'pragma user_version'), 7)
    assert.equal(number(db, 'pragma application_id'), 77)
  })
}

for (const mode of ['delete', 'wal'] as const) {
  test(`wherever a process is killed that takes up a database in mode ${mode}, it is as it was, or taken up`, async (t) => {
    const folder = place(t)
    const file = join(folder, 'app.db')
    look(file, (db) => {
      db.exec(`pragma journal_mode = ${mode}; create table theirs (n integer, by text); create index theirs_n on theirs (n);
        insert into theirs values (1, 'them'), (2, 'them'); pragma user_version = 7; pragma application_id = 77`)
    })
    const left: string[] = []
    // The files as a kill leaves them now; copied by another process, because this one would drop its locks.
    const kill = () => {
      const to = join(folder, String(left.length))
      mkdirSync(to)
      const there = ['', '-wal', '-journal'].map((ending) => file + ending).filter((path) => existsSync(path))
      execFileSync('cp', [...there, to])
      const image = join(to, basename(file))
      if (left.length > 0 && isSame(image, left.at(-1)!)) rmSync(to, { recursive: true })
      else left.push(image)
    }
    let started = false
    const database = (path: string, how: { readonly timeout: number; readonly readOnly?: boolean | undefined }) => {
      const db = new DatabaseSync(path, how)
      if (path !== file || how.readOnly) return db
      const exec = db.exec.bind(db)
      return Object.assign(db, {
        exec(sql: string) {
          if (!started) kill()
          exec(sql)
        },
      })
    }
    const shop = asking(file)
    await shop.start({ broker: sqliteOn({ file, adopt: true }, nodeDisk, database), control: false })
    started = true
    kill()
    await shop.stop()
    assert.ok(left.length > 5, `${left.length} states`)

    const takenUp: boolean[] = []
    for (const image of left) {
      // As another program finds it that knows nothing of Millrace.
      execFileSync('cp', ['-r', join(image, '..'), `${join(image, '..')}-theirs`])
      assertTheirs(join(`${join(image, '..')}-theirs`, basename(file)))
      const said: string[] = []
      const next = asking(image, said)
      await assert.doesNotReject(next.start({ control: false }), image)
      await next.publish(Asked, { n: 3 })
      await next.idle()
      await next.stop()
      takenUp.push(!said.some((text) => text.includes('is taken up')))
      assertTheirs(image)
      look(image, (db) => assert.equal(number(db, "select count(*) from theirs where by = 'ours'"), 1))
    }
    const first = takenUp.indexOf(true)
    assert.ok(first > 0)
    assert.ok(takenUp.slice(first).every(Boolean), 'once taken up, it stays so')
  })
}
