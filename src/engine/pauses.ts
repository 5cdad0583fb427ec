// Pauses of processors by people.
//
//   running ──pause: at once, then written──→ paused ──resume: written, then──→ running
//                └──cannot be written──→ running
import type { Actor } from '../model/desk.ts'
import type { Store } from '../seam/store.ts'
import type { World } from '../seam/world.ts'
import type { Committer } from './commit/committer.ts'
import { checkKnown } from './concurrencies.ts'

/** A processor that runs. */
export interface Pausable {
  readonly isPaused: boolean
  pause(): void
  resume(): void
}

export interface PausesHost {
  readonly world: Pick<World, 'now'>
  readonly store: Pick<Store, 'progress' | 'processors'>
  readonly committer: Pick<Committer, 'alone'>
  /** The processor with a name; undefined where it does not run. */
  named(processor: string): Pausable | undefined
  /** A processor was resumed: it continues. */
  resumed(processor: string): void
}

interface Pausing {
  readonly processor: string
  readonly actor: Actor
  readonly paused: boolean
}

export class Pauses {
  private readonly host: PausesHost

  constructor(host: PausesHost) {
    this.host = host
  }

  /** @throws `millrace/unknown-processor` */
  async set({ processor, actor, paused }: Pausing): Promise<void> {
    const { store, committer, world, named, resumed } = this.host
    // One after the other, in the order of the calls: the last counts, for what runs as it does on disk.
    await committer.alone(async () => {
      await checkKnown(store, processor)
      const consumer = named(processor)
      const before = consumer?.isPaused
      if (paused) consumer?.pause()
      try {
        await store.processors[paused ? 'pause' : 'resume'](processor, actor, world.now())
      } catch (error) {
        if (before === false) consumer?.resume()
        throw error
      }
      if (!paused) consumer?.resume()
    })
    if (!paused) resumed(processor)
  }
}
