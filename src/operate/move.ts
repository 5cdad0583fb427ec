// Moves all data of a stopped app from one store to another.
//
//   copying ──all is written──→ the source is marked ──the target commits──→ moved
//      └──cut off, an error──→ the target is as before      └──an error──→ the mark is taken away
//
// Where the process is killed behind the mark, the target tells: the data have moved, or the same move goes again.
import { fault, isMillraceError } from '../model/errors.ts'
import { type MovedTable, type Moves, movedTables } from '../seam/moves.ts'
import type { Broker } from '../seam/store.ts'

/** Told of each slice that was written. */
export type MoveTold = (table: MovedTable, rows: number) => void

/** The rows that have moved, by table. */
export type Moved = Readonly<Record<MovedTable, number>>

/**
 * Moves all data. Whole, or not at all.
 *
 * @throws `millrace/no-move`, `millrace/target-not-empty`, `millrace/in-use`; the errors of both stores
 */
export async function move(from: Broker, to: Broker, told: MoveTold = () => {}): Promise<Moved> {
  const [leaves, enters] = [movesOf(from), movesOf(to)]
  const source = await leaves.leave()
  try {
    const target = await enters.enter()
    try {
      const moved = {} as Record<MovedTable, number>
      for (const table of Object.keys(movedTables) as MovedTable[]) {
        moved[table] = 0
        for await (const rows of source.slices(table)) {
          await target.write(table, rows)
          moved[table] += rows.length
          told(table, rows.length)
        }
      }
      await source.mark(target.where)
      await target.commit().catch(async (error: unknown) => {
        if (!isMillraceError(error, 'millrace/sync-failed')) await source.unmark()
        throw error
      })
      return moved
    } finally {
      await target.close()
    }
  } finally {
    await source.close()
  }
}

/** @throws `millrace/no-move` for a broker whose data stay where they are */
export function movesOf({ where, moves }: Broker): Moves {
  if (moves !== undefined) return moves
  throw fault('millrace/no-move', `the data of ${where} cannot move`)
}
