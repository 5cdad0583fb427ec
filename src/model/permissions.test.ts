import assert from 'node:assert/strict'
import test from 'node:test'
import { checkAllowed, checkGrant, checkWho, isAllowed, permissionsOf } from './permissions.ts'

const bad = { code: 'millrace/bad-option' }

test('a grant allows what its role allows, everywhere', () => {
  const clerk = { name: 'ada', grants: [{ role: 'clerk' as const }] }
  assert.equal(isAllowed(clerk, 'repair', ['ledger']), true)
  assert.equal(isAllowed(clerk, 'repair'), true)
  assert.equal(isAllowed(clerk, 'repair-many'), false)
  assert.equal(isAllowed(clerk, 'see-secret'), false)
})

test('a narrowed grant allows it at the names that fit, and nothing that concerns all', () => {
  const who = {
    name: 'ada',
    grants: [{ role: 'clerk' as const, on: ['ledger', 'mail-*'] }, { role: 'reader' as const }],
  }
  for (const [place, allowed] of [
    ['ledger', true],
    ['ledgers', false],
    ['mail-out', true],
    ['mail', false],
    ['stock', false],
  ] as const) {
    assert.equal(isAllowed(who, 'repair', [place]), allowed, place)
  }
  assert.equal(isAllowed(who, 'repair', ['stock', 'ledger']), true)
  assert.equal(isAllowed(who, 'repair'), false)
  assert.equal(isAllowed(who, 'see', ['stock']), true)
})

test('a person without permission is told by name what is missing and where', () => {
  const who = { name: 'ada', grants: [{ role: 'reader' as const, on: ['ledger'] }] }
  checkAllowed(who, 'see', ['ledger'])
  assert.throws(() => checkAllowed(who, 'run', ['ledger']), {
    code: 'millrace/not-allowed',
    message: 'ada may not run at "ledger"',
    data: { permission: 'run', place: ['ledger'] },
  })
  assert.throws(() => checkAllowed(who, 'see'), { message: 'ada may not see' })
})

test('roles only grow from reader over clerk and operator to admin, and a sender sees nothing', () => {
  const of = (role: 'reader' | 'clerk' | 'operator' | 'admin' | 'sender') =>
    permissionsOf({ name: 'a', grants: [{ role }] })
  assert.deepEqual(of('reader'), ['see', 'see-data'])
  assert.deepEqual(of('clerk'), ['see', 'see-data', 'answer', 'repair'])
  assert.deepEqual(of('operator'), ['see', 'see-data', 'answer', 'repair', 'repair-many', 'run'])
  assert.deepEqual(of('sender'), ['send'])
  assert.equal(of('admin').length, 9)
})

test('grants are checked, with the place of the error', () => {
  assert.deepEqual(checkGrant('access', 'clerk'), { role: 'clerk' })
  assert.deepEqual(checkGrant('access', { role: 'clerk', on: ['a*'] }), { role: 'clerk', on: ['a*'] })
  assert.throws(() => checkGrant('access', 'clark'), {
    ...bad,
    message: /^access: role must be one of .*did you mean "clerk"/,
  })
  for (const grant of [
    undefined,
    null,
    'toString',
    { role: 'clerk', on: [] },
    { role: 'clerk', on: ['*'] },
    { role: 'clerk', on: ['a*b'] },
  ]) {
    assert.throws(() => checkGrant('access', grant), bad, JSON.stringify(grant))
  }
  for (const who of [
    undefined,
    'ada',
    { name: '', grants: [] },
    { name: 'a'.repeat(201), grants: [] },
    { name: 'ada' },
  ]) {
    assert.throws(() => checkWho('access', who), bad, JSON.stringify(who))
  }
})
