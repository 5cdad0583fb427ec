// What a flow under test has done, in the order in which it began: steps, messages, undos.
import type { JournalEntry } from '../model/flow.ts'
import type { Command, Event, MessageType } from '../model/message.ts'

export class FlowRecord {
  readonly steps: string[] = []
  readonly called: (readonly [Command, unknown])[] = []
  readonly sent: (readonly [Command, unknown])[] = []
  readonly published: (readonly [Event, unknown])[] = []
  /** The names of undone steps. */
  readonly undone: string[] = []

  /** Adds the beginning of a step, with its message. Returns false for an entry that is no step for a test. */
  add({ kind, step }: JournalEntry, type: MessageType | undefined, data: unknown): boolean {
    if (kind === 'value' || kind === 'version' || kind === 'no return' || kind === 'cancel') return false
    this.steps.push(step)
    const undone = /^undo ([^/]*)/.exec(step)?.[1]
    if (undone !== undefined && !this.undone.includes(undone)) this.undone.push(undone)
    if (kind === 'call') this.called.push([type as Command, data])
    else if (kind === 'send') this.sent.push([type as Command, data])
    else if (kind === 'publish') this.published.push([type as Event, data])
    return true
  }
}
