import { app, sqlite } from 'millrace'
import { customers } from './customers.ts'
import { invoiceDesk } from './desk.ts'
import { ledger } from './ledger.ts'
import { log } from './log.ts'
import { Invoices, Movements } from './messages.ts'
import { stock } from './stock.ts'

/**
 * The shop. Amounts are integers of millionths of a pound. The bound on a customer's amount is there because SQLite
 * goes on in floating point where a sum leaves 64 bits; like this it fails.
 */
export default app({
  name: 'shop',
  broker: sqlite({ file: './shop.db' }),
  log,
  setup: async (tx) => {
    await tx.query`create table if not exists ledger (
      invoice_no text not null, line_no integer not null, customer_id text, country text not null, at text not null,
      stock_code text not null, description text not null, quantity bigint not null, unit_price text not null,
      amount_micros bigint not null, primary key (invoice_no, line_no))`
    await tx.query`create table if not exists stock (
      stock_code text not null primary key, kind text not null, units bigint not null)`
    await tx.query`create table if not exists customers (
      customer_id text not null primary key, invoices bigint not null, cancellations bigint not null,
      amount_micros bigint not null check (abs(amount_micros) < 9000000000000000000))`
  },
  parts: [Invoices, Movements, ledger, stock, customers, invoiceDesk],
})
