// The flows in memory.
//
//   cold ──load──→ loading ──made from its journal──→ hot ──left for others, ended, or dismissed──→ cold
//                    │ ↑──not found, though asked for since──┘
//                    └──not under way──→ cold
//   every state ──change: somebody puts it into another state──→ changing (a load waits for its end)
//
// Invariants: a flow is in memory once. While it is loading its run is known from before its journal is read, so that no
// end of a step is missed between the two. A hot flow leaves for others only beyond the bound, when it is free and nobody
// is about to use it.
import { KeyedMutex } from '../kit/keyed-mutex.ts'

/** At how many of the oldest it is looked whether one can leave for a new one. */
const evictLooks = 16

/** A flow in memory. */
export interface Kept {
  readonly id: number
  readonly status: { readonly hasEnded: boolean }
  /** Whether nothing is done with it and all that it has left is on disk. */
  readonly isFree: boolean
}

/** What memory needs of the flows. */
export interface MemoryHost<Run extends Kept> {
  /** Whether flows are still told something. */
  isOpen(): boolean
  /**
   * Makes a flow from its journal and keeps it; undefined where it is not under way. Calls `known` before it reads the
   * journal. The step with the number `repeat` is done again.
   */
  make(id: number, repeat: number | undefined, known: (run: Run) => void): Promise<Run | undefined>
}

export class Memory<Run extends Kept> {
  private readonly host: MemoryHost<Run>
  private readonly hotMax: number
  /** The oldest first. */
  private readonly hot = new Map<number, Run>()
  private readonly loading = new Map<number, Loading<Run>>()
  private readonly changing = new KeyedMutex<number>()
  /** Flows that somebody is about to use, and how many do. */
  private readonly wanted = new Map<number, number>()

  constructor(host: MemoryHost<Run>, hotMax: number) {
    this.host = host
    this.hotMax = hotMax
  }

  /** A hot flow. */
  find(id: number): Run | undefined {
    return this.hot.get(id)
  }

  /** A flow that is to hear of the ends of its steps: hot, or loading. */
  hearing(id: number): Run | undefined {
    return this.hot.get(id) ?? this.loading.get(id)?.run
  }

  /** Whether a flow is hot or is being made. */
  has(id: number): boolean {
    return this.hot.has(id) || this.loading.has(id)
  }

  /** Makes a flow where it is not hot, and uses it: until then it does not leave. Undefined where it is not under way. */
  async use<T>(id: number, use: (run: Run) => T): Promise<T | undefined> {
    this.wanted.set(id, (this.wanted.get(id) ?? 0) + 1)
    try {
      if (!this.hot.has(id)) await this.load(id)
      const run = this.hot.get(id)
      return run === undefined || run.status.hasEnded || !this.host.isOpen() ? undefined : use(run)
    } finally {
      const others = this.wanted.get(id)! - 1
      if (others === 0) this.wanted.delete(id)
      else this.wanted.set(id, others)
    }
  }

  /** Makes a flow where it is not hot. */
  async load(id: number, repeat?: number): Promise<Run | undefined> {
    for (let over = this.changing.over(id); over !== undefined; over = this.changing.over(id)) await over
    const there = this.hot.get(id)
    if (there !== undefined) return there
    const loading = this.loading.get(id)
    if (loading !== undefined) {
      loading.again = true
      return loading.made
    }
    const fresh = new Loading<Run>()
    this.loading.set(id, fresh)
    fresh.made = this.make(id, fresh, repeat)
    const run = await fresh.made
    if (run !== undefined) this.mayLeave(run)
    return run
  }

  private async make(id: number, loading: Loading<Run>, repeat: number | undefined): Promise<Run | undefined> {
    const known = (run: Run) => {
      loading.run = run
    }
    try {
      for (;;) {
        loading.again = false
        const run = await this.host.make(id, repeat, known)
        // A caller that has asked since may know of something that the reads did not show.
        if (run !== undefined || !loading.again) return run
      }
    } finally {
      this.loading.delete(id)
    }
  }

  /** A flow is hot, unless it has ended. */
  keep(run: Run): void {
    this.hot.delete(run.id)
    if (run.status.hasEnded) return
    this.hot.set(run.id, run)
    if (this.hot.size <= this.hotMax) return
    let looked = 0
    for (const oldest of this.hot.values()) {
      if (++looked > evictLooks || (oldest !== run && this.mayLeave(oldest))) break
    }
  }

  /** A flow is free, perhaps: beyond the bound it leaves. Returns whether it did. */
  mayLeave(run: Run): boolean {
    const { id } = run
    if (this.hot.size <= this.hotMax || !run.isFree) return false
    if (this.wanted.has(id) || this.loading.has(id)) return false
    return this.hot.get(id) === run && this.hot.delete(id)
  }

  /** A flow has ended or is paused, and that is written: earlier, a load would miss its last entry. */
  drop(id: number): void {
    this.hot.delete(id)
  }

  /** Resolves when nobody makes a flow now. */
  async loaded(id: number): Promise<void> {
    await this.loading.get(id)?.made
  }

  /** Puts a flow into another state, one after the other; until its end the flow is not made. */
  change<T>(id: number, act: () => Promise<T>): Promise<T> {
    return this.changing.take(id, act)
  }
}

class Loading<Run> {
  made: Promise<Run | undefined> = Promise.resolve(undefined)
  run: Run | undefined = undefined
  /** Somebody has asked for the flow since its making has begun. */
  again = false
}
