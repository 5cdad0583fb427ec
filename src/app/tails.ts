import type { Stored } from '../model/codec.ts'

/** A function that `app.tail` calls with each accepted message. */
export type Accepting = (message: Stored) => void
