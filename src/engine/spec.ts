import type { AlertWatch } from '../model/alerts.ts'
import type { Decision } from '../model/desk.ts'
import { fault } from '../model/errors.ts'
import type { Destination, Message, MessageType } from '../model/message.ts'
import type { PartName } from '../model/metrics.ts'
import type { AppNumbers } from '../model/options.ts'
import type { PublishOptions } from '../model/publish.ts'
import type { StartAt } from '../model/streams.ts'
import type { Query } from '../model/tx.ts'
import type { Delivers } from './consumer/exchanges.ts'
import type { ProbeLimits } from './consumer/probing.ts'
import type { RetryPolicy } from './consumer/retry.ts'

/** A processor as the engine runs it: checked, complete, every default filled in. */
export interface ProcessorSpec extends ProbeLimits {
  readonly name: string
  readonly destination: Destination
  /** By name of the type. */
  readonly handlers: ReadonlyMap<string, HandlerSpec>
  /** Types that it does not care for, and retired ones. */
  readonly passedOver: ReadonlySet<string>
  /** The types that it may publish and send. */
  readonly declared: ReadonlySet<MessageType>
  readonly startAt: StartAt
  /** Whether the part says where it begins. */
  readonly isPlaced: boolean
  /** Its earlier names. */
  readonly renamedFrom: readonly string[]
  /** The part that it runs for. */
  readonly part: PartName
  /** Whether its channel is its own, with its name and one type of that name. */
  readonly ownsChannel: boolean
  readonly concurrency: number
  readonly timeoutMs: number
  readonly lingerMs: number
  readonly retry: RetryPolicy
  readonly onHold: 'block' | 'pass'
  /** The desk of its topic or channel, where there is one. */
  readonly desk: DeskSpec | undefined
  /** Its handlers only compute: they may be called before their message is durable. */
  readonly runsAhead: boolean
  /** Whether people may run its handlers for a trial. */
  readonly trial: boolean
  /** The other system that it delivers to. */
  readonly delivers?: Delivers | undefined
}

export interface HandlerSpec {
  readonly type: MessageType
  readonly handle: (message: Message, context: Handling) => unknown
}

/** The second argument of a handler. */
export interface Handling {
  readonly commit: (fn: unknown) => unknown
  readonly publish: (type: MessageType, data: unknown, options?: PublishOptions) => string
  readonly send: (type: MessageType, data: unknown, options?: PublishOptions) => string
  readonly cancel: (type: MessageType, id: string) => void
  readonly read: Query
  readonly signal: AbortSignal
  /** The same for each attempt at a message by a processor, until its data are replaced. */
  readonly idempotencyKey: string
  /** The number of the attempt, from 1. */
  readonly attempt: number
  readonly now: () => number
  readonly log: Readonly<Record<'info' | 'warn' | 'error', LogLine>>
}

type LogLine = (text: string, fields?: Readonly<Record<string, unknown>>) => void

/** The slots of a schedule. */
export interface Calendar {
  /** The first slot after a time, milliseconds since 1970; undefined when there is none. */
  after(ms: number): number | undefined
  /** The last slot up to and with a time. */
  upTo(ms: number): number | undefined
}

/** The policy for slots that were missed. */
export type Missed = 'skip' | 'once' | 'all'

export interface ScheduleSpec {
  readonly name: string
  /** Its earlier names. */
  readonly renamedFrom: readonly string[]
  readonly publishes: MessageType
  readonly cron: string
  readonly timeZone: string
  readonly calendar: Calendar
  readonly missed: Missed
  readonly dataOf: (slotMs: number) => unknown
}

/** A part that watches, and sends what it has seen. */
export interface AlertSpec {
  readonly name: string
  readonly watch: AlertWatch
}

/** A message that has used up its attempts, as a rule gets it. */
export interface Failure {
  readonly message: Message
  readonly processor: string
  readonly error: { readonly code: string; readonly message: string; readonly data?: unknown }
  /** Attempts since it was published, released or resubmitted. */
  readonly attempts: number
  /** Reads rows, outside any transaction. */
  readonly read: Query
}

/** A desk as the engine runs it: a rule per type, by name. */
export interface DeskSpec {
  readonly name: string
  readonly rules: ReadonlyMap<string, (failure: Failure) => Decision | Promise<Decision>>
  readonly decideMs: number
  readonly decisionsMax: number
  readonly rulesAtOnce: number
}

/** The numbers of an app that its engine needs. */
export interface EngineLimits extends Omit<AppNumbers, 'blockedMs'> {
  /** Size of what is appended in one transaction, bytes. */
  readonly flushBytes: number
}

/** Errors: `millrace/unknown-type`. */
export function typeNamed(spec: Pick<ProcessorSpec, 'destination'>, name: string): MessageType {
  const type = spec.destination.types.find((one) => one.name === name)
  if (type === undefined) throw unknownType(spec, name)
  return type
}

export const unknownType = ({ destination }: Pick<ProcessorSpec, 'destination'>, name: string) =>
  fault('millrace/unknown-type', `"${name}" is no type of ${destination.kind} "${destination.name}"`)
