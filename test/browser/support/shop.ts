// The example shop as `npm start -- --stay` runs it: its sample is published, and what is held waits for a person.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { type Serving, sqlite } from 'millrace'
import shop from '../../../examples/shop/app.ts'
import { readInvoices } from '../../../examples/shop/invoices.ts'
import { InvoiceReceived } from '../../../examples/shop/messages.ts'
import { sampleFile } from '../../../examples/shop/options.ts'

export { shop }

export interface ServedShop extends Serving {
  readonly file: string
}

const folder = mkdtempSync(join(tmpdir(), 'millrace-shop-'))

after(async () => {
  await shop.stop({ graceMs: 0 })
  rmSync(folder, { recursive: true, force: true })
})

/** Starts the shop of this process, once. */
export async function servedShop(): Promise<ServedShop> {
  const file = join(folder, 'shop.db')
  await shop.start({ broker: sqlite({ file }) })
  for await (const invoice of readInvoices(sampleFile)) {
    await shop.publish(InvoiceReceived, invoice, { id: `invoice-${invoice.invoiceNo}` })
  }
  await shop.idle()
  return Object.assign(await shop.serve({ port: 0 }), { file })
}
