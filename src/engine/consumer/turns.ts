import { Fifo } from '../kit/fifo.ts'

export interface TurnsHost<T> {
  mayStart(): boolean
  start(next: T): void
}

/** The messages and lanes whose turn has come, in the order in which they start. */
export class Turns<T> {
  private readonly host: TurnsHost<T>
  private readonly queue = new Fifo<T>()
  private pumping = false

  constructor(host: TurnsHost<T>) {
    this.host = host
  }

  get isEmpty(): boolean {
    return this.queue.isEmpty
  }

  push(next: T): void {
    this.queue.push(next)
  }

  /** Starts as many as may start. A start that calls it again leaves the rest to the first call. */
  pump(): void {
    if (this.pumping) return
    this.pumping = true
    while (!this.queue.isEmpty && this.host.mayStart()) this.host.start(this.queue.shift())
    this.pumping = false
  }
}
