import { processor } from 'millrace'
import { Notices } from './commands.ts'

/** Keeps what was told to the customer about each invoice last; a real shop would write a letter. */
export const notices = processor('notices', {
  on: Notices,
  handle: {
    'customer.notify': ({ data: { invoiceNo, news } }, { commit }) =>
      commit(async (tx) => {
        await tx.query`insert into notices (invoice_no, news) values (${invoiceNo}, ${news})
          on conflict (invoice_no) do update set news = excluded.news`
      }),
  },
})
