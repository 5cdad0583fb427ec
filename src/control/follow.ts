// Messages as they are accepted, for one reader who may be slower than they come: what does not fit in its bound is
// counted and told, never kept.
//
//   gathering (the last messages are being read) → following → ended
import type { App, FileReader, LogFilter, LogRow } from '../index.ts'
import { fault } from '../model/errors.ts'
import { type Followed, lastMax } from './protocol.ts'
import { fits, rowOf, typesOf } from './rows.ts'

export interface Reader {
  /** Takes one thing, if there is room. */
  readonly take: (item: Followed) => void
  readonly hasRoom: () => boolean
}

export class Following {
  private readonly filter: LogFilter
  private readonly reader: Reader
  private readonly endTail: () => void
  private gathered: LogRow[] | undefined = []
  private missed = 0

  constructor(app: App, filter: LogFilter, reader: Reader) {
    this.filter = filter
    this.reader = reader
    const types = typesOf(app.parts)
    this.endTail = app.tail((message) => {
      const source = types.get(message.type)?.source
      if (source !== undefined) this.accepted(rowOf(message, source))
    })
  }

  /** Shows the last messages, then those that came meanwhile, then each as it comes. */
  begin(last: readonly LogRow[]): void {
    const shown = new Map<number, number>()
    for (const row of last) {
      shown.set(row.stream, Math.max(row.position, shown.get(row.stream) ?? 0))
      this.reader.take({ message: row })
    }
    const gathered = this.gathered ?? []
    this.gathered = undefined
    for (const row of gathered) if (row.position > (shown.get(row.stream) ?? 0)) this.show(row)
  }

  /** There is room again. */
  drained(): void {
    if (this.missed === 0 || this.gathered !== undefined || !this.reader.hasRoom()) return
    this.reader.take({ missed: this.missed })
    this.missed = 0
  }

  end(): void {
    this.endTail()
  }

  private accepted(row: LogRow): void {
    if (!fits(row, this.filter)) return
    if (this.gathered === undefined) this.show(row)
    else if (this.gathered.length < lastMax) this.gathered.push(row)
    else this.missed++
  }

  private show(row: LogRow): void {
    this.drained()
    if (this.missed === 0 && this.reader.hasRoom()) this.reader.take({ message: row })
    else this.missed++
  }
}

/** The newest messages of a running app, none that is not on disk yet. */
export async function lastOf(app: App, open: () => FileReader, last: number, filter: LogFilter): Promise<LogRow[]> {
  if (last === 0) return []
  if (!Number.isSafeInteger(last) || last < 0 || last > lastMax) {
    throw fault('millrace/bad-request', `last is ${last}, but must be a whole number from 0 to ${lastMax}`)
  }
  const reader = open()
  try {
    const rows = await reader.last(last, filter)
    // Reads of the app wait for the sync under way, and with it for everything that was just read.
    await app.read`select 1`
    return rows
  } finally {
    reader.close()
  }
}
