// What a flow has come to: the end of its function, its result or failure, and the obstacle at which it stands.
//
//   function:  running ──returns, throws, or its flow is cancelled──→ ended, once: what comes first counts
import { asJson } from '../../model/codec.ts'
import { type ErrorRecord, fault, recordError } from '../../model/errors.ts'
import type { FunctionEnd } from './branches.ts'

export class Ending {
  private readonly mediator: string
  /** The end of the function; undefined while it runs. */
  function: FunctionEnd | undefined
  /** Why the flow failed. */
  failure: ErrorRecord | null = null
  /** Why it cannot continue. */
  obstacle: ErrorRecord | null = null
  result: unknown

  constructor(mediator: string) {
    this.mediator = mediator
  }

  /** The error that people see. */
  get error(): ErrorRecord | null {
    return this.obstacle ?? this.failure
  }

  /** The function has ended. A result that JSON does not carry is a failure. */
  ended(end: FunctionEnd): void {
    this.function ??= end.ok && end.value !== undefined ? this.asResult(end.value) : end
  }

  cancelled(reason: string): void {
    this.failure = { code: 'millrace/flow-cancelled', message: reason }
    this.function = { ok: false, value: fault('millrace/flow-cancelled', reason) }
  }

  /** Records the failure of the function, unless another was recorded before. */
  failed({ value }: FunctionEnd): void {
    this.failure ??= recordError(value)
  }

  private asResult(value: unknown): FunctionEnd {
    try {
      const what = `result of mediator "${this.mediator}"`
      return { ok: true, value: asJson(what, value, Number.POSITIVE_INFINITY) }
    } catch (error) {
      return { ok: false, value: error }
    }
  }
}
