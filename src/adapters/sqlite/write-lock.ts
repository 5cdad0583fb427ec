// The write lock of the file. Only this process writes to it, but a shell or another tool may hold the lock for a while.
// It is waited for by timers, never by SQLite itself, which would stop the event loop.
//
//   free ──busy──→ held: who writes tries again by timer ──taken──→ free
//                    └ held for `lockedMs`: whoever wants to write is told `millrace/locked` at once;
//                      the lock itself is looked at until it is free
import type { MillraceError } from '../../model/errors.ts'
import { fault } from '../../model/errors.ts'
import type { Timer, World } from '../../seam/world.ts'
import { isBusy, lockedFault } from './trouble.ts'

/** The first wait, which doubles, and the longest, milliseconds. */
const firstMs = 1
const longestMs = 50

export class WriteLock {
  private readonly file: string
  private readonly world: World
  private readonly lockedMs: number
  /** Takes the lock and gives it back; throws where somebody else has it. */
  private readonly probe: () => void
  /** Since when somebody else has it, as `elapsed` counts; undefined while it is free. */
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

  /** For operators, while somebody else has it. */
  get held(): MillraceError | undefined {
    return this.since === undefined ? undefined : lockedFault(this.file, undefined)
  }

  /**
   * Runs what takes the lock, again and again while somebody else has it, until that has lasted for `lockedMs`.
   *
   * @throws `millrace/locked`; what `take` throws, but for locks
   */
  async run<T>(take: () => T): Promise<T> {
    let value: T | undefined
    while (!this.takes(() => (value = take()))) await this.pause()
    return value as T
  }

  /** The same for what only reads: that it goes says nothing of the lock. */
  async read<T>(read: () => T): Promise<T> {
    let value: T | undefined
    while (!this.went(() => (value = read()), true)) await this.pause()
    return value as T
  }

  /**
   * Runs what takes the lock, and goes on with it in the same turn. False where somebody else has the lock and it is to
   * be tried again after a `pause`; whoever is not `patient` is refused at once.
   *
   * @throws `millrace/locked`; what `take` throws, but for locks
   */
  takes(take: () => void, patient = true): boolean {
    if (!this.went(take, patient)) return false
    if (this.since !== undefined) this.free()
    return true
  }

  /** Until it is worth trying again. */
  pause(): Promise<void> {
    return new Promise((resolve) => void this.waiting.push(resolve))
  }

  /** The file is closed: nobody waits any longer. */
  end(): void {
    this.ended = true
    this.timer?.cancel()
    this.timer = undefined
    this.wake()
  }

  private went(call: () => void, patient: boolean): boolean {
    if (this.ended) throw fault('millrace/not-started', `${this.file} is closed`)
    try {
      call()
      return true
    } catch (error) {
      if (!isBusy(error)) throw error
      this.since ??= this.world.elapsed()
      this.watch()
      if (patient && this.world.elapsed() - this.since < this.lockedMs) return false
      throw lockedFault(this.file, error)
    }
  }

  private free(): void {
    this.since = undefined
    this.waitMs = firstMs
  }

  /** While somebody else has it there is a timer: for those that wait, or to see that it is free. */
  private watch(): void {
    if (this.timer !== undefined || this.ended) return
    this.timer = this.world.after(this.waitMs, this.look, true)
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
      // Whatever else is wrong is told to who writes next.
      else this.free()
    }
  }

  /** Those that wait try by themselves; gives whether there were any. */
  private wake(): boolean {
    const { waiting } = this
    this.waiting = []
    for (const resolve of waiting) resolve()
    return waiting.length > 0
  }
}
