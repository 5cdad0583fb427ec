// The package as its users get it: packed from a copy, installed in an empty folder, run against and type-checked.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const packed = [
  'bin',
  'src',
  'tools',
  'docs',
  'package.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'README.md',
  'LICENSE',
]

/** npm's own switches of the run that we are in would change what it does here. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')))
const run = (cwd: string, command: string, ...words: string[]) =>
  execFileSync(command, words, { cwd, encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'pipe'] })

test('the packed package works in an empty folder: program, types and command', (t) => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-package-')))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const copy = join(folder, 'copy')
  for (const name of packed) cpSync(join(root, name), join(copy, name), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  const tarball = run(copy, 'npm', 'pack', '--silent').trim().split('\n').at(-1)!
  const files = run(copy, 'tar', 'tzf', tarball).split('\n').filter(Boolean)
  const strange = files.filter(
    (file) =>
      !/^package\/(bin\/millrace\.js|dist\/.*\.(js|d\.ts)|docs\/errors\.md|package\.json|README\.md|LICENSE)$/.test(
        file,
      ),
  )
  assert.deepEqual(strange, [], 'nothing but what users need')
  assert.ok(!files.some((file) => file.includes('.test.')), 'no tests')

  const user = join(folder, 'user')
  mkdirSync(user)
  writeFileSync(join(user, 'package.json'), '{ "private": true, "type": "module" }')
  run(user, 'npm', 'install', '--ignore-scripts', '--no-audit', '--no-fund', join(copy, tarball), 'zod')
  const [, program] = readFileSync(join(root, 'README.md'), 'utf8').match(/```ts\n([\s\S]*?)```/) ?? []
  writeFileSync(join(user, 'shop.ts'), program!)
  run(user, process.execPath, 'shop.ts')
  const millrace = (...words: string[]) =>
    run(user, process.execPath, 'node_modules/millrace/bin/millrace.js', ...words)
  assert.match(millrace('--version'), /^\d+\.\d+\.\d+\n$/)
  assert.match(millrace('doctor', '--db', 'shop.db'), /labels is at 1 of 1 of stock-moves/)

  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', '--skipLibCheck', 'false']
  const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules', '@types')]
  run(user, process.execPath, join(root, 'node_modules/typescript/bin/tsc'), ...options, ...types, 'shop.ts')
})

test('no package that is installed runs anything at its installation, and neither do we', () => {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { hasInstallScript?: boolean }>
  }
  const scripted = Object.entries(lock.packages).filter(([, { hasInstallScript }]) => hasInstallScript === true)
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

test('our declarations mention no types of others but those of Standard Schema', () => {
  const source = readFileSync(join(root, 'package.json'), 'utf8')
  const { dependencies } = JSON.parse(source) as { dependencies: Record<string, string> }
  const text = run(root, 'grep', '-rhoE', "from '[^.'][^']*'", 'src', '--include=*.ts', '--exclude=*.test.ts')
  const imported = new Set(
    text
      .split('\n')
      .filter(Boolean)
      .map((line) => line.slice("from '".length, -1)),
  )
  const others = [...imported].filter((name) => !name.startsWith('node:') && name !== 'millrace')
  assert.deepEqual(others.sort(), Object.keys(dependencies).sort())
})
