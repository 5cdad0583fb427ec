// Refused requests, as lines of the audit log.
import type { Audit } from '../../model/desk.ts'
import type { AccessStore } from '../../seam/access.ts'
import type { AuditLog } from './audit.ts'
import { type Beside, writeDurably } from './beside-commits.ts'

export class AccessTable implements AccessStore {
  private readonly audit: Pick<AuditLog, 'record'>
  private readonly beside: Beside

  constructor(audit: Pick<AuditLog, 'record'>, beside: Beside) {
    this.audit = audit
    this.beside = beside
  }

  refused(lines: readonly Audit[]): Promise<void> {
    return writeDurably(this.beside, () => {
      for (const line of lines) this.audit.record(line)
    })
  }
}
