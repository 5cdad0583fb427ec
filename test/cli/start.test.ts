import assert from 'node:assert/strict'
import { existsSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { pathToFileURL } from 'node:url'
import { mill } from './support/mill.ts'
import { appFile, begin, folder, linesOf, millrace, objectsOf } from './support/millrace.ts'

test('start names the running parts and the address, and ends cleanly on SIGTERM', async (t) => {
  const file = join(folder(t), 'mill.db')
  const app = begin(t, ['start', appFile, '--db', file])
  await app.says('ready')
  assert.equal(statSync(`${file}-control`).mode & 0o777, 0o600)
  app.process.kill('SIGTERM')
  const { status, out, err } = await app.done
  assert.deepEqual({ status, err }, { status: 143, err: '' })
  assert.deepEqual(linesOf(out), [
    `app mill, process ${app.process.pid}`,
    `  where       ${file}`,
    '  topics      orders: order.placed',
    '              moves: stock.taken',
    '  channels    labels: label.print',
    '  processors  stock on orders',
    '              printer on labels',
    'ready',
    'stopping: running handlers end first; a second signal ends at once',
    'stopped',
  ])
  assert.equal(statSync(`${file}-control`, { throwIfNoEntry: false }), undefined)
  assert.equal(statSync(`${file}-wal`, { throwIfNoEntry: false }), undefined)
})

test('Ctrl-C ends it with 130, and with --json each line is an object', async (t) => {
  const file = join(folder(t), 'mill.db')
  const app = begin(t, ['start', '--json', appFile, '--db', file, '--only', 'stock'])
  await app.says('ready')
  app.process.kill('SIGINT')
  const { status, out } = await app.done
  assert.equal(status, 130)
  const [ready, ...rest] = objectsOf(out)
  assert.deepEqual(ready, {
    event: 'ready',
    app: 'mill',
    pid: app.process.pid,
    where: file,
    topics: [
      { name: 'orders', types: ['order.placed'] },
      { name: 'moves', types: ['stock.taken'] },
    ],
    channels: [{ name: 'labels', types: ['label.print'] }],
    processors: [
      { name: 'stock', on: 'orders', runs: true },
      { name: 'printer', on: 'labels', runs: false },
    ],
  })
  assert.deepEqual(rest, [{ event: 'stopping' }, { event: 'stopped' }])
})

test('a second signal ends it at once, though a handler never does', async (t) => {
  const file = join(folder(t), 'mill.db')
  const app = begin(t, ['start', appFile, '--db', file])
  await app.says('ready')
  assert.equal((await millrace(['publish', '--db', file, 'order.placed', '{"orderId":"a","hang":true}'])).status, 0)
  app.process.kill('SIGINT')
  await app.says('stopping')
  // What comes within a tenth of a second is the same Ctrl-C: npm passes it on.
  const again = setInterval(() => app.process.kill('SIGINT'), 20)
  const { status, out } = await app.done
  clearInterval(again)
  assert.equal(status, 130)
  assert.doesNotMatch(out, /stopped/)
})

test('a file that a process has is not started twice', async (t) => {
  const file = join(folder(t), 'mill.db')
  const app = begin(t, ['start', appFile, '--db', file])
  await app.says('ready')
  const { status, err } = await millrace(['start', appFile, '--db', file, '--wait-ms', '0'])
  assert.equal(status, 1)
  assert.match(err, new RegExp(`^millrace: .* is in use by process ${app.process.pid} on .*\\(millrace/in-use\\)\n$`))
})

test('a deployment that begins before the last process has ended takes over when that has', async (t) => {
  const file = join(folder(t), 'mill.db')
  const first = begin(t, ['start', appFile, '--db', file])
  await first.says('ready')
  const second = begin(t, ['start', appFile, '--db', file, '--wait-ms', '60000'])
  let ready = false
  const taking = second.says('ready').then(() => {
    ready = true
  })
  // It has come to the file: a command in its place would be answered by the first.
  assert.equal((await millrace(['processors', 'list', '--db', file])).status, 0)
  assert.equal(ready, false)
  first.process.kill('SIGTERM')
  assert.equal((await first.done).status, 143)
  await taking
})

test('after kill -9 a start puts a new socket in the place of the old one', async (t) => {
  const file = join(folder(t), 'mill.db')
  const first = begin(t, ['start', appFile, '--db', file])
  await first.says('ready')
  first.process.kill('SIGKILL')
  await first.done
  assert.ok(statSync(`${file}-control`).isSocket())
  const stopped = await millrace(['processors', 'list', '--db', file, '--json'])
  assert.deepEqual(
    objectsOf(stopped.out).map(({ name, state }) => ({ name, state })),
    [
      { name: 'printer', state: 'off' },
      { name: 'stock', state: 'off' },
    ],
  )
  const second = begin(t, ['start', appFile, '--db', file])
  await second.says('ready')
  const running = await millrace(['processors', 'list', '--db', file, '--json'])
  assert.deepEqual(
    objectsOf(running.out).map(({ state }) => state),
    ['live', 'live'],
  )
})

const files: readonly (readonly [what: string, source: string, err: RegExp])[] = [
  [
    'a syntax error',
    '\nexport default app(;',
    /^millrace: app\.ts cannot be loaded: SyntaxError: Expression expected at \S*app\.ts:2; .*\(millrace\/bad-app\)/,
  ],
  [
    'an error',
    "\nthrow new Error('no luck')",
    /cannot be loaded: Error: no luck at .*app\.ts:2; .*\(millrace\/bad-app\)/,
  ],
  [
    'a missing import',
    "import 'nowhere'",
    /cannot be loaded: Error: Cannot find package 'nowhere' .*\(millrace\/bad-app\)/,
  ],
  ['no default', 'export const a = 1', /^millrace: app\.ts exports nothing as default; .*\(millrace\/bad-app\)/],
  ['a default that is no app', 'export default 7', /^millrace: what app\.ts exports as default is no app; /],
  [
    'an app under a name',
    "import { app, sqlite } from 'millrace'\nexport const shop = app({ name: 'a', broker: sqlite({ file: 'a.db' }), parts: [] })",
    /^millrace: app\.ts exports nothing as default \(but an app as "shop"\); /,
  ],
  [
    'a wrong option',
    "import { app, sqlite } from 'millrace'\nexport default app({ nam: 'a', broker: sqlite({ file: 'a.db' }), parts: [] })",
    /^millrace: app: unknown option "nam"; did you mean "name"\? .*\(millrace\/unknown-option\)/,
  ],
]

test('an app file that is no good is told in one line, without a stack trace', async (t) => {
  await Promise.all(
    files.map(async ([what, source, expected]) => {
      const cwd = folder(t)
      writeFileSync(join(cwd, 'app.ts'), source)
      const { status, out, err } = await millrace(['start', 'app.ts'], { cwd })
      assert.deepEqual({ what, status, out }, { what, status: 1, out: '' })
      assert.match(err, expected)
      assert.equal(linesOf(err).length, 1, err)
    }),
  )
  const missing = await millrace(['start', 'none.ts'], { cwd: folder(t) })
  assert.match(missing.err, /^millrace: there is no file none\.ts; .*\(millrace\/no-app\)\n$/)
})

test('a project that is not of ES modules learns what its package.json lacks', async (t) => {
  const cwd = folder(t)
  writeFileSync(join(cwd, 'package.json'), '{ "type": "commonjs" }')
  writeFileSync(join(cwd, 'app.ts'), "import { app } from 'millrace'\nexport default app")
  const { status, err } = await millrace(['start', 'app.ts'], { cwd })
  assert.equal(status, 1)
  assert.match(err, /^millrace: app\.ts .* at \S*app\.ts:1 \(package\.json has to say "type": "module"\); /m)
})

test('an app file anywhere on the machine finds the library, and keeps the process only until it is stopped', async (t) => {
  const cwd = folder(t)
  const source = `import { app, sqlite } from 'millrace'
setInterval(() => {}, 1_000)
export default app({ name: 'elsewhere', broker: sqlite({ file: './a.db' }), parts: [] })`
  writeFileSync(join(cwd, 'app.ts'), source)
  const app = begin(t, ['start', 'app.ts'], { cwd })
  await app.says('ready')
  const { status, out } = await millrace(['doctor', 'app.ts'], { cwd })
  assert.equal(status, 0)
  assert.match(out, new RegExp(`running as process ${app.process.pid}`))
  app.process.kill('SIGTERM')
  assert.equal((await app.done).status, 143)
})

test('a part that is not there is told', async (t) => {
  const file = join(folder(t), 'mill.db')
  const { status, err } = await millrace(['start', appFile, '--db', file, '--only', 'stok'])
  assert.equal(status, 1)
  assert.match(
    err,
    /^millrace: app "mill" has no part "stok" that runs; did you mean "stock"\? .*\(millrace\/unknown-part\)/,
  )
})

test('ends of handlers, the watchdog and the socket follow the command', async (t) => {
  const place = folder(t)
  const support = new URL('./support/mill.ts', import.meta.url).href
  const app = join(place, 'app.ts')
  writeFileSync(
    app,
    `import { mill } from '${support}'
    const one = mill('${join(place, 'mill.db')}')
    const { run } = one
    export default Object.assign(one, {
      run: (options) => {
        console.log('run', JSON.stringify(options))
        return run.call(one, options)
      },
    })`,
  )
  const ran = async (...words: string[]) => {
    const running = begin(t, ['start', app, ...words])
    await running.says('ready')
    running.process.kill('SIGTERM')
    const { out } = await running.done
    return JSON.parse(linesOf(out)[0]!.replace('run ', ''))
  }
  const run = await ran()
  assert.deepEqual([run.watchdog, run.control, run.graceMs], [true, true, undefined])
  const other = await ran('--grace', '60000', '--no-watchdog', '--no-control')
  assert.deepEqual([other.watchdog, other.control, other.graceMs], [false, false, 60_000])
  const wrong = await millrace(['start', app, '--grace', '-1'])
  assert.equal(wrong.status, 2)
  assert.match(wrong.err, /--grace is "-1", but must be a whole number from 0 to 86400000/)
})

test('a signal that comes while the app file loads ends the command when it has loaded', async (t) => {
  const cwd = folder(t)
  writeFileSync(
    join(cwd, 'app.ts'),
    `import { app, sqlite } from 'millrace'
    const alive = setInterval(() => {}, 1_000)
    const came = new Promise((resolve) => process.once('SIGINT', resolve))
    process.kill(process.pid, 'SIGINT')
    await came
    clearInterval(alive)
    export default app({ name: 'a', broker: sqlite({ file: './a.db' }), parts: [] })`,
  )
  assert.deepEqual(await millrace(['start', 'app.ts'], { cwd }), { status: 130, out: '', err: '' })
  assert.equal(existsSync(join(cwd, 'a.db')), false)
})

test('a signal ends a start that waits for a file that another process has', async (t) => {
  const at = folder(t)
  const file = join(at, 'mill.db')
  const owner = mill(file)
  t.after(() => owner.stop())
  await owner.start()
  const says = join(at, 'says-app.ts')
  writeFileSync(
    says,
    `import app from ${JSON.stringify(pathToFileURL(appFile).href)}
    const { run } = app
    export default Object.assign(app, {
      run: (options) => {
        const running = run.call(app, options)
        console.log('starting')
        return running
      },
    })`,
  )
  const app = begin(t, ['start', says, '--db', file, '--wait-ms', '600000'])
  await app.says('starting')
  app.process.kill('SIGTERM')
  const { status, out, err } = await app.done
  assert.deepEqual({ status, err, lines: linesOf(out) }, { status: 143, err: '', lines: ['starting', 'stopped'] })
  assert.equal(owner.health().status, 'green')
})
