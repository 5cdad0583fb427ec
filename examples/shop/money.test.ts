import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatMoney, lineAmount, MoneyError, parsePrice } from './money.ts'

test('a price is held in millionths of a pound', () => {
  assert.equal(parsePrice('2.55'), 2_550_000n)
  assert.equal(parsePrice('0.001'), 1_000n)
  assert.equal(parsePrice('-11062.06'), -11_062_060_000n)
  assert.equal(parsePrice('7'), 7_000_000n)
  assert.equal(parsePrice('0.000001'), 1n)
})

test('reading a price loses nothing, for any digits', () => {
  const digits = (min: number, max: number) =>
    fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: min, maxLength: max })
  fc.assert(
    fc.property(fc.boolean(), digits(1, 12), digits(0, 6), (negative, whole, decimals) => {
      const micros = parsePrice(`${negative ? '-' : ''}${whole}${decimals && '.'}${decimals}`)
      assert.equal(micros, BigInt(whole + decimals) * 10n ** BigInt(6 - decimals.length) * (negative ? -1n : 1n))
    }),
  )
})

test('a text that is no price is refused with the reason', () => {
  for (const text of ['', 'free', '1,50', '£2', ' 2', '2 ', '1e3', '.5', '5.', '+1', '--1', '1.2.3', '0x10', 'NaN']) {
    assert.throws(() => parsePrice(text), new MoneyError(`${JSON.stringify(text)} is no decimal number such as 2.55`))
  }
  assert.throws(() => parsePrice('0.1234567'), new MoneyError('"0.1234567" has more than 6 decimals'))
  assert.throws(
    () => parsePrice('1234567890123'),
    new MoneyError('"1234567890123" has more than 12 digits before the point'),
  )
})

test('an amount is quantity times price, with the sign of both', () => {
  assert.equal(lineAmount({ quantity: -3, unitPrice: '1.005' }), -3_015_000n)
  assert.equal(lineAmount({ quantity: -3, unitPrice: '-0.1' }), 300_000n)
  assert.equal(lineAmount({ quantity: 80_995, unitPrice: '38970.001' }), 3_156_375_230_995_000n)
})

test('an amount that would not fit into the database is refused', () => {
  assert.equal(lineAmount({ quantity: 1, unitPrice: '999999999999.999999' }), 10n ** 18n - 1n)
  assert.throws(
    () => lineAmount({ quantity: 2, unitPrice: '600000000000' }),
    /^MoneyError: 2 × 600000000000 is over 1000000000000 pounds$/,
  )
})

test('money is rounded half up, a half away from zero', () => {
  const shown = {
    '2344999': '2.34',
    '2345000': '2.35',
    '-2344999': '-2.34',
    '-2345000': '-2.35',
    '5000': '0.01',
    '4999': '0.00',
    '-4999': '0.00',
    '-5000': '-0.01',
    '0': '0.00',
    '123456789000000': '123456789.00',
  }
  for (const [micros, text] of Object.entries(shown)) assert.equal(formatMoney(BigInt(micros)), text)
})

test('a shown price differs from the amount by half a penny at most, and a refund mirrors its charge', () => {
  fc.assert(
    fc.property(fc.bigInt(-(10n ** 20n), 10n ** 20n), (micros) => {
      const text = formatMoney(micros)
      assert.match(text, /^-?\d+\.\d\d$/)
      const shown = BigInt(text.replace('.', '')) * 10_000n
      const difference = shown - micros
      assert.ok(difference >= -5_000n && difference <= 5_000n)
      assert.equal(BigInt(formatMoney(-micros).replace('.', '')), -BigInt(text.replace('.', '')))
    }),
  )
})

test('the order of a sum makes no difference', () => {
  const line = fc.record({
    quantity: fc.integer({ min: -9_999, max: 9_999 }),
    unitPrice: fc.integer({ min: 0, max: 999_999 }).map((n) => (n / 1000).toFixed(3)),
  })
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      const sum = (all: typeof lines) => all.reduce((total, one) => total + lineAmount(one), 0n)
      assert.equal(sum(lines), sum(lines.toReversed()))
    }),
  )
})
