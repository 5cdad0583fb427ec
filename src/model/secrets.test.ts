import assert from 'node:assert/strict'
import test from 'node:test'
import { z } from 'zod'
import { coded } from '../../test/support.ts'
import { command, event } from './message.ts'
import { checkSecret, fieldsWithout, masked, secretsIn, secretsOf, textWithout } from './secrets.ts'

const payment = { iban: 'DE02 1203', cards: [{ number: '4111', cvc: 123 }, { number: '4222' }], tags: ['a', 'b'] }
const shown = (secret: readonly string[], data: unknown = payment) => JSON.parse(masked(JSON.stringify(data), secret))

test('a field is hidden where its path leads, in a list in each element, and nothing else is', () => {
  assert.deepEqual(shown(['/iban']), { ...payment, iban: '***' })
  const hidden = [{ number: '***', cvc: 123 }, { number: '***' }]
  assert.deepEqual(shown(['/cards/*/number']), { ...payment, cards: hidden })
  assert.deepEqual(shown(['/cards/number']), { ...payment, cards: hidden })
  assert.deepEqual(shown(['/cards/1/number']), { ...payment, cards: [payment.cards[0], { number: '***' }] })
  assert.deepEqual(shown(['/tags/*', '/cards']), { ...payment, tags: ['***', '***'], cards: '***' })
  assert.deepEqual(shown(['/a~1b', '/c~0d', '/none/x'], { 'a/b': 1, 'c~d': null, none: 7 }), {
    ...{ 'a/b': '***', 'c~d': '***' },
    none: 7,
  })
  assert.equal(shown(['']), '***')
})

test('data without the secret fields stay as they are, to the letter', () => {
  for (const path of ['/cards/length', '/iban/length', '/cards/7', '/toString', '/__proto__']) {
    assert.deepEqual(shown([path]), payment, path)
  }
  const text = '{"n":1.10}'
  assert.equal(masked(text, []), text)
  assert.equal(masked('{"__proto__":{"pin":1},"a":2}', ['/__proto__/pin']), '{"__proto__":{"pin":"***"},"a":2}')
})

test('unreadable data are hidden whole', () => {
  assert.equal(masked('{"iban": DE02', ['/iban']), '"***"')
  const deep = `${'['.repeat(100_000)}{"pin":"1234"}${']'.repeat(100_000)}`
  assert.doesNotMatch(masked(deep, ['/pin']), /1234/)
})

test('a wrong path is refused where the type is declared, with the right form', () => {
  const schema = z.object({})
  const cases: readonly (readonly [secret: unknown, says: RegExp])[] = [
    ['/card', /^event "a": secret must be a list of JSON Pointers/],
    [[7], /^event "a": secret has 7, which is no text$/],
    [['card.number'], /secret has "card\.number", which is no JSON Pointer; did you mean "\/card\/number"\?/],
    [['card/number'], /did you mean "\/card\/number"\?/],
    [['/'], /which names a field without a name; "" is all data/],
    [['/card//number'], /a field without a name/],
    [['/a~b'], /"~" must be "~0"/],
    [[`/${'x'.repeat(1_000)}`], /more than 1000 characters/],
    [Array(101).fill('/a'), /secret has 101 entries, but may have at most 100/],
  ]
  for (const [secret, says] of cases) {
    assert.throws(() => event('a', { schema, secret: secret as never }), coded('millrace/bad-option', says))
    const same = new RegExp(says.source.replace('event', 'command'))
    assert.throws(() => command('a', { schema, secret: secret as never }), coded('millrace/bad-option', same))
  }
  assert.deepEqual(checkSecret('here', ['', '/a/*/~0~1']), ['', '/a/*/~0~1'])
  assert(Object.isFrozen(event('a', { schema, secret: ['/pin'] }).secret))
})

test('texts and numbers of secret fields are taken out of lines of log, longer ones first', () => {
  assert.deepEqual(secretsIn(payment, ['/cards', '/tags']), ['4111', '4222', '123'])
  assert.deepEqual(secretsIn({ pin: 'a "b"' }, ['/pin']), ['a \\"b\\"', 'a "b"'])
  assert.equal(textWithout(['4111 22', '4111'], 'card 4111 22 of 4111'), 'card *** of ***')
  const circle: Record<string, unknown> = {}
  circle['it'] = circle
  const fields = { card: 4111, of: [{ is: 'no 4111' }], error: new Error('4111 is stolen'), none: undefined, circle }
  const { error, ...rest } = fieldsWithout(['4111'], fields) as { error: { message: string } }
  assert.deepEqual(rest, { card: '***', of: [{ is: 'no ***' }], none: undefined, circle: '***' })
  assert.equal(error.message, '*** is stolen')
})

test('the secrets of a message are those of its data as stored and as handlers get them', () => {
  const Paid = event('paid', { schema: z.object({ number: z.string() }), secret: ['/number', '/old'] })
  assert.deepEqual(secretsOf(Paid, { json: '{"old":"4111"}', decoded: { data: { number: '4111-1' } } }), [
    ...['4111-1', '4111'],
  ])
  assert.deepEqual(secretsOf(Paid, { json: 'no json', decoded: undefined }), [])
  assert.deepEqual(secretsOf(event('b', { schema: z.object({}) }), { json: '{"old":"4111"}', decoded: undefined }), [])
  assert.deepEqual(secretsOf(undefined, { json: '{"old":"4111"}', decoded: undefined }), [])
})
