// Callers that wait until nothing that is due is left to do.
//
//   waiting ──nothing is left──→ resolved with true
//      └──────the run ends─────→ resolved with false, as every later call

export class Idle {
  private readonly isQuiet: () => boolean
  private waiters: ((idle: boolean) => void)[] = []
  private ended = false

  /** @param isQuiet returns whether nothing that is due is left to do; called only while somebody waits */
  constructor(isQuiet: () => boolean) {
    this.isQuiet = isQuiet
  }

  /** @returns true once nothing is left to do; false when the run ends before */
  wait(): Promise<boolean> {
    if (this.ended) return Promise.resolve(false)
    return new Promise((resolve) => {
      this.waiters.push(resolve)
      this.look()
    })
  }

  /** Call after any work ends: resolves the waiters when nothing is left. */
  readonly look = (): void => {
    if (this.waiters.length > 0 && this.isQuiet()) for (const resolve of this.takeWaiters()) resolve(true)
  }

  /** The run has ended. */
  end(): void {
    this.ended = true
    for (const resolve of this.takeWaiters()) resolve(false)
  }

  private takeWaiters(): Idle['waiters'] {
    const { waiters } = this
    this.waiters = []
    return waiters
  }
}
