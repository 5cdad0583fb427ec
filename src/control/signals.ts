// Ctrl-C and SIGTERM: the ways in which a system asks a process to end.
//
//   waiting ──the first signal──→ ending ──another one──→ the process exits at once
//
// Invariant: signals that arrive together count once. Under npm a Ctrl-C arrives twice, from the terminal and from npm.

/** The time within which a signal is the one before, milliseconds. */
const togetherMs = 100

export interface Interrupted {
  readonly signal: AbortSignal
  /** The exit status after a signal, 128 and its number; undefined without a signal. */
  readonly status: () => number | undefined
  readonly end: () => void
}

/** Turns Ctrl-C and SIGTERM into a request to end cleanly; the second one ends the process at once. */
export function interruptible(): Interrupted {
  const controller = new AbortController()
  let status: number | undefined
  let first = 0
  const on = (code: number) => () => {
    if (status !== undefined) {
      if (performance.now() - first > togetherMs) process.exit(status)
      return
    }
    status = code
    first = performance.now()
    controller.abort()
  }
  const listeners = { SIGINT: on(130), SIGTERM: on(143) }
  const names = Object.keys(listeners) as (keyof typeof listeners)[]
  for (const name of names) process.on(name, listeners[name])
  return {
    signal: controller.signal,
    status: () => status,
    end: () => {
      for (const name of names) process.off(name, listeners[name])
    },
  }
}

export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
