import assert from 'node:assert/strict'
import test from 'node:test'
import { coded } from '../../test/support.ts'
import { defaults } from '../model/options.ts'
import { type AppOptions, checkAppOptions, numbersOf } from './options.ts'

const options = { name: 'shop', broker: { name: 'none', create: () => {} }, parts: [] } as unknown as AppOptions

test('an app may be given each number of its table, and nothing that no table has', () => {
  const numbers = numbersOf({ name: 'shop' })
  checkAppOptions({ ...options, ...numbers, setup: () => {}, log: () => {} })
  const refused = coded('millrace/unknown-option', /^app: unknown option "pendingMx"; did you mean "pendingMax"/)
  assert.throws(() => checkAppOptions({ ...options, pendingMx: 1 } as AppOptions), refused)
})

test('a number that is not given is its default, one that is given is checked', () => {
  const { pendingMax, hotFlowsMax } = numbersOf({ name: 'shop', pendingMax: 7 })
  assert.deepEqual([pendingMax, hotFlowsMax], [7, defaults.hotFlowsMax.default])
  const refused = coded('millrace/bad-option', /^app "shop": pendingMax is 0, but must be a whole number from 1 to/)
  assert.throws(() => numbersOf({ name: 'shop', pendingMax: 0 }), refused)
})

test('a wrong broker, function or name is refused', () => {
  const given = (wrong: object) => () => checkAppOptions({ ...options, ...wrong })
  assert.throws(given({ name: '' }), coded('millrace/bad-name'))
  assert.throws(given({ broker: undefined }), coded('millrace/bad-option', /broker must be a broker, such as sqlite/))
  assert.throws(given({ setup: 'create table' }), coded('millrace/bad-option', /setup must be a function/))
  assert.throws(given({ log: true }), coded('millrace/bad-option', /log must be a function/))
})
