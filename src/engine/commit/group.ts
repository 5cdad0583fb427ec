// What one transaction of a batch writes, and what the store has decided about it once it is committed.
import type { Stored } from '../../model/codec.ts'
import type { Changes, Written } from '../../seam/commit.ts'
import type { DeskChange } from '../../seam/desk.ts'
import type { FlowChange } from '../../seam/flows.ts'
import type { ProgressRow } from '../../seam/progress.ts'
import type { RequestChange } from '../../seam/requests.ts'
import { appendedOf, type TimedChange } from '../../seam/timers.ts'

/** The changes of one transaction. Made by a constructor, as all that lives as long as a batch. */
export class Group implements Changes {
  readonly append: Stored[] = []
  readonly claims: Stored[] = []
  readonly progress: ProgressRow[] = []
  readonly desk: DeskChange[] = []
  readonly requests: RequestChange[] = []
  readonly flows: FlowChange[] = []
  readonly timed: TimedChange[] = []
  readonly marks: Changes['marks']
  /** The answer of the store. */
  written: Written | undefined = undefined

  constructor(marks: Changes['marks']) {
    this.marks = marks
  }

  /** What functions have given an id is claimed. */
  leave(outgoing: readonly Stored[]): void {
    for (const message of outgoing) {
      this.append.push(message)
      if (message.ownId) this.claims.push(message)
    }
  }

  /** What went to the logs, or is kept until it is due, in the order of positions; what repeats is there too. */
  get appended(): readonly Stored[] {
    const { append, timed, written } = this
    return timed.length === 0 ? append : [...append, ...appendedOf(written!.timed)]
  }

  /** Refers to nothing any longer. */
  letGo(): void {
    for (const list of [this.append, this.claims, this.desk, this.requests, this.flows]) list.length = 0
  }
}
