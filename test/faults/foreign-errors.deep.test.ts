// Errors that have nothing to do with Millrace are left to Node.js: with an app that runs the process does the same, and
// says the same, as without.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { place } from './support/place.ts'

const programs = (name: string) => fileURLToPath(new URL(`./support/${name}-program.ts`, import.meta.url))
const modes = ['throw', 'strict', 'warn', 'warn-with-error-code', 'none']

interface Told {
  readonly status: number | string | null
  readonly stdout: string
  readonly stderr: string
}

function run(mode: string, program: string, ...words: string[]): Promise<Told> {
  const options = ['--conditions=millrace-source', `--unhandled-rejections=${mode}`, programs(program), ...words]
  return new Promise((resolve) => {
    const child = execFile(process.execPath, options, (_error, stdout, stderr) => {
      resolve({ status: child.exitCode, stdout, stderr: stderr.replace(/\(node:\d+\)/g, '(node)') })
    })
  })
}

const cases: readonly (readonly [fails: string, listens: string])[] = [
  ['a rejection with an error', 'nobody'],
  ['a rejection with an error', 'unhandledRejection'],
  ['a rejection with an error', 'uncaughtException'],
  ['a rejection with an error', 'uncaughtExceptionMonitor'],
  ['a rejection with a string', 'nobody'],
  ['a rejection with undefined', 'nobody'],
  ['an exception with an error', 'nobody'],
  ['an exception with undefined', 'uncaughtException'],
]

for (const mode of modes) {
  test(`with --unhandled-rejections=${mode} an app changes nothing about errors of others`, async (t) => {
    for (const [fails, listens] of cases) {
      const file = join(place(t), 'bells.db')
      const [alone, beside] = await Promise.all([
        run(mode, 'foreign', '-', fails, listens),
        run(mode, 'foreign', file, fails, listens),
      ])
      assert.notEqual(alone.status, 9, alone.stderr)
      assert.deepEqual(beside, alone, `${fails}, ${listens} listens`)
    }
  })

  test(`with --unhandled-rejections=${mode} a promise that a handler forgets is still told to its attempt`, async (t) => {
    const ways = [
      'a promise that the running handler has forgotten rejects',
      'a callback throws while the handler runs',
      'a promise rejects after the handler has returned',
    ]
    for (const way of ways) {
      const { status, stdout, stderr } = await run(mode, 'late', join(place(t), 'bells.db'), way)
      assert.equal(status, 0, stderr)
      const said = way.includes('after')
      assert.deepEqual(JSON.parse(stdout), { attempts: said ? 1 : 2, said, rung: [{ n: 0 }], held: 0, heard: [] }, way)
    }
  })
}

test('when an app has stopped, the process is as it was', async () => {
  const { nodeWorld } = await import('../../src/adapters/node/world.ts')
  const before = Object.getOwnPropertyDescriptor(process, 'emit')
  const world = nodeWorld(() => {})
  const [first, second] = [world.listen(), world.listen()]
  first()
  first()
  assert.notEqual(process.emit, process.constructor.prototype.emit)
  second()
  assert.deepEqual(Object.getOwnPropertyDescriptor(process, 'emit'), before)
  // Another library that does the same goes on to call ours.
  const third = world.listen()
  const ours = process.emit
  process.emit = function (this: NodeJS.Process, ...event: Parameters<typeof ours>) {
    return ours.apply(this, event)
  } as typeof process.emit
  const theirs = process.emit
  third()
  assert.equal(process.emit, theirs)
  let heard = 0
  process.once('millrace-test' as never, () => heard++)
  process.emit('millrace-test' as never)
  assert.equal(heard, 1)
  const fourth = world.listen()
  assert.equal(process.emit, theirs)
  process.emit = ours
  fourth()
  assert.deepEqual(Object.getOwnPropertyDescriptor(process, 'emit'), before)
})
