// How flows begin: with the attempt at their initiating event, or with a route.
//
//   the value of `oncePer` is claimed ──→ run until it rests ──→ written with the end of the attempt ──→ in memory
//        └ another flow has it: none            └ serial: written as queued, and begun when it has its turn
import { decode, type Stored } from '../../model/codec.ts'
import { fault } from '../../model/errors.ts'
import type { Message } from '../../model/message.ts'
import { isPromise } from '../../model/promise.ts'
import type { FlowOutcome } from '../commit/handled.ts'
import type { Attempted } from './attempted.ts'
import type { Claims } from './claims.ts'
import type { FlowEnvelopes, MediatorSpec, Outbox } from './host.ts'
import type { Making } from './making.ts'
import type { FlowRun } from './run.ts'

const onceCharsMax = 1_024

/** What the starting of flows needs. */
export interface StartingHost {
  readonly claims: Claims
  readonly envelopes: FlowEnvelopes
  readonly making: Making
  /** Whether the app runs a mediator. */
  runs(mediator: string): boolean
  /** A flow that has begun is written, with what it left. */
  begun(run: FlowRun, outbox: Outbox): void
  /** A queued flow is written. */
  queued(mediator: string, context: string): void
}

export class Starting {
  private readonly host: StartingHost

  constructor(host: StartingHost) {
    this.host = host
  }

  /**
   * Starts a flow; what it leaves is written with the end of the attempt at its initiating event. Undefined where
   * another flow has its value of `oncePer`.
   */
  async start(
    spec: MediatorSpec,
    stored: Stored,
    message: Message,
    attempt: Attempted,
  ): Promise<FlowOutcome | undefined> {
    const { claims, making } = this.host
    const once = spec.oncePer === undefined ? null : checkOnce(spec, spec.oncePer(message.data))
    let free = () => {}
    if (once !== null) {
      const claimed = await claims.take(spec.name, once, attempt)
      if (claimed === undefined) return undefined
      free = claimed
    }
    const row = making.rowOf(spec, stored, once)
    if (spec.serial && row.context !== null) {
      const { context } = row
      const written = () => {
        free()
        this.host.queued(spec.name, context)
      }
      return { flows: [{ do: 'start', row: { ...row, state: 'queued' } }], outgoing: [], written, dropped: free }
    }
    const run = making.runOf(spec, row)
    const span = attempt.delivery?.span
    if (span !== undefined) run.host.prompted(span.trace)
    try {
      await run.begin(message, [])
    } catch (error) {
      free()
      throw error
    }
    const outbox = run.journal.take()
    const written = () => {
      free()
      this.host.begun(run, outbox)
    }
    return { flows: [{ do: 'start', row }, ...outbox.changes], outgoing: outbox.outgoing, written, dropped: free }
  }

  /** Starts a flow with data of a route, about the message of an attempt. */
  startFrom(spec: MediatorSpec, data: unknown, attempt: Attempted, index: number): Promise<FlowOutcome | undefined> {
    const { processor, message } = attempt
    const { envelopes } = this.host
    if (!this.host.runs(spec.name)) {
      throw fault('millrace/unknown-part', `mediator "${spec.name}" is not running: its flows cannot be started`)
    }
    const origin = envelopes.derivedFrom(message, processor.name, `${message.id}/${index}`)
    const stored = envelopes.unplaced(spec.startedBy, data, origin)
    return this.start(spec, stored, decode(spec.startedBy, stored), attempt)
  }
}

/** Errors: `millrace/bad-option`. */
export function checkOnce({ name }: Pick<MediatorSpec, 'name'>, once: unknown): string {
  if (typeof once === 'string' && once.length > 0 && once.length <= onceCharsMax) return once
  if (isPromise(once)) {
    throw fault(
      'millrace/bad-option',
      `mediator "${name}": oncePer returned a promise, but must return its value at once`,
    )
  }
  const what = `oncePer must return a text of 1 to ${onceCharsMax} characters, not ${JSON.stringify(once)}`
  throw fault('millrace/bad-option', `mediator "${name}": ${what}`)
}
