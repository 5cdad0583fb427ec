import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { folder, linesOf, millrace, millraces } from './support/millrace.ts'

test('the version is that of the package', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  const { status, out } = await millrace(['--version'])
  assert.deepEqual({ status, out }, { status: 0, out: `${version}\n` })
})

const groups = ['desk', 'processors', 'flows', 'messages', 'tokens', 'schedules']
/** The commands that a help names. */
const namesIn = (help: string) => [...help.matchAll(/^ {2}([a-z-]+) {2,}/gm)].map(([, name]) => name!)

test('every command has help with an example, within 80 columns', async () => {
  const [all, ...ofGroups] = await millraces([['--help'], ...groups.map((group) => [group, '--help'])])
  const plain = namesIn(all!.out).filter((name) => name !== 'help' && !groups.includes(name))
  const inGroups = groups.flatMap((group, at) => namesIn(ofGroups[at]!.out).map((name) => `${group} ${name}`))
  const commands = [...plain, ...inGroups]
  assert(plain.includes('restore') && inGroups.includes('processors reset'))
  const helps = await millraces(commands.map((command) => [...command.split(' '), '--help']))
  commands.forEach((command, at) => {
    const { status, out, err } = helps[at]!
    assert.deepEqual([status, err], [0, ''])
    assert.match(out, new RegExp(`^Usage: npx millrace ${command} `))
    assert.match(out, new RegExp(`Examples?:\\n( {2}# .*\\n)? {2}npx millrace ${command} `))
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
  [[], /^Usage: npx millrace/],
  [['strt'], /^millrace: unknown command 'strt'; did you mean start\?\n$/],
  [['desk'], /^millrace: name the app file \(app\.ts\) or --db FILE; see npx millrace desk list --help\n$/],
  [['desk', 'lst'], /^millrace: unknown command 'lst'; did you mean list\?\n$/],
  [['doctor', '--jsn'], /^millrace: unknown option '--jsn'; did you mean --json\?\n$/],
  [['doctor'], /^millrace: name the app file \(app\.ts\) or --db FILE; see npx millrace doctor --help\n$/],
  [['doctor', '--db', 'a.db', 'more'], /^millrace: unexpected argument "more"; see npx millrace doctor --help\n$/],
  [['start'], /^millrace: name the app file, such as app\.ts; see npx millrace start --help\n$/],
  [['desk', 'show', '--db', 'a.db'], /^millrace: ID is missing; see npx millrace desk show --help\n$/],
  [['desk', 'show', '--db', 'a.db', 'x'], /^millrace: ID is "x", but must be the number of a message at the desk; /],
  [['desk', 'release', '--db', 'a.db'], /^millrace: ID is missing; /],
  [['desk', 'list', '--db', 'a.db', '--limit', '0'], /^millrace: --limit is "0", but must be a whole number from 1 /],
  [
    ['desk', 'list', '--db', 'a.db', '--state', 'hled'],
    /^millrace: --state is "hled", but must be held, deciding, trying, /,
  ],
  [['desk', 'app.ts', 'more'], /^millrace: unexpected argument "more"; see npx millrace desk list --help\n$/],
  [['processors', 'lst'], /^millrace: unknown command 'lst'; did you mean list\?\n$/],
  [['processors', 'retire', '--db', 'a.db'], /^millrace: NAME is missing; /],
  [['flows', 'lst'], /^millrace: unknown command 'lst'; did you mean list\?\n$/],
  [['backup', '--db', 'a.db'], /^millrace: --to FILE is missing; see npx millrace backup --help\n$/],
  [
    ['processors', 'reset', 'a.ts', 'b'],
    /^millrace: --to WHERE is missing; see npx millrace processors reset --help\n$/,
  ],
  [['processors', 'reset', 'a.ts', 'b', '--to'], /^millrace: --to needs WHERE; see npx millrace processors reset /],
  [['start', 'a.ts', '--grace', 'abc'], /^millrace: --grace is "abc", but .*; see npx millrace start --help\n$/],
  [
    ['start', '.'],
    /^millrace: \. is a folder: name the app file in it, such as app\.ts; see npx millrace start --help\n$/,
  ],
  [['desk', '.'], /^millrace: \. is a folder: name the app file in it, such as app\.ts; see npx millrace desk list /],
  [['publish', '/', 'order.placed', '{}'], /^millrace: \/ is a folder: name the app file in it, such as \/app\.ts; /],
  [['doctor', '--xyzzy'], /^millrace: unknown option '--xyzzy'; see npx millrace doctor --help\n$/],
  [['desk', 'xyzzy'], /^millrace: unknown command 'xyzzy'; see npx millrace desk --help\n$/],
  [['tail', '--db', 'a.db', '--no-follow'], /^millrace: --no-follow needs --last N; /],
  [
    ['publish', '--db', 'a.db', 'order.placed', '{"a'],
    /^millrace: DATA is not JSON: .*; see npx millrace publish --help\n$/,
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
      help: 'Name an app file, or a database, that exists; an app makes its database at its first start.',
    },
  })
  const usage = await millrace(['desk', 'show', '--db', 'a.db', '--json'], { cwd })
  assert.equal(usage.status, 2)
  assert.equal(JSON.parse(usage.err).error.code, 'usage')
})
