// Rows that move are held in memory some at a time.
import type { MovedRow } from '../../seam/moves.ts'

/** Rows and characters of one slice, about. */
export const sliceRows = 500
const sliceSize = 4 << 20

/** Cuts rows into slices. */
export function* slicesOf(rows: Iterable<MovedRow>): Generator<readonly MovedRow[]> {
  let slice: MovedRow[] = []
  let size = 0
  for (const row of rows) {
    slice.push({ ...row })
    size += sizeOf(row)
    if (slice.length < sliceRows && size < sliceSize) continue
    yield slice
    slice = []
    size = 0
  }
  if (slice.length > 0) yield slice
}

/** The characters and bytes of a row. */
function sizeOf(row: MovedRow): number {
  let size = 0
  for (const value of Object.values(row))
    if (typeof value === 'object' || typeof value === 'string') size += value?.length ?? 0
  return size
}
