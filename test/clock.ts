/** A clock that a unit test sets. A timer fires when the clock comes to its time. */
export class TestClock {
  private time: number
  private timers: { readonly at: number; readonly fn: () => void }[] = []

  constructor(time = 0) {
    this.time = time
  }

  readonly now = (): number => this.time

  readonly elapsed = (): number => this.time

  readonly after = (ms: number, fn: () => void): { cancel(): void } => {
    const timer = { at: this.time + ms, fn }
    this.timers.push(timer)
    return {
      cancel: () => {
        this.timers = this.timers.filter((other) => other !== timer)
      },
    }
  }

  /** The waits of the timers that are set. */
  get waits(): number[] {
    return this.timers.map(({ at }) => at - this.time)
  }

  /** Sets the clock without a timer noticing, as a person does it. */
  set(time: number): void {
    const byMs = time - this.time
    this.time = time
    this.timers = this.timers.map(({ at, fn }) => ({ at: at + byMs, fn }))
  }

  /** Lets time pass; timers fire in the order of their times. */
  pass(ms: number): void {
    const until = this.time + ms
    for (;;) {
      const [next] = this.timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)
      if (next === undefined) break
      this.timers = this.timers.filter((other) => other !== next)
      this.time = Math.max(this.time, next.at)
      next.fn()
    }
    this.time = until
  }
}
