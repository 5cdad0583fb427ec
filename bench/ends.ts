/** Told at the end of the function of each flow, by id. */
const ends = new Map<string, () => void>()

/** Waits until the function of a flow has ended. */
export function endOf(id: string): Promise<void> {
  return new Promise((resolve) => ends.set(id, resolve))
}

/** The last thing that the function of a flow does. */
export function ended(id: string): void {
  ends.get(id)?.()
  ends.delete(id)
}
