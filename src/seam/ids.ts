// Ids that publishers give. A message is known by its type, its id and its source: all parts of the app are one source, a
// message from elsewhere (with `attributes`) has its own.
import type { StoredData } from '../model/codec.ts'

/** Whether what was stored under an id, and what comes again with it, say the same. */
export type SameData = (type: string, first: StoredData, again: StoredData) => boolean
