// The package as its users get it: packed from a copy, installed in an empty folder, run against and type-checked.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const packed = [
  'bin',
  'src',
  'tools',
  'docs',
  'examples',
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
      !/^package\/(bin\/millrace\.js|dist\/.*\.(js|d\.ts)|docs\/.*\.md|package\.json|README\.md|LICENSE)$/.test(file) &&
      !/^package\/examples\/\w+\/([\w-]+\.(ts|csv)|README\.md)$/.test(file),
  )
  assert.deepEqual(strange, [], 'nothing but what users need')
  assert.ok(!files.some((file) => file.includes('.test.')), 'no tests')

  const user = join(folder, 'user')
  mkdirSync(user)
  writeFileSync(join(user, 'package.json'), '{ "private": true, "type": "module" }')
  run(user, 'npm', 'install', '--ignore-scripts', '--no-audit', '--no-fund', join(copy, tarball), 'zod', 'esbuild')
  const [, program] = readFileSync(join(root, 'README.md'), 'utf8').match(/```ts\n([\s\S]*?)```/) ?? []
  writeFileSync(join(user, 'shop.ts'), program!)
  run(user, process.execPath, 'shop.ts')
  const millrace = (...words: string[]) =>
    run(user, process.execPath, 'node_modules/millrace/bin/millrace.js', ...words)
  assert.match(millrace('--version'), /^\d+\.\d+\.\d+\n$/)
  assert.match(millrace('doctor', '--db', 'shop.db'), /labels is at 1 of 1 of stock-moves/)
  millrace('backup', '--db', 'shop.db', '--to', 'copy.db')
  assert.match(millrace('doctor', '--db', 'copy.db'), /labels is at 1 of 1 of stock-moves/)
  const path = `${dirname(process.execPath)}${delimiter}${env['PATH']}`
  assert.match(run(user, 'env', `PATH=${path}`, 'npx', '--no-install', 'millrace', '--version'), /^\d+\.\d+\.\d+\n$/)
  writeFileSync(join(user, 'threads.ts'), threads)
  assert.equal(run(user, process.execPath, 'threads.ts'), '[{"cents":1},{"cents":2}] green true millrace/bad-data\n')

  bundles(user)

  const old = 'data:text/javascript,Object.defineProperty(process, "versions", { value: { node: "20.20.2" } })'
  assert.throws(
    () => run(user, process.execPath, `--import=${old}`, '--eval', 'import "millrace"'),
    ({ stderr }: { stderr: string }) => /millrace needs Node\.js 24\.15 or later, this is 20\.20\.2/.test(stderr),
  )

  const options = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--module', 'nodenext']
  const types = ['--skipLibCheck', 'false', '--types', 'node', '--typeRoots', join(root, 'node_modules', '@types')]
  const compile = (file: string, target = 'es2022') => {
    const words = [...options, ...types, '--target', target, file]
    return run(user, process.execPath, join(root, 'node_modules/typescript/bin/tsc'), ...words)
  }
  compile('shop.ts')
  compile('threads.ts')
  writeFileSync(
    join(user, 'all.ts'),
    "export * from 'millrace'\nexport * as adapter from 'millrace/adapter'\nexport * as testing from 'millrace/testing'\n",
  )
  writeFileSync(join(user, 'passed-on.ts'), passedOn)
  compile('passed-on.ts')
  for (const target of ['es2022', 'es2023', 'es2024', 'esnext']) compile('all.ts', target)
  writeFileSync(join(user, 'wrong.ts'), wrong)
  assert.throws(
    () => compile('wrong.ts'),
    ({ stdout }: { stdout: string }) => /message data must be plain JSON: no Date/.test(stdout),
  )
  assert.deepEqual(
    foreignTypes(join(user, 'node_modules/millrace/dist/index.d.ts')),
    new Set(['@standard-schema/spec']),
    'no types of others in our declarations',
  )
})

/** An app in one file runs as it does beside its packages: with its threads, and after an unclean stop too. */
function bundles(user: string): void {
  writeFileSync(join(user, 'bundled.ts'), bundled)
  const ways = [
    ['esm', 'out.mjs'],
    ['cjs', 'out.cjs'],
    ['esm', 'small.mjs', '--minify', '--keep-names'],
    ['cjs', 'small.cjs', '--minify', '--keep-names'],
  ] as const
  for (const [format, name, ...more] of ways) {
    const apart = mkdtempSync(join(user, '..', 'bundle-'))
    const words = ['bundled.ts', '--bundle', '--platform=node', `--format=${format}`, '--log-level=error', ...more]
    run(user, process.execPath, 'node_modules/esbuild/bin/esbuild', ...words, `--outfile=${join(apart, name)}`)
    const { stdout, signal } = spawnSync(process.execPath, [name, 'dies'], { cwd: apart, encoding: 'utf8', env })
    assert.deepEqual([stdout, signal], ['handled 1 green\n', 'SIGKILL'], name)
    assert.equal(run(apart, process.execPath, name), 'handled 1 green\n', `${name}, after an unclean stop`)
  }
}

const bundled = `
import { app, event, processor, sqlite, topic } from 'millrace'
import { z } from 'zod'

const Rang = event('rang', { schema: z.object({}) })
let handled = 0
const ringer = processor('ringer', { on: topic('bells', [Rang]), handle: { rang: () => void handled++ } })
const bells = app({ name: 'bells', broker: sqlite({ file: 'bells.db' }), parts: [ringer] })
const run = async () => {
  await bells.start({ watchdog: true })
  await bells.publish(Rang, {})
  await bells.idle()
  while (bells.health().status === 'red') await new Promise((resolve) => setTimeout(resolve, 5))
  process.stdout.write(\`handled \${handled} \${bells.health().status}\\n\`, () => {
    if (process.argv[2] === 'dies') process.kill(process.pid, 'SIGKILL')
    void bells.stop()
  })
}
run().catch((error) => console.log(error.code, error.message, error.help))
`

/** Options whose value may be undefined, as callers have them that pass on what they were given. */
const passedOn = `
import { type App, app, type Broker, type Event, event, type Processor, processor, sqlite, topic } from 'millrace'
import { z } from 'zod'

const Paid = event('paid', { schema: z.object({ n: z.number() }), context: undefined, version: undefined })
const Payments = topic('payments', [Paid], { retired: undefined })
export const part = (timeoutMs: number | undefined): Processor =>
  processor('p', { on: Payments, handle: {}, timeoutMs, retry: { attempts: undefined }, startAt: undefined })
export const made = (broker: Broker, log: undefined) => app({ name: 'a', broker, parts: [Payments], log, setup: undefined })
export const file = (lockedMs: number | undefined) => sqlite({ file: 'a.db', lockedMs })
export const publish = async (bank: App, type: Event<'e', { n: number }>, id: string | undefined) => {
  await bank.publish(type, { n: 1 }, { id, at: undefined })
  await bank.start({ only: undefined, waitMs: undefined })
  return bank.desk.list({ processor: id, limit: undefined })
}
`

/** Rows in a file, with every thread that the library starts, and errors that are recognised by their code. */
const threads = `
import { app, event, isMillraceError, processor, sqlite, topic } from 'millrace'
import { z } from 'zod'

const Paid = event('paid', { schema: z.object({ cents: z.number() }), context: () => 'one' })
const Payments = topic('payments', [Paid])
const ledger = processor('ledger', {
  on: Payments,
  handle: { paid: ({ data }, { commit }) => commit((tx) => tx.query\`insert into ledger values (\${data.cents})\`) },
})
const bank = app({
  name: 'bank',
  broker: sqlite({ file: './bank.db' }),
  setup: (tx) => tx.query\`create table if not exists ledger (cents integer)\`,
  parts: [ledger],
})
await bank.start({ watchdog: true })
await bank.publish(Paid, { cents: 1 }, { id: 'first' })
const { duplicate } = await bank.publish(Paid, { cents: 1 }, { id: 'first' })
await bank.publish(Paid, { cents: 2 })
const wrong = await bank.publish(Paid, { cents: 'three' } as never).catch((error: unknown) => error)
await bank.idle()
const rows = await bank.read<{ cents: number }>\`select cents from ledger order by cents\`
console.log(JSON.stringify(rows), bank.health().status, duplicate, isMillraceError(wrong) ? wrong.code : wrong)
await bank.stop()
`

const wrong = `
import { event } from 'millrace'
import { z } from 'zod'
event('wrong', { schema: z.object({ at: z.date() }) })
`

/** The packages whose types can be reached from a declaration file. */
function foreignTypes(start: string): Set<string> {
  const foreign = new Set<string>()
  const seen = new Set<string>()
  const visit = (file: string) => {
    if (seen.has(file)) return
    seen.add(file)
    const text = readFileSync(file, 'utf8')
    assert.doesNotMatch(text, /\/\/\/ <reference/, file)
    for (const [, name] of text.matchAll(/(?:from|import|import\()\s*['"]([^'"]+)['"]/g)) {
      if (!name!.startsWith('.')) foreign.add(name!)
      else visit(join(dirname(file), name!.replace(/\.[jt]s$/, '.d.ts')))
    }
  }
  visit(start)
  assert(seen.size > 5)
  return foreign
}
