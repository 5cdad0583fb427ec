// Who may reach an app over HTTP, and who was refused.
import type { Audit } from '../model/desk.ts'

/** Each change is one transaction, and durable when it resolves. */
export interface AccessStore {
  /** Writes lines about refused requests into the audit log, in order. */
  refused(lines: readonly Audit[]): Promise<void>
}
