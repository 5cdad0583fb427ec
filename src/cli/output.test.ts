import assert from 'node:assert/strict'
import test from 'node:test'
import { MillraceError } from '../index.ts'
import { errorObject, errorText, UsageError } from './output.ts'

test('an error of ours says what, what to do, and its code, in one line', () => {
  const error = new MillraceError('millrace/no-app', 'there is no\nfile a')
  assert.equal(
    errorText(error),
    'millrace: there is no\\nfile a; name the application file, or a database that exists (millrace/no-app)',
  )
  const asking = new MillraceError('millrace/unknown-processor', 'did you mean "a"?')
  assert.equal(
    errorText(asking),
    'millrace: did you mean "a"? List the processors for their names (millrace/unknown-processor)',
  )
})

test('only what nobody expected has a stack trace', () => {
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
