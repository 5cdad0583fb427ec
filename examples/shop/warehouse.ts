import { processor, Refused } from 'millrace'
import { Warehouse } from './commands.ts'

/** Units of each article before anything is taken: on no day in the files they run short. */
export const unitsAtFirst = 1_000_000

/** Keeps how many units of each article are left, and what is packed. */
export const warehouse = processor('warehouse', {
  on: Warehouse,
  handle: {
    'stock.take': ({ data: { stockCode, quantity } }, { commit }) =>
      commit(async (tx) => {
        await tx.query`insert into articles (stock_code, units) values (${stockCode}, ${unitsAtFirst})
          on conflict do nothing`
        const taken = await tx.query`update articles set units = units - ${quantity}
          where stock_code = ${stockCode} and units >= ${quantity} returning units`
        if (taken.length === 0) throw new Refused(`${stockCode} is out of stock`)
      }),
    'stock.give-back': ({ data: { stockCode, quantity } }, { commit }) =>
      commit(async (tx) => {
        await tx.query`update articles set units = units + ${quantity} where stock_code = ${stockCode}`
      }),
    'parcel.pack': ({ data: { invoiceNo } }, { commit }) =>
      commit(async (tx) => {
        await tx.query`insert into parcels (invoice_no) values (${invoiceNo})`
      }),
    'parcel.unpack': ({ data: { invoiceNo } }, { commit }) =>
      commit(async (tx) => {
        await tx.query`delete from parcels where invoice_no = ${invoiceNo}`
      }),
  },
})
