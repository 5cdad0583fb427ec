// The work of both web servers. Neither Express nor Hono is known here.
import { type App, isMillraceError, Refused } from 'millrace'
import { type Gateway, gateway } from 'millrace/http'
import { Order, OrderSettled } from './messages.ts'
import { type OrderRow, orderOf, placeOrder } from './orders.ts'

export interface Answer {
  readonly status: number
  readonly body: unknown
}

/** Places an order at once. The rows and the event of `placeOrder` are one transaction: both are on disk, or none is. */
export async function postOrder(shop: App, given: unknown, prefer: string | undefined): Promise<Answer> {
  const order = Order.safeParse(given)
  if (!order.success) return { status: 400, body: { error: order.error.issues[0]!.message } }
  try {
    const placed = await shop.transaction((tx) => placeOrder(tx, order.data))
    const seconds = /^wait=(\d{1,2})$/.exec(prefer ?? '')?.[1]
    return answerOf(seconds === undefined ? placed : await settled(shop, placed, Number(seconds) * 1_000))
  } catch (error) {
    if (error instanceof Refused) return { status: 409, body: { error: error.message } }
    // Too busy, or about to stop: the client may ask again, and nothing is placed twice.
    if (isMillraceError(error) && error.retryable) return { status: 503, body: { error: error.message } }
    throw error
  }
}

export async function getOrder(shop: App, orderId: string): Promise<Answer> {
  const order = await orderOf(shop.read, orderId)
  return order === undefined ? { status: 404, body: { error: 'there is no order of this id' } } : answerOf(order)
}

const answerOf = (order: OrderRow): Answer => ({ status: order.state === 'placed' ? 202 : 200, body: order })

/**
 * Waits until the flow of an order has settled it, so that the reply of a request is that of the flow. It listens before
 * it looks, so that no end is missed. After the time the order is returned as it is; its flow continues.
 */
async function settled(shop: App, order: OrderRow, ms: number): Promise<OrderRow> {
  const news = Promise.withResolvers<void>()
  const end = shop.tail(({ type, context }) => {
    if (type === OrderSettled.name && context === order.orderId) news.resolve()
  })
  const timer = setTimeout(news.resolve, ms)
  try {
    const now = await orderOf(shop.read, order.orderId)
    if (now?.state === 'placed') await news.promise
    return (await orderOf(shop.read, order.orderId)) ?? order
  } finally {
    clearTimeout(timer)
    end()
  }
}

/** The ways of Millrace beside the routes of the server, at /edge: partners send events there, and pages listen. */
export const edgeOf = (shop: App): Gateway =>
  gateway(shop, {
    basePath: '/edge',
    // In earnest: the users of your server. Here: one partner, and its token.
    access: ({ headers }) =>
      headers.get('authorization') === `Bearer ${process.env['PARTNER_TOKEN'] ?? 'for-trying-only'}`
        ? {
            name: 'partner',
            grants: [
              { role: 'sender', on: ['partners'] },
              { role: 'reader', on: ['orders'] },
            ],
          }
        : undefined,
  })
