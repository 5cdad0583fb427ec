import { route } from 'millrace'
import { Notify } from './commands.ts'
import { fulfilment } from './fulfilment.ts'
import { Invoices, isCancellation } from './messages.ts'

/** Lets an invoice that is booked go on: to be fulfilled or, where it is a cancellation, only to be told. */
export const selection = route('selection', {
  on: Invoices,
  sends: [Notify],
  starts: [fulfilment],
  handle: {
    'invoice.booked': ({ data: invoice }, to) => {
      const { invoiceNo } = invoice
      if (isCancellation(invoiceNo)) to.send(Notify, { invoiceNo, news: 'cancelled' })
      else to.start(fulfilment, invoice)
    },
  },
})
