import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import test from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

test('the program in the README runs as it stands and leaves what it says', (t) => {
  // Inside the repository, so that its imports are found; no file of ours is touched.
  const folder = mkdtempSync(join(root, 'node_modules', '.readme-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const [, code] = readFileSync(join(root, 'README.md'), 'utf8').match(/```ts\n([\s\S]*?)```/) ?? []
  assert.ok(code !== undefined, 'the README has a program')
  const source = code.replace("'./shop.db'", JSON.stringify(join(folder, 'shop.db')))
  const run = spawnSync(
    process.execPath,
    ['--conditions=millrace-source', '--input-type=module-typescript', '--eval', source],
    { cwd: root, encoding: 'utf8' },
  )
  assert.equal(run.status, 0, run.stderr)
  const db = new DatabaseSync(join(folder, 'shop.db'), { readOnly: true })
  assert.deepEqual({ ...db.prepare('select * from stock').get() }, { sku: 'millstone', left: 10 })
  db.close()
})
