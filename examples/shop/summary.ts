import type { FlowDesk } from 'millrace'
import type app from './app.ts'
import { questionsOf } from './approval.ts'
import { formatMoney } from './money.ts'

/** The figures of all booked invoices, what is at the desk, and what became of the rest. Field for field the JSON of `--json`. */
export type Summary = {
  /** Cancellations included. */
  invoices: number
  cancellations: number
  lines: number
  /** The sum of all quantities. */
  units: number
  /** Distinct stock codes of goods. */
  goods: number
  /** Distinct customer numbers. */
  customers: number
  /** Pounds, the exact sum, rounded half up to two decimals. */
  money: string
  /** Messages that close a lane. */
  held: number
  /** Messages that wait behind them. */
  waiting: number
  /** Messages given up. */
  discarded: number
  /** Invoices fulfilled: their customers have been told. */
  shipped: number
  /** Invoices not fulfilled: charging was refused and what had been done was undone, or a person said no. */
  declined: number
  /** Invoices that wait for a person to approve them. */
  asking: number
}

export async function summarize(shop: Shop): Promise<Summary> {
  // The sum comes as text, because it may be more than a JavaScript number holds exactly.
  const [booked] = await shop.read<Booked>`select
      count(distinct invoice_no) as invoices,
      count(distinct case when substr(invoice_no, 1, 1) = 'C' then invoice_no end) as cancellations,
      count(*) as lines,
      coalesce(sum(quantity), 0) as units,
      cast(coalesce(sum(amount_micros), 0) as text) as micros
    from ledger`
  const [goods] = await shop.read<Count>`select count(*) as count from stock where kind = 'goods'`
  const [customers] = await shop.read<Count>`select count(*) as count from customers`
  const [told] = await shop.read<Told>`select
      count(*) filter (where news = 'shipped') as shipped, count(*) filter (where news = 'declined') as declined
    from notices`
  const { micros, ...figures } = booked!
  const { held, waiting, discarded } = await shop.desk.counts()
  return {
    ...figures,
    goods: goods!.count,
    customers: customers!.count,
    money: formatMoney(BigInt(micros)),
    held,
    waiting,
    discarded,
    ...told!,
    asking: (await questionsOf(shop.flows)).length,
  }
}

type Shop = Pick<typeof app, 'read' | 'desk'> & { readonly flows: Pick<FlowDesk, 'questions'> }
type Booked = { invoices: number; cancellations: number; lines: number; units: number; micros: string }
type Count = { count: number }
type Told = { shipped: number; declined: number }

/** For people: a table well within 80 columns. */
export function summaryTable(summary: Summary): string {
  const rows = [
    ['invoices', grouped(summary.invoices), `${grouped(summary.cancellations)} of them cancellations`],
    ['lines', grouped(summary.lines), ''],
    ['units', grouped(summary.units), ''],
    ['goods', grouped(summary.goods), 'different articles'],
    ['customers', grouped(summary.customers), 'not counting guests'],
    ['money', `£${grouped(summary.money)}`, ''],
    ['held', grouped(summary.held), 'at the desk, for a person to decide'],
    ['waiting', grouped(summary.waiting), 'behind those'],
    ['discarded', grouped(summary.discarded), ''],
    ['shipped', grouped(summary.shipped), 'invoices'],
    ['declined', grouped(summary.declined), 'nothing taken, nothing charged'],
    ['asking', grouped(summary.asking), 'for a person to approve'],
  ] as const
  return rows.map(([name, value, note]) => `  ${name.padEnd(10)} ${value.padStart(18)}  ${note}`.trimEnd()).join('\n')
}

/** `58635.56` → `58,635.56` */
const grouped = (value: number | string): string => String(value).replace(/\B(?=(\d{3})+(\.|$))/g, ',')
