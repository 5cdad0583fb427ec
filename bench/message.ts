import { z } from 'zod'

/** What every message of the bench carries: some 250 bytes of JSON, checked by a schema. */
export const Order = z.object({
  orderId: z.string(),
  sku: z.string(),
  quantity: z.number().int(),
  totalCents: z.number().int(),
  note: z.string(),
})

export type Order = z.infer<typeof Order>

const note = 'n'.repeat(176)

/** The order number `sequence`; orders repeat their `orderId`, which is the context, after `contexts` of them. */
export function order(sequence: number, contexts: number, prefix = 'o'): Order {
  return {
    orderId: `${prefix}${sequence % contexts}`,
    sku: `s${sequence % 50}`,
    quantity: 1 + (sequence % 9),
    totalCents: sequence,
    note,
  }
}
