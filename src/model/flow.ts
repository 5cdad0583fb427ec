// A flow of a mediator as the store keeps it: a row, and a journal of the steps of its function and their results.
import { type ErrorRecord, fault } from './errors.ts'

/**
 * The state of a flow. `queued`: waits until another flow of its context ends; `running`; `completed`; `compensating`:
 * its steps are being undone; `compensated`; `failed`: there was nothing to undo; `stuck`: an undo failed, or a step
 * after the point of no return, and a person must resume it; `paused`: by a person, or because its code does not fit
 * its journal; `stopped`: by a person, with nothing undone.
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

/** The final states. */
export const flowEnds: readonly FlowState[] = ['completed', 'compensated', 'failed', 'stopped']

/** The flow that waits for this one, and the journal entry of the step that waits. */
export interface ParentFlow {
  readonly flow: number
  readonly n: number
}

/** The result of a step. */
export type Outcome =
  | { readonly ok: true; readonly value: unknown }
  | {
      readonly ok: false
      readonly code: string
      readonly message: string
      readonly data?: unknown
      /** For a call: `unknown` where it may have had effects. */
      readonly effects?: 'never' | 'unknown' | undefined
    }

export type StepKind =
  | 'call'
  | 'send'
  | 'publish'
  | 'wait'
  | 'sleep'
  | 'ask'
  /** Another flow that it waits for, or that continues in its place. */
  | 'flow'
  | 'continue'
  /** A value that is the same in every replay. */
  | 'value'
  | 'version'
  | 'no return'
  /** Actions of people. */
  | 'cancel'
  | 'resume'
  /** A failed step is done again. */
  | 'again'

/** One entry of a journal: a step that began, or (with `of`) the end of one. */
export interface JournalEntry {
  readonly n: number
  /** The entry with which this step began; null where this entry is the beginning. */
  readonly of: number | null
  readonly kind: StepKind
  /** Its name, unique in the flow. */
  readonly step: string
  /** The type of the message, the mediator or the title, where there is one. */
  readonly what: string
  readonly data: unknown
  /** The time of the entry, milliseconds since 1970. */
  readonly at: number
  /** Of an end that has just come, and never stored: the place in a trace that the flow has from then on. */
  readonly trace?: string | undefined
}

/** Tests whether an entry begins a step; actions of people do not. */
export const isStep = ({ of, kind }: JournalEntry): boolean => of === null && kind !== 'cancel' && kind !== 'resume'

/** Tests for a step of an undo. An undo of NAME is `undo NAME`; its own steps are `undo NAME/…`. */
export const isUndo = (step: string): boolean => step.startsWith('undo ')

/** Tests whether a step belongs to the undo of a given name, also to a retry of that undo. */
export function isUndoOf(undo: string, step: string): boolean {
  const prefix = `undo ${step}`
  return undo.startsWith(prefix) && /^(#\d+)?\//.test(undo.slice(prefix.length))
}

const stepCharsMax = 1_024

/** Refuses a bad name of a step. Errors: `millrace/bad-step`. */
export function checkStep(kind: StepKind, name: unknown): void {
  if (typeof name !== 'string' || name.length === 0 || name.length > stepCharsMax) {
    throw badStep(kind, name, `a step has a name of 1 to ${stepCharsMax} characters`)
  }
  if (isUndo(name)) throw badStep(kind, name, 'names that begin with "undo " are those of undos')
}

const badStep = (kind: StepKind, name: unknown, why: string) =>
  fault('millrace/bad-step', `${kind} ${JSON.stringify(name)}: ${why}`)

/** The id of a command names its flow and step, so its result reaches them after any restart. */
export const commandIdOf = (flow: number, n: number): string => `flow/${flow}/${n}`

/** Tests for an id that is reserved for commands sent by flows. */
export const isCommandOfFlow = (id: unknown): boolean => typeof id === 'string' && id.startsWith('flow/')

export function stepOfCommand(id: string): ParentFlow {
  const [, flow, n] = id.split('/')
  return { flow: Number(flow), n: Number(n) }
}

/** A command that was called and has not ended. */
export interface OpenCall {
  readonly id: string
  /** The name of its type. */
  readonly type: string
}

/** The outcome of a command that a flow called, as its journal keeps it. */
export function outcomeOf(state: 'replied' | 'refused' | 'discarded' | 'withdrawn', outcome: unknown): Outcome {
  if (state === 'replied') return { ok: true, value: outcome ?? null }
  const { message, data } = outcome as { message: string; data?: unknown }
  if (state === 'refused') return { ok: false, code: 'refused', message, ...(data === undefined ? {} : { data }) }
  return { ok: false, code: 'millrace/request-discarded', message, effects: 'unknown' }
}

/** The data of the error that a waiting flow gets when its subflow fails. */
export interface SubflowFailed {
  readonly flow: number
  readonly state: FlowState
  /** The error of the subflow; null where it was stopped without a reason. */
  readonly error: Pick<ErrorRecord, 'code' | 'message' | 'data'> | null
}

/** The outcome of a flow for the flow that waits for it. */
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

/** The data of a step that is done again, beside those of its beginning. */
export interface Again {
  /** The entry with which the step first began. */
  readonly of: number
  /** Steps that began because of the failure; the function no longer reaches them. */
  readonly gone: readonly number[]
}

/**
 * Returns a journal for the current function. It leaves out the old end of a step that is done again, and the steps
 * that began because of that end. The result of the new attempt is the end of the step.
 */
export function withoutVoided(journal: readonly JournalEntry[]): {
  readonly entries: JournalEntry[]
  /** The first entry of a step, by the entry with which it was done again. */
  readonly again: ReadonlyMap<number, number>
  /** The entries of steps that the function no longer reaches. */
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

/** Tests whether a step has an undo and an effect, known or possible. */
export function isToUndo(data: unknown, outcome: Outcome | undefined): boolean {
  if ((data as { undo?: boolean } | null)?.undo !== true) return false
  return outcome === undefined || outcome.ok || outcome.effects === 'unknown'
}

/** The step that an undo's step takes back: of the given steps, the one with the longest name that fits. */
export function undoneBy(undo: string, steps: readonly string[]): string | undefined {
  return steps.filter((step) => isUndoOf(undo, step)).toSorted((one, other) => other.length - one.length)[0]
}

/** The names of the undone steps: all that could be undone, or those whose undo has done something. */
export function undoneSteps(state: FlowState, journal: readonly JournalEntry[]): string[] {
  const endOf = (n: number) => journal.findLast(({ of }) => of === n)?.data as Outcome | undefined
  const undos = journal.filter(({ of, step, n }) => of === null && isUndo(step) && endOf(n)?.ok !== false)
  const steps = journal.filter(({ of, data, n }) => of === null && isToUndo(data, endOf(n))).map(({ step }) => step)
  if (state === 'compensated') return steps
  const begun = new Set(undos.map(({ step }) => undoneBy(step, steps)))
  return steps.filter((step) => begun.has(step))
}

/**
 * The part of a journal before a step began, for use by another flow. It includes the ends of its steps, also later
 * ones. A step without an end counts as failed here.
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
