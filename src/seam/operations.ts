// Operations on many held messages: a frozen selection, dealt with one message after the other.
import type { Actor } from '../model/desk.ts'
import type {
  NewOperation,
  Operation,
  OperationFilter,
  OperationOutcome,
  RefusedItem,
  Selection,
} from '../model/desk-views.ts'

/** Reads of operations, by a running store and by a file reader alike. A read never shows what is not durable. */
export interface OperationReads {
  /** Operations that fit, in order. */
  list(filter: OperationFilter): Promise<Operation[]>
  /** Operations that have not ended, after an id, in order, at most so many. */
  open(after: number, limit: number): Promise<Operation[]>
  outcome(operation: number): Promise<OperationOutcome>
  /** The messages of an operation that are not dealt with, after a number, in order, at most so many. */
  remaining(operation: number, after: number, limit: number): Promise<number[]>
  /** The first messages that the operation could not act on. */
  refused(operation: number, limit: number): Promise<RefusedItem[]>
}

export interface OperationStore extends OperationReads {
  /**
   * Makes an operation of all held messages that fit. Durable when it resolves.
   *
   * @throws `millrace/duplicate-name`, `millrace/nothing-selected`
   */
  select(operation: NewOperation, what: Selection): Promise<Operation>
  /**
   * Ends an operation. Durable when it resolves.
   *
   * @throws `millrace/unknown-operation`, `millrace/operation-ended`
   */
  abort(operation: number, actor: Actor, at: number): Promise<void>
  /** The next messages of an operation that are not dealt with. May show what is not durable yet. */
  selected(operation: number, limit: number): Promise<number[]>
  /** The message with which an operation begins. May show what is not durable yet. */
  firstSelected(operation: number): Promise<number | undefined>
}
