import type { Stored } from '../model/codec.ts'
import type { DeskEntry } from '../model/desk.ts'
import type { MessageType } from '../model/message.ts'
import type { PublishOptions } from '../model/publish.ts'
import type { Store } from '../seam/store.ts'
import type { World } from '../seam/world.ts'
import type { Committer } from './commit/committer.ts'
import type { Consumer } from './consumer/consumer.ts'
import type { Flows } from './flow/flows.ts'
import type { Numbers } from './kit/numbers.ts'
import type { Withdrawals } from './request/withdrawals.ts'
import type { EngineLimits } from './spec.ts'

/** A processor, and the message that it handles. */
interface HandledBy {
  readonly part: string
  readonly cause: Stored
}

/** What a consumer needs of the engine around it. */
export interface Surroundings {
  readonly world: World
  readonly store: Store
  readonly committer: Committer
  readonly limits: EngineLimits
  /** Makes a message of what a handler publishes or sends. */
  encode(type: MessageType, data: unknown, by: HandledBy, options: PublishOptions | undefined): Stored
  /** The events that tell of a failure for good, and of its end; none for processors of failures. */
  failed(consumer: Consumer, entry: DeskEntry): readonly Stored[]
  resolved(consumer: Consumer, entry: DeskEntry, outcome: 'handled' | 'discarded'): readonly Stored[]
  readonly flows: Flows
  /** Of messages at the desk, and of their places in lanes. */
  readonly deskNumbers: Numbers
  /** The commands that are not to be handled any more. */
  readonly withdrawals: Withdrawals
  /** A message waits for a rule. */
  judge(consumer: Consumer, item: number): void
  /** A message that had been released was handled, discarded or is held again. */
  ended(item: number, handled: boolean): void
  /** Something runs or rests: from now on `tick` has to be called now and then. */
  watch(): void
  /** Nothing may be under way any more, perhaps. */
  maybeIdle(): void
}
