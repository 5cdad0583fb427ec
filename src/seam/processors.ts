// Decisions of people about whole processors.
import type { Actor } from '../model/desk.ts'
import type { Paused } from '../model/desk-views.ts'

/** Each change is durable when it resolves. */
export interface ProcessorStore {
  /** Stops a processor until it is resumed, with a line in the audit log; a paused one stays as it is. */
  pause(processor: string, actor: Actor, at: number): Promise<void>
  /** Ends a pause, with a line in the audit log; a processor that is not paused stays as it is. */
  resume(processor: string, actor: Actor, at: number): Promise<void>
  /** The processors that are paused. Never shows what is not durable. */
  paused(): Promise<Paused[]>
  /** Forgets a processor on a topic or channel: its progress and what it holds at the desk. */
  retire(processor: string, destination: string): Promise<void>
}
