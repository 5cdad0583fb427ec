// The tables of the desk, with the facets of the store that stand on them.
import { isAct } from '../../model/repairs.ts'
import type { DeskChange } from '../../seam/desk.ts'
import { AccessTable } from './access.ts'
import { record } from './audit.ts'
import { ClaimTable } from './claims.ts'
import { DeskTable } from './desk.ts'
import { OperationTable } from './operations.ts'
import { PendingActionTable } from './pending-actions.ts'
import { ProcessorTable, type ProgressRows } from './processors.ts'
import { Sent } from './sent.ts'
import type { Beside, Transaction } from './statements.ts'

export class DeskTables {
  readonly desk: DeskTable
  readonly operations: OperationTable
  readonly pendingActions: PendingActionTable
  readonly processors: ProcessorTable

  constructor(beside: Beside, progress: ProgressRows) {
    this.desk = new DeskTable(beside, { claims: new ClaimTable(beside), access: new AccessTable(beside) })
    this.operations = new OperationTable(beside)
    this.pendingActions = new PendingActionTable(beside)
    this.processors = new ProcessorTable(beside, this.desk, progress)
  }

  /**
   * Writes the changes of a transaction. Returns for each the number of the message that becomes the head of a lane by it, 0
   * where none does.
   */
  async write(db: Transaction, changes: readonly DeskChange[]): Promise<number[]> {
    if (changes.length === 0) return []
    const sent = new Sent()
    const heads: (number | Promise<number>)[] = []
    this.desk.begin(db, sent, changes)
    this.operations.begin(db, sent)
    for (const change of changes) {
      switch (change.do) {
        case 'record':
          sent.add(record(db, change.audit))
          if (change.audit.item !== null && isAct(change.audit.action)) {
            this.desk.acted(db, sent, change.audit.item)
          }
          heads.push(0)
          break
        case 'selected':
          this.operations.count(db, sent, change)
          heads.push(0)
          break
        case 'tried':
          this.operations.tried(db, sent, change)
          heads.push(0)
          break
        case 'operation':
          await this.operations.put(db, change.operation)
          heads.push(0)
          break
        case 'granted':
          sent.add(this.pendingActions.remove(db, change.item))
          heads.push(0)
          break
        default: {
          const group = this.desk.grouped(db, sent, change)
          heads.push(this.desk.apply(db, sent, change, group instanceof Promise ? await group : group))
        }
      }
    }
    await sent.answered()
    return await Promise.all(heads)
  }
}
