// Ids that publishers give.
import type { StoredData } from '../model/codec.ts'

/** Whether what was stored under an id, and what comes again with it, say the same. */
export type SameData = (type: string, first: StoredData, again: StoredData) => boolean
