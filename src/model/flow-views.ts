// What people see of flows: rows, questions, counts.

import type { Stored } from './codec.ts'
import type { ErrorRecord } from './errors.ts'
import type { FlowState, ParentFlow } from './flow.ts'

/** A flow, without its journal. */
export interface FlowRow {
  readonly id: number
  readonly mediator: string
  /** The version of the mediator's code that it began with, and keeps. */
  readonly version: number
  readonly context: string | null
  readonly state: FlowState
  /** What started it. */
  readonly message: Stored
  /** The value of `oncePer`, where its mediator has that. */
  readonly once: string | null
  readonly parent: ParentFlow | null
  /** Of which flow it is a run anew, where it is. */
  readonly rerunOf: number | null
  /** Which flow it goes on for, where that has continued as this one: with its value of `oncePer`, its turn, its parent. */
  readonly continues: number | null
  /** Of the mail of its context, what flows before it have had: up to this number, by type. */
  readonly mailAfter: Readonly<Record<string, number>> | null
  /** The message at the desk by which a command of it is held, where one is: it waits for a person or a rule. */
  readonly held?: number | null | undefined
  readonly error: ErrorRecord | null
  /** What its function has returned. */
  readonly result: unknown
  readonly startedAt: number
  readonly endedAt: number | null
}

/** A question that a flow has for a person. */
export interface Question {
  /** Its number: later questions have higher ones. */
  readonly id: number
  readonly flow: number
  readonly mediator: string
  readonly context: string | null
  /** Its name in the flow: the answer is given under it. */
  readonly step: string
  readonly title: string
  /** Whom it is for, where that was said. */
  readonly to: string | null
  readonly escalated: boolean
  readonly askedAt: number
  /** When it is given up, milliseconds since 1970. */
  readonly dueAt: number | null
}

export interface FlowFilter {
  readonly mediator?: string | undefined
  readonly states?: readonly FlowState[] | undefined
  readonly context?: string | undefined
  /** The name of a step that is under way. */
  readonly step?: string | undefined
  /** Only flows that began before, milliseconds since 1970. */
  readonly startedBefore?: number | undefined
  /** Only flows with a higher id. */
  readonly after?: number | undefined
  /** At most so many, default 100. */
  readonly limit?: number | undefined
}

export interface QuestionFilter {
  readonly mediator?: string | undefined
  /** Only what this person or team is asked. */
  readonly to?: string | undefined
  /** Only questions with a higher id. */
  readonly after?: number | undefined
  /** At most so many, default 100. */
  readonly limit?: number | undefined
}

/** How many flows of a mediator are in a state. */
export interface FlowCount {
  readonly mediator: string
  readonly state: FlowState
  readonly flows: number
}

/** How many flows of a mediator are under way. */
export interface FlowsUnderWay {
  readonly mediator: string
  readonly flows: number
}

export interface StateOfFlow {
  readonly id: number
  readonly mediator: string
  readonly state: FlowState
}
