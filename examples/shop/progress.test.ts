import assert from 'node:assert/strict'
import { test } from 'node:test'
import { progressLine, showProgress } from './progress.ts'

const half = { bytes: 500, sizeBytes: 1_000, invoices: 12_345, reading: true }

test('on a terminal there is a bar that fills its width', () => {
  assert.equal(progressLine(half, 50), '[#######........]  50 %, 12,345 invoices published')
  for (const bytes of [0, 1, 999, 1_000, 2_000]) assert.equal(progressLine({ ...half, bytes }, 79).length, 79)
})

test('elsewhere, and where there is no room, there is a line without a bar', () => {
  assert.equal(progressLine(half, 0), ' 50 %, 12,345 invoices published')
  assert.equal(progressLine(half, 30), ' 50 %, 12,345 invoices published')
})

test('a pipe, which has no size, shows what was read', () => {
  assert.equal(progressLine({ ...half, sizeBytes: 0 }, 79), '12,345 invoices published')
})

test('after the reading it says that it waits for the handling', () => {
  assert.equal(
    progressLine({ ...half, reading: false }, 79),
    '12,345 invoices published, waiting until they are handled',
  )
})

test('a bar is drawn over itself and wiped away, lines come every two seconds', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const shown = (isTTY: boolean, ms: number) => {
    let text = ''
    const output = { isTTY, columns: 60, write: (part: string) => (text += part) }
    {
      using _progress = showProgress(half, output)
      t.mock.timers.tick(ms)
    }
    t.mock.timers.tick(10_000)
    return text
  }
  assert.equal(shown(true, 200), `\r${progressLine(half, 59)}\x1b[K`.repeat(2) + '\r\x1b[K')
  assert.equal(shown(false, 4_000), `${progressLine(half, 0)}\n`.repeat(2))
  assert.equal(shown(false, 1_999), '')
})
