// Messages as they are accepted, for one reader who may be slower than they come: what does not fit in its bound is
// counted and told, never kept.
//
//   gathering (the last messages are being read) → following → ended
import type { Stored } from '../model/codec.ts'
import { failures } from '../model/failures.ts'
import type { LogFilter, LogRow } from '../model/log-views.ts'
import { fits } from '../operate/filter.ts'
import { rowOf, typesOf } from '../operate/rows.ts'
import type { Part } from '../parts/part.ts'
import { type Followed, followBytesMax } from './protocol.ts'

/** The size of a message besides its data. */
const rowBytes = 500

/** An app as those who follow its messages need it. */
export interface Followable {
  readonly parts: readonly Part[]
  tail(accepting: (message: Stored) => void): () => void
}

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
  private gatheredBytes = 0
  /** Up to where each stream was shown from its log. */
  private readonly upTo = new Map<number, number>()
  private missed = 0

  constructor(app: Followable, filter: LogFilter, reader: Reader) {
    this.filter = filter
    this.reader = reader
    const types = typesOf([...app.parts, failures])
    this.endTail = app.tail((message) => {
      const destination = types.get(message.type)?.destination
      if (destination !== undefined) this.accepted(rowOf(message, destination))
    })
  }

  /** A message was shown from the log: it is not shown again when it was gathered too. */
  shown({ stream, position }: LogRow): void {
    this.upTo.set(stream, Math.max(position, this.upTo.get(stream) ?? 0))
  }

  /** Shows what came while the last messages were shown, then each as it comes. */
  begin(): void {
    const gathered = this.gathered ?? []
    this.gathered = undefined
    const since = gathered.filter(({ stream, position }) => position > (this.upTo.get(stream) ?? 0))
    // The messages left out came after those that were gathered.
    for (const message of since) this.reader.take({ message })
    this.drained()
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
    else if (this.missed === 0 && this.gatheredBytes < followBytesMax) {
      this.gathered.push(row)
      this.gatheredBytes += row.json.length + rowBytes
    } else this.missed++
  }

  private show(row: LogRow): void {
    this.drained()
    if (this.missed === 0 && this.reader.hasRoom()) this.reader.take({ message: row })
    else this.missed++
  }
}
