// A function of `app.transaction`: rows of the caller, and the messages that it publishes, sends and takes back with them.
import type { Stored } from '../../model/codec.ts'
import { fault } from '../../model/errors.ts'
import type { MessageType } from '../../model/message.ts'
import { checkId, type PublishOptions } from '../../model/publish.ts'
import type { Tx } from '../../model/tx.ts'
import type { CommitTx, OwnTables } from '../../seam/commit.ts'
import { Collected, nothing } from './collected.ts'
import type { Transaction } from './writes.ts'

/** Takes the messages that a transaction publishes and sends, and those that it takes back. */
export interface Collect {
  /** Returns the id of the message. */
  put(type: MessageType, data: unknown, options: PublishOptions | undefined): string
  cancel(type: MessageType, id: string): void
}

export type Encode = (type: MessageType, data: unknown, options: PublishOptions | undefined) => Stored

export class AppTransaction implements Transaction {
  readonly label = 'the function of app.transaction'
  outcome: Transaction['outcome']
  withdrawn = nothing
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  private readonly fn: (tx: Tx, collect: Collect) => unknown
  private readonly encode: Encode
  private collected = new Collected()

  constructor(
    fn: (tx: Tx, collect: Collect) => unknown,
    encode: Encode,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    this.fn = fn
    this.encode = encode
    this.resolve = resolve
    this.reject = reject
  }

  get outgoing(): readonly Stored[] {
    return this.collected.messages
  }

  savepoint(): () => void {
    return this.collected.savepoint()
  }

  async run(tx: CommitTx, own: OwnTables): Promise<unknown> {
    // It may run again, and collects anew then.
    const collected = new Collected()
    this.collected = collected
    const value = await this.fn(tx, {
      put: (type, data, options) => {
        this.checkOpen()
        const message = this.encode(type, data, options)
        collected.add(message)
        return message.id
      },
      cancel: (type, id) => {
        this.checkOpen()
        checkId(id)
        collected.cancel({ type: type.name, id })
      },
    })
    const answers = tx.returned()
    if (answers !== undefined) await answers
    this.withdrawn = collected.takesBack ? await collected.takeBack(own) : nothing
    return value
  }

  private checkOpen(): void {
    if (this.outcome === undefined) return
    throw fault('millrace/tx-closed', 'tx was used to publish, send or cancel after its function had ended')
  }
}
