// The words of the application: what has happened, and what is to be done.
import { channel, command, event, topic } from 'millrace'
import { z } from 'zod'

export const Order = z.object({
  orderId: z.string().regex(/^[\w-]{1,40}$/),
  sku: z.string().min(1),
  quantity: z.number().int().min(1).max(1_000),
})
export type Order = z.infer<typeof Order>

const context = ({ orderId }: { readonly orderId: string }) => orderId

/** A partner has sold something of ours. */
export const PartnerSold = event('partner.sold', { schema: Order, context })
export const Partners = topic('partners', [PartnerSold])

export const OrderPlaced = event('order.placed', { schema: Order.extend({ cents: z.number().int() }), context })
export const OrderSettled = event('order.settled', {
  schema: z.object({ orderId: z.string(), state: z.enum(['paid', 'declined']) }),
  context,
})
export const Orders = topic('orders', [OrderPlaced, OrderSettled])

export const ChargeCard = command('card.charge', {
  schema: z.object({ orderId: z.string(), cents: z.number().int() }),
  context,
})
export const Cards = channel('cards', [ChargeCard])

export const SettleOrder = command('order.settle', {
  schema: z.object({ orderId: z.string(), state: z.enum(['paid', 'declined']) }),
  context,
})
export const Office = channel('office', [SettleOrder])
