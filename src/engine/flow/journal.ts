// The pen of a flow: the numbers of its entries, and what is to be written.
//
//   empty ──an entry, a message, a state──→ filled ──taken──→ being written ──on disk──→ …
//                                             ↑ empty again at once
//
// `ahead` is set while a group that is not on disk yet carries what the flow left: what follows waits for it.
import type { Stored } from '../../model/codec.ts'
import type { ErrorRecord } from '../../model/errors.ts'
import type { FlowState, JournalEntry, StepKind } from '../../model/flow.ts'
import type { FlowRow } from '../../model/flow-views.ts'
import type { FlowChange } from '../../seam/flows.ts'
import type { Outbox, Step, StepPlan } from './host.ts'

/** What the journal needs of the engine. */
export interface JournalHost {
  now(): number
  /** A new number of an entry: higher than all before. */
  entryId(): number
}

/** What leaves with a step. It is made before anything is written, so data that do not fit leave nothing. */
export interface Leaving {
  readonly message: Stored | undefined
  readonly flow: FlowRow | undefined
}

export class Journal {
  private readonly flow: number
  private readonly host: JournalHost
  private outbox = emptyOutbox()
  /** How many outboxes are taken and not on disk. */
  unwritten = 0
  /** Set while an outbox is to be written ahead of the disk; resolves after that. */
  ahead: Promise<void> | undefined

  constructor(flow: number, host: JournalHost) {
    this.flow = flow
    this.host = host
  }

  newNumber(): number {
    return this.host.entryId()
  }

  get now(): number {
    return this.host.now()
  }

  get hasChanges(): boolean {
    return this.outbox.changes.length > 0
  }

  /** True where everything that the flow has left is on disk. */
  get isWritten(): boolean {
    return this.unwritten === 0 && this.ahead === undefined && this.outbox.changes.length === 0
  }

  /** Takes what is to be written, once. */
  take(): Outbox {
    const { outbox } = this
    this.outbox = emptyOutbox()
    return outbox
  }

  enter(entry: JournalEntry): void {
    this.outbox.changes.push({ do: 'entry', flow: this.flow, entry })
  }

  /** Records an action of a person. */
  record(kind: StepKind & ('cancel' | 'resume'), reason: string): void {
    this.enter({ n: this.newNumber(), of: null, kind, step: '', what: reason, data: null, at: this.now })
  }

  /** Makes what leaves with a step. */
  makeLeaving({ outgoing, starts }: StepPlan, n: number): Leaving {
    return { message: outgoing?.(n), flow: starts?.(n) }
  }

  /** Adds what leaves with a step. */
  leave(entry: JournalEntry, { dueAt, change }: StepPlan, { message, flow }: Leaving): void {
    const { changes, starts } = this.outbox
    const { kind, n } = entry
    if (message !== undefined) this.outbox.outgoing.push(message)
    if (dueAt !== undefined) changes.push({ do: 'timer', flow: this.flow, n, due: dueAt })
    if (kind === 'wait') this.outbox.waits = true
    if (kind === 'ask') changes.push({ do: 'ask', flow: this.flow, entry })
    if (change !== undefined) changes.push(change)
    if (flow === undefined) return
    changes.push({ do: 'start', row: flow })
    starts.push(flow.id)
  }

  /** Writes the end of a step: its timer goes with it. */
  end(entry: JournalEntry): void {
    const { flow } = this
    this.outbox.changes.push({ do: 'entry', flow, entry }, { do: 'untimer', flow, n: entry.of! })
  }

  change(changes: readonly FlowChange[]): void {
    for (const change of changes) this.outbox.changes.push(change)
  }

  /** Starts the flow that continues in place of this one. */
  start(row: FlowRow): void {
    this.outbox.changes.push({ do: 'start', row })
    this.outbox.starts.push(row.id)
  }

  /** Asks to withdraw a step that its flow awaits no longer. */
  lose(step: Step): void {
    this.outbox.lost.push(step)
  }

  setState(state: FlowState, error: ErrorRecord | null, result: unknown, endedAt: number | null): void {
    this.outbox.changes.push({ do: 'state', flow: this.flow, state, error, result, endedAt })
  }
}

const emptyOutbox = (): Outbox => ({ changes: [], outgoing: [], waits: false, starts: [], lost: [] })
