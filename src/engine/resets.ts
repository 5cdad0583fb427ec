// Resets: a processor begins anew at another position of its topic, as a new generation.
//
//   asked ──→ closed: its attempts are fenced, what it had written before comes to disk ──→ written
//   written ──→ each failure that has ended is told ──→ made anew ──the handlers of before have ended──→ takes messages
//
// Invariants:
// - A reset is one write: position, epoch, generation, desk, open batches, audit. A crash leaves all of it or nothing.
// - Nothing of a generation is written after the next one has begun.
// - A generation handles each message from its beginning on once, in the order of its lane.
// - The end of each failure is told once, before the next generation handles anything.
// - No message that a generation has not handled is removed.
import type { Stored } from '../model/codec.ts'
import type { Actor, DeskEntry } from '../model/desk.ts'
import { fault } from '../model/errors.ts'
import { suggest } from '../model/names.ts'
import type { Store } from '../seam/store.ts'
import type { World } from '../seam/world.ts'
import type { Committer } from './commit/committer.ts'
import { KeyedMutex } from './kit/keyed-mutex.ts'
import {
  type Effects,
  factsOf,
  type ResetFacts,
  type ResetSubject,
  type ResetTo,
  type SentCount,
  sentSince,
} from './reset-facts.ts'

/** A processor and where it is to begin. */
export interface ResetPlace {
  readonly processor: string
  /** The name of its topic. */
  readonly destination: string
  readonly to: ResetTo
}

export interface ResetRequest extends ResetPlace {
  readonly actor: Actor
  /** Refuses the reset by an error where its facts are not what was agreed to. */
  readonly check: (facts: ResetFacts) => void
}

/** A processor that runs. */
export interface Running {
  readonly writes: { readonly areUnderWay: boolean }
  /** Ends it. Resolves when its handlers have ended, at the latest after `lingerMs`. */
  close(): Promise<void>
}

/** The processors, as resets need them. */
export interface ResetsHost {
  readonly world: Pick<World, 'now' | 'after'>
  readonly store: Pick<Store, 'log' | 'progress' | 'processors' | 'desk' | 'deskReads'>
  readonly committer: Pick<Committer, 'alone' | 'written'>
  /** The stream of a topic or channel. */
  streamOf(destination: string): number | undefined
  /** A processor with a name; undefined where it does not run. */
  running(processor: string): Running | undefined
  /** Makes a processor that was closed anew from what is in the store. It takes messages when `gone` has resolved. */
  remake(processor: string, gone: Promise<void>): Promise<void>
  /** Makes the messages that tell of the end of a failure. */
  told(entry: DeskEntry): readonly Stored[]
  /** A message that an operation may wait for has ended. */
  ended(item: number): void
  /** A reset has ended. */
  maybeIdle(): void
}

const sliceItems = 256

export class Resets {
  private readonly host: ResetsHost
  /** One reset at a time, and what it tells. */
  private readonly turns = new KeyedMutex<'reset'>()
  private underWay = 0

  constructor(host: ResetsHost) {
    this.host = host
  }

  /**
   * The facts of a reset, of now.
   *
   * @throws `millrace/unknown-processor`, `millrace/bad-position`
   */
  async look({ to, ...place }: ResetPlace): Promise<ResetFacts> {
    const { log, deskReads: desk } = this.host.store
    return factsOf({ log, desk }, await this.subject(place), to)
  }

  /** Counts what a part has published and sent since a position of a topic came. */
  sent(destination: string, begins: number, effects: Effects): Promise<SentCount[]> {
    const { store, streamOf, world } = this.host
    const pause = () => new Promise<void>((resolve) => void world.after(0, resolve))
    return sentSince({ log: store.log, streamOf, pause }, { destination, begins }, effects)
  }

  /**
   * Resolves when it is durable, with what it was.
   *
   * @throws `millrace/unknown-processor`, `millrace/bad-position`; what `check` throws
   */
  async reset(request: ResetRequest): Promise<ResetFacts> {
    this.underWay++
    try {
      return await this.turns.take('reset', async () => {
        // Nothing ends for a reset that is refused.
        request.check(await this.look(request))
        return this.carryOut(request)
      })
    } finally {
      this.underWay--
      this.host.maybeIdle()
    }
  }

  get idle(): boolean {
    return this.underWay === 0
  }

  /** Tells the end of each failure that a reset has ended and nobody has told. */
  tell(): Promise<void> {
    return this.turns.take('reset', () => this.tellAll())
  }

  private async carryOut(request: ResetRequest): Promise<ResetFacts> {
    const { committer, running, remake } = this.host
    const consumer = running(request.processor)
    const gone = consumer?.close() ?? Promise.resolve()
    try {
      while (consumer?.writes.areUnderWay) await committer.alone(async () => {})
      const facts = await committer.alone(() => this.write(request))
      await this.tellAll()
      return facts
    } finally {
      // Also one whose reset could not be written.
      if (consumer !== undefined) await remake(request.processor, gone)
    }
  }

  private async write({ actor, check, ...place }: ResetRequest): Promise<ResetFacts> {
    const { store, world } = this.host
    const facts = await this.look(place)
    check(facts)
    const { processor, destination } = place
    const after = facts.begins - 1
    await store.processors.reset({ processor, destination, after, actor, at: world.now(), detail: facts })
    return facts
  }

  private async tellAll(): Promise<void> {
    const { store } = this.host
    for (let last = 0; ; ) {
      const items = await store.processors.untold(last, sliceItems)
      const entries: DeskEntry[] = []
      for (const item of items) {
        const entry = await store.desk.entry(item)
        if (entry !== undefined) entries.push(entry)
      }
      // Begun after the last read: each write is awaited from its beginning, since it rejects where the run ends.
      await Promise.all(entries.map((entry) => this.tellOne(entry)))
      if (items.length < sliceItems) return
      last = items.at(-1)!
    }
  }

  private async tellOne(entry: DeskEntry): Promise<void> {
    const { committer, world, told, ended } = this.host
    const changes = [{ do: 'resolve', entry, state: 'reset', at: world.now() } as const]
    await committer.written({ changes, outgoing: told(entry) })
    ended(entry.id)
  }

  private async subject({ processor, destination }: Omit<ResetPlace, 'to'>): Promise<ResetSubject> {
    const { store, streamOf } = this.host
    const stream = streamOf(destination)
    const rows = await store.progress.rows()
    const row = rows.find((one) => one.processor === processor && one.stream === stream)
    if (row !== undefined) return { row, head: await store.log.head(row.stream) }
    const known = suggest(
      processor,
      rows.map((one) => one.processor),
    )
    throw fault('millrace/unknown-processor', `the store knows no processor "${processor}" on "${destination}"${known}`)
  }
}
