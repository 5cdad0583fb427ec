import { mediator, Refused, type StepResult } from 'millrace'
import { z } from 'zod'
import { Charge, GiveBack, Notify, Pack, Refund, TakeStock, Unpack } from './commands.ts'
import { InvoiceBooked } from './messages.ts'
import { formatMoney, parsePrice, totalAmount } from './money.ts'
import { isGoods } from './stock.ts'

/** What comes to more is for a person to approve. */
const approvedByItself = parsePrice('1000')

/**
 * Conducts one booked invoice: asks a person where it is a large one, takes its goods from the stock, charges, packs,
 * tells the customer. When a no comes, from the person or in answer to a command, what was done before it is undone and
 * the customer hears that too. Who has been told that the goods are on their way gets them: from there on nothing is
 * undone.
 */
export const fulfilment = mediator('fulfilment', {
  startedBy: InvoiceBooked,
  sends: [TakeStock, GiveBack, Charge, Refund, Pack, Unpack, Notify],
  run: async ({ data: { invoiceNo, lines } }, flow) => {
    const total = totalAmount(lines)
    const payment = { invoiceNo, amountMicros: String(total) }
    try {
      if (total > approvedByItself) {
        const title = `Ship invoice ${invoiceNo} over £${formatMoney(total)}?`
        if (!(await flow.ask('approve', { schema: z.boolean(), title }))) throw new Refused('not approved')
      }
      await flow.map(
        lines.filter(({ stockCode }) => isGoods(stockCode)),
        ({ lineNo, stockCode, quantity }) =>
          flow.call(
            `take line ${lineNo}`,
            TakeStock,
            { stockCode, quantity },
            { undo: ifDone(() => flow.call('give back', GiveBack, { stockCode, quantity })) },
          ),
      )
      await flow.call('charge', Charge, payment, { undo: ifDone(() => flow.call('refund', Refund, payment)) })
      await flow.call('pack', Pack, { invoiceNo }, { undo: ifDone(() => flow.call('unpack', Unpack, { invoiceNo })) })
    } catch (error) {
      if (error instanceof Refused) flow.send(Notify, { invoiceNo, news: 'declined' })
      throw error
    }
    flow.noReturn()
    await flow.call('notify', Notify, { invoiceNo, news: 'shipped' })
  },
})

/** All that these commands do is rows: one that was stopped on its way has left none, so nothing is to be undone. */
const ifDone = (undo: () => unknown) => (result: StepResult) => (result.state === 'done' ? undo() : undefined)
