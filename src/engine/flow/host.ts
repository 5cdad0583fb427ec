// The border of a run: what it needs of the engine, its steps, and what it leaves to be written.
import type { Stamp, Stored } from '../../model/codec.ts'
import type { ErrorRecord } from '../../model/errors.ts'
import type { JournalEntry, OpenCall, Outcome } from '../../model/flow.ts'
import type { FlowRow } from '../../model/flow-views.ts'
import type { Command, Event, Message, MessageType } from '../../model/message.ts'
import type { AnySchema } from '../../model/schema.ts'
import type { Delay } from '../../model/time.ts'
import type { FlowChange } from '../../seam/flows.ts'
import type { Owner } from '../../seam/world.ts'

/** The result of a step, for its undo: `done` with the reply, or `unknown` when it may have had effects outside. */
export type StepResult<Reply = unknown> =
  | { readonly state: 'done'; readonly reply: Reply; readonly commandId: string }
  | { readonly state: 'unknown'; readonly commandId: string }

/** The function of a mediator. It gets the message that started the flow, and the context of the flow. */
export type FlowFunction = (message: Message, flow: unknown) => unknown

/** A mediator as the engine runs it. */
export interface MediatorSpec {
  readonly name: string
  /** Its earlier names. */
  readonly renamedFrom: readonly string[]
  readonly startedBy: Event
  readonly declared: ReadonlySet<MessageType>
  /** The mediators whose flows it may start and await. */
  readonly starts: ReadonlySet<MediatorSpec>
  /** By the name of an event that its flows may await: computes the context of the flow. */
  readonly waits: ReadonlyMap<string, (message: Message) => string | undefined>
  /** Computes a key from the data; only the first event with a key starts a flow. */
  readonly oncePer: ((data: unknown) => string) | undefined
  /** True to run the flows of one context one after the other. */
  readonly serial: boolean
  /** The version of new flows. */
  readonly version: number
  /** The functions, by version. */
  readonly runs: ReadonlyMap<number, FlowFunction>
}

/** Makes the messages of flows. */
export interface FlowEnvelopes {
  /** Caused by a message, under an id that a flow gives. */
  derivedFrom(cause: Stored, part: string, id: string): Stamp
  follow(type: MessageType, data: unknown, origin: Stamp, delay?: Delay): Stored
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
  /** The flow gets an event or a reply: what it sends from now on has the place of that in a trace. */
  prompted(trace: string | null): void
  /** The changes by which ends of its steps that others write now get numbers after an entry that begins now. */
  endsBehind(): readonly FlowChange[]
  /** Makes a message that the flow sends or publishes. */
  encode(type: MessageType, data: unknown, id: string, delay?: Delay): Stored
  /** Makes a command that the flow calls: its reply is the end of a step. */
  encodeCall(type: Command, data: unknown, id: string): Stored
  /** Makes the row of a flow that this one starts. */
  newFlow(spec: MediatorSpec, data: unknown, id: string): FlowRow
  /** Resolves in a later turn of the event loop, after everything that is ready now. */
  turn(): Promise<void>
  /** As those of `World`. */
  guard<T>(owner: Owner, fn: () => T): T
  blame(error: Error, owner: Owner): void
  owner(): object | undefined
  /** Its code began a step though the flow had got nothing: the flow is to be paused. */
  unprompted(why: ErrorRecord): void
  /** Takes an error that no code awaits. */
  late(error: unknown): void
  /** Withdraws a command that was not handled. Returns `unknown` where an attempt was running and was fenced. */
  withdraw(command: OpenCall): Promise<'never' | 'unknown'>
}

/** How a step begins: each part is made only where the step is new. */
export interface StepPlan {
  readonly data?: ((n: number) => unknown) | undefined
  readonly outgoing?: ((n: number) => Stored) | undefined
  readonly starts?: ((n: number) => FlowRow) | undefined
  readonly dueAt?: number | undefined
  /** A change that is written with it. */
  readonly change?: FlowChange | undefined
  /** Called with the entry of its beginning, at each replay too. */
  readonly begun?: ((entry: JournalEntry) => void) | undefined
  readonly command?: Command | undefined
  /** The schema of the answer, of a question. */
  readonly schema?: AnySchema | undefined
  readonly undo?: ((result: StepResult) => unknown) | undefined
}

export interface Step {
  readonly entry: JournalEntry
  /** The entry that its command is named after: that of the last attempt at the step. */
  readonly attempt: number
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  readonly promise: Promise<unknown>
  readonly plan: StepPlan
  outcome: Outcome | undefined
  /** The error that was thrown into the function. */
  thrown: unknown
}

/** What a run leaves to be written, and what is to be done after that. */
export interface Outbox {
  readonly changes: FlowChange[]
  readonly outgoing: Stored[]
  /** True where a wait begins: the mailbox may have an event for it. */
  waits: boolean
  /** Flows that it starts. */
  readonly starts: number[]
  /** Steps that are to be withdrawn: they lost a race, or their flow is compensated. */
  readonly lost: Step[]
}
