// Operations on many held messages: a frozen selection, dealt with one message after the other.
import type { Actor } from '../model/desk.ts'
import type {
  NewOperation,
  Operation,
  OperationFilter,
  OperationOutcome,
  OperationRun,
  RefusedItem,
  SelectedItem,
  Selection,
} from '../model/desk-views.ts'

/** Reads of operations, by a running store and by a file reader alike. A read never shows what is not durable. */
export interface OperationReads {
  /** Operations that fit, in order. */
  list(filter: OperationFilter): Promise<Operation[]>
  /** Operations that are running or trying, after an id, in order, at most so many. */
  open(after: number, limit: number): Promise<Operation[]>
  outcome(operation: number): Promise<OperationOutcome>
  /** The messages of an operation that are not dealt with, after a number, in order, at most so many. */
  remaining(operation: number, after: number, limit: number): Promise<number[]>
  /** The first messages that the operation could not act on. */
  refused(operation: number, limit: number): Promise<RefusedItem[]>
}

export interface OperationStore extends OperationReads {
  /**
   * Makes an operation of all held messages that fit, prepared where `expiresAt` is set. Durable when it resolves.
   *
   * @throws `millrace/duplicate-name`, `millrace/nothing-selected`
   */
  select(operation: NewOperation, what: Selection): Promise<Operation>
  /**
   * Lets an operation that is prepared or stopped run, from now on without a failure. Durable when it resolves.
   *
   * @throws `millrace/unknown-operation`, `millrace/operation-ended`, `millrace/already-running`
   */
  run(operation: number, how: OperationRun, at: number): Promise<Operation>
  /** Ends operations whose time to be run is over. Durable when it resolves; returns the next such time. */
  expire(at: number): Promise<number | undefined>
  /**
   * Ends an operation. Durable when it resolves.
   *
   * @throws `millrace/unknown-operation`, `millrace/operation-ended`
   */
  abort(operation: number, actor: Actor, at: number): Promise<void>
  /** The next messages of an operation that are not dealt with, lane by lane. May show what is not durable yet. */
  selected(operation: number, limit: number): Promise<SelectedItem[]>
  /** Messages whose end is to be told, after a number, in order. May show what is not durable yet. */
  underWay(operation: number, after: number, limit: number): Promise<number[]>
  /** The message with which an operation begins. May show what is not durable yet. */
  firstSelected(operation: number): Promise<number | undefined>
}
