// Parts that get other names from one start to the next. The model knows each by its first name.
import type { Random } from 'millrace/testing'
import { randomOf } from '../../src/testing/random.ts'

/** The name of a part at a start, and what it was called before. */
export interface Named {
  readonly name: string
  readonly renamedFrom?: string | readonly string[]
}

/** A text with each part by its first name. */
export const firstNames = (text: string): string => text.replaceAll(/-as-\d+/g, '')

/** Ids of messages that are published together: of these all are in the log, one after the other, or none. */
export const together = (group: number, of: number): string[] =>
  Array.from({ length: of }, (_, n) => `together ${group}, ${n + 1} of ${of}`)

export class Names {
  private readonly random: Random
  /** The numbers of runs after which some parts get other names. */
  private readonly changes: readonly number[]
  private readonly renamed = new Map<string, readonly boolean[]>()
  /** How many of the changes have come. */
  private come = 0

  constructor(seed: number) {
    this.random = randomOf(seed, 'names')
    this.changes = this.random.pick([[], [1], [1, 2], [2, 3, 4]])
  }

  /** A process starts after so many runs of the engine have begun: until the next its parts keep their names. */
  starts(begun: number): void {
    this.come = this.changes.filter((after) => after <= begun).length
  }

  of(part: string): Named {
    let renamed = this.renamed.get(part)
    if (renamed === undefined) {
      renamed = this.changes.map(() => this.random.chance(0.6))
      this.renamed.set(part, renamed)
    }
    const count = renamed.slice(0, this.come).filter(Boolean).length
    const names = [part, ...Array.from({ length: count }, (_, n) => `${part}-as-${n + 2}`)]
    const name = names.pop()!
    if (names.length === 0) return { name }
    // Where an engine opens its store anew, several changes come at once.
    return { name, renamedFrom: count === 1 ? part : names.reverse() }
  }
}

/** Rows of the database, as a model that knows first names reads them. */
const columns = ['processor', 'mediator', 'subject', 'source'] as const

export function withFirstNames<Row>(row: Row): Row {
  const other = row as Record<string, unknown>
  for (const column of columns) {
    const value = other[column]
    if (typeof value === 'string') other[column] = firstNames(value)
  }
  return row
}
