// A flow of a mediator, as it is kept: a row, and a journal of what its function began and was told.
import { type ErrorRecord, fault } from './errors.ts'

/**
 * `queued`: waits for another flow of its context to end; `running`; `completed`; `compensating`: what it did is being
 * undone; `compensated`; `failed`: nothing was there to undo; `stuck`: an undo has failed, or a step after the point of
 * no return, and a person resumes; `paused` by a person, or because its code does not fit its journal; `stopped` by a
 * person: nothing was undone.
 */
export type FlowState =
  | 'queued'
  | 'running'
  | 'completed'
  | 'compensating'
  | 'compensated'
  | 'failed'
  | 'stuck'
  | 'paused'
  | 'stopped'

/** The states of flows that have not ended. */
export const flowsUnderWay: readonly FlowState[] = ['queued', 'running', 'compensating', 'stuck', 'paused']

/** The states that are ends. */
export const flowEnds: readonly FlowState[] = ['completed', 'compensated', 'failed', 'stopped']

/** The flow that waits for a flow, and the entry of its journal with which it began to. */
export interface ParentFlow {
  readonly flow: number
  readonly n: number
}

/** How a step has ended. */
export type Outcome =
  | { readonly ok: true; readonly value: unknown }
  | {
      readonly ok: false
      readonly code: string
      readonly message: string
      readonly data?: unknown
      /** Of a call: whether it may have had effects. */
      readonly effects?: 'never' | 'unknown' | undefined
    }

export type StepKind =
  | 'call'
  | 'send'
  | 'publish'
  | 'wait'
  | 'sleep'
  | 'ask'
  /** Another flow that it waits for, or that goes on in its place. */
  | 'flow'
  | 'continue'
  /** A value that is the same at each replay. */
  | 'value'
  | 'version'
  | 'no return'
  /** What people do. */
  | 'cancel'
  | 'resume'
  /** A step that had failed is done again. */
  | 'again'

/** One entry of a journal: a step that began, or (with `of`) the end of one. */
export interface JournalEntry {
  readonly n: number
  /** The entry with which the step began that ends here; null where one begins. */
  readonly of: number | null
  readonly kind: StepKind
  /** Its name, unique in the flow. */
  readonly step: string
  /** The type of the message, the mediator or the title, where there is one. */
  readonly what: string
  readonly data: unknown
  /** Milliseconds since 1970. */
  readonly at: number
}

/** Whether an entry is the beginning of a step, and not of a person. */
export const isStep = ({ of, kind }: JournalEntry): boolean => of === null && kind !== 'cancel' && kind !== 'resume'

/** Undos are named after what they undo: `undo NAME`; what they do has names of its own within that, `undo NAME/…`. */
export const isUndo = (step: string): boolean => step.startsWith('undo ')

/** Whether a step of an undo is one of the undo of a step with that name, also when that was tried again. */
export function isUndoOf(undo: string, step: string): boolean {
  const prefix = `undo ${step}`
  return undo.startsWith(prefix) && /^(#\d+)?\//.test(undo.slice(prefix.length))
}

const stepCharsMax = 1_024

/** Errors: `millrace/bad-step`. */
export function checkStep(kind: StepKind, name: unknown): void {
  if (typeof name !== 'string' || name.length === 0 || name.length > stepCharsMax) {
    throw badStep(kind, name, `a step has a name of 1 to ${stepCharsMax} characters`)
  }
  if (isUndo(name)) throw badStep(kind, name, 'names that begin with "undo " are those of undos')
}

const badStep = (kind: StepKind, name: unknown, why: string) =>
  fault('millrace/bad-step', `${kind} ${JSON.stringify(name)}: ${why}`)

/** The id of a command says whose it is: so its end finds the way back, whatever was restarted meanwhile. */
export const commandIdOf = (flow: number, n: number): string => `flow/${flow}/${n}`

/** Nobody else may give such an id. */
export const isCommandOfFlow = (id: unknown): boolean => typeof id === 'string' && id.startsWith('flow/')

export function stepOfCommand(id: string): ParentFlow {
  const [, flow, n] = id.split('/')
  return { flow: Number(flow), n: Number(n) }
}

/** How a command that a flow has called has ended, as its journal has it. */
export function outcomeOf(state: 'replied' | 'refused' | 'discarded' | 'withdrawn', outcome: unknown): Outcome {
  if (state === 'replied') return { ok: true, value: outcome ?? null }
  const { message, data } = outcome as { message: string; data?: unknown }
  if (state === 'refused') return { ok: false, code: 'refused', message, ...(data === undefined ? {} : { data }) }
  return { ok: false, code: 'millrace/request-discarded', message, effects: 'unknown' }
}

/** What the failure of a flow is to the one that waits for it, as data of its error. */
export interface SubflowFailed {
  readonly flow: number
  readonly state: FlowState
  /** Why; null where it was stopped without a reason. */
  readonly error: Pick<ErrorRecord, 'code' | 'message' | 'data'> | null
}

/** What a flow is to the one that waits for it. */
export function outcomeOfFlow(flow: {
  readonly id: number
  readonly mediator: string
  readonly state: FlowState
  readonly error: ErrorRecord | null
  readonly result: unknown
}): Outcome {
  const { id, mediator, state, error, result } = flow
  if (state === 'completed') return { ok: true, value: result ?? null }
  let why: SubflowFailed['error'] = null
  if (error !== null) {
    const { code, message, data } = error
    why = { code, message, ...(data === undefined ? {} : { data }) }
  }
  return {
    ok: false,
    code: 'millrace/subflow-failed',
    message: `flow ${id} of mediator "${mediator}" is ${state}${why === null ? '' : `: ${why.message}`}`,
    data: { flow: id, state, error: why } satisfies SubflowFailed,
    effects: state === 'stopped' ? 'unknown' : 'never',
  }
}

/** What goes with a step that is done again, besides what goes with its beginning. */
export interface Again {
  /** The entry with which it began first. */
  readonly of: number
  /** Steps that began because it had failed: they are on the way of the function no more. */
  readonly gone: readonly number[]
}

/**
 * A journal as today's function is to meet it: the end of a step that is done again counts no more, nor does what began
 * because of it, and what comes of the new attempt is the end of the step.
 */
export function withoutVoided(journal: readonly JournalEntry[]): {
  readonly entries: JournalEntry[]
  /** The entry with which a step began, by that with which it was done again. */
  readonly again: ReadonlyMap<number, number>
  /** The entries of steps that are on the way no more. */
  readonly gone: ReadonlySet<number>
} {
  const again = new Map<number, number>()
  const gone = new Set<number>()
  const last = new Map<number, JournalEntry>()
  for (const entry of journal) {
    if (entry.kind !== 'again') continue
    const { of, gone: those } = entry.data as Again
    again.set(entry.n, of)
    last.set(of, entry)
    for (const n of those) gone.add(n)
  }
  if (again.size === 0) return { entries: [...journal], again, gone }
  const entries = journal.flatMap((entry) => {
    if (entry.kind === 'again' || gone.has(entry.of ?? entry.n)) return []
    const first = entry.of === null ? entry.n : (again.get(entry.of) ?? entry.of)
    const attempt = last.get(first)
    if (attempt === undefined) return [entry]
    if (entry.of !== null) return entry.of === attempt.n ? [{ ...entry, of: first }] : []
    const { of, gone: _, ...data } = attempt.data as Again
    return [{ ...entry, data }]
  })
  return { entries, again, gone }
}

/** Whether a step has an undo, and an effect, as far as is known. */
export function isToUndo(data: unknown, outcome: Outcome | undefined): boolean {
  if ((data as { undo?: boolean } | null)?.undo !== true) return false
  return outcome === undefined || outcome.ok || outcome.effects === 'unknown'
}

/** The step that a step of an undo takes back, of those that there are: the one with the longest name that fits. */
export function undoneBy(undo: string, steps: readonly string[]): string | undefined {
  return steps.filter((step) => isUndoOf(undo, step)).toSorted((one, other) => other.length - one.length)[0]
}

/** The names of the steps that a flow has undone: all that it could, or those whose undo has done something. */
export function undoneSteps(state: FlowState, journal: readonly JournalEntry[]): string[] {
  const endOf = (n: number) => journal.findLast(({ of }) => of === n)?.data as Outcome | undefined
  const undos = journal.filter(({ of, step, n }) => of === null && isUndo(step) && endOf(n)?.ok !== false)
  const steps = journal.filter(({ of, data, n }) => of === null && isToUndo(data, endOf(n))).map(({ step }) => step)
  if (state === 'compensated') return steps
  const begun = new Set(undos.map(({ step }) => undoneBy(step, steps)))
  return steps.filter((step) => begun.has(step))
}

/**
 * The part of a journal before a step began, as that of another flow: with the ends of its steps, those that came later
 * too. What had no end there has failed here.
 */
export function takenOver(
  journal: readonly JournalEntry[],
  from: string,
  flow: number,
  newN: () => number,
): JournalEntry[] {
  const { entries, again } = withoutVoided(journal)
  const isOwn = ({ of, kind, step }: JournalEntry) =>
    of === null && kind !== 'cancel' && kind !== 'resume' && !isUndo(step)
  const cut = entries.findIndex((entry) => isOwn(entry) && entry.step === from)
  if (cut === -1) {
    const steps = entries.filter(isOwn).map(({ step }) => `"${step}"`)
    throw fault('millrace/unknown-step', `flow ${flow} has no step "${from}"; it has ${steps.join(', ') || 'none'}`)
  }
  const attempts = new Map([...again].map(([later, first]) => [first, later]))
  const numbers = new Map<number, number>()
  const open = new Map<number, JournalEntry>()
  const kept: JournalEntry[] = []
  entries.forEach((entry, index) => {
    const { n, of, kind, data } = entry
    if (of === null) {
      if (index >= cut || !isOwn(entry)) return
      const command = { commandId: commandIdOf(flow, attempts.get(n) ?? n) }
      const own = { ...entry, n: newN(), data: kind === 'call' ? { ...command, ...(data as object) } : data }
      numbers.set(n, own.n)
      if (withEnd.has(kind)) open.set(own.n, own)
      kept.push(own)
    } else if (numbers.has(of)) {
      open.delete(numbers.get(of)!)
      kept.push({ ...entry, n: newN(), of: numbers.get(of)! })
    }
  })
  for (const entry of open.values()) {
    const outcome: Outcome = {
      ok: false,
      code: 'millrace/step-cancelled',
      message: `"${entry.step}" had not ended in flow ${flow}`,
    }
    kept.push({ ...entry, n: newN(), of: entry.n, data: outcome })
  }
  return kept
}

const withEnd: ReadonlySet<string> = new Set(['call', 'wait', 'sleep', 'ask', 'flow'])
