// Reads and writes of the facets beside commits.
import { isMillraceError, type MillraceError } from '../../model/errors.ts'
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

  /** Repeats what a lost connection has ended: nothing of it is written. */
  write<T>(fn: (db: Transaction) => Promise<T>): Promise<T> {
    const work = async () => {
      const owner = this.needs.owner()
      if (owner === undefined) throw notOpen(this.needs.where)
      const { value } = await owner.transact(async (db) => {
        const value = await fn(db)
        return { value: Promise.resolve(value), notes: { own: [], progress: [] } }
      })
      return value
    }
    return this.again(work, (trouble, tries) => tries < triesMax && isMillraceError(trouble, 'millrace/server-away'))
  }

  /** A read changes nothing: it is repeated after whatever may pass, such as a lost connection or a cancel. */
  read<T>(fn: (db: Statements) => Promise<T>): Promise<T> {
    const { world, readers } = this.needs
    const begun = world.elapsed()
    return this.again(
      () => readers.read(fn),
      async () => {
        if (world.elapsed() - begun >= readMs) return false
        await new Promise<void>((resolve) => void world.after(readAgainMs, resolve, { awake: true }))
        return true
      },
    )
  }

  /** Repeats work that trouble has ended, as long as `more` says so. */
  private async again<T>(
    work: () => Promise<T>,
    more: (trouble: MillraceError, tries: number) => boolean | Promise<boolean>,
  ): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await work()
      } catch (error) {
        const trouble = storeTrouble(this.needs.where, error)
        if (trouble === undefined) throw error
        if (!(await more(trouble, tries))) throw trouble
      }
    }
  }
}
