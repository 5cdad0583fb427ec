import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { coded } from '../../test/support.ts'
import { checkName, suggest } from './names.ts'

test('names begin with a letter, then letters, digits, dots, underscores and hyphens, up to 100', () => {
  for (const name of ['a', 'order.placed', 'Order_placed-2', `a${'b'.repeat(99)}`]) checkName('event', name)
  const wrong = ['', '1a', '.a', '-a', '_a', 'a b', 'a/b', 'a\n', 'ä', `a${'b'.repeat(100)}`, 7, null, undefined, {}]
  for (const name of wrong)
    assert.throws(() => checkName('event', name), coded('millrace/bad-name', /^event name .* is not/))
})

test('the nearest known name is suggested, in any case, and none that is far', () => {
  const known = ['order.placed', 'order.cancelled', 'stock']
  assert.equal(suggest('order.placd', known), '; did you mean "order.placed"?')
  assert.equal(suggest('Order.Placed', known), '; did you mean "order.placed"?')
  assert.equal(suggest('order_canceled', known), '; did you mean "order.cancelled"?')
  assert.equal(suggest('stok', known), '; did you mean "stock"?')
  assert.equal(suggest('payment.received', known), '')
  assert.equal(suggest('delay', ['id', 'at', 'delayMs']), '; did you mean "delayMs"?')
  assert.equal(suggest('id', ['at', 'delayMs']), '')
  assert.equal(suggest('x', []), '')
  assert.equal(suggest('', ['']), '')
})

test('a known name is suggested for itself with one letter changed, dropped or added', () => {
  const name = fc.stringMatching(/^[a-z]{4,20}$/)
  fc.assert(
    fc.property(name, fc.nat(), fc.constantFrom('change', 'drop', 'add'), (word, at, how) => {
      const index = at % word.length
      const rest = word.slice(how === 'add' ? index : index + 1)
      const wrong = word.slice(0, index) + (how === 'drop' ? '' : '.') + rest
      assert.equal(suggest(wrong, [word]), `; did you mean "${word}"?`)
    }),
  )
})
