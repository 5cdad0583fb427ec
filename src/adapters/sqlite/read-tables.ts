// What the reader is asked, on its connection: the log as it is looked through, and the index of the finder.
import type { DatabaseSync } from 'node:sqlite'
import type { ReadAsk } from './disk.ts'
import { FinderTable } from './finder-table.ts'
import { MessageTable } from './message-table.ts'

export class ReadTables {
  private readonly messages: MessageTable
  private readonly finder: FinderTable

  constructor(log: DatabaseSync, file: string) {
    this.messages = new MessageTable(log)
    this.finder = new FinderTable(log, file, 'write')
  }

  answer({ of, read, given }: ReadAsk): unknown {
    const table = this[of] as unknown as Readonly<Record<string, (given: unknown) => unknown>>
    return table[read]!(given)
  }

  close(): void {
    this.finder.close()
  }
}
