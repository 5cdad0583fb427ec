// The narrow things that a consumer needs of its run.
import type { Watching } from '../../model/attempt-end.ts'
import type { Stored } from '../../model/codec.ts'
import type { DeskEntry, Resolution } from '../../model/desk.ts'
import type { MessageType } from '../../model/message.ts'
import type { PublishOptions } from '../../model/publish.ts'
import type { DeskStore } from '../../seam/desk.ts'
import type { DeskReads } from '../../seam/desk-reads.ts'
import type { LogStore } from '../../seam/log.ts'
import type { Subscribed } from '../../seam/progress.ts'
import type { Store } from '../../seam/store.ts'
import type { Telemetry } from '../../seam/telemetry.ts'
import type { World } from '../../seam/world.ts'
import type { RecentMessages } from '../commit/recent-messages.ts'
import type { Job } from '../commit/writes.ts'
import type { EngineLimits, ProcessorSpec } from '../spec.ts'
import type { Concurrency } from './concurrency.ts'
import type { Counters } from './counters.ts'
import type { Decisions } from './decisions.ts'
import type { OwnWrites } from './own-writes.ts'

/** A processor, and how far it is in its stream. */
export interface Subscription {
  readonly spec: ProcessorSpec
  readonly subscribed: Subscribed
  /** The newest messages of its stream. */
  readonly recent: RecentMessages
  /** Whether the run before stopped cleanly. */
  readonly clean: boolean
  readonly concurrency: Concurrency
}

/** A processor, as the rules of a desk know it. */
export interface Deciding {
  readonly name: string
  readonly spec: ProcessorSpec
  readonly decisions: Decisions
}

type LimitNeeds =
  | 'windowMessages'
  | 'windowBytes'
  | 'heldContextsMax'
  | 'messageBytesMax'
  | 'takeBackMs'
  | 'deskRetainMs'

export interface ConsumerHost {
  /** The name of the app. */
  readonly app: string
  readonly world: World
  readonly store: Pick<Store, 'query'> & {
    readonly log: Pick<LogStore, 'read'>
    readonly desk: Pick<DeskStore, 'line' | 'entry' | 'askedEntry' | 'headOf' | 'heads' | 'lanes' | 'claims'>
    readonly deskReads: Pick<DeskReads, 'audit'>
  }
  /** The writes of this processor. */
  readonly committer: OwnWrites
  readonly limits: Pick<EngineLimits, LimitNeeds>
  readonly watching: Watching | undefined
  /** Counts the attempts of this processor. */
  readonly counters: Counters
  readonly telemetry?: Telemetry | undefined
  /** The version of the app, as its code says. */
  readonly appVersion: string | undefined
  /** Numbers of messages at the desk, and of their places in lanes. */
  readonly deskNumbers: { next(): number }
  /** The flows of the run. Only handlers of mediators and routes know their type. */
  readonly flows: object
  /** The commands that are never to be handled. */
  readonly withdrawals: { has(id: string): boolean; pass(message: Stored): Job }
  /** Makes a message that a handler publishes or sends. */
  encode(
    type: MessageType,
    data: unknown,
    by: { readonly part: string; readonly cause: Stored },
    options: PublishOptions | undefined,
  ): Stored
  /** Makes the messages that tell of a failure; none for a processor of failures. */
  failed(spec: ProcessorSpec, entry: DeskEntry): readonly Stored[]
  /** Makes the messages that tell of the end of a failure. */
  resolved(spec: ProcessorSpec, entry: DeskEntry, outcome: Resolution): readonly Stored[]
  /** A message waits for a rule. */
  askRule(processor: Deciding, item: number): void
  /** A message that was released has been handled, discarded or held again. */
  ended(item: number, outcome: 'handled' | 'not handled'): void
  /** The callers that wait for the ends of their commands. */
  readonly callers: {
    /** It is durable that a message is held. */
    held(entry: DeskEntry): void
    /** It is durable that a message is in line at the desk. */
    inLine(message: Stored): void
  }
  /** Pauses a processor as a person would, on record. */
  pause(processor: string, reason: string): void
  /** An attempt runs: from now on the consumer has to be ticked at intervals. */
  watch(): void
  /** Work has ended: the app may be idle. */
  maybeIdle(): void
}
