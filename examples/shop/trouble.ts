import { type Invoice, type InvoiceLine, isCancellation } from './messages.ts'
import { parsePrice } from './money.ts'

/** Why an invoice cannot be booked: what is wrong, and on which line first. */
export type Trouble = { lineNo: number; reason: 'no description' | 'price below zero' | 'negative quantity' }

/**
 * What is wrong with an invoice, if anything is. A missing description comes before all else on any line: the desk can
 * mend that by itself, so that a person who gets the invoice all the same has only the rest to look at.
 */
export function troubleOf({ invoiceNo, lines }: Invoice): Trouble | undefined {
  const first = (reason: Trouble['reason'], is: (line: InvoiceLine) => boolean): Trouble | undefined => {
    const line = lines.find(is)
    return line && { lineNo: line.lineNo, reason }
  }
  return (
    first('no description', isNameless) ??
    first('price below zero', ({ unitPrice }) => parsePrice(unitPrice) < 0n) ??
    first('negative quantity', ({ quantity }) => quantity < 0 && !isCancellation(invoiceNo))
  )
}

/** With "(none)" for each description that is missing, and all else as it was. */
export function describeNameless(invoice: Invoice): Invoice {
  const lines = invoice.lines.map((line) => (isNameless(line) ? { ...line, description: '(none)' } : line))
  return { ...invoice, lines }
}

/** Nothing but white space is no description either. */
const isNameless = ({ description }: InvoiceLine): boolean => description.trim() === ''
