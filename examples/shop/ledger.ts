import { processor } from 'millrace'
import { InvoiceBooked, Invoices, StockMoved } from './messages.ts'
import { lineAmount } from './money.ts'

/** Books an invoice: one row per line, and with the rows, or not at all, the news that it is booked. */
export const ledger = processor('ledger', {
  on: Invoices,
  publishes: [InvoiceBooked, StockMoved],
  handle: {
    'invoice.received': ({ data: invoice }, { commit, publish }) =>
      commit(async (tx) => {
        const { invoiceNo, customerId, country, at } = invoice
        for (const { lineNo, stockCode, description, quantity, unitPrice } of invoice.lines) {
          await tx.query`insert into ledger
            (invoice_no, line_no, customer_id, country, at, stock_code, description, quantity, unit_price, amount_micros)
            values (${invoiceNo}, ${lineNo}, ${customerId}, ${country}, ${at}, ${stockCode}, ${description}, ${quantity},
              ${unitPrice}, ${lineAmount({ quantity, unitPrice })})`
          publish(StockMoved, { stockCode, invoiceNo, lineNo, quantity })
        }
        publish(InvoiceBooked, invoice)
      }),
  },
})
