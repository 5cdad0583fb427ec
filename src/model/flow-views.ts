// Flows as people see them: rows, questions, counts.

import type { Stored } from './codec.ts'
import type { ErrorRecord } from './errors.ts'
import type { FlowState, ParentFlow } from './flow.ts'

/** A flow, without its journal. */
export interface FlowRow {
  readonly id: number
  readonly mediator: string
  /** The version of the mediator's code with which it began; it keeps that version. */
  readonly version: number
  readonly context: string | null
  readonly state: FlowState
  /** The message that started it. */
  readonly message: Stored
  /** The value of `oncePer`, where the mediator has that option. */
  readonly once: string | null
  readonly parent: ParentFlow | null
  /** The flow that it reruns, where it is a rerun. */
  readonly rerunOf: number | null
  /**
   * The flow that it continues, where that one continued as this; it takes over its value of `oncePer`, its turn and
   * its parent.
   */
  readonly continues: number | null
  /** The mail of its context that earlier flows have taken: up to this number, by type. */
  readonly mailAfter: Readonly<Record<string, number>> | null
  /**
   * The number at the desk of a held command of the flow, where there is one. The flow waits for a person or a rule.
   */
  readonly held?: number | null | undefined
  readonly error: ErrorRecord | null
  /** The return value of its function. */
  readonly result: unknown
  readonly startedAt: number
  readonly endedAt: number | null
}

/** What is known of a flow as it begins. */
export type FlowBeginning = Pick<FlowRow, 'id' | 'mediator' | 'version' | 'message' | 'startedAt'> &
  Partial<Pick<FlowRow, 'once'>>

/** The row of a flow that begins, in the context of its message. */
export function newFlowRow({ id, mediator, version, message, once = null, startedAt }: FlowBeginning): FlowRow {
  return {
    id,
    mediator,
    version,
    context: message.context,
    state: 'running',
    message,
    once,
    parent: null,
    rerunOf: null,
    continues: null,
    mailAfter: null,
    error: null,
    result: undefined,
    startedAt,
    endedAt: null,
  }
}

/** A question of a flow to a person. */
export interface Question {
  /** Its number: later questions have higher ones. */
  readonly id: number
  readonly flow: number
  readonly mediator: string
  readonly context: string | null
  /** Its name in the flow; an answer names it. */
  readonly step: string
  readonly title: string
  /** The person or team it is for, where the flow named one. */
  readonly to: string | null
  readonly escalated: boolean
  readonly askedAt: number
  /** The time at which the flow stops waiting for an answer, milliseconds since 1970. */
  readonly dueAt: number | null
}

/** A filter of flows; every field that is set must match. */
export interface FlowFilter {
  readonly mediator?: string | undefined
  readonly states?: readonly FlowState[] | undefined
  readonly context?: string | undefined
  /** The name of a pending step. */
  readonly step?: string | undefined
  /** Only flows that began before this time, milliseconds since 1970. */
  readonly startedBefore?: number | undefined
  /** Only flows with a higher id. */
  readonly after?: number | undefined
  /** The most rows, default 100. */
  readonly limit?: number | undefined
}

/** A filter of the open questions of flows; every field that is set must match. */
export interface QuestionFilter {
  readonly mediator?: string | undefined
  /** Only questions to this person or team. */
  readonly to?: string | undefined
  /** Only questions with a higher id. */
  readonly after?: number | undefined
  /** The most rows, default 100. */
  readonly limit?: number | undefined
}

/** The number of flows of a mediator in a state. */
export interface FlowCount {
  readonly mediator: string
  readonly state: FlowState
  readonly flows: number
}

/** The number of flows of a mediator that have not ended. */
export interface FlowsUnderWay {
  readonly mediator: string
  readonly flows: number
}

export interface StateOfFlow {
  readonly id: number
  readonly mediator: string
  readonly state: FlowState
}
