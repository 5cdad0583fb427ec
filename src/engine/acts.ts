// Acts of people on processors that change nothing of what runs: each is one write, with its line of the audit log.
import type { Actor } from '../model/desk.ts'
import type { Store } from '../seam/store.ts'
import type { World } from '../seam/world.ts'
import type { Committer } from './commit/committer.ts'

export interface ActsHost {
  readonly world: Pick<World, 'now'>
  readonly store: Pick<Store, 'processors'>
  readonly committer: Pick<Committer, 'alone' | 'written'>
}

export class Acts {
  private readonly host: ActsHost

  constructor(host: ActsHost) {
    this.host = host
  }

  /** Forgets a processor on a topic or channel. */
  retire(processor: string, destination: string, actor: Actor): Promise<void> {
    const { committer, store, world } = this.host
    return committer.alone(() => store.processors.retire(processor, destination, actor, world.now()))
  }

  /** Writes down that a test of a processor is asked for. Resolves when it is durable. */
  async tested(processor: string, { by, reason }: Actor): Promise<void> {
    const about = { at: this.host.world.now(), item: null, subject: processor, detail: undefined }
    const audit = { ...about, by, reason: reason ?? null, action: 'tested' } as const
    await this.host.committer.written({ changes: [{ do: 'record', audit }] })
  }
}
