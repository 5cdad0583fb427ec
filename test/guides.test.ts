// Every file that a guide shows is written to a folder and run.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

for (const { title, file, testFiles, tests } of [
  { title: 'Testing an event-driven system', file: 'testing.md', testFiles: 4, tests: 4 },
  { title: 'Errors in order', file: 'errors.md', testFiles: 5, tests: 6 },
  { title: 'Time and conditions as events', file: 'time.md', testFiles: 3, tests: 6 },
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
