// A program that is an app, as a process that gets signals.
import assert from 'node:assert/strict'
import { renameSync } from 'node:fs'
import test, { type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { app, isMillraceError, sqlite } from 'millrace'
import { Child } from './faults/support/child.ts'
import { place, rows } from './support.ts'

const source = fileURLToPath(new URL('./run-program.ts', import.meta.url))

function run(t: TestContext, file: string, way = ''): Child {
  const child = new Child(process.execPath, ['--conditions=millrace-source', source, file, way])
  t.after(async () => {
    child.kill()
    await child.ended
  })
  return child
}

test('SIGTERM lets a running handler end, then the program ends with 143', async (t) => {
  const file = place(t)
  const tower = run(t, file, 'rings until it stops')
  await tower.line('rings')
  tower.kill('SIGTERM')
  assert.deepEqual(await tower.ended, { code: 143, signal: null })
  assert.deepEqual(tower.lines, ['running', 'rings', 'stopping', 'rang', 'stopped', 'status 143 143'])
  assert.equal(tower.errors, '')
  assert.deepEqual(
    rows<{ low: number }>(file, 'select low from millrace_progress').map(({ low }) => low),
    [1],
  )
})

test('SIGINT ends it with 130, and handles left open do not keep it', async (t) => {
  const tower = run(t, place(t), 'leaves a timer')
  await tower.line('running')
  tower.kill('SIGINT')
  assert.deepEqual(await tower.ended, { code: 130, signal: null })
  assert.deepEqual(tower.lines, ['running', 'stopping', 'stopped', 'status 130 130'])
})

test('a second signal ends it at once, though a handler never does', async (t) => {
  const tower = run(t, place(t), 'rings forever')
  await tower.line('rings')
  tower.kill('SIGTERM')
  await tower.line('stopping')
  // A signal within a tenth of a second is the same one: npm passes Ctrl-C on.
  const again = setInterval(() => tower.kill('SIGINT'), 20)
  assert.deepEqual(await tower.ended, { code: 143, signal: null })
  clearInterval(again)
  assert.deepEqual(tower.lines, ['running', 'rings', 'stopping'])
})

test('a program that stops its app itself continues, and its status is its own', async (t) => {
  const tower = run(t, place(t), 'stops by itself')
  assert.deepEqual(await tower.ended, { code: 0, signal: null })
  assert.deepEqual(tower.lines, ['running', 'stopped', 'status 0 undefined'])
})

test('a start that fails ends the program with 1, and a signal ends one that waits with 143', async (t) => {
  const file = place(t)
  const first = run(t, file)
  await first.line('running')
  const fails = run(t, file)
  assert.deepEqual(await fails.ended, { code: 1, signal: null })
  assert.match(fails.errors, /is in use by process .*millrace\/in-use/s)
  const waits = run(t, file, 'waits for the file')
  await waits.line('starting')
  waits.kill('SIGTERM')
  assert.deepEqual(await waits.ended, { code: 143, signal: null })
  assert.deepEqual(waits.lines, ['starting', 'stopped', 'status 143 143'])
})

test('a program whose files are gone keeps saying so until its signal, and ends', async (t) => {
  const file = place(t)
  const tower = run(t, file, 'looks at its health')
  await tower.line('running')
  renameSync(file, `${file}-elsewhere`)
  await tower.line('red')
  tower.kill('SIGTERM')
  assert.deepEqual(await tower.ended, { code: 143, signal: null })
  assert.deepEqual(tower.lines, ['running', 'red', 'stopping', 'stopped', 'status 143 143'])
})

test('a report that throws hurts nothing', async (t) => {
  const tower = run(t, place(t), 'report fails')
  await tower.line('running')
  tower.kill('SIGTERM')
  assert.deepEqual(await tower.ended, { code: 143, signal: null })
  assert.equal(tower.errors, '')
})

test('wrong options of run are refused before anything starts', async (t) => {
  const one = app({ name: 'one', broker: sqlite({ file: place(t) }), parts: [] })
  const refused = (code: string, what: RegExp) => (error: unknown) =>
    isMillraceError(error) && error.code === code && what.test(error.message)
  const unknown = 'millrace/unknown-option'
  await assert.rejects(one.run({ grace: 1 } as never), refused(unknown, /^run: unknown option "grace"/))
  await assert.rejects(one.run({ graceMs: -1 }), refused('millrace/bad-option', /^run: graceMs is -1/))
  await assert.rejects(one.run({ report: 1 as never }), refused('millrace/bad-option', /^run: report must be a func/))
  await assert.rejects(one.start({ wachdog: true } as never), refused(unknown, /did you mean "watchdog"/))
})
