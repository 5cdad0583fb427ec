// Reads and writes of the facets beside commits.
import { isMillraceError } from '../../model/errors.ts'
import type { World } from '../../seam/world.ts'
import type { Readers } from './connections.ts'
import { notOpen, storeTrouble } from './errors.ts'
import type { Owner } from './owner.ts'
import type { Beside, Statements, Transaction } from './statements.ts'

export interface BesideNeeds {
  readonly where: string
  readonly world: World
  readonly readers: Readers
  /** Undefined until the store is taken over. */
  owner(): Owner | undefined
}

const triesMax = 3
/** How long a read is repeated, and after which time, milliseconds. */
const readMs = 30_000
const readAgainMs = 50

export class Besides implements Beside {
  private readonly needs: BesideNeeds

  constructor(needs: BesideNeeds) {
    this.needs = needs
  }

  write<T>(fn: (db: Transaction) => Promise<T>): Promise<T> {
    return this.again(async () => {
      const owner = this.needs.owner()
      if (owner === undefined) throw notOpen(this.needs.where)
      const { value } = await owner.transact(async (db) => {
        const value = await fn(db)
        return { value: Promise.resolve(value), notes: { own: [], progress: [] } }
      })
      return value
    })
  }

  /** A read changes nothing: it is repeated after whatever may pass, such as a lost connection or a cancel. */
  async read<T>(fn: (db: Statements) => Promise<T>): Promise<T> {
    const { where, world, readers } = this.needs
    const begun = world.elapsed()
    for (;;) {
      try {
        return await readers.read(fn)
      } catch (error) {
        const trouble = storeTrouble(where, error)
        if (trouble === undefined) throw error
        if (world.elapsed() - begun >= readMs) throw trouble
      }
      await new Promise<void>((resolve) => void world.after(readAgainMs, resolve, { awake: true }))
    }
  }

  /** Repeats what a lost connection has ended: nothing of it is written. */
  private async again<T>(work: () => Promise<T>): Promise<T> {
    const { where } = this.needs
    for (let tries = 1; ; tries++) {
      try {
        return await work()
      } catch (error) {
        const trouble = storeTrouble(where, error)
        if (trouble === undefined) throw error
        if (tries >= triesMax || !isMillraceError(trouble, 'millrace/server-away')) throw trouble
      }
    }
  }
}
