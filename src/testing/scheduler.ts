// Virtual time: runs tasks at their times, one after the other. The seed decides the order of tasks that are due
// together. Between two steps all ready microtasks run to their end.
import { fault } from '../model/errors.ts'
import type { Timer } from '../seam/world.ts'
import type { Random } from './random.ts'

interface Task {
  readonly at: number
  /** The order among tasks of the same time. */
  readonly order: number
  readonly life: Life
  run: (() => void) | undefined
}

/** The owner of tasks; the tasks of a dead owner are dropped. */
export interface Life {
  alive: boolean
}

interface Waiter {
  readonly what: string
  done(): boolean
  resolve(): void
  reject(error: unknown): void
}

/** The most steps of one wait; after them it counts as stalled. */
const stepsDefault = 2_000_000

// Taken before any code can replace them.
const { setImmediate: later } = globalThis

/** Resolves when every ready promise has run. */
export const turn = (): Promise<void> => new Promise((resolve) => void later(resolve))

export class Scheduler {
  /** The time since the beginning, milliseconds. */
  elapsed = 0
  steps = 0
  private readonly heap: Task[] = []
  private readonly random: Random
  private readonly around: (run: () => void) => void
  private readonly between: () => Promise<void> | undefined
  private waiters: Waiter[] = []
  private looping = false
  private readonly stepsMax: number

  /** Calls `around` for each step and `between` after it; waits for `between` where it returns a promise. */
  constructor(
    random: Random,
    around: (run: () => void) => void,
    between: () => Promise<void> | undefined,
    stepsMax = stepsDefault,
  ) {
    this.stepsMax = stepsMax
    this.random = random
    this.around = around
    this.between = between
  }

  after(ms: number, life: Life, run: () => void): Timer {
    const task: Task = { at: this.elapsed + Math.max(0, ms), order: this.random(), life, run }
    this.push(task)
    return {
      cancel: () => {
        task.run = undefined
      },
    }
  }

  /**
   * Lets time pass until `done` returns true.
   *
   * @throws `millrace/simulation-stalled` when nothing is left that could make it true; errors of a check
   */
  until(what: string, done: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiters.push({ what, done, resolve, reject })
      if (!this.looping) void this.loop()
    })
  }

  /** Lets time pass until a promise settles. */
  async settled<T>(what: string, promise: Promise<T>): Promise<T> {
    let settled = false
    const end = () => {
      settled = true
    }
    promise.then(end, end)
    await this.until(what, () => settled)
    return promise
  }

  private async loop(): Promise<void> {
    this.looping = true
    const last = this.steps + this.stepsMax
    try {
      await turn()
      for (;;) {
        const waiters = this.waiters
        this.waiters = []
        for (const waiter of waiters)
          if (waiter.done()) waiter.resolve()
          else this.waiters.push(waiter)
        if (this.waiters.length === 0) {
          // The waiting code continues now, and may ask for more.
          await turn()
          if (this.waiters.length === 0) return
          continue
        }
        const task = this.pop()
        if (task === undefined || this.steps >= last) {
          throw this.stalled(task === undefined ? 'nothing is left to happen' : `${this.stepsMax} steps have passed`)
        }
        if (task.run === undefined || !task.life.alive) continue
        this.elapsed = Math.max(this.elapsed, task.at)
        this.steps++
        this.around(task.run)
        await turn()
        const check = this.between()
        if (check !== undefined) await check
      }
    } catch (error) {
      const { waiters } = this
      this.waiters = []
      for (const waiter of waiters) waiter.reject(error)
    } finally {
      this.looping = false
    }
  }

  private stalled(why: string) {
    const whats = [...new Set(this.waiters.map(({ what }) => what))].join(', ')
    return fault('millrace/simulation-stalled', `the simulation waits for ${whats}, but ${why}`)
  }

  // A binary heap; the next task is first.

  private push(task: Task): void {
    const { heap } = this
    let place = heap.push(task) - 1
    while (place > 0) {
      const parent = (place - 1) >> 1
      if (!before(task, heap[parent]!)) break
      heap[place] = heap[parent]!
      place = parent
    }
    heap[place] = task
  }

  private pop(): Task | undefined {
    const { heap } = this
    const first = heap[0]
    const last = heap.pop()
    if (heap.length === 0 || last === undefined) return first
    let place = 0
    for (;;) {
      let child = place * 2 + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++
      if (!before(heap[child]!, last)) break
      heap[place] = heap[child]!
      place = child
    }
    heap[place] = last
    return first
  }
}

const before = (a: Task, b: Task) => a.at < b.at || (a.at === b.at && a.order < b.order)
