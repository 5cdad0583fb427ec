// Where the code of a flow does not follow its journal.
//
//   follows ──it begins another step, lacks one, or awaits something else──→ differs: the first difference counts
//
// A mismatch stops the code at once; the flow is paused when it comes to rest. An unprompted step is reported to the
// engine, which pauses the flow.
import { type ErrorRecord, fault, recordError } from '../../model/errors.ts'
import type { JournalEntry } from '../../model/flow.ts'
import type { Ending } from './ending.ts'
import type { Replay } from './replay.ts'
import { nameOf, type Steps } from './steps.ts'

/** What it needs of the flow. */
export interface DifferencesFlow {
  readonly id: number
  readonly row: { readonly version: number }
  readonly host: { readonly spec: { readonly name: string }; unprompted(why: ErrorRecord): void }
  readonly replay: Replay
  readonly steps: Steps
  readonly ending: Ending
}

/** How many of the last steps a mismatch names. */
const passedMax = 3

export class Differences {
  private readonly flow: DifferencesFlow
  mismatch: Error | undefined
  /** The first step that began though the flow had got nothing. */
  unprompted: ErrorRecord | undefined

  constructor(flow: DifferencesFlow) {
    this.flow = flow
  }

  /** The code does something else where the journal has an entry. */
  differs(what: string, journal: JournalEntry, code = this.doing()): void {
    if (this.mismatch !== undefined) return
    const { id, row, host, replay, steps } = this.flow
    const where = `mediator "${host.spec.name}" version ${row.version}, flow ${id}`
    const begun = replay.steps().filter(({ n }) => steps.has(n))
    const data = { journal: nameOf(journal), code, after: begun.slice(-passedMax).map(nameOf) }
    this.mismatch = fault('millrace/flow-mismatch', `${where}: ${what}`, { data })
  }

  /** The code has not begun a step that the journal has next. */
  lacks(entry: JournalEntry): void {
    const { replay } = this.flow
    if (replay.repeats.mayBeVoid(entry)) {
      replay.drop(entry)
      replay.repeats.void(entry)
    } else this.differs(`the journal goes on with ${nameOf(entry)}, today's code ${this.doing()} there`, entry)
  }

  /** The code has begun a step though the flow had got nothing: it awaited something that is no step. */
  beganUnprompted(step: string): void {
    this.unprompted ??= this.outside(`it came to ${step} after waiting for something that is no step of \`flow\``)
    this.flow.host.unprompted(this.unprompted)
  }

  /** Why a flow without an open step is paused: a replay could not reproduce what it awaits. */
  awaitsOutside(): ErrorRecord {
    const { last } = this.flow.steps
    const after = last === undefined ? 'at its beginning' : `after "${last.entry.step}"`
    return this.outside(`it waits ${after} for something that is no step of \`flow\``)
  }

  private outside(what: string): ErrorRecord {
    const { id, host } = this.flow
    return recordError(fault('millrace/flow-waits-outside', `mediator "${host.spec.name}", flow ${id}: ${what}`))
  }

  /** What the function does now, for people. */
  private doing(): string {
    const { ending, steps } = this.flow
    const end = ending.function
    if (end?.ok) return 'returns'
    if (end !== undefined) return `fails with ${recordError(end.value).message}`
    const open = [...steps.open].map(({ entry }) => nameOf(entry))
    return open.length === 0 ? 'waits for something that is no step of `flow`' : `waits for ${open.join(', ')}`
  }
}
