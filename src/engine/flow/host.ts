// What a run of a mediator has from outside, and what it leaves to be written.
import type { Stamp, Stored } from '../../model/codec.ts'
import type { ErrorRecord } from '../../model/errors.ts'
import type { JournalEntry, OpenCall, Outcome } from '../../model/flow.ts'
import type { FlowRow } from '../../model/flow-views.ts'
import type { Command, Event, Message, MessageType } from '../../model/message.ts'
import type { AnySchema } from '../../model/schema.ts'
import type { Delay } from '../../model/time.ts'
import type { FlowChange } from '../../seam/flows.ts'
import type { Owner } from '../../seam/world.ts'

/**
 * The end of a step, as its undo is told: `done` with the reply, or `unknown`, when it may have had effects outside.
 */
export type StepResult<Reply = unknown> =
  | { readonly state: 'done'; readonly reply: Reply; readonly commandId: string }
  | { readonly state: 'unknown'; readonly commandId: string }

/** The function of a mediator. It gets the message that started the flow, and the context of the flow. */
export type FlowFunction = (message: Message, flow: unknown) => unknown

/** A mediator as the engine runs it. */
export interface MediatorSpec {
  readonly name: string
  readonly startedBy: Event
  readonly declared: ReadonlySet<MessageType>
  /** The mediators whose flows it may start. */
  readonly starts: ReadonlySet<MediatorSpec>
  /** What it may wait for: how an event names the context of its flow, by type. */
  readonly waits: ReadonlyMap<string, (message: Message) => string | undefined>
  /** Of the flows with the same value only the first is one. */
  readonly oncePer: ((data: unknown) => string) | undefined
  /** Flows of one context run one after the other. */
  readonly serial: boolean
  /** What new flows begin with. */
  readonly version: number
  /** By version. */
  readonly runs: ReadonlyMap<number, FlowFunction>
}

/** Makes the messages of flows. */
export interface FlowEnvelopes {
  /** Caused by a message, under an id that a flow gives. */
  derivedFrom(cause: Stored, part: string, id: string): Stamp
  encode(type: MessageType, data: unknown, origin: Stamp, delay?: Delay): Stored
  /** Makes an initiating event that no topic has. */
  unplaced(type: MessageType, data: unknown, origin: Stamp): Stored
}

/** What a run needs of the engine. */
export interface FlowHost {
  readonly spec: MediatorSpec
  now(): number
  random(): number
  newId(): string
  /** A new number of an entry: higher than all before. */
  entryId(): number
  /** It is told something: ends of its steps that others are writing now get numbers behind it, by these changes. */
  endsBehind(): readonly FlowChange[]
  /** Makes a message that the flow sends or publishes. */
  encode(type: MessageType, data: unknown, id: string, delay?: Delay): Stored
  /** Makes a command that the flow calls: its reply is the end of a step. */
  encodeCall(type: Command, data: unknown, id: string): Stored
  /** Makes the row of a flow that is started by this one. */
  newFlow(spec: MediatorSpec, data: unknown, id: string): FlowRow
  /** Resolves when all that is ready now has had its turn. */
  turn(): Promise<void>
  /** As those of `World`. */
  guard<T>(owner: Owner, fn: () => T): T
  blame(error: Error, owner: Owner): void
  owner(): object | undefined
  /** It goes on by itself, though nothing was told to it. */
  strayed(why: ErrorRecord): void
  /** Something was thrown that nobody waits for. */
  late(error: unknown): void
  /** Takes a command back that has not been handled; `unknown` where an attempt was under way and was fenced. */
  withdraw(command: OpenCall): Promise<'never' | 'unknown'>
}

/** What goes with the beginning of a step. */
export interface StepPlan {
  readonly data?: ((n: number) => unknown) | undefined
  readonly outgoing?: ((n: number) => Stored) | undefined
  readonly starts?: ((n: number) => FlowRow) | undefined
  readonly dueAt?: number | undefined
  /** What is written with it. */
  readonly change?: FlowChange | undefined
  /** Called with its beginning, at each replay too. */
  readonly begun?: ((entry: JournalEntry) => void) | undefined
  readonly command?: Command | undefined
  /** What answers it must fit. */
  readonly schema?: AnySchema | undefined
  readonly undo?: ((result: StepResult) => unknown) | undefined
}

export interface Step {
  readonly entry: JournalEntry
  /** The entry whose number its command has: that of the last attempt at the step. */
  readonly attempt: number
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  readonly promise: Promise<unknown>
  readonly plan: StepPlan
  outcome: Outcome | undefined
  /** What the function was thrown. */
  thrown: unknown
}

/** What a turn of a run leaves to be written, and to be done then. */
export interface Outbox {
  readonly changes: FlowChange[]
  readonly outgoing: Stored[]
  /** Whether a wait begins: what the mailbox has for it is to be offered. */
  waits: boolean
  /** Flows that begin. */
  readonly starts: number[]
  /** Steps that nobody waits for any more. */
  readonly lost: Step[]
}
