// What goes on between threads is ours alone, and a thread that cannot be started is told as what it is.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { place } from './support/place.ts'

const support = (name: string) => fileURLToPath(new URL(`./support/${name}.ts`, import.meta.url))
const program = support('threads-program')
const source = '--conditions=millrace-source'
const well = [3, 'green']

interface Surroundings {
  readonly options?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
}

function run(file: string, ends: 'dies' | 'stops', { options = [], env = {} }: Surroundings = {}): unknown {
  const words = [source, ...options, program, file, ends]
  const { stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8', env: { ...process.env, ...env } })
  assert.notEqual(stdout, '', stderr)
  return JSON.parse(stdout)
}

test('under node --watch an app starts also after an unclean stop', async (t) => {
  const file = join(place(t), 'bells.db')
  assert.deepEqual(run(file, 'dies'), well)
  const child = spawn(process.execPath, ['--watch', '--watch-preserve-output', source, program, file, 'stays'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill())
  let said = ''
  for await (const part of child.stdout!) {
    said += part
    if (said.includes(']\n') || said.includes('Failed')) break
  }
  child.kill()
  await once(child, 'exit')
  assert(said.includes(JSON.stringify(well)), said)
})

const noisyThreads = { env: { NODE_OPTIONS: `--import=${support('noise')}` } }

test("messages that other code posts from Millrace's threads are no answer", (t) => {
  for (const noise of [noisyThreads, { env: { WATCH_REPORT_DEPENDENCIES: '1' } }]) {
    const file = join(place(t), 'bells.db')
    assert.deepEqual(run(file, 'dies', noise), well)
    assert.deepEqual(run(file, 'stops', noise), well)
  }
})

test('without a successful sync nothing is accepted, despite messages that other code posts', (t) => {
  const [told] = run(join(place(t), 'bells.db'), 'stops', { env: { ...noisyThreads.env, NOISE: 'no sync' } }) as [
    { readonly code: string },
  ]
  assert.equal(told.code, 'millrace/sync-failed')
})

test('an app that cannot start a thread says so, and what to do', (t) => {
  const options = [`--import=${support('no-threads')}`]
  const file = join(place(t), 'bells.db')
  const [told] = run(file, 'stops', { options }) as [Record<string, unknown>]
  assert.equal(told['code'], 'millrace/threads-missing')
  assert.equal(told['retryable'], false)
  assert.match(String(told['help']), /--external:millrace/)
  assert.deepEqual(run(file, 'stops'), well)
})
