import assert from 'node:assert/strict'
import test from 'node:test'
import { checkUnmasked } from './unmasked.ts'

const type = (...secret: string[]) => ({ name: 'paid', secret })
const refused = { code: 'millrace/masked' }

test('a mask in place of a secret is refused, in lists and objects too, and names its place', () => {
  const before = '{"iban":"DE42","cards":[{"pin":1234},{"pin":5678}],"note":"x"}'
  const check = (data: unknown, ...secret: string[]) => checkUnmasked(type(...secret), before, data)
  assert.throws(() => check({ iban: '***' }, '/iban'), { ...refused, message: /"paid" have \*\*\* at "\/iban"/ })
  assert.throws(() => check({ cards: [{ pin: 1234 }, { pin: '***' }] }, '/cards/pin'), /"\/cards\/1\/pin"/)
  assert.throws(() => check({ cards: '***' }, '/cards'), refused)
  assert.throws(() => check('***', ''), refused)
  check({ iban: 'DE43', note: '***', cards: '***' }, '/iban')
  check({ iban: 'a***b' }, '/iban')
  check({ iban: '***' })
})

test('a mask that was published stays; it does not move to where there was a secret', () => {
  const before = '{"pins":["***","1234"]}'
  checkUnmasked(type('/pins/*'), before, { pins: ['***', '5678'] })
  assert.throws(() => checkUnmasked(type('/pins/*'), before, { pins: ['***', '***'] }), refused)
})

test('a text with a mask is refused where a copy of a secret elsewhere is hidden too', () => {
  const before = '{"iban":"DE42","memo":"for DE42","code":777,"note":"a *** b"}'
  const check = (data: unknown) => checkUnmasked(type('/iban', '/code'), before, data)
  assert.throws(() => check({ iban: 'DE42', memo: 'for ***' }), refused)
  assert.throws(() => check({ iban: 'DE42', 'by ***': 1 }), refused)
  check({ iban: 'DE42', memo: 'for DE42', note: 'a *** b' })
})

test('data that are no JSON are not judged here', () => {
  const loop: Record<string, unknown> = { iban: '***' }
  loop['loop'] = loop
  checkUnmasked(type('/iban'), 'no json', loop)
  checkUnmasked(type('/iban'), 'no json', undefined)
  assert.throws(() => checkUnmasked(type('/iban'), 'no json', { iban: '***' }), refused)
})
