import assert from 'node:assert/strict'
import test from 'node:test'
import { coded } from '../../test/support.ts'
import { checkElsewhere, type Elsewhere } from './elsewhere.ts'

const from: Elsewhere = { source: '//shop.example/orders', id: 'a-1' }
const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

test('an origin is copied and frozen, its attributes too; those that are undefined are left out', () => {
  const attributes = { subject: 'order 7', sampled: true, sequence: 3, gone: undefined as unknown as string }
  const checked = checkElsewhere('here', { ...from, traceparent, attributes })
  const { gone: _, ...kept } = attributes
  assert.deepEqual(checked, { ...from, traceparent, attributes: kept })
  assert.notEqual(checked.attributes, attributes)
  assert(Object.isFrozen(checked) && Object.isFrozen(checked.attributes))
  assert.deepEqual(checkElsewhere('here', from).attributes, {})
})

test('an origin that cannot be kept as it is, is refused with its code', () => {
  const cases: readonly (readonly [given: object, says: RegExp])[] = [
    [{ source: '' }, /source must be/],
    [{ source: 'x'.repeat(1_025) }, /source must be/],
    [{ source: '\ud800' }, /source must be/],
    [{ source: 7 }, /source must be/],
    [{ traceparent: 'somewhere' }, /traceparent/],
    [{ attributes: null }, /plain object/],
    [{ attributes: [] }, /plain object/],
    [{ attributes: new Map() }, /plain object/],
    [{ attributes: { Subject: 'x' } }, /"Subject" is no name/],
    [{ attributes: { a_b: 'x' } }, /"a_b" is no name/],
    [{ attributes: { '': 'x' } }, /is no name/],
    [{ attributes: { id: 'x' } }, /"id".*has a field/],
    [{ attributes: { source: 'x' } }, /"source".*has a field/],
    [{ attributes: { a: {} } }, /"a" must be/],
    [{ attributes: { a: null } }, /"a" must be/],
    [{ attributes: { a: Number.NaN } }, /"a" must be/],
    [{ attributes: { a: '\udc00' } }, /"a" must be/],
    [{ attributes: { a: 'x'.repeat(8_192) } }, /8200 bytes, but must be at most 8192/],
  ]
  for (const [given, says] of cases) {
    const check = () => checkElsewhere('here', { ...from, ...given } as Elsewhere)
    assert.throws(check, coded('millrace/bad-attributes', says), String(says))
  }
  assert.throws(() => checkElsewhere('here', { ...from, id: 'flow/1/2' }), coded('millrace/bad-id'))
  assert.throws(() => checkElsewhere('here', { ...from, at: 1 } as Elsewhere), coded('millrace/unknown-option'))
})
