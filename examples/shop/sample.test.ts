import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { readInvoices } from './invoices.ts'
import type { Invoice, InvoiceLine } from './messages.ts'
import { sampleFile } from './options.ts'

const invoices: Invoice[] = []
before(async () => {
  for await (const invoice of readInvoices(sampleFile)) invoices.push(invoice)
})

const isCancellation = (invoice: Invoice) => invoice.invoiceNo.startsWith('C')
const someInvoice = (has: (invoice: Invoice) => boolean) => assert.ok(invoices.some(has))
const someLine = (has: (line: InvoiceLine, invoice: Invoice) => boolean) =>
  someInvoice((invoice) => invoice.lines.some((line) => has(line, invoice)))

test('the sample has about sixty invoices', () => assert.equal(invoices.length, 65))

test('the sample has cancellations', () =>
  someInvoice((one) => isCancellation(one) && one.lines.every((line) => line.quantity < 0)))

test('the sample has guests', () => someInvoice((one) => one.customerId === null))

test('the sample has customers with many invoices', () => {
  const counts = Object.values(Object.groupBy(invoices, (one) => one.customerId ?? 'guest')).map((all) => all!.length)
  assert.ok(counts.filter((count) => count >= 8).length >= 2)
})

test('the sample has descriptions with commas, with quotes and with line ends', () => {
  for (const part of [',', '"', '\n']) someLine((line) => line.description.includes(part))
})

test('the sample has letters beyond ASCII', () => someLine((line) => /[^\0-\x7f]/.test(line.description)))

test('the sample has prices of zero, below zero and with three decimals', () => {
  for (const price of [/^0$/, /^-/, /\.\d{3}$/]) someLine((line) => price.test(line.unitPrice))
})

test('the sample has empty descriptions, alone and together with other trouble', () => {
  someLine((line) => line.description === '' && line.quantity > 0)
  someLine((line) => line.description === '' && line.quantity < 0)
  someInvoice(
    ({ lines }) => lines.some((line) => line.description === '') && lines.some((line) => line.description !== ''),
  )
})

test('the sample has a negative quantity on an invoice that is no cancellation, and invoices of its customer after it', () => {
  const index = invoices.findIndex(
    (one) => one.customerId && !isCancellation(one) && one.lines.some((line) => line.quantity < 0),
  )
  assert.ok(index >= 0)
  assert.ok(invoices.slice(index + 1).some((one) => one.customerId === invoices[index]!.customerId))
})

test('the sample has a cancellation without a description, and trouble that waits behind other trouble', () => {
  someLine((line, invoice) => line.description === '' && isCancellation(invoice))
  const held = invoices.find((one) => one.invoiceNo === '704978')!
  const later = invoices.slice(invoices.indexOf(held) + 1).filter((one) => one.customerId === held.customerId)
  assert.ok(later.some((one) => one.lines.some((line) => line.description === '')))
})

test('the sample has services', () => {
  for (const code of ['POST', 'M', 'DOT', 'D', 'C2', 'BANK CHARGES']) someLine((line) => line.stockCode === code)
})

test('the sample has exact duplicate lines', () =>
  someInvoice(({ lines }) => new Set(lines.map((line) => JSON.stringify({ ...line, lineNo: 0 }))).size < lines.length))

test('the sample has stock codes that differ only by case', () => {
  const codes = [...new Set(invoices.flatMap((one) => one.lines.map((line) => line.stockCode)))]
  assert.equal(new Set(codes.map((code) => code.toUpperCase())).size, codes.length - 1)
})

test('the sample has an invoice of over a thousand pounds, and numbers whose digits sum to a multiple of 29', () => {
  someInvoice((one) => one.lines.reduce((sum, line) => sum + line.quantity * Number(line.unitPrice), 0) > 1000)
  someInvoice(
    (one) =>
      one.invoiceNo
        .replace(/\D/g, '')
        .split('')
        .reduce((sum, digit) => sum + Number(digit), 0) %
        29 ===
      0,
  )
})
