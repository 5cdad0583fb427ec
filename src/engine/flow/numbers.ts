// The numbers of flows, of entries of journals and of mail. The owner of the store counts them in memory: the take-over
// says how far they have come, and no read does after it.
import type { FlowsFound } from '../../seam/flow-take-up.ts'
import { Numbers } from '../kit/numbers.ts'

export class FlowNumbers {
  private readonly flows = new Numbers()
  private readonly entries = new Numbers()
  private readonly mails = new Numbers()

  /** Continues behind all numbers that may be in use. */
  takeOver({ flow, entry, mail }: FlowsFound['last']): void {
    this.flows.begin(flow)
    this.entries.begin(entry)
    this.mails.begin(mail)
  }

  newFlow(): number {
    return this.flows.next()
  }

  newEntry(): number {
    return this.entries.next()
  }

  newMail(): number {
    return this.mails.next()
  }
}
