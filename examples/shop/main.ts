import { setInterval } from 'node:timers/promises'
import { sqlite } from 'millrace'
import shop from './app.ts'
import { approve, approveAll } from './approval.ts'
import { checkReadable, InvoiceFileError } from './csv.ts'
import { readInvoices } from './invoices.ts'
import { type Invoice, InvoiceReceived } from './messages.ts'
import { type Options, readOptions } from './options.ts'
import { showProgress } from './progress.ts'
import { publishAll } from './publish.ts'
import { serve } from './serving.ts'
import { summarize, summaryTable } from './summary.ts'

/** The program of `npm start`: publishes the invoices of a file, waits until they are handled, prints the figures. */
const options = readOptions(process.argv.slice(2), process.stdout.isTTY === true)
process.exitCode = 'status' in options ? options.status : await runUntilSignal(options)

/** The exit status: 0, 1 after an error, 130 after Ctrl-C (SIGINT) or 143 after SIGTERM and a clean stop. */
async function runUntilSignal(options: Options): Promise<number> {
  const stop = new AbortController()
  let signalStatus = 0
  const on = (signal: NodeJS.Signals, status: number) =>
    // Not `once`: a Ctrl-C below npm arrives twice, from the terminal and from npm, and the second must not kill.
    process.on(signal, () => {
      signalStatus ||= status
      stop.abort()
    })
  on('SIGINT', 130)
  on('SIGTERM', 143)
  try {
    await run(options, stop.signal)
  } catch (error) {
    say(textOf(error))
    return 1
  }
  if (signalStatus > 0) say('stopped; the same command goes on where this run was')
  return signalStatus
}

async function run(options: Options, signal: AbortSignal): Promise<void> {
  const sizeBytes = await checkReadable(options.from)
  await shop.start({ broker: sqlite({ file: options.db }) })
  let page = ''
  try {
    if (options.stay || options.port !== undefined) {
      const server = await serve(shop, options.port)
      say(`served at ${server.url}; its token is in ${server.tokenFile}`)
      page = `see what runs, and repair what is held: ${server.link()}`
      say(page)
    }
    const failure = await takeIn(options, sizeBytes, signal)
    if (signal.aborted) return
    const summary = await summarize(shop)
    process.stdout.write(`${options.json ? JSON.stringify(summary) : summaryTable(summary)}\n`)
    if (summary.held > 0) say(`what is held, and why: npx millrace desk list --db ${quoted(options.db)}`)
    if (summary.asking > 0)
      say(`what is asked: npx millrace flows questions --db ${quoted(options.db)}; --approve-all approves it`)
    if (failure) throw failure
    if (options.stay) {
      // The figures stand between, and what was printed first may have left the window.
      say(page)
      say('waiting for more; Ctrl-C stops')
      await (options.approveAll ? approveUntil(signal) : aborted(signal))
    }
  } finally {
    await shop.stop()
  }
}

/**
 * Publishes the invoices of the file and waits until the shop has handled them, or until the signal. A fault of the
 * file is given back, not thrown: what was published before it stays, is handled and shown.
 */
async function takeIn(options: Options, sizeBytes: number, signal: AbortSignal): Promise<InvoiceFileError | undefined> {
  const state = { bytes: 0, sizeBytes, invoices: 0, known: 0, reading: true }
  const invoices = readInvoices(options.from, (bytes) => {
    state.bytes = bytes
  })
  const publish = async (invoice: Invoice) => {
    const { duplicate } = await publishInvoice(options.from, invoice)
    state.invoices += 1
    if (duplicate) state.known += 1
  }
  let failure: InvoiceFileError | undefined
  {
    using _progress = showProgress(state, process.stderr)
    try {
      await publishAll(invoices, { publish, rate: options.rate, pauseAt: options.pauseAt, signal })
    } catch (error) {
      if (!(error instanceof InvoiceFileError)) throw error
      failure = error
    }
    state.reading = false
    await Promise.race([options.approveAll ? approveAll(shop) : shop.idle(), aborted(signal)])
  }
  say(`${state.invoices} invoices read, ${state.known} of them known from an earlier run`)
  return failure
}

/** The id is made from the number, so that an invoice that is published again, after a crash or so, adds nothing. */
async function publishInvoice(file: string, invoice: Invoice): Promise<{ duplicate?: boolean }> {
  try {
    return await shop.publish(InvoiceReceived, invoice, { id: `invoice-${invoice.invoiceNo}` })
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'DataError') throw error
    throw new InvoiceFileError(file, null, `invoice ${invoice.invoiceNo} was not taken: ${textOf(error)}`, error)
  }
}

/** Invoices may come from elsewhere while the shop stays: from the desk, by `millrace publish`. */
async function approveUntil(signal: AbortSignal): Promise<void> {
  try {
    for await (const _ of setInterval(1_000, undefined, { signal })) await approve(shop.flows)
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** As a shell takes it. */
function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`
}

function say(text: string): void {
  process.stderr.write(`${text}\n`)
}

/** An error that says what to do is shown by its words, any other with where it came from. */
function textOf(error: unknown): string {
  if (error instanceof InvoiceFileError) return error.message
  if (error instanceof Error && 'help' in error) return `${error.message}. ${error.help}`
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
