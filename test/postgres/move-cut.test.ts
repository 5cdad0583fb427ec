// A move that is killed has not happened: the target is none, and the next move goes through.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { sqlite } from 'millrace'
import { postgres } from 'millrace/postgres'
import { move } from '../../src/operate/move.ts'
import { asAdmin, needsServer, testDatabase } from '../support/postgres.ts'
import { coded, place } from '../support.ts'
import { begin, end, Facts, shopIn } from './move-shop.ts'

const program = fileURLToPath(new URL('move-program.ts', import.meta.url))

/** A move that is killed in the middle. */
async function cutOff(from: string, to: string, where: 'copying' | 'marked'): Promise<void> {
  const child = spawn(process.execPath, ['--conditions=millrace-source', program, from, to, where], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  child.kill('SIGKILL')
  await once(child, 'exit')
}

async function hasSchema(url: string): Promise<boolean> {
  const rows = await asAdmin(url, `select 1 from pg_namespace where nspname = 'millrace'`)
  return rows.length > 0
}

test('a move that is killed has not happened, and goes again', needsServer, async (t) => {
  await using database = await testDatabase()
  const { url } = database
  const [first, last] = [place(t), place(t)]
  const [file, server, other] = [sqlite({ file: first }), postgres({ url }), sqlite({ file: last })]
  const facts = new Facts()
  const shop = shopIn(file, facts)
  await shop.start({ control: false })
  await begin(shop, facts, 'one')
  await shop.stop()

  await cutOff(first, url, 'copying')
  assert.equal(await hasSchema(url), false)
  const still = shopIn(file, facts)
  await still.start({ control: false })
  await still.stop()

  await cutOff(first, url, 'marked')
  assert.equal(await hasSchema(url), false)
  await assert.rejects(shopIn(file, facts).start({ control: false }), coded('millrace/data-moved'))
  await move(file, server)

  for (const where of ['copying', 'marked'] as const) {
    await cutOff(url, last, where)
    assert.equal(existsSync(last), false)
  }
  await move(server, other)
  assert.equal(existsSync(`${last}-move-partial`), false)
  const writer = new DatabaseSync(last)
  writer.exec('update millrace_timers set due = 1')
  writer.close()
  const again = shopIn(other, facts)
  await again.start({ control: false })
  await end(again, facts, 'one')
  await again.stop()
})
