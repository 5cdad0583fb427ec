import assert from 'node:assert/strict'
import test from 'node:test'
import { z } from 'zod'
import { isMillraceError } from '../model/errors.ts'
import type { LogFilter, LogRow } from '../model/log-views.ts'
import { event, topic } from '../model/message.ts'
import { checkLogFilter, fits } from './filter.ts'

const Placed = event('order.placed', { schema: z.object({}) })
const Orders = topic('orders', [Placed], { retired: ['order.old'] })
const known = { destinations: ['gone'], types: ['order.gone'] }

test('a filter names what the app or its file has, also what is retired', async () => {
  for (const filter of [{}, { destination: 'orders' }, { destination: 'gone' }])
    await checkLogFilter(filter, [Orders], known)
  for (const type of ['order.placed', 'order.old', 'order.gone']) await checkLogFilter({ type }, [Orders], known)
})

test('a filter with a name that nothing has is refused, with a suggestion', async () => {
  const refused = (filter: LogFilter, text: string) =>
    assert.rejects(
      checkLogFilter(filter, [Orders], known),
      (error) => isMillraceError(error, 'millrace/unknown-name') && error.message === text,
    )
  await refused({ destination: 'order' }, 'there is no topic or channel "order"; did you mean "orders"?')
  await refused({ type: 'order.placd' }, 'there is no type "order.placd"; did you mean "order.placed"?')
})

test('a message fits a filter when each part that is given does', () => {
  const row = { destination: 'orders', type: 'order.placed', context: 'o-1', correlationId: 'c-1' } as LogRow
  assert(fits(row, {}))
  assert(fits(row, { destination: 'orders', type: 'order.placed', context: 'o-1', correlation: 'c-1' }))
  for (const other of [{ destination: 'a' }, { type: 'a' }, { context: 'a' }, { correlation: 'a' }]) {
    assert.equal(fits(row, { destination: 'orders', ...other }), false, JSON.stringify(other))
  }
})
