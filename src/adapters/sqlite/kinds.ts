// Type, version and source of messages: many share them, so each combination has a number.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Stored } from '../../model/codec.ts'
import { kindSource } from '../shared/attributes.ts'
import type { Kind, MessageColumns } from '../shared/message-row.ts'

/** A row of a log, or of another table of messages. */
export interface LogTableRow extends MessageColumns {
  kind: number
}

const noKind = { id: 0, type: '', version: 0, source: '' }

export class Kinds {
  private readonly db: DatabaseSync
  private readonly add: StatementSync
  private readonly byId = new Map<number, Kind>()
  private readonly ids = new Map<string, Map<string, number>>()
  /** The kind that was asked for last. The next message mostly has it too. */
  private last = noKind
  /** Whether this transaction has added a kind. */
  private added = false

  constructor(db: DatabaseSync) {
    this.db = db
    this.add = db.prepare('insert into millrace_kinds (type, version, source) values (?, ?, ?) returning id')
    this.load()
  }

  /** The number of a message's kind. A kind that is new gets its row in the present transaction. */
  of(message: Stored): number {
    const { last } = this
    const { type, version } = message
    const source = kindSource(message)
    if (last.type === type && last.source === source && last.version === version) return last.id
    const bySource = this.bySource(type, version)
    let id = bySource.get(source)
    if (id === undefined) {
      id = (this.add.get(type, version, source) as { id: number }).id
      this.added = true
      bySource.set(source, id)
      this.byId.set(id, { type, version, source })
    }
    this.last = { id, type, version, source }
    return id
  }

  get(id: number): Kind {
    return this.byId.get(id)!
  }

  /** The transaction was rolled back, and with it the kinds that it had added. */
  rollback(): void {
    if (this.added) this.load()
  }

  /** Reads all rows anew. */
  load(): void {
    this.byId.clear()
    this.ids.clear()
    this.added = false
    this.last = noKind
    const rows = this.db.prepare('select id, type, version, source from millrace_kinds').all()
    for (const { id, type, version, source } of rows as unknown as (Kind & { id: number })[]) {
      this.byId.set(id, { type, version, source })
      this.bySource(type, version).set(source, id)
    }
  }

  private bySource(type: string, version: number): Map<string, number> {
    const key = version === 1 ? type : `${version} ${type}`
    let bySource = this.ids.get(key)
    if (bySource === undefined) {
      bySource = new Map()
      this.ids.set(key, bySource)
    }
    return bySource
  }
}
