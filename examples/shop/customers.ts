import { processor } from 'millrace'
import { Invoices, isCancellation } from './messages.ts'
import { totalAmount } from './money.ts'

/** Keeps an account per customer. Guests have none. `invoices` counts cancellations too, as the summary does. */
export const customers = processor('customers', {
  on: Invoices,
  handle: {
    'invoice.booked': ({ data: { invoiceNo, customerId, lines } }, { commit }) => {
      if (customerId === null) return
      const cancellations = isCancellation(invoiceNo) ? 1 : 0
      const amount = totalAmount(lines)
      return commit(async (tx) => {
        await tx.query`insert into customers (customer_id, invoices, cancellations, amount_micros)
          values (${customerId}, 1, ${cancellations}, ${amount})
          on conflict (customer_id) do update set
            invoices = customers.invoices + 1,
            cancellations = customers.cancellations + excluded.cancellations,
            amount_micros = customers.amount_micros + excluded.amount_micros`
      })
    },
  },
})
