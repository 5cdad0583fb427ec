import { processor } from 'millrace'
import { Movements } from './messages.ts'

/** Goods have codes that begin with five digits; `POST`, `M`, `BANK CHARGES` and the like are services. */
export const isGoods = (stockCode: string): boolean => /^\d{5}/.test(stockCode)

/** Counts the units that moved per stock code, goods and services apart. */
export const stock = processor('stock', {
  on: Movements,
  handle: {
    'stock.moved': ({ data: { stockCode, quantity } }, { commit }) =>
      commit(async (tx) => {
        const kind = isGoods(stockCode) ? 'goods' : 'service'
        await tx.query`insert into stock (stock_code, kind, units) values (${stockCode}, ${kind}, ${quantity})
          on conflict (stock_code) do update set units = stock.units + excluded.units`
      }),
  },
})
