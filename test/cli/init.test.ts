// The command `millrace init`, as docs/guides/cli.md shows it.
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { folder, linesOf, millrace, objectsOf } from './support/millrace.ts'

const all = ['.gitignore', 'app.test.ts', 'app.ts', 'package.json', 'tsconfig.json']
const read = (path: string) => readFileSync(path, 'utf8')

test('init names each file that it writes, and the commands that come next, within 80 columns', async (t) => {
  const cwd = folder(t)
  const { status, out, err } = await millrace(['init', 'new/My Shop'], { cwd })
  assert.deepEqual([status, err], [0, ''])
  assert.deepEqual(linesOf(out), [
    'wrote  new/My Shop/package.json',
    'wrote  new/My Shop/tsconfig.json',
    'wrote  new/My Shop/.gitignore',
    'wrote  new/My Shop/app.ts',
    'wrote  new/My Shop/app.test.ts',
    'Next:',
    "  cd 'new/My Shop'",
    '  npm install',
    '  npm run dev',
    'Then, in another terminal in the same folder:',
    `  npx millrace publish app.ts order.placed '{ "sku": "flour", "quantity": 2 }'`,
    'npm test runs the test, in which the power fails.',
  ])
  for (const line of linesOf(out)) assert(line.length <= 80, line)
  const at = join(cwd, 'new/My Shop')
  assert.deepEqual(readdirSync(at).sort(), all)
  const starter = new URL('../../examples/starter/', import.meta.url)
  for (const name of ['app.ts', 'app.test.ts'])
    assert.equal(read(join(at, name)), read(new URL(name, starter).pathname))
  const { name, type, scripts, dependencies } = JSON.parse(read(join(at, 'package.json')))
  assert.deepEqual(
    [name, type, Object.keys(scripts), Object.keys(dependencies)],
    ['my-shop', 'module', ['start', 'dev', 'test', 'pretest'], ['millrace', 'zod']],
  )
})

test('init keeps the files of a project, says so, and gives the change for package.json', async (t) => {
  const cwd = folder(t)
  const own = '{ "name": "own", "dependencies": { "zod": "^4.0.0" }, "devDependencies": { "typescript": "^5.9.0" } }\n'
  writeFileSync(join(cwd, 'package.json'), own)
  writeFileSync(join(cwd, '.gitignore'), 'mine\n')
  const { status, out } = await millrace(['init', '--json'], { cwd })
  assert.equal(status, 0)
  assert.deepEqual(objectsOf(out), [
    {
      wrote: ['tsconfig.json', 'app.ts', 'app.test.ts'],
      left: ['package.json', '.gitignore'],
      next: [
        'npm pkg set type=module',
        'npm pkg set "scripts.start=millrace start app.ts"',
        'npm pkg set "scripts.dev=millrace dev app.ts"',
        'npm pkg set "scripts.test=node --test"',
        'npm install millrace',
        'npm install -D @types/node',
        'npm run dev',
      ],
    },
  ])
  assert.deepEqual([read(join(cwd, 'package.json')), read(join(cwd, '.gitignore'))], [own, 'mine\n'])
})

test('scripts of a project are kept, and the missing entries of its files are told', async (t) => {
  const cwd = folder(t)
  const scripts = { test: 'vitest', dev: 'vite', start: 'millrace start app.ts' }
  writeFileSync(join(cwd, 'package.json'), JSON.stringify({ type: 'module', scripts }))
  writeFileSync(join(cwd, '.gitignore'), 'node_modules\n*.db\n')
  writeFileSync(join(cwd, 'tsconfig.json'), '{}\n')
  const { out } = await millrace(['init'], { cwd })
  assert.deepEqual(linesOf(out).slice(2), [
    'left   package.json, as it was',
    'left   tsconfig.json, as it was; it lacks allowImportingTsExtensions',
    'left   .gitignore, as it was; it lacks *.db-*',
    'Next:',
    '  npm install millrace zod',
    '  npm install -D @types/node typescript',
    '  npx millrace dev app.ts',
    'Then, in another terminal in the same folder:',
    `  npx millrace publish app.ts order.placed '{ "sku": "flour", "quantity": 2 }'`,
    'node --test app.test.ts runs the test, in which the power fails.',
  ])
})

test('the script of npm init that only fails is none', async (t) => {
  const cwd = folder(t)
  const scripts = { test: 'echo "Error: no test specified" && exit 1' }
  writeFileSync(join(cwd, 'package.json'), JSON.stringify({ type: 'commonjs', scripts }))
  const [told] = objectsOf((await millrace(['init', '--json'], { cwd })).out)
  const next = told!['next'] as string[]
  assert.deepEqual([next[0], next[3]], ['npm pkg set type=module', 'npm pkg set "scripts.test=node --test"'])
})

test('init writes nothing where a file of the app exists, and names it', async (t) => {
  const cwd = folder(t)
  mkdirSync(join(cwd, 'shop'))
  writeFileSync(join(cwd, 'shop/app.ts'), 'mine\n')
  const { status, out, err } = await millrace(['init', 'shop'], { cwd })
  assert.deepEqual([status, out], [2, ''])
  assert.match(err, /^millrace: shop\/app\.ts is there already, so nothing was written: name another folder; /)
  assert.deepEqual([readdirSync(join(cwd, 'shop')), read(join(cwd, 'shop/app.ts'))], [['app.ts'], 'mine\n'])
})

test('init names the fault of a folder', async (t) => {
  const cwd = folder(t)
  writeFileSync(join(cwd, 'file'), '')
  const [file, below, app, two] = await Promise.all(
    [['file'], ['file/shop'], ['app.ts'], ['one', 'two']].map((words) => millrace(['init', ...words], { cwd })),
  )
  assert.deepEqual([file!.status, below!.status, app!.status, two!.status], [2, 1, 2, 2])
  assert.match(file!.err, /^millrace: file is a file: name a folder; see npx millrace init --help\n$/)
  assert.match(below!.err, /^millrace: init cannot write into file\/shop: .*; create .*\(millrace\/cannot-open\)\n$/)
  assert.match(
    app!.err,
    /^millrace: init takes a folder, and "app\.ts" is an app file; see npx millrace init --help\n$/,
  )
  assert.match(two!.err, /^millrace: unexpected argument "two"; see npx millrace init --help\n$/)
  assert.deepEqual(readdirSync(cwd), ['file'])
})
