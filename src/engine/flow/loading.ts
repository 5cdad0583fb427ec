// Makes flows from their journals.
//
//   row ──under way, or queued and its turn has come──→ run ──the journal──→ replayed ──→ kept in memory ──→ told what has
//   ended since, what it leaves written ──→ offered mail
//      └ ended, paused, or no app has its mediator: not made     └ its code or its type is gone: paused
import { recordError } from '../../model/errors.ts'
import type { JournalEntry } from '../../model/flow.ts'
import type { FlowRow } from '../../model/flow-views.ts'
import type { Message } from '../../model/message.ts'
import type { FlowChange, FlowRows } from '../../seam/flows.ts'
import { KeyedMutex } from '../kit/keyed-mutex.ts'
import type { MediatorSpec } from './host.ts'
import type { Making } from './making.ts'
import type { FlowRun } from './run.ts'

/** What the making from journals needs of the flows. */
export interface LoadingHost {
  readonly rows: Pick<FlowRows, 'row' | 'journal' | 'next'>
  readonly making: Pick<Making, 'beginningOf' | 'runOf'>
  specOf(mediator: string): MediatorSpec | undefined
  /** A flow is about to be told the ends in its journal, which is given with the places in traces that it lacks. */
  inJournal(flow: number, journal: readonly JournalEntry[]): readonly JournalEntry[]
  /** A flow is made and hears of all that comes from now on. */
  keep(run: FlowRun): void
  flush(run: FlowRun): Promise<void>
  offerMail(run: FlowRun): void
  /** Begins the flow whose turn it is in a context, unless it is this one. */
  next(mediator: string, context: string, after: number): void
  write(changes: readonly FlowChange[]): Promise<void>
}

export class Loading {
  private readonly host: LoadingHost
  /** Of serial flows, by mediator and context: one at a time asks for its turn and begins. */
  private readonly turns = new KeyedMutex<string>()

  constructor(host: LoadingHost) {
    this.host = host
  }

  /** As of `MemoryHost`. */
  async make(id: number, repeat: number | undefined, known: (run: FlowRun) => void): Promise<FlowRun | undefined> {
    const { rows, specOf, next } = this.host
    const row = await rows.row(id)
    const spec = row && specOf(row.mediator)
    if (row === undefined || spec === undefined || row.endedAt !== null || row.state === 'paused') return undefined
    const { mediator, context } = row
    const begin = () => this.replay(row, spec, repeat, known)
    if (row.state !== 'queued' || context === null) return begin()
    // An older one may be written while this one begins: it waits then for this one.
    return this.turns.take(JSON.stringify([mediator, context]), async () => {
      if ((await rows.next(mediator, context)) !== id) return undefined
      // It may end as it begins.
      return begin().finally(() => next(mediator, context, id))
    })
  }

  private async replay(
    row: FlowRow,
    spec: MediatorSpec,
    repeat: number | undefined,
    known: (run: FlowRun) => void,
  ): Promise<FlowRun | undefined> {
    const { host } = this
    let message: Message
    try {
      message = host.making.beginningOf(row, spec)
    } catch (error) {
      await host.write([{ do: 'state', flow: row.id, state: 'paused', error: recordError(error), endedAt: null }])
      return undefined
    }
    const run = host.making.runOf(spec, row)
    // Before the journal is read: so no end of a step is missed between the two.
    known(run)
    const journal = host.inJournal(row.id, await host.rows.journal(row.id))
    await run.begin(message, journal, repeat)
    host.keep(run)
    // What has ended since the journal was read.
    await run.input(() => {})
    await host.flush(run)
    host.offerMail(run)
    return run
  }
}
