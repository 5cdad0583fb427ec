// Compares the outcome of a flow with the expected one.
import { AssertionError } from 'node:assert'
import type { ErrorRecord } from '../model/errors.ts'
import type { FlowState } from '../model/flow.ts'
import type { Command, Event } from '../model/message.ts'
import { checkOptions, type Optional } from '../model/options.ts'
import type { Mediator } from '../parts/mediator.ts'
import { checkFails, checkLists, matched, type NamedPart, named, partsDiffer } from './named-parts.ts'

/** The outcome of a flow under test. */
export interface FlowOutcome {
  /** The commands that it called, also in undos, in the order in which they began. */
  readonly called: readonly (readonly [command: Command, data: unknown])[]
  /** The commands that it sent without waiting, in order. */
  readonly sent: readonly (readonly [command: Command, data: unknown])[]
  /** The events that it published, in order. */
  readonly published: readonly (readonly [type: Event, data: unknown])[]
  /** The steps whose undos did something, in the order of the undos. */
  readonly undone: readonly string[]
  /** Its steps by name, also those of undos, in the order in which they began. */
  readonly steps: readonly string[]
  /**
   * Its state: `stuck` after a failed undo or past the point of no return; `paused` where it awaits something other
   * than a step.
   */
  readonly state: FlowState
  /** The result of the function, as JSON keeps it. */
  readonly result: unknown
  /** The error with which it ended; undefined when it completed. */
  readonly error: ErrorRecord | undefined
}

/** The expected outcome of a flow. Only named fields are compared, each list as a whole and in order. */
export interface ExpectedFlow
  extends Optional<Pick<FlowOutcome, 'called' | 'sent' | 'published' | 'undone' | 'steps'>> {
  /** The result of the function. */
  readonly result?: unknown
  /**
   * A pattern for the message of the error with which it ends, or its code; without it the flow must complete.
   */
  readonly fails?: RegExp | string | undefined
  /** The final state; default `completed`, with `fails` any other. */
  readonly state?: FlowState | undefined
}

const known = ['called', 'sent', 'published', 'undone', 'steps', 'result', 'fails', 'state'] as const

/** Compares, and throws the difference. The error of a flow that failed is its cause. */
export async function compareFlow(part: Mediator, ask: () => Promise<FlowOutcome>, expected: ExpectedFlow) {
  checkExpected(part, expected)
  const is = await ask()
  const difference = endDiffers(part, is, expected) ?? partDiffers(is, expected)
  if (difference === undefined) return is
  throw is.error === undefined ? difference : Object.assign(difference, { cause: is.error })
}

const lists = [
  { name: 'called', kind: 'command', option: 'sends' },
  { name: 'sent', kind: 'command', option: 'sends' },
  { name: 'published', kind: 'event', option: 'publishes' },
] as const

function checkExpected({ name: part, spec }: Mediator, expected: ExpectedFlow): void {
  const where = `mediator "${part}": then`
  checkOptions(where, expected, known)
  const at = { where, part, declared: spec.declared }
  checkLists(at, lists, expected)
  checkFails(at, expected.fails)
}

/** Compares the end of the flow with the expected end. */
function endDiffers({ name }: Mediator, { state, error }: FlowOutcome, expected: ExpectedFlow): Error | undefined {
  const wanted = expected.state ?? (expected.fails === undefined ? 'completed' : undefined)
  if (wanted === undefined ? state !== 'completed' : state === wanted) return undefined
  const why = error === undefined ? '' : `: ${error.message}`
  const message = `the flow of mediator "${name}" is ${state}, but should be ${wanted ?? 'failed'}${why}`
  return new AssertionError({ message, actual: state, expected: wanted ?? 'failed' })
}

function partDiffers(outcome: FlowOutcome, expected: ExpectedFlow): Error | undefined {
  const parts: NamedPart[] = []
  for (const { name } of lists) {
    const should = expected[name]
    if (should !== undefined) parts.push([name, named(outcome[name]), named(should)])
  }
  for (const name of ['undone', 'steps', 'result'] as const) {
    if (name in expected) parts.push([name, outcome[name], expected[name]])
  }
  const { fails } = expected
  if (fails !== undefined) {
    const { code, message = '' } = outcome.error ?? {}
    parts.push(['fails', typeof fails === 'string' ? code : matched(message, fails), fails])
  }
  return partsDiffer(parts)
}
