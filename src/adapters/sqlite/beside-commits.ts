// Reads and writes beside the transactions of `commit`.
import { fault } from '../../model/errors.ts'
import type { Checkpoints } from './checkpoints.ts'
import type { Connection } from './connection.ts'
import type { Durability } from './durability.ts'
import { isBusy, storeTrouble } from './errors.ts'
import type { WriteLock } from './write-lock.ts'

/** Reads and writes of the facets of a store, outside the transactions of `commit`. */
export interface Beside {
  /**
   * One transaction.
   *
   * @throws `millrace/locked`; the errors of the disk
   */
  write<T>(fn: () => T): Promise<T>
  /** Tells how much a transaction has written, about, for pacing checkpoints. */
  wrote(bytes: number): void
  /** Resolves when all that is committed is durable. */
  sync(): Promise<void>
  /** A read that runs once all that it shows is durable, and again where another program holds a lock. */
  durable<T>(read: () => T): Promise<T>
}

/** One transaction that is durable when it resolves. */
export async function writeDurably<T>(beside: Beside, fn: () => T): Promise<T> {
  const value = await beside.write(fn)
  await beside.sync()
  return value
}

export interface BesideNeeds {
  readonly file: string
  readonly lock: Pick<WriteLock, 'run' | 'read'>
  readonly durability: Pick<Durability, 'sync' | 'reached'>
  readonly checkpoints: Pick<Checkpoints, 'wrote'>
  readonly connection: Pick<Connection, 'isOpen' | 'transaction'>
}

export class BesideCommits implements Beside {
  private readonly needs: BesideNeeds

  constructor(needs: BesideNeeds) {
    this.needs = needs
  }

  async write<T>(fn: () => T): Promise<T> {
    const { file, lock, connection } = this.needs
    this.checkOpen()
    try {
      return await lock.run(() => connection.transaction(fn))
    } catch (error) {
      throw storeTrouble(file, error) ?? error
    }
  }

  wrote(bytes: number): void {
    this.needs.checkpoints.wrote(bytes)
  }

  sync(): Promise<void> {
    return this.needs.durability.sync()
  }

  async durable<T>(read: () => T): Promise<T> {
    const { lock, durability } = this.needs
    await durability.reached
    this.checkOpen()
    try {
      return read()
    } catch (error) {
      if (!isBusy(error)) throw error
      return lock.read(read)
    }
  }

  private checkOpen(): void {
    const { file, connection } = this.needs
    if (!connection.isOpen) throw notOpen(file)
  }
}

export const notOpen = (file: string) => fault('millrace/not-started', `${file} is not open`)
