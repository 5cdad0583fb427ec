// Makes flows: their rows, and their runs with what these need of the engine.
import { decode, type Stored } from '../../model/codec.ts'
import { type ErrorRecord, fault, recordError } from '../../model/errors.ts'
import type { OpenCall } from '../../model/flow.ts'
import { type FlowRow, newFlowRow } from '../../model/flow-views.ts'
import type { Message, MessageType } from '../../model/message.ts'
import type { FlowChange } from '../../seam/flows.ts'
import type { World } from '../../seam/world.ts'
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
    return new FlowRun(this.hostOf(spec, row), row)
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

  private hostOf(spec: MediatorSpec, row: FlowRow): FlowHost {
    const { host } = this
    const { world, envelopes, numbers } = host
    const origin = (id: string) => envelopes.derivedFrom(row.message, spec.name, id)
    return {
      spec,
      now: () => world.now(),
      random: () => world.random(),
      newId: () => world.newId(),
      entryId: () => numbers.newEntry(),
      endsBehind: () => host.endsBehind(row.id),
      encode: (type, data, id, delay) => envelopes.encode(type, data, origin(id), delay),
      encodeCall: (type, data, id) => envelopes.encode(type, data, { ...origin(id), asked: 'flow' }),
      newFlow: (other, data, id) => {
        const first = this.rowOf(other, envelopes.unplaced(other.startedBy, data, origin(id)))
        return other.serial && first.context !== null ? { ...first, state: 'queued' } : first
      },
      turn: host.turn,
      guard: (owner, fn) => world.guard(owner, fn, undefined, undefined),
      blame: (error, owner) => world.blame(error, owner),
      owner: () => world.owner(),
      unprompted: (why) => host.unprompted(row.id, why),
      late: (error) => {
        const what = `mediator "${spec.name}", flow ${row.id}, threw an error that no step awaits`
        world.log('error', what, { code: 'millrace/late-error', error: recordError(error) })
      },
      withdraw: host.withdraw,
    }
  }
}
