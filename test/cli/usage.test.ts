import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { folder, linesOf, millrace, millraces } from './support/millrace.ts'

test('the version is that of the package', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  const { status, out } = await millrace(['--version'])
  assert.deepEqual({ status, out }, { status: 0, out: `${version}\n` })
})

test('every command has help with an example, within 80 columns', async () => {
  const commands = [
    'init',
    'start',
    'dev',
    'publish',
    'tail',
    'desk list',
    'desk show',
    'desk release',
    'processors list',
  ]
  commands.push('desk groups', 'desk resubmit', 'desk discard', 'desk take-back', 'desk operations', 'desk abort')
  commands.push('desk audit', 'processors pause', 'processors resume', 'processors retire', 'doctor', 'backup')
  commands.push('flows list', 'flows show', 'flows questions', 'flows answer', 'flows cancel', 'flows stop')
  commands.push('flows pause', 'flows resume', 'flows rerun', 'flows check', 'simulate')
  const helps = await millraces(commands.map((command) => [...command.split(' '), '--help']))
  commands.forEach((command, at) => {
    const { status, out, err } = helps[at]!
    assert.deepEqual([status, err], [0, ''])
    assert.match(out, new RegExp(`^Usage: millrace ${command} `))
    assert.match(out, new RegExp(`Examples?:\\n {2}millrace ${command} `))
    for (const line of linesOf(out)) assert.ok(line.length <= 80, `${command}: ${line}`)
  })
})

test('help of a command, also of one in a group, is that of --help, and the first page fits 80 columns', async () => {
  const [all, start, show, asked, shown] = await millraces([
    ['help'],
    ['help', 'start'],
    ['help', 'desk', 'show'],
    ['start', '--help'],
    ['desk', 'show', '--help'],
  ])
  for (const line of linesOf(all!.out)) assert.ok(line.length <= 80, line)
  assert.match(all!.out, /desk +the dead-letter queue/)
  assert.deepEqual([start, show], [asked, shown])
})

const wrong: readonly (readonly [args: readonly string[], err: RegExp])[] = [
  [[], /^Usage: millrace/],
  [['strt'], /^millrace: unknown command 'strt'; did you mean start\?\n$/],
  [['desk'], /^millrace: name the app file \(app\.ts\) or --db FILE; see millrace desk list --help\n$/],
  [['desk', 'lst'], /^millrace: unknown command 'lst'; did you mean list\?\n$/],
  [['doctor', '--jsn'], /^millrace: unknown option '--jsn'; did you mean --json\?\n$/],
  [['doctor'], /^millrace: name the app file \(app\.ts\) or --db FILE; see millrace doctor --help\n$/],
  [['doctor', '--db', 'a.db', 'more'], /^millrace: unexpected argument "more"; see millrace doctor --help\n$/],
  [['start'], /^millrace: name the app file, such as app\.ts; see millrace start --help\n$/],
  [['desk', 'show', '--db', 'a.db'], /^millrace: ID is missing; see millrace desk show --help\n$/],
  [['desk', 'show', '--db', 'a.db', 'x'], /^millrace: ID is "x", but must be the number of a message at the desk; /],
  [['desk', 'release', '--db', 'a.db'], /^millrace: ID is missing; /],
  [['desk', 'list', '--db', 'a.db', '--limit', '0'], /^millrace: --limit is "0", but must be a whole number from 1 /],
  [
    ['desk', 'list', '--db', 'a.db', '--state', 'hled'],
    /^millrace: --state is "hled", but must be held, deciding, trying, /,
  ],
  [['desk', 'app.ts', 'more'], /^millrace: unexpected argument "more"; see millrace desk list --help\n$/],
  [['processors', 'lst'], /^millrace: unknown command 'lst'; did you mean list\?\n$/],
  [['processors', 'retire', '--db', 'a.db'], /^millrace: NAME is missing; /],
  [['flows', 'lst'], /^millrace: unknown command 'lst'; did you mean list\?\n$/],
  [['backup', '--db', 'a.db'], /^millrace: required option '--to <file>' not specified\n$/],
  [['tail', '--db', 'a.db', '--no-follow'], /^millrace: --no-follow needs --last N; /],
  [
    ['publish', '--db', 'a.db', 'order.placed', '{"a'],
    /^millrace: DATA is not JSON: .*; see millrace publish --help\n$/,
  ],
  [['publish', '--db', 'a.db', 'order.placed', '--id', 'x'], /^millrace: --id needs DATA; /],
]

test('wrong use is told in one line, with status 2 and nothing on standard output', async (t) => {
  const cwd = folder(t)
  const all = await millraces(
    wrong.map(([args]) => args),
    { cwd },
  )
  wrong.forEach(([args, expected], at) => {
    const { status, out, err } = all[at]!
    assert.deepEqual({ args, status, out }, { args, status: 2, out: '' })
    assert.match(err, expected)
  })
})

test('with --json errors are JSON too', async (t) => {
  const cwd = folder(t)
  const missing = await millrace(['doctor', 'no-app.ts', '--json'], { cwd })
  assert.equal(missing.status, 1)
  assert.deepEqual(JSON.parse(missing.err), {
    error: {
      code: 'millrace/no-app',
      message: 'there is no file no-app.ts',
      help: 'Name the application file, or a database that exists.',
    },
  })
  const usage = await millrace(['desk', 'show', '--db', 'a.db', '--json'], { cwd })
  assert.equal(usage.status, 2)
  assert.equal(JSON.parse(usage.err).error.code, 'usage')
})
