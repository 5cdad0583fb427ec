import assert from 'node:assert/strict'
import test from 'node:test'
import { z } from 'zod'
import { coded } from '../../test/support.ts'
import { channel, command, event, topic } from '../model/message.ts'
import { checkByType, checkOnDestination, checkOnTopic, checkPart, checkTable } from './check.ts'

const Placed = event('order.placed', { schema: z.object({}) })
const Paid = event('order.paid', { schema: z.object({}) })
const Orders = topic('orders', [Placed, Paid])
const Stock = channel('stock', [command('stock.take', { schema: z.object({}) })])
const handle = { option: 'handle', one: 'function' }

test('a part has a name and known options', () => {
  assert.equal(checkPart('desk', 'orders', { on: Orders }, ['on']), 'desk "orders"')
  assert.throws(() => checkPart('desk', '', {}, []), coded('millrace/bad-name'))
  const wrong = () => checkPart('desk', 'orders', { decid: {} }, ['on', 'decide'])
  assert.throws(
    wrong,
    coded('millrace/unknown-option', /^desk "orders": unknown option "decid"; did you mean "decide"/),
  )
})

test('on is a topic, or a topic or a channel', () => {
  checkOnTopic('x', Orders)
  checkOnDestination('x', Orders)
  checkOnDestination('x', Stock)
  assert.throws(() => checkOnTopic('x', Stock), coded('millrace/bad-option', /^x: on must be a topic$/))
  assert.throws(() => checkOnTopic('x', undefined as never), coded('millrace/bad-option'))
  assert.throws(
    () => checkOnDestination('x', {} as never),
    coded('millrace/bad-option', /^x: on must be a topic or a channel$/),
  )
})

test('functions by type stand in a plain object', () => {
  checkTable('x', handle, {})
  const wrong = /^x: handle must be an object with a function per type$/
  assert.throws(() => checkTable('x', handle, undefined), coded('millrace/bad-option', wrong))
  class Handlers {}
  const ofClass = /per type, not of a class: inherited functions do not count$/
  assert.throws(() => checkTable('x', handle, new Handlers()), coded('millrace/bad-option', ofClass))
})

test('each of them is a function of a type that is there, and a name is suggested that has none yet', () => {
  checkByType('x', 'rule', Orders, { 'order.placed': () => {}, 'order.paid': undefined })
  const unknown = () => checkByType('x', 'rule', Orders, { 'order.placed': () => {}, 'order.placd': () => {} })
  assert.throws(unknown, (error) => {
    assert(error instanceof Error)
    assert.match(error.message, /^x: "order\.placd" is not on topic "orders"/)
    assert.doesNotMatch(error.message, /"order\.placed"/)
    return coded('millrace/unknown-handler')(error)
  })
  const none = () => checkByType('x', 'rule', Orders, { 'order.paid': 'yes' })
  assert.throws(none, coded('millrace/bad-option', /^x: the rule of "order\.paid" is no function$/))
})
