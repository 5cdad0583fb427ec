// The package as its users get it: what is in it, and what runs in an empty folder where it is installed.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { after, before } from 'node:test'
import { env, pack, root, run, shell } from '../support/packed.ts'
import { bundled, threads } from './programs.ts'

let user = ''
let packed: ReturnType<typeof pack>

before(() => {
  packed = pack()
  user = join(packed.folder, 'user')
  mkdirSync(user)
  writeFileSync(join(user, 'package.json'), '{ "private": true, "type": "module" }')
  shell(user, `npm install --ignore-scripts ${packed.tarball} zod esbuild`)
})
after(() => packed.remove())

test('the package has only the files that users need', () => {
  const needed =
    /^(bin\/millrace\.js|dist\/.*\.(js|d\.ts)|dist\/dashboard\/(index|assets\/[\w-]+)\.(html|js|css|txt)(\.br|\.gz)?|docs\/.*\.md|examples\/\w+\/.*\.(ts|csv|md)|package\.json|README\.md|LICENSE)$/
  const strange = packed.files.filter(
    (file) => !needed.test(file) || (file.includes('.test.') && !file.startsWith('examples/starter/')),
  )
  assert.deepEqual(strange, [])
})

test('the program of the README runs, and the command shows and copies what it has done', () => {
  const [, program] = readFileSync(join(root, 'README.md'), 'utf8').match(/```ts\n([\s\S]*?)```/) ?? []
  writeFileSync(join(user, 'shop.ts'), program!)
  run(user, process.execPath, 'shop.ts')
  const millrace = (words: string) => shell(user, `npx --no-install millrace ${words}`)
  assert.match(millrace('--version'), /^\d+\.\d+\.\d+\n$/)
  assert.match(millrace('doctor --db shop.db'), /sales is at 1 of 1 of orders/)
  millrace('backup --db shop.db --to copy.db')
  assert.match(millrace('doctor --db copy.db'), /sales is at 1 of 1 of orders/)
})

test('the example runs from a copy, by the commands of its README', () => {
  const folder = mkdtempSync(join(packed.folder, 'example-'))
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }')
  shell(folder, `npm install --ignore-scripts ${packed.tarball}`)
  const readme = readFileSync(join(root, 'examples/shop/README.md'), 'utf8')
  const [commands] = readme.match(/^cp -r node_modules\/millrace\/[\s\S]*?(?=^```)/m) ?? []
  assert.match(shell(folder, commands!), /invoices +57 /)
  assert.match(shell(folder, 'npx --no-install millrace desk list shop/app.ts'), /ledger +held +invoice\.rece/)
})

test('rows, the threads of the library and errors work', () => {
  writeFileSync(join(user, 'threads.ts'), threads)
  assert.equal(run(user, process.execPath, 'threads.ts'), '[{"cents":1},{"cents":2}] green true millrace/bad-data\n')
})

for (const [format, name, ...more] of [
  ['esm', 'out.mjs'],
  ['cjs', 'out.cjs'],
  ['esm', 'small.mjs', '--minify', '--keep-names'],
  ['cjs', 'small.cjs', '--minify', '--keep-names'],
] as const) {
  test(`the bundle ${name} runs as the app does beside its packages, after an unclean stop too`, () => {
    writeFileSync(join(user, 'bundled.ts'), bundled)
    const apart = mkdtempSync(join(packed.folder, 'bundle-'))
    const words = ['bundled.ts', '--bundle', '--platform=node', `--format=${format}`, '--log-level=error', ...more]
    run(user, process.execPath, 'node_modules/esbuild/bin/esbuild', ...words, `--outfile=${join(apart, name)}`)
    const { stdout, signal } = spawnSync(process.execPath, [name, 'dies'], { cwd: apart, encoding: 'utf8', env })
    assert.deepEqual([stdout, signal], ['handled 1 rang green\n', 'SIGKILL'])
    assert.equal(run(apart, process.execPath, name), 'handled 1 rang green\n')
  })
}

test('CommonJS gets the package by require', () => {
  const program =
    "const { event } = require('millrace'); const { gateway } = require('millrace/http'); console.log(event.name, gateway.name, typeof require('millrace/testing').given)"
  writeFileSync(join(user, 'common.cjs'), program)
  assert.equal(run(user, process.execPath, 'common.cjs'), 'event gateway function\n')
})

test('on an older Node.js the import fails and names both versions', () => {
  const old = 'data:text/javascript,Object.defineProperty(process, "versions", { value: { node: "20.20.2" } })'
  assert.throws(
    () => run(user, process.execPath, `--import=${old}`, '--eval', 'import "millrace"'),
    ({ stderr }: { stderr: string }) => /millrace needs Node\.js 24\.15 or later, this is 20\.20\.2/.test(stderr),
  )
})
