// Messages within transactions that others have opened on the database of a store.
import type { Stored } from '../model/codec.ts'
import type { Accepted } from '../model/publish.ts'
import type { RunStatement } from '../model/publish-in.ts'

export interface Joins {
  /**
   * Writes a message by a statement in the open transaction of `run`. It exists exactly if that transaction commits, and
   * arrives after that. It needs no process that has the store.
   *
   * @throws what `run` throws; `millrace/id-conflict`; `millrace/unknown-type` where no app has told the store of the type
   */
  publish(run: RunStatement, message: Stored, destination: string): Promise<Accepted>
}
