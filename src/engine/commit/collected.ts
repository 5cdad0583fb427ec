// The messages that a function publishes and sends, and those that it takes back. All of it is in its commit, or none.
import type { Stored } from '../../model/codec.ts'
import type { OwnTables } from '../../seam/commit.ts'

/** A message that is to be taken back: a delayed one, or a request. */
export interface TakenBack {
  readonly type: string
  readonly id: string
}

export const nothing: readonly TakenBack[] = []

export class Collected {
  /** In the order in which they were published. */
  messages: Stored[] = []
  cancels: readonly TakenBack[] = nothing
  /** Whether a message has an id of its own, which may be that of another one. */
  claims = false

  add(message: Stored): void {
    this.messages.push(message)
    if (message.ownId) this.claims = true
  }

  /** Returns a function that drops all that is collected from now on. */
  savepoint(): () => void {
    const { messages, cancels, claims } = this
    const { length } = messages
    return () => {
      messages.length = length
      Object.assign(this, { messages, cancels, claims })
    }
  }

  /** Drops the message that was collected under that id. One that is collected later stays. */
  cancel(taken: TakenBack): void {
    this.messages = this.messages.filter((message) => !isMeant(taken, message))
    this.cancels = [...this.cancels, taken]
  }

  /** The messages without those that another function takes back. */
  without({ cancels }: Collected): readonly Stored[] {
    if (cancels.length === 0) return this.messages
    return this.messages.filter((message) => !cancels.some((taken) => isMeant(taken, message)))
  }

  /** Whether anything is to be taken back. */
  get takesBack(): boolean {
    return this.cancels.length > 0
  }

  /** Takes back messages that are in the store. Returns the requests: they are withdrawn once that is durable. */
  async takeBack(own: OwnTables): Promise<readonly TakenBack[]> {
    const requests: TakenBack[] = []
    for (const taken of this.cancels) {
      if ((await own.takeBack(taken.type, taken.id)) === 'request') requests.push(taken)
    }
    return requests
  }
}

const isMeant = ({ type, id }: TakenBack, message: Stored) => message.type === type && message.id === id
