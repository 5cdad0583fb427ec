// The plan of one run of an engine.
import type { Watching } from '../model/attempt-end.ts'
import type { Stored } from '../model/codec.ts'
import type { Destination, MessageType } from '../model/message.ts'
import type { Tx } from '../model/tx.ts'
import type { MediatorSpec } from './flow/host.ts'
import type { AlertSpec, EngineLimits, ProcessorSpec, ScheduleSpec } from './spec.ts'

export interface EnginePlan {
  readonly app: string
  /** The version of its code; undefined where it says none. */
  readonly version: string | undefined
  readonly destinations: readonly Destination[]
  /** The processors that run. */
  readonly processors: readonly ProcessorSpec[]
  /** The processors that do not run this time: what they need is kept for them. */
  readonly leftOut: readonly ProcessorSpec[]
  readonly mediators: readonly MediatorSpec[]
  /** The mediators and schedules of the app, those that do not run this time too. */
  readonly others: readonly OtherPart[]
  /** The schedules that run. */
  readonly schedules: readonly ScheduleSpec[]
  /** The parts that run and watch for what is not well. */
  readonly alerts: readonly AlertSpec[]
  /** Whether the index of causes and words is made. */
  readonly finder: boolean
  /** Whether the telemetry of its world is told. */
  readonly telemetry: boolean
  readonly setup: ((tx: Tx) => unknown) | undefined
  /** True when the run logs which parts are new, and which are gone. */
  readonly tellsChanges: boolean
  readonly limits: EngineLimits
  /** Time for which it waits for a store that another process has, milliseconds. */
  readonly waitMs: number
  /** Called at once when the store has failed and the run is over; `closed` resolves when the store is closed. */
  readonly failed: (error: unknown, closed: Promise<void>) => void
  /** Called for each message that was accepted, when it is durable. */
  readonly accepted: (message: Stored) => void
  /** Is told of the ends of attempts. */
  readonly watching: Watching | undefined
}

/** A part that keeps more than the progress of processors, or none. */
export interface OtherPart {
  readonly kind: 'mediator' | 'schedule'
  readonly name: string
  /** Its earlier names. */
  readonly renamedFrom: readonly string[]
}

/** The types that a run knows, by name. */
export function typesOf({ destinations, mediators }: EnginePlan): ReadonlyMap<string, MessageType> {
  const types: MessageType[] = destinations.flatMap((destination) => destination.types)
  for (const { startedBy } of mediators) types.push(startedBy)
  return new Map(types.map((type) => [type.name, type]))
}
