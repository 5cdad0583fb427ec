import type { Message, MessageType, Source } from '../model/message.ts'
import type { StartAt } from '../seam/store.ts'
import type { HandlerContext } from './attempt.ts'

/** A processor as the engine runs it: checked, complete, every default filled in. */
export interface ProcessorSpec {
  readonly name: string
  readonly source: Source
  /** By name of the type. */
  readonly handlers: ReadonlyMap<string, HandlerSpec>
  /** Types that it does not care for, and retired ones. */
  readonly passedOver: ReadonlySet<string>
  /** What it may publish and send. */
  readonly declared: ReadonlySet<MessageType>
  readonly startAt: StartAt
  readonly concurrency: number
  readonly timeoutMs: number
  readonly lingerMs: number
  readonly retry: RetryPolicy
}

export interface HandlerSpec {
  readonly type: MessageType
  readonly handle: (message: Message, context: HandlerContext) => unknown
}

export interface RetryPolicy {
  readonly attempts: number
  readonly firstDelayMs: number
  readonly maxDelayMs: number
}

export interface EngineLimits {
  readonly messageBytesMax: number
  readonly pendingMax: number
  readonly windowMessages: number
  readonly windowBytes: number
  readonly flushBytes: number
  readonly channelRetainMs: number
  readonly retainEveryMs: number
}
