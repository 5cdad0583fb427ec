import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import test from 'node:test'
import { MillraceError } from '../index.ts'
import { errorObject, errorText, Output, UsageError } from './output.ts'

test('an error of Millrace has the fault, the remedy and its code in one line', () => {
  const error = new MillraceError('millrace/no-app', 'there is no\nfile a')
  assert.equal(
    errorText(error),
    'millrace: there is no\\nfile a; name an app file, or a database, that exists; an app makes its database at its first start (millrace/no-app)',
  )
  const asking = new MillraceError('millrace/unknown-processor', 'did you mean "a"?')
  assert.equal(
    errorText(asking),
    'millrace: did you mean "a"? List the processors for their names (millrace/unknown-processor)',
  )
})

test('only an unexpected error has a stack trace', () => {
  assert.equal(errorText(new UsageError('name it')), 'millrace: name it')
  assert.equal(errorText(Object.assign(new Error('no space'), { code: 'ENOSPC' })), 'millrace: no space')
  assert.equal(errorText('thrown'), 'millrace: thrown')
  assert.match(errorText(new TypeError('a bug')), /^millrace: unexpected: TypeError: a bug\n {4}at /)
})

test('as JSON every error has a code', () => {
  assert.deepEqual(errorObject(new UsageError('name it')), { code: 'usage', message: 'name it' })
  assert.deepEqual(errorObject('thrown'), { code: 'unexpected', message: 'thrown' })
  assert.equal(errorObject(new MillraceError('millrace/no-app', 'none')).code, 'millrace/no-app')
})

/** A standard output that nobody has read yet. */
function unread() {
  const stream = new PassThrough({ highWaterMark: 1 })
  const closed = new AbortController()
  const out = new Output({ json: false, stdout: stream as never, stderr: stream as never, closed: closed.signal })
  return { stream, closed, out }
}

test('however many lines wait to be read, standard output has one listener, and they come in order', async () => {
  const { stream, out } = unread()
  const texts = Array.from({ length: 100 }, (_, n) => `line ${n}`)
  const written = texts.map((text) => out.line(text))
  assert.equal(stream.listenerCount('drain'), 1)
  assert.equal(stream.listenerCount('close'), 1)
  let read = ''
  stream.on('data', (chunk) => {
    read += String(chunk)
  })
  await Promise.all(written)
  assert.deepEqual(read.trim().split('\n'), texts)
  assert.equal(stream.listenerCount('drain'), 0)
})

test('lines are not written when their reader is gone', async () => {
  const { stream, closed, out } = unread()
  let made = 0
  const lines = function* () {
    for (; made < 1_000; made++) yield `line ${made}`
  }
  const written = out.lines(lines())
  closed.abort()
  stream.destroy()
  await written
  assert(made < 3, `${made} lines were made`)
})
