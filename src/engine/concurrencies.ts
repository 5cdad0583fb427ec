// How many handlers of each processor may run at once, as people have set it: durable first, then for what runs.
import { fault } from '../model/errors.ts'
import { suggest } from '../model/names.ts'
import type { ConcurrencyChange } from '../seam/processors.ts'
import type { Store } from '../seam/store.ts'
import type { World } from '../seam/world.ts'
import type { Committer } from './commit/committer.ts'
import { Concurrency } from './consumer/concurrency.ts'
import type { ProcessorSpec } from './spec.ts'

/** The engine, as this needs it. */
export interface ConcurrenciesHost {
  readonly world: Pick<World, 'now'>
  readonly store: Pick<Store, 'progress' | 'processors'>
  readonly committer: Pick<Committer, 'alone'>
}

export class Concurrencies {
  private readonly host: ConcurrenciesHost
  /** By name of the processor. */
  private readonly all = new Map<string, Concurrency>()
  private readonly kept = new Map<string, number>()

  constructor(host: ConcurrenciesHost) {
    this.host = host
  }

  async takeUp(): Promise<void> {
    const kept = await this.host.store.processors.concurrencies()
    for (const { processor, most } of kept) this.kept.set(processor, most)
  }

  /** Makes that of a processor that runs, or is made anew. */
  of({ name, concurrency }: Pick<ProcessorSpec, 'name' | 'concurrency'>): Concurrency {
    const made = new Concurrency(concurrency)
    made.set(this.kept.get(name) ?? null)
    this.all.set(name, made)
    return made
  }

  /** @throws `millrace/unknown-processor` */
  set(change: ConcurrencyChange): Promise<void> {
    const { store, committer, world } = this.host
    const { processor, most } = change
    // One after the other, in the order of the calls: the last counts, for what runs as it does on disk.
    return committer.alone(async () => {
      await checkKnown(store, processor)
      await store.processors.setConcurrency(change, world.now())
      if (most === null) this.kept.delete(processor)
      else this.kept.set(processor, most)
      this.all.get(processor)?.set(most)
    })
  }
}

/** @throws `millrace/unknown-processor` */
export async function checkKnown({ progress }: Pick<Store, 'progress'>, processor: string): Promise<void> {
  const known = (await progress.rows()).map((row) => row.processor)
  if (known.includes(processor)) return
  const what = `the store knows no processor "${processor}"${suggest(processor, known)}`
  throw fault('millrace/unknown-processor', what)
}
