/** What there is to show; the caller keeps it up to date. */
export type State = { bytes: number; sizeBytes: number; invoices: number; reading: boolean }

type Output = { isTTY?: boolean; columns?: number; write: (text: string) => unknown }

const terminalEveryMs = 100
const linesEveryMs = 2_000

/** Shows the state on standard error until it is disposed: a bar on a terminal, a line every two seconds elsewhere. */
export function showProgress(state: State, output: Output): Disposable {
  const terminal = output.isTTY === true
  const show = () => {
    if (terminal) output.write(`\r${progressLine(state, Math.min(output.columns || 80, 80) - 1)}\x1b[K`)
    else output.write(`${progressLine(state, 0)}\n`)
  }
  const timer = setInterval(show, terminal ? terminalEveryMs : linesEveryMs)
  timer.unref()
  return {
    [Symbol.dispose]() {
      clearInterval(timer)
      if (terminal) output.write('\r\x1b[K')
    },
  }
}

/** One line of text; `width` is that of the terminal, 0 leaves the bar away. */
export function progressLine({ bytes, sizeBytes, invoices, reading }: State, width: number): string {
  const count = `${invoices.toLocaleString('en-GB')} invoices published`
  if (!reading) return `${count}, waiting until they are handled`
  if (sizeBytes === 0) return count // a pipe has no size
  const share = Math.min(bytes / sizeBytes, 1)
  const text = `${String(Math.floor(share * 100)).padStart(3)} %, ${count}`
  const barWidth = width - text.length - 3
  if (barWidth < 10) return text
  const full = Math.floor(share * barWidth)
  return `[${'#'.repeat(full)}${'.'.repeat(barWidth - full)}] ${text}`
}
