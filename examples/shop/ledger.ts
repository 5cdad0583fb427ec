import { processor, Refused } from 'millrace'
import { InvoiceBooked, Invoices, StockMoved } from './messages.ts'
import { lineAmount } from './money.ts'
import { type Trouble, troubleOf } from './trouble.ts'

/**
 * Books an invoice: one row per line, and with the rows, or not at all, the news that it is booked. An invoice with
 * trouble is refused and goes to the desk; those of its customer that come after it wait there too, in their order.
 */
export const ledger = processor('ledger', {
  on: Invoices,
  publishes: [InvoiceBooked, StockMoved],
  trial: true,
  handle: {
    'invoice.received': ({ data: invoice }, { commit, publish }) => {
      const trouble = troubleOf(invoice)
      if (trouble) throw new Refused<Trouble>(`${trouble.reason} on line ${trouble.lineNo}`, trouble)
      return commit(async (tx) => {
        const { invoiceNo, customerId, country, at } = invoice
        for (const { lineNo, stockCode, description, quantity, unitPrice } of invoice.lines) {
          await tx.query`insert into ledger
            (invoice_no, line_no, customer_id, country, at, stock_code, description, quantity, unit_price, amount_micros)
            values (${invoiceNo}, ${lineNo}, ${customerId}, ${country}, ${at}, ${stockCode}, ${description}, ${quantity},
              ${unitPrice}, ${lineAmount({ quantity, unitPrice })})`
          publish(StockMoved, { stockCode, invoiceNo, lineNo, quantity })
        }
        publish(InvoiceBooked, invoice)
      })
    },
  },
})
