// The tables of the desk, with the facets of the store that stand on them.
import { isAct } from '../../model/repairs.ts'
import type { DeskChange } from '../../seam/desk.ts'
import { AccessTable } from './access.ts'
import { AuditLog } from './audit.ts'
import type { Beside } from './beside-commits.ts'
import { ClaimTable } from './claims.ts'
import { DeskTable } from './desk.ts'
import { DeskFinder } from './desk-finder.ts'
import { DeskGroups } from './desk-groups.ts'
import { DeskRows } from './desk-rows.ts'
import type { Log } from './log.ts'
import { OperationTable } from './operations.ts'
import { PendingActionTable } from './pending-actions.ts'
import { ProcessorTable } from './processors.ts'
import type { Statements } from './statements.ts'

export class DeskTables {
  readonly desk: DeskTable
  readonly operations: OperationTable
  readonly pendingActions: PendingActionTable
  readonly processors: ProcessorTable
  private readonly audit: AuditLog

  constructor(sql: Statements, log: Log, beside: Beside) {
    const finder = new DeskFinder(sql)
    this.audit = new AuditLog(sql)
    const access = new AccessTable(sql, this.audit, beside)
    const claims = new ClaimTable(sql, this.audit, beside)
    this.desk = new DeskTable(
      sql,
      { rows: new DeskRows(sql, log), groups: new DeskGroups(sql), finder, claims, access },
      beside,
    )
    this.operations = new OperationTable(sql, finder, this.audit, beside)
    this.pendingActions = new PendingActionTable(sql, beside)
    this.processors = new ProcessorTable(sql, this.desk, this.audit, beside)
  }

  /**
   * Writes a change in the transaction of a commit. Returns the number of the message that becomes the head of a lane by
   * it, 0 where none does.
   */
  apply(change: DeskChange): number {
    switch (change.do) {
      case 'record':
        this.audit.record(change.audit)
        if (change.audit.item !== null && isAct(change.audit.action)) this.desk.acted(change.audit.item)
        return 0
      case 'selected':
        this.operations.count(change)
        return 0
      case 'tried':
        this.operations.tried(change)
        return 0
      case 'operation':
        this.operations.put(change.operation)
        return 0
      case 'granted':
        this.pendingActions.remove(change.item)
        return 0
      default:
        return this.desk.apply(change)
    }
  }
}
