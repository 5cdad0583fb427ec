// Ids that publishers gave, by type, id and source: each is taken as long as its message is pending or kept.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Stored } from '../../model/codec.ts'
import { idConflict } from '../../model/publish.ts'
import type { Changes } from '../../seam/commit.ts'
import type { Appended } from '../../seam/log.ts'
import { claimSource } from '../shared/attributes.ts'
import { claimSourceOf } from './attributes.ts'

/** A message as it was stored first. */
export type First = Pick<Stored, 'version' | 'json'>

export class IdTable {
  private readonly remember: StatementSync
  private readonly find: StatementSync
  private readonly place: StatementSync
  private readonly release: StatementSync
  private readonly delayed: StatementSync

  constructor(db: DatabaseSync) {
    const one = 'type = ? and id = ? and source = ?'
    this.remember = db.prepare('insert or ignore into millrace_ids values (?, ?, ?, ?, ?)')
    this.find = db.prepare(`select stream, position from millrace_ids where ${one}`)
    this.place = db.prepare(`update millrace_ids set position = ? where ${one}`)
    this.release = db.prepare(`delete from millrace_ids where ${one}`)
    this.delayed =
      db.prepare(`select version, data as json from millrace_timers t join millrace_kinds k on k.id = t.kind
      where message_id = ? and k.type = ? and ${claimSourceOf('t.attributes')} = ?`)
  }

  /** Takes an id. Returns whether it was free. Delayed messages have position 0. */
  claim(message: Stored, position: number): boolean {
    const { type, id, stream } = message
    return this.remember.run(type, id, claimSource(message), stream, position).changes === 1
  }

  /** A delayed message comes to its position. */
  move(message: Stored, position: number): void {
    this.place.run(position, message.type, message.id, claimSource(message))
  }

  forget(type: string, id: string, source: string): void {
    this.release.run(type, id, source)
  }

  /** The place of the message that has an id. */
  placeOf(message: Stored): { readonly stream: number; readonly position: number } {
    const { type, id } = message
    return this.find.get(type, id, claimSource(message)) as { stream: number; position: number }
  }

  pending(message: Stored): First | undefined {
    const { type, id } = message
    return this.delayed.get(id, type, claimSource(message)) as unknown as First | undefined
  }
}

/** @throws `millrace/id-conflict` where another message has an id that a function has given */
export function checkClaims({ claims = [], append }: Changes, appended: readonly Appended[]): void {
  for (const index of claims) if (appended[index] === 'other') throw idConflict(append[index]!)
}
