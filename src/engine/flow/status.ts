// The status of a flow in memory: its phase and its state. Each arrow is asserted where it is taken.
//
// The phase says what the function may do, and stays in memory:
//   open ──returns──→ returned                        its branches begin nothing; losers of races are withdrawn
//    │ ├──throws, or is cancelled──→ undoing          only undos begin steps
//    │ └──passes its point of no return──→ forward ──returns──→ returned
//   any ──a person decides otherwise──→ dismissed     what is in memory counts no more
//
// The state is written, and people see it:
//   queued ──its turn──→ running ──returned, no loser is left──→ completed
//   running ──undoing──→ compensating ──each undo done, last first──→ compensated (failed where none did anything)
//   compensating ──an undo throws──→ stuck ──resumed──→ compensating
//   running ──throws in phase forward──→ stuck ──resumed──→ a new run, where the step that failed is done again
//   any ──its code does not fit its journal, or waits for what is no step──→ paused ──resumed──→ a new run
import { type ErrorRecord, fault } from '../../model/errors.ts'
import { type FlowState, flowEnds } from '../../model/flow.ts'
import { type Arrows, assertArrow } from '../kit/arrows.ts'
import type { Ending } from './ending.ts'
import type { Journal } from './journal.ts'

type Phase = 'open' | 'forward' | 'returned' | 'undoing' | 'dismissed'

const phases: Arrows<Phase> = {
  open: ['forward', 'returned', 'undoing', 'dismissed'],
  forward: ['returned', 'dismissed'],
  returned: ['dismissed'],
  undoing: ['dismissed'],
  dismissed: [],
}

/** A run that is made anew may come to another state than the one that is written, where its code has changed. */
const states: Arrows<FlowState> = {
  queued: ['running'],
  running: ['completed', 'compensating', 'compensated', 'failed', 'stuck', 'paused'],
  compensating: ['completed', 'compensated', 'failed', 'stuck', 'paused'],
  stuck: ['compensating', 'paused'],
  paused: ['paused', 'compensating'],
  completed: [],
  compensated: [],
  failed: [],
  stopped: [],
}

/** What the status needs of its flow. */
export interface StatusFlow {
  readonly id: number
  readonly row: { readonly state: FlowState }
  readonly ending: Ending
  readonly journal: Journal
}

export class Status {
  private readonly flow: StatusFlow
  private phase: Phase = 'open'
  private current: FlowState

  constructor(flow: StatusFlow) {
    this.flow = flow
    // A stuck flow comes to its obstacle again by its journal.
    this.current = flow.row.state === 'stuck' ? 'running' : flow.row.state
  }

  get state(): FlowState {
    return this.current
  }

  get hasEnded(): boolean {
    return flowEnds.includes(this.current)
  }

  /** True where a flow does nothing before a person resumes it. */
  get isHalted(): boolean {
    return this.current === 'stuck' || this.current === 'paused'
  }

  /** True where the function has ended, or counts no more: its branches begin nothing and are given nothing. */
  get isClosed(): boolean {
    return this.phase !== 'open' && this.phase !== 'forward'
  }

  get isDismissed(): boolean {
    return this.phase === 'dismissed'
  }

  /** True where the flow has passed its point of no return and its function has not returned. */
  get isForward(): boolean {
    return this.phase === 'forward'
  }

  get isOpen(): boolean {
    return this.phase === 'open'
  }

  private enter(phase: Phase): void {
    assertArrow(`flow ${this.flow.id}`, phases, this.phase, phase)
    this.phase = phase
  }

  /** The function has ended; returns false where it was closed before. */
  close(phase: 'returned' | 'undoing'): boolean {
    if (this.isClosed) return false
    this.enter(phase)
    return true
  }

  passNoReturn(): void {
    if (this.phase === 'open') this.enter('forward')
  }

  /** A person has decided otherwise: what is in memory of the flow counts no more. */
  dismiss(): void {
    if (this.phase !== 'dismissed') this.enter('dismissed')
  }

  /** Changes the state, and writes that. */
  become(state: FlowState): void {
    if (this.current === state && state !== 'paused') return
    const { id, ending, journal } = this.flow
    assertArrow(`flow ${id}`, states, this.current, state)
    this.current = state
    journal.setState(state, ending.error, ending.result, this.hasEnded ? journal.now : null)
  }

  /** Stops at an obstacle: a person has to resume the flow. */
  halt(state: 'paused' | 'stuck', why: ErrorRecord): void {
    this.flow.ending.obstacle = why
    this.become(state)
  }

  /** Refuses a cancellation that comes too late. Errors: `millrace/past-no-return`, `millrace/flow-busy`. */
  checkCancel(): void {
    if (this.isForward) throw pastNoReturn(this.flow.id)
    if (!this.isClosed) return
    throw fault('millrace/flow-busy', `flow ${this.flow.id} is ${this.current} and cannot be cancelled`)
  }
}

export const pastNoReturn = (id: number) =>
  fault('millrace/past-no-return', `flow ${id} has passed its point of no return: it only goes forward`)
