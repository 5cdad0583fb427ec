import { processor, Refused } from 'millrace'
import { Payments } from './commands.ts'

/** Keeps what was charged for each invoice, less what was paid back. */
export const payments = processor('payments', {
  on: Payments,
  handle: {
    'payment.charge': ({ data: { invoiceNo, amountMicros } }, { commit }) => {
      if (isDeclined(invoiceNo)) throw new Refused(`the card for invoice ${invoiceNo} was declined`)
      return commit(async (tx) => {
        await tx.query`insert into payments (invoice_no, amount_micros) values (${invoiceNo}, ${BigInt(amountMicros)})
          on conflict (invoice_no) do update set amount_micros = payments.amount_micros + excluded.amount_micros`
      })
    },
    'payment.refund': ({ data: { invoiceNo, amountMicros } }, { commit }) =>
      commit(async (tx) => {
        await tx.query`update payments set amount_micros = amount_micros - ${BigInt(amountMicros)}
          where invoice_no = ${invoiceNo}`
      }),
  },
})

/** Stands for a bank, and says no to the same invoices in each run: those whose digits sum to a multiple of 29. */
function isDeclined(invoiceNo: string): boolean {
  const digits = invoiceNo.match(/\d/g) ?? []
  return digits.reduce((sum, digit) => sum + Number(digit), 0) % 29 === 0
}
