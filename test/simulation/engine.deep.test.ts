// The engine proven by its own test kit: random applications under faults, and mutations of it that have to be found.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { faultKinds } from '../../src/testing/faults.ts'
import { proveEngine } from './engine.ts'
import { type Failing, mutations, shown } from './mutations.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const seeds = 200
/** Seeds from the first on among which a mutation has to be found. */
const huntSeeds = 100
/** So much computing, whatever else the machine does: one that has not ended by then hangs. */
const cpuSecondsMax = 240

test('two hundred random applications keep every promise under crashes, power cuts and failures', async () => {
  const report = await proveEngine(Array.from({ length: seeds }, (_, index) => index + 1))
  assert.equal(report.seeds, seeds)
  for (const kind of faultKinds) assert(report.faults[kind] >= 50, `${kind} came ${report.faults[kind]} times only`)
  assert(report.starts > 2 * seeds)
})

for (const name of Object.keys(mutations)) {
  test(`an engine that ${name} is found out`, async (t) => {
    const failing = shown[name]
    if (failing !== undefined) {
      const said = await failsIn(name, failing)
      t.diagnostic(`found by "${failing.test}": ${said}`)
      return
    }
    const { out, err } = await mutated(name, ['test/simulation/hunt.ts', '1', String(huntSeeds)])
    assert.equal(err, '')
    const { seed, said } = JSON.parse(out) as { seed: number | null; said: string }
    assert(seed !== null, said)
    t.diagnostic(`found at seed ${seed}: ${said}`)
  })
}

/** A mutation is met by a test when that fails at what it asserts, or at what a simulation checks; gives where. */
async function failsIn(name: string, { file, test }: Failing): Promise<string> {
  const only = ['--test-name-pattern', `^${test.replaceAll(/\W/g, '.')}`]
  const { out, code } = await mutated(name, ['--test-reporter=tap', '--test-force-exit', ...only, file])
  assert.notEqual(code, 0, `it passes: ${test}`)
  assert(out.includes(`not ok 1 - ${test}\n`), out)
  assert.match(out, /^ *code: '(ERR_ASSERTION|millrace\/simulation-failed)'$/m, out)
  assert.match(out, /^ *name: '(AssertionError|StateError)'$/m, out)
  return /error: (?:\|-\n *)?(.*)/.exec(out)![1]!
}

/** Runs a file against the engine with a mutation. */
async function mutated(name: string, args: readonly string[]): Promise<{ out: string; err: string; code: number }> {
  const hooks = ['--import', './tools/imports.js', '--import', './test/simulation/mutate.ts']
  const node = ['--conditions=millrace-source', ...hooks]
  // Inside a test the child would take itself for a file of the same run, and tell it in another language.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const limited = ['-c', `ulimit -t ${cpuSecondsMax}; exec "$0" "$@"`, process.execPath]
  const child = spawn('sh', [...limited, ...node, ...args], {
    cwd: root,
    env: { ...env, MILLRACE_MUTATION: name, NODE_NO_WARNINGS: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const closed = once(child, 'close')
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
  const [code, signal] = await closed
  assert.equal(signal, null, `it has not ended within ${cpuSecondsMax} s of computing: ${out}${err}`)
  return { out, err, code }
}
