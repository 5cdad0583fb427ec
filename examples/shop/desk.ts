import { desk, hold, resubmit } from 'millrace'
import { Invoices } from './messages.ts'
import { describeNameless, type Trouble } from './trouble.ts'

/** Mends what a program may mend; all other invoices that were refused wait for a person. */
export const invoiceDesk = desk('invoice-desk', {
  on: Invoices,
  decide: {
    'invoice.received': ({ message, error }) =>
      isNoDescription(error.data)
        ? resubmit(describeNameless(message.data), 'a description was missing')
        : hold(`${error.message}: a person has to decide`),
  },
})

const isNoDescription = (data: unknown): boolean => (data as Partial<Trouble> | undefined)?.reason === 'no description'
