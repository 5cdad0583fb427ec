// The person who acts and the reason, as every action at the desk records them.
import type { Actor, Repair } from '../index.ts'
import { userName } from '../operate/user-name.ts'
import { UsageError } from './output.ts'

export interface ActorWords {
  readonly by?: string | undefined
  readonly reason?: string | undefined
}

export function actorOf({ by, reason }: ActorWords): Actor {
  if (by?.trim() === '') throw new UsageError('--by is empty; give the name of a person')
  if (reason?.trim() === '') throw new UsageError('--reason is empty; give a reason')
  return { by: by ?? userName(), reason }
}

/** Reads the same where the reason is required; `what` names the action. */
export function actorWithReason(what: string, words: ActorWords): Actor & { readonly reason: string } {
  const { by, reason } = actorOf(words)
  if (reason === undefined) throw new UsageError(`${what} needs --reason TEXT: it is kept in the audit log`)
  return { by, reason }
}

export interface RepairWords extends ActorWords {
  readonly revision?: number | undefined
}

/** Adds the revision that the person has seen. */
export function withRevision<A extends Actor>(actor: A, { revision }: RepairWords): A & Repair {
  return revision === undefined ? actor : { ...actor, revision }
}
