import { channel, command } from 'millrace'
import { z } from 'zod'

const invoice = z.object({ invoiceNo: z.string().min(1) })
const units = z.object({ stockCode: z.string().min(1), quantity: z.int32().min(0) })
/** Millionths of a pound, written out: there may be more of them than a JavaScript number holds exactly. */
const payment = z.object({ invoiceNo: z.string().min(1), amountMicros: z.string().regex(/^\d+$/) })

export const TakeStock = command('stock.take', { schema: units, context: ({ stockCode }) => stockCode })
export const GiveBack = command('stock.give-back', { schema: units, context: ({ stockCode }) => stockCode })
export const Pack = command('parcel.pack', { schema: invoice, context: ({ invoiceNo }) => invoiceNo })
export const Unpack = command('parcel.unpack', { schema: invoice, context: ({ invoiceNo }) => invoiceNo })
export const Warehouse = channel('warehouse', [TakeStock, GiveBack, Pack, Unpack])

export const Charge = command('payment.charge', { schema: payment, context: ({ invoiceNo }) => invoiceNo })
export const Refund = command('payment.refund', { schema: payment, context: ({ invoiceNo }) => invoiceNo })
export const Payments = channel('payments', [Charge, Refund])

/** What a customer is told about an invoice: that it was shipped, that nothing comes of it, or that it was taken back. */
export const Notify = command('customer.notify', {
  schema: z.object({ invoiceNo: z.string().min(1), news: z.enum(['shipped', 'declined', 'cancelled']) }),
  context: ({ invoiceNo }) => invoiceNo,
})
export const Notices = channel('notices', [Notify])
