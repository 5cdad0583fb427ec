// A story as a tree: each message below its cause, the effects of a cause in the order in which they came.
import type { MessageRow } from '../../model/message-views.ts'

export interface Told {
  readonly row: MessageRow
  /** How many causes are above it. */
  readonly depth: number
  /** True where it has a cause that is not among the messages. */
  readonly isLate: boolean
}

/** Lays out messages, the oldest first, as a tree, line by line. Each message comes once, also in a circle of causes. */
export function treeOf(rows: readonly MessageRow[]): Told[] {
  const ids = new Set(rows.map(({ id }) => id))
  // A flow that a route has started begins with a message of its own, which is in no log: "ID/0" of what the route had.
  const causeOf = ({ causationId }: MessageRow) =>
    causationId === null || ids.has(causationId) ? causationId : causationId.replace(/\/\d+$/, '')
  const effects = new Map<string, MessageRow[]>()
  for (const row of rows) {
    const cause = causeOf(row)
    if (cause === null || cause === row.id || !ids.has(cause)) continue
    const own = effects.get(cause)
    if (own === undefined) effects.set(cause, [row])
    else own.push(row)
  }
  const told: Told[] = []
  const seen = new Set<MessageRow>()
  // Not by recursion: a chain may be as long as the story.
  const tell = (root: Told) => {
    const left = [root]
    for (let one = left.pop(); one !== undefined; one = left.pop()) {
      if (seen.has(one.row)) continue
      seen.add(one.row)
      told.push(one)
      const depth = one.depth + 1
      for (const row of (effects.get(one.row.id) ?? []).toReversed()) left.push({ row, depth, isLate: false })
    }
  }
  for (const row of rows) {
    const cause = causeOf(row)
    if (cause === null || cause === row.id) tell({ row, depth: 0, isLate: false })
    else if (!ids.has(cause)) tell({ row, depth: 0, isLate: true })
  }
  // What is left is a circle.
  for (const row of rows) if (!seen.has(row)) tell({ row, depth: 0, isLate: true })
  return told
}
