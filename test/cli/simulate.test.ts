import assert from 'node:assert/strict'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { appFile, linesOf, millrace } from './support/millrace.ts'

const bankFile = fileURLToPath(new URL('./bank-app.ts', import.meta.url))
const wrong = { env: { MILLRACE_WRONG: '1' } }

test('runs the scenario of the app file under many seeds and names the faults met', async () => {
  const { status, out } = await millrace(['simulate', bankFile, '--seeds', '5'])
  assert.equal(status, 0)
  assert.match(out, /seeds +5, each run twice/)
  assert(linesOf(out).every((line) => line.length <= 80))
  const { out: json } = await millrace(['simulate', bankFile, '--seed', '3', '--json'])
  assert.equal(JSON.parse(json).seeds, 1)
})

test('a failure ends with status 1 and the command that shows it again', async () => {
  const { status, out } = await millrace(['simulate', bankFile, '--seeds', '5'], wrong)
  assert.equal(status, 1)
  assert.match(out, /^seed 1, step \d+: eventually "each move is seen once" does not hold/)
  assert.match(out, /replay: npx millrace simulate .*bank-app\.ts --seed 1\n/)
  const { status: again, out: json } = await millrace(['simulate', bankFile, '--seed', '1', '--json'], wrong)
  assert.equal(again, 1)
  const { seed, what, workload, trace } = JSON.parse(json)
  assert.deepEqual(
    { seed, what, workload },
    { seed: 1, what: 'eventually "each move is seen once"', workload: ['publish moved {"account":"c"}'] },
  )
  assert(trace.length > 5)
})

test('a file without a scenario, and wrong words, are refused with what to do', async () => {
  const none = await millrace(['simulate', appFile])
  assert.equal(none.status, 1)
  assert.match(none.err, /exports no "simulation": export const simulation = .*\(millrace\/no-check\)/)
  assert.equal((await millrace(['simulate'])).status, 2)
  assert.equal((await millrace(['simulate', bankFile, '--seed', '1', '--seeds', '2'])).status, 2)
  for (const option of ['--db', '--wait-ms']) {
    const { status, err } = await millrace(['simulate', bankFile, option, '1'])
    assert.equal(status, 2)
    assert.match(err, new RegExp(`^millrace: unknown option '${option}'; see npx millrace simulate --help\n$`))
  }
  assert.doesNotMatch((await millrace(['simulate', '--help'])).out, /--db <|--wait-ms/)
})
