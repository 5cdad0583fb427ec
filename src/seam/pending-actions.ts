// Actions on messages at the desk that wait for the owner of the store: it does them when it starts.
import type { PendingAction } from '../model/desk-views.ts'

/** One action waits for each message; the change `granted` of the desk removes it. */
export interface PendingActions {
  /**
   * Writes an action down. Durable when it resolves.
   *
   * @throws `millrace/not-held` where one waits for that message already
   */
  add(action: PendingAction): Promise<void>
  /** Actions that wait, after one, oldest first, at most so many. May show what is not durable yet. */
  list(after: Pick<PendingAction, 'at' | 'item'> | undefined, limit: number): Promise<PendingAction[]>
}
