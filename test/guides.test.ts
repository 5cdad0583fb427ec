// Every file that a guide shows is written to a folder and run, every command is run and has to say what the guide says.
import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { guideShop } from './guide-shop.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

for (const { title, file, testFiles, tests } of [
  { title: 'Testing an event-driven system', file: 'testing.md', testFiles: 8, tests: 10 },
  { title: 'Errors in order', file: 'errors.md', testFiles: 6, tests: 7 },
  { title: 'Broker or mediator?', file: 'mediators.md', testFiles: 3, tests: 4 },
  { title: 'Time and conditions as events', file: 'time.md', testFiles: 3, tests: 7 },
  { title: 'Write another store', file: 'adapter.md', testFiles: 1, tests: 3 },
]) {
  test(`the examples of the guide "${title}" run as they stand`, (t) => {
    // Inside the repository, so that their imports are found.
    const folder = mkdtempSync(join(root, '.guide-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const guide = readFileSync(join(root, 'docs/guides', file), 'utf8')
    assert(guide.startsWith(`# ${title}\n`))
    const files = [...guide.matchAll(/```ts\n\/\/ (\S+)\n([\s\S]*?)```/g)].map(([, name, code]) => ({ name, code }))
    assert.equal(files.length, [...guide.matchAll(/```ts/g)].length, 'each block begins with the name of its file')
    for (const { name, code } of files) writeFileSync(join(folder, name!), code!)
    const names = files.map(({ name }) => name!).filter((name) => name.endsWith('.test.ts'))
    assert.equal(names.length, testFiles)
    const env = { ...process.env, NODE_TEST_CONTEXT: undefined }
    const run = spawnSync(process.execPath, ['--conditions=millrace-source', '--test', ...names], {
      cwd: folder,
      encoding: 'utf8',
      env,
    })
    assert.equal(run.status, 0, run.stdout + run.stderr)
    assert.match(run.stdout, new RegExp(`pass ${tests}\\n`))
  })
}

interface Step {
  /** What happens meanwhile. */
  readonly happens?: string
  readonly command?: string
  readonly says: string
}

/** The commands of a guide and what they say, and what happens between them, in order. */
function stepsOf(guide: string): Step[] {
  const found = guide.matchAll(/<!-- test: (.*) -->|```console\n([\s\S]*?)```/g)
  return [...found].flatMap(([, happens, block = '']): Step[] => {
    if (happens !== undefined) return [{ happens, says: '' }]
    return block
      .split(/^\$ /m)
      .slice(1)
      .map((text) => {
        const end = text.indexOf('\n')
        return { command: text.slice(0, end), says: text.slice(end + 1) }
      })
  })
}

/** Without what differs each time: times, ids, ages, and with them how wide a column is. */
function steady(text: string): string {
  return text
    .replace(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{3}Z)?/g, 'TIME')
    .replace(/[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/g, 'ID')
    .replace(/\b\d+ (s|min|h|d)\b/g, 'AGE')
    .replace(/ {2,}/g, '  ')
}

/** Whether a command says what a guide shows; a line `…` there stands for any number of lines. */
function saysSo(said: string, shown: string): boolean {
  const pattern = steady(shown)
    .split('\n')
    .map((line) => (line.trim() === '…' ? '(?:.*\\n)*?' : `${line.replace(/[^\w\s]/g, '\\$&')}\n`))
    .join('')
  return new RegExp(`^${pattern.slice(0, -1)}$`).test(steady(said))
}

test('the commands of the guide for operators say what it shows', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-guide-'))
  const shop = await guideShop(folder)
  t.after(async () => {
    await shop.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  // As if it were installed.
  const bin = join(root, 'bin', 'millrace.js')
  writeFileSync(join(folder, 'millrace'), `#!/bin/sh\nexec ${process.execPath} '${bin}' "$@"\n`, { mode: 0o755 })
  const env = { ...process.env, PATH: `${folder}${delimiter}${process.env['PATH']}` }
  const run = (command: string) =>
    new Promise<string>((resolve) => {
      execFile('/bin/sh', ['-c', `(${command}) 2>&1`], { cwd: folder, env }, (_, said) => resolve(said))
    })
  const steps = stepsOf(readFileSync(join(root, 'docs/guides/operators.md'), 'utf8'))
  assert.ok(steps.length > 20)
  for (const { happens, command, says } of steps) {
    if (happens !== undefined) {
      assert.ok(shop.steps[happens] !== undefined, `the test knows how it happens that ${happens}`)
      await shop.steps[happens]()
    } else {
      const said = await run(command!)
      assert.ok(saysSo(said, says), `${command}\n\nsaid\n${said}\nand not\n${says}`)
    }
    await shop.idle()
  }
})
