// The command `millrace dev`, as docs/guides/cli.md shows it.
import assert from 'node:assert/strict'
import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { begin, folder, linesOf, millrace, objectsOf, type Running } from './support/millrace.ts'

const app = `
import { app, event, processor, sqlite, topic } from 'millrace'
import { ring } from './bell.ts'

const schema = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } }
const Rang = event('rang', { schema, context: ({ bell }) => bell })
const ringer = processor('ringer', {
  on: topic('bells', [Rang]),
  retry: { attempts: 2, firstDelayMs: 1, maxDelayMs: 1 },
  handle: { rang: ({ data }) => ring(data.bell) },
})
export default app({ name: 'tower', broker: sqlite({ file: './tower.db' }), parts: [ringer] })
`
const rings = 'export const ring = () => {}\n'
const cracks = "export const ring = (bell: string) => {\n  throw new Error('it is cracked')\n}\n"
const hangs = 'export const ring = () => new Promise(() => {})\n'

interface Tower {
  readonly cwd: string
  write(name: string, text: string): void
  publish(bell: string): Promise<void>
}

function tower(t: TestContext, bell: string | undefined): Tower {
  const cwd = folder(t)
  const write = (name: string, text: string) => writeFileSync(join(cwd, name), text)
  write('app.ts', app)
  if (bell !== undefined) write('bell.ts', bell)
  return {
    cwd,
    write,
    publish: async (bell) => {
      const { status, err } = await millrace(['publish', 'app.ts', 'rang', JSON.stringify({ bell })], { cwd })
      assert.deepEqual([status, err], [0, ''])
    },
  }
}

/** Resolves when the app has become ready so many times. */
const ready = (dev: Running, times: number) =>
  dev.says(new RegExp('^(?:[^]*?^ready: app tower){'.concat(`${times}}`), 'm'))

test('dev prints handled and failed messages, and runs the app anew when a file of it changes', async (t) => {
  const { cwd, write, publish } = tower(t, rings)
  const dev = begin(t, ['dev', 'app.ts'], { cwd })
  await ready(dev, 1)
  await publish('anna')
  await dev.says(/^\d\d:\d\d:\d\d handled ringer rang anna$/m)
  write('bell.ts', 'export const ring = \n')
  await dev.says('bell.ts has changed: starts again')
  await dev.says('ended with 1; starts again when a file changes')
  write('bell.ts', cracks)
  await ready(dev, 2)
  await publish('berta')
  await dev.says(/^\d\d:\d\d:\d\d failed {2}ringer rang berta: it is cracked at bell\.ts:2, again$/m)
  await dev.says(/^\d\d:\d\d:\d\d held {4}ringer rang berta: it is cracked at bell\.ts:2$/m)
  write('bell.ts', rings)
  await ready(dev, 3)
  await dev.says(/^1 message is held: see npx millrace desk app\.ts$/m)
  dev.process.kill('SIGINT')
  const { status, out, err } = await dev.done
  assert.deepEqual([status, err], [130, ''])
  const lines = linesOf(out)
  assert.match(
    lines.join(' '),
    /app\.ts cannot be loaded: SyntaxError: \S.* at \S*bell\.ts:\d+; .*\(millrace\/bad-app\)/,
  )
  for (const line of lines) assert(line.length <= 80, line)
  assert.equal(statSync(join(cwd, 'tower.db-control'), { throwIfNoEntry: false }), undefined, 'the app was stopped')
})

test('an app that cannot start is started when the file that it lacks comes', async (t) => {
  const { cwd, write } = tower(t, undefined)
  const dev = begin(t, ['dev', 'app.ts', '--json'], { cwd })
  await dev.says('"event":"ended"')
  write('bell.ts', rings)
  await dev.says('"event":"running"')
  dev.process.kill('SIGTERM')
  const { status, out, err } = await dev.done
  assert.equal(status, 143)
  const [ended, changed, running, ...rest] = objectsOf(out)
  assert.deepEqual(
    [ended, changed],
    [
      { event: 'ended', status: 1 },
      { event: 'changed', file: 'bell.ts' },
    ],
  )
  assert.deepEqual([running!['event'], running!['app']], ['running', 'tower'])
  assert.deepEqual(
    rest.map(({ event }) => event),
    ['stopping', 'stopped'],
  )
  assert.equal(JSON.parse(err).error.code, 'millrace/bad-app')
})

test('a handler that never ends does not keep the old code', async (t) => {
  const { cwd, write, publish } = tower(t, hangs)
  const dev = begin(t, ['dev', 'app.ts', '--grace', '0'], { cwd })
  await ready(dev, 1)
  await publish('anna')
  write('bell.ts', rings)
  await dev.says(/handled ringer rang anna$/m)
})

test('when dev is killed the app ends, and another process gets its file', async (t) => {
  const { cwd } = tower(t, rings)
  const dev = begin(t, ['dev', 'app.ts'], { cwd })
  await ready(dev, 1)
  dev.process.kill('SIGKILL')
  const next = begin(t, ['start', 'app.ts', '--wait-ms', '60000'], { cwd })
  await next.says('ready')
})

test('dev names a file that is not there', async (t) => {
  const { status, err } = await millrace(['dev', 'ap.ts'], { cwd: folder(t) })
  assert.equal(status, 1)
  assert.match(err, /^millrace: there is no file ap\.ts; .*\(millrace\/no-app\)\n$/)
})
