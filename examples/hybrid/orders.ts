// The service functions. Each takes the transaction of its caller: that of a route, or that of a handler. So the
// rules of an order stand in one place, and hold for requests and for events.
import { type DataFor, type Event, type Query, Refused } from 'millrace'
import { type Order, OrderPlaced, OrderSettled } from './messages.ts'

/** The transaction of a route or of a handler: rows, and events that leave with them or not at all. */
export interface Unit<E extends Event> {
  readonly query: Query
  readonly publish: (type: E, data: DataFor<E>) => unknown
}

export type State = 'placed' | 'paid' | 'declined'

export interface OrderRow extends Order {
  readonly cents: number
  readonly state: State
}

export const tables = async ({ query }: { readonly query: Query }) => {
  await query`create table if not exists articles (sku text primary key, cents integer not null, left integer not null)`
  await query`create table if not exists orders (
    orderId text primary key, sku text not null, quantity integer not null, cents integer not null, state text not null)`
  await query`insert into articles values ('sieve', 995, 1000), ('millstone', 60000, 3) on conflict do nothing`
}

/**
 * Places an order: takes its goods from the stock, keeps it, and tells that it was placed. An order that is there
 * already is returned as it is, so that a client may ask again.
 */
export async function placeOrder(
  { query, publish }: Unit<typeof OrderPlaced>,
  { orderId, sku, quantity }: Order,
): Promise<OrderRow> {
  const there = await orderOf(query, orderId)
  if (there !== undefined) {
    if (there.sku === sku && there.quantity === quantity) return there
    throw new Refused(`order ${orderId} is another one`)
  }
  const [article] = await query<{ cents: number }>`update articles set left = left - ${quantity}
    where sku = ${sku} and left >= ${quantity} returning cents`
  if (article === undefined) throw new Refused(`there are not ${quantity} of "${sku}"`)
  const cents = article.cents * quantity
  await query`insert into orders values (${orderId}, ${sku}, ${quantity}, ${cents}, 'placed')`
  publish(OrderPlaced, { orderId, sku, quantity, cents })
  return { orderId, sku, quantity, cents, state: 'placed' }
}

/** Settles an order; what was declined goes back into the stock. */
export async function settleOrder(
  { query, publish }: Unit<typeof OrderSettled>,
  orderId: string,
  state: 'paid' | 'declined',
) {
  const [order] = await query<Order>`update orders set state = ${state}
    where orderId = ${orderId} and state = 'placed' returning sku, quantity`
  if (order === undefined) return
  if (state === 'declined') await query`update articles set left = left + ${order.quantity} where sku = ${order.sku}`
  publish(OrderSettled, { orderId, state })
}

export async function orderOf(query: Query, orderId: string): Promise<OrderRow | undefined> {
  const [order] = await query<OrderRow>`select * from orders where orderId = ${orderId}`
  return order
}
