// Makes flows: their rows, and their runs with what these need of the engine.
import { decode, type Stamp, type Stored } from '../../model/codec.ts'
import { type ErrorRecord, fault, recordError } from '../../model/errors.ts'
import type { OpenCall } from '../../model/flow.ts'
import { type FlowRow, newFlowRow } from '../../model/flow-views.ts'
import type { Command, Message, MessageType } from '../../model/message.ts'
import type { Delay } from '../../model/time.ts'
import type { FlowChange } from '../../seam/flows.ts'
import type { Owner, World } from '../../seam/world.ts'
import type { FlowEnvelopes, FlowHost, MediatorSpec } from './host.ts'
import type { FlowNumbers } from './numbers.ts'
import { FlowRun } from './run.ts'

/** What the making of flows needs. */
export interface MakingHost {
  readonly world: World
  readonly envelopes: FlowEnvelopes
  readonly numbers: FlowNumbers
  typeOf(name: string): MessageType | undefined
  /** As of `FlowHost`. */
  endsBehind(flow: number): readonly FlowChange[]
  unprompted(flow: number, why: ErrorRecord): void
  withdraw(command: OpenCall): Promise<'never' | 'unknown'>
  turn(): Promise<void>
}

export class Making {
  private readonly host: MakingHost

  constructor(host: MakingHost) {
    this.host = host
  }

  /** The row of a new flow that begins with a message. */
  rowOf(spec: MediatorSpec, message: Stored, once: string | null = null): FlowRow {
    const { numbers, world } = this.host
    const { name: mediator, version } = spec
    return newFlowRow({ id: numbers.newFlow(), mediator, version, message, once, startedAt: world.now() })
  }

  runOf(spec: MediatorSpec, row: FlowRow): FlowRun {
    return new FlowRun(new RunHost(spec, row, this, this.host), row)
  }

  /** @throws `millrace/unknown-type`, and as of `decode` */
  messageOf(stored: Stored): Message {
    const type = this.host.typeOf(stored.type)
    if (type === undefined) throw fault('millrace/unknown-type', `the app no longer has type "${stored.type}"`)
    return decode(type, stored)
  }

  /**
   * The message that a flow began with.
   *
   * @throws `millrace/flow-mismatch` where the app no longer has the version of the code; as of `messageOf`
   */
  beginningOf({ id, mediator, version, message }: FlowRow, spec: MediatorSpec): Message {
    if (spec.runs.has(version)) return this.messageOf(message)
    const what = `flow ${id} of mediator "${mediator}" began with version ${version}, which is not in versions`
    throw fault('millrace/flow-mismatch', what)
  }
}

/** What one run needs of the engine. A class, since each flow has one: closures in its place cost a twentieth of a flow. */
class RunHost implements FlowHost {
  readonly spec: MediatorSpec
  private readonly row: FlowRow
  private readonly making: Pick<Making, 'rowOf'>
  private readonly host: MakingHost
  /** The place in a trace of the newest event or reply that it got, in this run of its app. */
  private trace: string | null | undefined = undefined

  constructor(spec: MediatorSpec, row: FlowRow, making: Pick<Making, 'rowOf'>, host: MakingHost) {
    this.spec = spec
    this.row = row
    this.making = making
    this.host = host
  }

  now(): number {
    return this.host.world.now()
  }

  random(): number {
    return this.host.world.random()
  }

  newId(): string {
    return this.host.world.newId()
  }

  entryId(): number {
    return this.host.numbers.newEntry()
  }

  endsBehind(): readonly FlowChange[] {
    return this.host.endsBehind(this.row.id)
  }

  encode(type: MessageType, data: unknown, id: string, delay?: Delay): Stored {
    return this.host.envelopes.follow(type, data, this.origin(id), delay)
  }

  encodeCall(type: Command, data: unknown, id: string): Stored {
    return this.host.envelopes.follow(type, data, { ...this.origin(id), asked: 'flow' })
  }

  newFlow(spec: MediatorSpec, data: unknown, id: string): FlowRow {
    const first = this.making.rowOf(spec, this.host.envelopes.unplaced(spec.startedBy, data, this.origin(id)))
    return spec.serial && first.context !== null ? { ...first, state: 'queued' } : first
  }

  prompted(trace: string | null): void {
    this.trace = trace
  }

  turn(): Promise<void> {
    return this.host.turn()
  }

  guard<T>(owner: Owner, fn: () => T): T {
    return this.host.world.guard(owner, fn, undefined, undefined)
  }

  blame(error: Error, owner: Owner): void {
    this.host.world.blame(error, owner)
  }

  owner(): object | undefined {
    return this.host.world.owner()
  }

  unprompted(why: ErrorRecord): void {
    this.host.unprompted(this.row.id, why)
  }

  late(error: unknown): void {
    const what = `mediator "${this.spec.name}", flow ${this.row.id}, threw an error that no step awaits`
    this.host.world.log('error', what, { code: 'millrace/late-error', error: recordError(error) })
  }

  withdraw(command: OpenCall): Promise<'never' | 'unknown'> {
    return this.host.withdraw(command)
  }

  private origin(id: string): Stamp {
    const origin = this.host.envelopes.derivedFrom(this.row.message, this.spec.name, id)
    return this.trace === undefined ? origin : { ...origin, trace: this.trace }
  }
}
