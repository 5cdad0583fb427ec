// What the edge of an app counts, since the app was made: for all servers and gateways of it together.

export interface Counts {
  /** Headers of events with a percent that was taken as it stands. */
  headersUnencoded: number
}

/** By app. */
const counts = new WeakMap<object, Counts>()

export function countsOf(app: object): Counts {
  let found = counts.get(app)
  if (found === undefined) {
    found = { headersUnencoded: 0 }
    counts.set(app, found)
  }
  return found
}
