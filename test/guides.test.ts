// Every file that the guide shows is written to a folder and run.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

test('the examples of the guide "Testing an event-driven system" run as they stand', (t) => {
  // Inside the repository, so that their imports are found.
  const folder = mkdtempSync(join(root, '.guide-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const guide = readFileSync(join(root, 'docs/guides/testing.md'), 'utf8')
  const files = [...guide.matchAll(/```ts\n\/\/ (\S+)\n([\s\S]*?)```/g)].map(([, name, code]) => ({ name, code }))
  assert.equal(files.length, [...guide.matchAll(/```ts/g)].length, 'each block begins with the name of its file')
  for (const { name, code } of files) writeFileSync(join(folder, name!), code!)
  const tests = files.map(({ name }) => name!).filter((name) => name.endsWith('.test.ts'))
  assert.equal(tests.length, 4)
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined }
  const run = spawnSync(process.execPath, ['--conditions=millrace-source', '--test', ...tests], {
    cwd: folder,
    encoding: 'utf8',
    env,
  })
  assert.equal(run.status, 0, run.stdout + run.stderr)
  assert.match(run.stdout, /pass 4\n/)
})
