// The lanes of the messages of an operation.
/** Where a message is: those of one processor, stream and context are a lane. */
export interface Place {
  readonly id: number
  readonly processor: string
  readonly stream: number
  readonly context: string | null
}

/**
 * The lane of each message: the lowest number that was selected of it. The places come in the order of numbers.
 *
 * @returns the numbers with their lanes, and how many lanes there are
 */
export function lanesOf(places: Iterable<Place>): {
  readonly rows: readonly (readonly [item: number, lane: number])[]
  readonly lanes: number
} {
  const lanes = new Map<string, number>()
  const rows: [item: number, lane: number][] = []
  for (const { id, processor, stream, context } of places) {
    const key = JSON.stringify([processor, stream, context ?? id])
    rows.push([id, lanes.get(key) ?? id])
    if (!lanes.has(key)) lanes.set(key, id)
  }
  return { rows, lanes: lanes.size }
}
