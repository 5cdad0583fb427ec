import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { casesAt } from './cases.ts'
import type { Result } from './result.ts'
import { scales } from './scale.ts'

interface Ended {
  code: number
  stdout: string
  stderr: string
}

function bench(...options: string[]): Promise<Ended> {
  const args = ['--conditions=millrace-source', '--expose-gc', fileURLToPath(import.meta.resolve('./main.ts'))]
  return new Promise((resolve) => {
    execFile(process.execPath, [...args, ...options], (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    )
  })
}

test('a tiny run gives a sane figure for every name, and gives it once', async () => {
  const { code, stdout, stderr } = await bench('--tiny', '--no-peers', '--json')
  assert.equal(code, 0, stderr)
  const results = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Result)
  assert.deepEqual(
    results.map(({ name }) => name),
    casesAt(scales.tiny).flatMap(({ lines }) => lines.map(({ name }) => name)),
  )
  for (const result of results) {
    const { name, value, raw, rawShape } = result
    // What is the difference of two measurements may come out as nothing, or less, of so few.
    const isDifference = ['flow.memory.100k', 'route', 'sse.10k', 'sse.10k.listener'].includes(name)
    assert.ok(value !== null && (value > 0 || isDifference), `${name} is ${value}`)
    assert.equal(
      raw === null,
      !/^(postgres\.(publish|handle)|publish|handle|drain)\b/.test(name) || name === 'drain.100k.time',
      `${name} by raw: ${raw}`,
    )
    assert.equal(
      rawShape === null,
      !/^(postgres\.)?(publish|handle)\b/.test(name),
      `${name} by the raw shape: ${rawShape}`,
    )
    assert.deepEqual([result.peer, result.peerValue, result.ratio], [null, null, null])
    assert.equal(result.durability, 'fdatasync before acknowledgement')
  }
})

test('an unknown option and a pattern without a case end with exit code 2', async () => {
  const unknown = await bench('--quik')
  assert.equal(unknown.code, 2)
  assert.match(unknown.stderr, /--quik/)
  const nothing = await bench('--only', 'publsh')
  assert.equal(nothing.code, 2)
  assert.match(nothing.stderr, /no case is publsh/)
})
