import assert from 'node:assert/strict'
import test from 'node:test'
import { isMillraceError } from '../model/errors.ts'
import { Lines } from './lines.ts'

test('lines come out whole, however their bytes were cut', () => {
  const text = 'one\n\nzwölf\n日本語\nrest'
  const bytes = Buffer.from(text)
  for (let size = 1; size <= bytes.length; size++) {
    const lines = new Lines(100)
    const found: string[] = []
    for (let at = 0; at < bytes.length; at += size) {
      for (const line of lines.take(bytes.subarray(at, at + size))) found.push(line.toString())
    }
    found.push(lines.end().toString())
    assert.deepEqual(found, text.split('\n'))
  }
})

test('a line that is too long is refused before it is kept', () => {
  const lines = new Lines(8)
  assert.deepEqual([...lines.take(Buffer.from('12345678\n1234'))].map(String), ['12345678'])
  assert.throws(
    () => [...lines.take(Buffer.from('56789'))],
    (error) => isMillraceError(error, 'millrace/bad-request'),
  )
})
