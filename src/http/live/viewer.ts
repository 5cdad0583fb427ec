// One browser that watches an app.
//
//   keeps up ──more than 256 KB unsent──→ lags (is given nothing) ──it has read──→ keeps up (told `reset`)
//       └──────────────────────────────────────┴──30 s long, gone, or the server ends──→ over
//
// Nobody waits for it: what it is given is put in its stream, or is not.
const unsentMax = 256 * 1024
/** How long it may lag, milliseconds. */
const lagMax = 30_000

export class Viewer {
  private readonly first: readonly Uint8Array[]
  private readonly ended: () => void
  private controller: ReadableStreamDefaultController<Uint8Array> | undefined
  private lagsSince: number | undefined
  private isOver = false
  private signals: readonly AbortSignal[] = []
  private readonly aborted = () => this.end()

  /** `first`: what it is given as it comes. */
  constructor(first: readonly Uint8Array[], ended: () => void) {
    this.first = first
    this.ended = ended
  }

  stream(): ReadableStream<Uint8Array> {
    const start = (controller: ReadableStreamDefaultController<Uint8Array>) => {
      this.controller = controller
      for (const chunk of this.first) controller.enqueue(chunk)
      if (this.isOver) controller.close()
    }
    const size = (chunk: Uint8Array | undefined) => chunk?.byteLength ?? 0
    return new ReadableStream({ start, cancel: () => this.end() }, { highWaterMark: unsentMax, size })
  }

  /**
   * Gives it a chunk, if it has read what came before.
   *
   * @param missed what it is told first where it has not been given all
   * @param now milliseconds that only go forward
   */
  give(chunk: Uint8Array, missed: Uint8Array, now: number): void {
    if (this.isOver || this.controller === undefined) return
    if ((this.controller.desiredSize ?? 0) <= 0) {
      this.lagsSince ??= now
      if (now - this.lagsSince >= lagMax) this.end()
      return
    }
    if (this.lagsSince !== undefined) this.controller.enqueue(missed)
    this.lagsSince = undefined
    this.controller.enqueue(chunk)
  }

  /** Ends it with the first of these that aborts. They may live longer: it leaves nothing at them. */
  endWith(signals: readonly AbortSignal[]): void {
    this.signals = signals
    for (const signal of signals) signal.addEventListener('abort', this.aborted)
    if (signals.some((signal) => signal.aborted)) this.end()
  }

  end(): void {
    if (this.isOver) return
    this.isOver = true
    for (const signal of this.signals) signal.removeEventListener('abort', this.aborted)
    this.ended()
    try {
      this.controller?.close()
    } catch {
      // Its client is gone.
    }
  }
}
