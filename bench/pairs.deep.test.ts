import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import test from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const pairs = (...words: string[]) =>
  execFileSync(process.execPath, ['--conditions=millrace-source', '--expose-gc', 'bench/pairs.ts', ...words], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })

test('a checkout is compared with another, in pairs of fresh processes', () => {
  const printed = pairs('--before', root, '--pairs', '2', '--quick', '--only', 'publish.1')
  assert.match(printed, /^2 pairs .*\npublish\.1 +\d+\.\d{3} {2}\(\d+\.\d{3} to \d+\.\d{3}\)\n$/)
})

test('without a checkout to compare with it prints its usage', () => {
  assert.throws(
    pairs,
    ({ status, stdout }: { status: number; stdout: string }) => status === 2 && /usage:/.test(stdout),
  )
})
