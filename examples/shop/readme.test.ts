import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempDisposableSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const readme = readFileSync(new URL('./README.md', import.meta.url), 'utf8')

/** What the README shows in a chapter. */
function commandsIn(title: string): string[] {
  const chapter = readme.split('\n## ').find((text) => text.startsWith(`${title}\n`))!
  return [...chapter.matchAll(/```\n([\s\S]*?)```/g)].map(([, commands]) => commands!)
}

/** A shell in the repository in which the commands of the README do what they say, on a database of the test. */
function shell(t: TestContext) {
  const folder = mkdtempDisposableSync(join(tmpdir(), 'shop-'))
  t.after(() => folder.remove())
  const db = join(folder.path, 'shop.db')
  const node = `${process.execPath} --conditions=millrace-source`
  return (commands: string) => {
    const script = commands
      .replaceAll('npx millrace', `${process.execPath} bin/millrace.js`)
      .replaceAll('examples/shop/app.ts', `examples/shop/app.ts --db ${db}`)
      .replaceAll(/npm start(?: --)?/g, `${node} examples/shop/main.ts --db ${db}`)
    const { status, stdout, stderr } = spawnSync('sh', ['-ec', script], { cwd: root, encoding: 'utf8' })
    assert.equal(status, 0, stderr)
    return stdout
  }
}

/** The numbers at the desk are those of the README, or may differ, as it says. */
function numbered(commands: string, list: string): string {
  const rows = list
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { id: number; messageId: string })
  const idOf = (messageId: string) => String(rows.find((row) => row.messageId === messageId)!.id)
  return commands
    .replace(/app\.ts 3\b/, `app.ts ${idOf('invoice-704978')}`)
    .replace(/app\.ts 11\b/, `app.ts ${idOf('invoice-705022')}`)
}

const figure = (summary: string, name: string) => Number(new RegExp(`^ *${name} +([\\d,]+)`, 'm').exec(summary)![1])
const atDesk = (summary: string) => ['invoices', 'held', 'waiting', 'discarded'].map((name) => figure(summary, name))

test('commands of the README do as it says, at the desk and with approvals', (t) => {
  const [look, decide] = commandsIn('What cannot be booked')
  const run = shell(t)
  assert.deepEqual(atDesk(run('npm start')), [57, 5, 3, 0])
  const list = run('npx millrace desk list examples/shop/app.ts --json')
  const shown = run(numbered(look!, list))
  for (const words of ['20551', '704984', '704992', '705002', '20530', 'negative quantity on line 1', 'SEED TIN']) {
    assert.ok(shown.includes(words), `${words} in ${shown}`)
  }
  const decided = run(numbered(decide!, list))
  assert.deepEqual(atDesk(decided), [61, 3, 0, 1])

  const [approve] = commandsIn('What becomes of an invoice')
  const approved = run(approve!)
  assert.equal(figure(decided, 'asking'), 3)
  assert.equal(figure(approved, 'asking'), 0)
  const ended = (summary: string) => figure(summary, 'shipped') + figure(summary, 'declined')
  assert.equal(ended(approved), ended(decided) + 3)
})
