import { app, sqlite } from 'millrace'
import { Notices, Payments, Warehouse } from './commands.ts'
import { customers } from './customers.ts'
import { invoiceDesk } from './desk.ts'
import { fulfilment } from './fulfilment.ts'
import { ledger } from './ledger.ts'
import { log } from './log.ts'
import { Invoices, Movements } from './messages.ts'
import { notices } from './notices.ts'
import { payments } from './payments.ts'
import { selection } from './selection.ts'
import { stock } from './stock.ts'
import { warehouse } from './warehouse.ts'

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
    await tx.query`create table if not exists articles (
      stock_code text not null primary key, units bigint not null check (units >= 0))`
    await tx.query`create table if not exists parcels (invoice_no text not null primary key)`
    await tx.query`create table if not exists payments (
      invoice_no text not null primary key, amount_micros bigint not null check (amount_micros >= 0))`
    await tx.query`create table if not exists notices (invoice_no text not null primary key, news text not null)`
  },
  parts: [
    ...[Invoices, Movements, ledger, stock, customers, invoiceDesk],
    ...[Warehouse, Payments, Notices, selection, fulfilment, warehouse, payments, notices],
  ],
})
