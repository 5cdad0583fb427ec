// The write lock of the file. Only this process writes to it, but a shell or another tool may hold the lock for a while.
// Writers wait for it by timers. SQLite itself never waits, because that stops the event loop.
//
//   free ──busy──→ held: each writer tries again by timer ──taken──→ free
//                    └ held for `lockedMs`: each writer fails at once with `millrace/locked`;
//                      a timer probes the lock until it is free
import type { MillraceError } from '../../model/errors.ts'
import { fault } from '../../model/errors.ts'
import type { Timer, World } from '../../seam/world.ts'
import { isBusy, lockedFault } from './errors.ts'

/** The first wait, which doubles, and the longest, milliseconds. */
const firstMs = 1
const longestMs = 50

/** `nowait`: refused at once while another program has the lock. */
export type LockWait = 'wait' | 'nowait'

export class WriteLock {
  private readonly file: string
  private readonly world: World
  private readonly lockedMs: number
  /** Takes the lock and gives it back; throws where another program has it. */
  private readonly probe: () => void
  /** Since when another program has it, as `elapsed` counts; undefined while it is free. */
  private since: number | undefined
  private waitMs = firstMs
  private timer: Timer | undefined
  private waiting: (() => void)[] = []
  private ended = false

  constructor(file: string, world: World, lockedMs: number, probe: () => void) {
    this.file = file
    this.world = world
    this.lockedMs = lockedMs
    this.probe = probe
  }

  /** The fault for operators while another program has it. */
  get held(): MillraceError | undefined {
    return this.since === undefined ? undefined : lockedFault(this.file, undefined)
  }

  /**
   * Runs what takes the lock, and repeats it while another program has the lock, for at most `lockedMs`.
   *
   * @throws `millrace/locked`; every error of `take` that is not about a lock
   */
  async run<T>(take: () => T): Promise<T> {
    let value: T | undefined
    while (!this.takes(() => (value = take()))) await this.pause()
    return value as T
  }

  /** The same for a read. Its success says nothing about the lock. */
  async read<T>(read: () => T): Promise<T> {
    let value: T | undefined
    while (!this.succeeds(() => (value = read()), 'wait')) await this.pause()
    return value as T
  }

  /**
   * Runs what takes the lock. The caller continues in the same turn.
   *
   * @returns false where another program has the lock: try again after a `pause`
   * @throws `millrace/locked`; every error of `take` that is not about a lock
   */
  takes(take: () => void, wait: LockWait = 'wait'): boolean {
    if (!this.succeeds(take, wait)) return false
    if (this.since !== undefined) this.free()
    return true
  }

  /** Resolves when the lock is worth another try. */
  pause(): Promise<void> {
    return new Promise((resolve) => void this.waiting.push(resolve))
  }

  /** Ends every wait: the file is closed. */
  end(): void {
    this.ended = true
    this.timer?.cancel()
    this.timer = undefined
    this.wake()
  }

  private succeeds(call: () => void, wait: LockWait): boolean {
    if (this.ended) throw fault('millrace/not-started', `${this.file} is closed`)
    try {
      call()
      return true
    } catch (error) {
      if (!isBusy(error)) throw error
      this.since ??= this.world.elapsed()
      this.watch()
      if (wait === 'wait' && this.world.elapsed() - this.since < this.lockedMs) return false
      throw lockedFault(this.file, error)
    }
  }

  private free(): void {
    this.since = undefined
    this.waitMs = firstMs
  }

  /** Keeps a timer while another program has the lock, to wake those that wait or to probe it. */
  private watch(): void {
    if (this.timer !== undefined || this.ended) return
    this.timer = this.world.after(this.waitMs, this.look, { awake: true })
    this.waitMs = Math.min(2 * this.waitMs, longestMs)
  }

  private readonly look = (): void => {
    this.timer = undefined
    if (this.wake() || this.since === undefined) return
    try {
      this.probe()
      this.free()
    } catch (error) {
      if (isBusy(error)) this.watch()
      // The next writer meets any other error itself.
      else this.free()
    }
  }

  /** Wakes those that wait, who try again. @returns whether there were any */
  private wake(): boolean {
    const { waiting } = this
    this.waiting = []
    for (const resolve of waiting) resolve()
    return waiting.length > 0
  }
}
