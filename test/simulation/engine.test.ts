// The engine proven by its own test kit: random applications under faults, and mutations of it that have to be found.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { faultKinds } from '../../src/testing/faults.ts'
import { proveEngine } from './engine.ts'
import { mutations, rare } from './mutations.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const seeds = 200
/** Seeds until a mutation has to be found. */
const huntSeeds = 400

test('two hundred random applications keep every promise under crashes, power cuts and failures', async () => {
  const report = await proveEngine(Array.from({ length: seeds }, (_, index) => index + 1))
  assert.equal(report.seeds, seeds)
  for (const kind of faultKinds) assert(report.faults[kind] >= 50, `${kind} came ${report.faults[kind]} times only`)
  assert(report.starts > 2 * seeds)
})

for (const name of Object.keys(mutations)) {
  test(`an engine that ${name} is found out`, async () => {
    const args = ['--conditions=millrace-source', '--import', './test/simulation/mutate.ts']
    const child = spawn(
      process.execPath,
      [...args, 'test/simulation/hunt.ts', String(rare[name] ?? 1), String(huntSeeds)],
      {
        cwd: root,
        env: { ...process.env, MILLRACE_MUTATION: name, NODE_NO_WARNINGS: '1' },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
    assert.equal(err, '')
    const { seed, said } = JSON.parse(out) as { seed: number | null; said: string }
    assert(seed !== null, said)
  })
}
