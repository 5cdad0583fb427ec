import assert from 'node:assert/strict'
import test from 'node:test'
import { bytesText, optionText } from './settings.ts'

test('a size is a short number with its unit', () => {
  assert.deepEqual([0, 512, 1_024, 1_536, 8 * 1_048_576, 3 * 1_024 ** 4].map(bytesText), [
    ...['0 bytes', '512 bytes', '1 KiB', '1.5 KiB', '8 MiB', '3 TiB'],
  ])
})

test('an option has the unit that its name ends with', () => {
  assert.equal(optionText('deskRetainMs', 30 * 86_400_000), '30 days')
  assert.equal(optionText('flushMs', 10), '10 ms')
  assert.equal(optionText('messageBytesMax', 1_048_576), '1 MiB')
  assert.equal(optionText('pendingMax', 100_000), '100,000')
})
