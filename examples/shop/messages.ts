import { event, topic } from 'millrace'
import { z } from 'zod'
import { pricePattern } from './money.ts'

const line = z.object({
  /** From 1, in the order of the invoice. */
  lineNo: z.int().min(1),
  /** As written: `85123A` and `85123a` are two codes. */
  stockCode: z.string().min(1),
  description: z.string(),
  /** Negative on a cancellation, and on a correction of the stock. */
  quantity: z.int32(),
  /** Pounds as written, a decimal string, so that nothing is lost on the way. */
  unitPrice: z.string().regex(pricePattern),
})

const invoice = z.object({
  invoiceNo: z.string().min(1),
  /** Null for a guest. */
  customerId: z.string().min(1).nullable(),
  country: z.string(),
  at: z.iso.datetime(),
  lines: z.array(line).min(1),
})

export type InvoiceLine = z.infer<typeof line>
export type Invoice = z.infer<typeof invoice>

/** What happens to one customer happens in order; each invoice of a guest stands alone. */
export const customerOrInvoice = (invoice: Invoice): string => invoice.customerId ?? invoice.invoiceNo

/** An invoice came in from outside; it starts everything else. */
export const InvoiceReceived = event('invoice.received', { schema: invoice, context: customerOrInvoice })

/** The ledger has its lines. */
export const InvoiceBooked = event('invoice.booked', { schema: invoice, context: customerOrInvoice })

/** One line of a booked invoice; `quantity` as on the invoice, so what left the shop counts up. */
export const StockMoved = event('stock.moved', {
  schema: z.object({
    stockCode: z.string().min(1),
    invoiceNo: z.string().min(1),
    lineNo: z.int().min(1),
    quantity: z.int32(),
  }),
  context: (moved) => moved.stockCode,
})

export const Invoices = topic('invoices', [InvoiceReceived, InvoiceBooked])
export const Movements = topic('movements', [StockMoved])

/** A cancellation is an invoice with negative quantities. */
export const isCancellation = (invoiceNo: string): boolean => invoiceNo.startsWith('C')
