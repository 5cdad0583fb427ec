// Writes the changes of one processor at the desk. Entries are values: this file alone makes new ones.
//
//   in the log ──put, in the commit that moves the position past it──→ at the desk ──update──→ at the desk
//                                                                          ├──remove──→ done: it never needed anybody
//                                                                          └──resolve──→ handled | discarded
import type { Stored } from '../../model/codec.ts'
import type { Actor, DeskAction, DeskEntry, Resolution } from '../../model/desk.ts'
import type { DeskChange } from '../../seam/desk.ts'
import type { AskedChange, AskedEnd } from '../commit/asked.ts'
import type { Ending, Follower } from '../commit/handled.ts'
import type { Job } from '../commit/writes.ts'
import type { Delivery } from './delivery.ts'

export interface DeskWritesHost {
  readonly name: string
  /** The processor whose position moves past a message that comes to the desk. */
  readonly follower: Follower
  /** The version of the app that runs. */
  readonly appVersion: string | undefined
  now(): number
  /** Draws the number of a new entry, or a place in a lane. */
  nextNumber(): number
  write(job: Job): void
  /** A message is at the desk: it leaves the window. */
  left(message: Stored): void
  /** Makes the messages that tell of the end of a failure. */
  resolved(entry: DeskEntry, state: Resolution): readonly Stored[]
}

export class DeskWrites {
  private readonly host: DeskWritesHost

  constructor(host: DeskWritesHost) {
    this.host = host
  }

  /**
   * Writes a change of a message at the desk; the first one brings it there.
   *
   * @param more makes the rest of the job, for the entry as it is written
   * @returns the new entry, which is that of the delivery from now on
   */
  keep(delivery: Delivery, fields: Partial<DeskEntry>, more: (entry: DeskEntry) => Job): DeskEntry {
    const { host } = this
    const { message, entry: known } = delivery
    if (known === undefined) {
      const entry = { ...this.newEntry(delivery), ...fields }
      const job = more(entry)
      delivery.entry = entry
      host.left(message)
      const changes = [{ do: 'put', entry } as const, ...(job.changes ?? [])]
      host.write({ ...job, consumer: host.follower, position: message.position, changes })
      return entry
    }
    const entry = changed(known, fields)
    delivery.entry = entry
    const job = more(entry)
    host.write({ ...job, changes: [{ do: 'update', entry, leaves: known.lane }, ...(job.changes ?? [])] })
    return entry
  }

  private newEntry({ message, attempts, tries }: Delivery): DeskEntry {
    const id = this.host.nextNumber()
    return {
      id,
      processor: this.host.name,
      message,
      state: 'trying',
      lane: null,
      place: id,
      dueAt: 0,
      attempts,
      kills: 0,
      corrections: 0,
      revision: 0,
      failures: 0,
      decisions: 0,
      error: null,
      tries,
      original: null,
      heldAt: this.host.now(),
      resolvedAt: null,
    }
  }

  /** The end of a message that was handled: what was held, or acted on in line, stays to be seen; all else is gone. */
  ending(entry: DeskEntry): Ending {
    const isOnRecord = entry.failures > 0 || entry.revision > 0
    if (!isOnRecord) return { changes: [{ do: 'remove', entry }], outgoing: [] }
    const { appVersion: version } = this.host
    return this.resolving(entry, 'handled', { by: 'millrace' }, version === undefined ? undefined : { version })
  }

  resolving(entry: DeskEntry, state: Resolution, actor: Actor, detail?: unknown): Ending {
    return {
      changes: [{ do: 'resolve', entry, state, at: this.host.now() }, this.record(entry, state, actor, detail)],
      outgoing: this.host.resolved(entry, state),
    }
  }

  /** A line of the audit log. */
  record(entry: DeskEntry, action: DeskAction, { by, reason = '' }: Actor, detail?: unknown): DeskChange {
    const { id: item, processor: subject } = entry
    const at = this.host.now()
    return { do: 'record', audit: { at, by, action, item, subject, reason: reason === '' ? null : reason, detail } }
  }

  /** `trace`: that of the attempt that ends it. */
  requestEnd({ id, asked }: Stored, state: AskedEnd['state'], outcome: unknown, trace: string | null = null): AskedEnd {
    return { do: 'end', asker: asked!, id, state, outcome, at: this.host.now(), trace }
  }
}

/** Tells the request of a message that is held. */
export function heldRequest({ id: item, message: { id, asked } }: DeskEntry): readonly AskedChange[] {
  return asked === 'app' ? [{ do: 'held', id, item }] : []
}

/** The entry after a change. */
export function changed(entry: DeskEntry, fields: Partial<DeskEntry>): DeskEntry {
  return { ...entry, ...fields }
}
