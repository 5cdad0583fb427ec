// The tables of flows in a database in memory.
import { DatabaseSync } from 'node:sqlite'
import type { Beside } from '../../src/adapters/sqlite/beside-commits.ts'
import { FlowTables } from '../../src/adapters/sqlite/flows.ts'
import { migrate } from '../../src/adapters/sqlite/schema.ts'
import { Statements } from '../../src/adapters/sqlite/statements.ts'
import { Stored } from '../../src/model/codec.ts'
import type { JournalEntry } from '../../src/model/flow.ts'
import { type FlowRow, newFlowRow } from '../../src/model/flow-views.ts'
import type { Mail } from '../../src/seam/mail.ts'

/** What a table writes is there at once. */
const atOnce: Pick<Beside, 'write'> = { write: async (fn) => fn() }

export function emptyFlows() {
  const db = new DatabaseSync(':memory:')
  migrate(db, 'memory')
  const sql = new Statements(db)
  return { db, sql, flows: new FlowTables(sql, atOnce) }
}

export function messageOf(type: string, context: string | null = 'a'): Stored {
  const stamp = {
    stream: 1,
    id: `${type} ${context}`,
    ownId: false,
    asked: undefined,
    source: '/app',
    time: 1,
    correlationId: 'first',
    causationId: null,
    trace: null,
    attributes: null,
  }
  return new Stored(type, 1, stamp, context, '{}')
}

export function flowOf(id: number, facts: Partial<FlowRow> = {}): FlowRow {
  const row = newFlowRow({ id, mediator: 'm', version: 1, message: messageOf('begun'), startedAt: id })
  return { ...row, context: 'a', ...facts }
}

export function stepOf(n: number, facts: Partial<JournalEntry> = {}): JournalEntry {
  return { n, of: null, kind: 'call', step: `step ${n}`, what: 'do', data: null, at: n, ...facts }
}

export function mailOf(n: number, facts: Partial<Mail> = {}): Mail {
  return { n, mediator: 'm', context: 'a', message: messageOf('paid'), at: n, ...facts }
}
