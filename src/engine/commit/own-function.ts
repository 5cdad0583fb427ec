// Commit functions of the engine's own, which may write its tables.
import type { Stored } from '../../model/codec.ts'
import type { MessageType, Verb } from '../../model/message.ts'
import type { PublishOptions } from '../../model/publish.ts'
import type { OwnTables } from '../../seam/commit.ts'

/** Publishes or sends from within the function. */
export type Collecting = (verb: Verb, type: MessageType, data: unknown, options: PublishOptions | undefined) => Stored

export type OwnFunction = (own: OwnTables, collect: Collecting) => unknown

const ownFunctions = new WeakSet<object>()

/** Marks a function as one of the engine's own. */
export function ownFunction(fn: OwnFunction): OwnFunction {
  ownFunctions.add(fn)
  return fn
}

export function isOwnFunction(fn: object): boolean {
  return ownFunctions.has(fn)
}
