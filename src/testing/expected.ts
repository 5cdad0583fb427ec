// Compares the outcome of an attempt with the expected one.
import { AssertionError } from 'node:assert'
import type { ProcessorSpec } from '../engine/spec.ts'
import { recordError } from '../model/errors.ts'
import { isPattern } from '../model/kinds.ts'
import type { MessageType } from '../model/message.ts'
import { checkOptions, type Optional } from '../model/options.ts'
import { checkFails, checkLists, matched, type NamedPart, named, partsDiffer, wrongly } from './named-parts.ts'
import { collapsed, type Outcome } from './trial.ts'

/** The expected outcome of an attempt. Only named fields are compared, each list as a whole and in order. */
export interface Expected extends Optional<Pick<Outcome, 'published' | 'sent' | 'cancelled' | 'reply'>> {
  /** `true` for any refusal; a pattern for its reason; any other value for its data. */
  readonly refused?: unknown
  /** A pattern for the message of the error, or its code. */
  readonly fails?: RegExp | string | undefined
  /** A pattern for each statement, or its text with `?` for each value; white space does not matter. */
  readonly queries?: readonly (RegExp | string)[] | undefined
}

/**
 * A message at a processor. It is handled once, when its outcome is first needed: by `then(expected)`, or by `await`,
 * which returns the {@link Outcome}.
 */
export interface Case {
  /**
   * Compares the outcome with the expected one, strictly. An attempt that failed or was refused unexpectedly fails the
   * comparison, with its error as `cause`.
   *
   * @param expected the fields to compare
   * @returns the whole outcome
   * @throws `AssertionError` with the difference; `millrace/undeclared` when a type is expected that the processor does
   *   not publish or send; `millrace/unknown-option`, `millrace/bad-option`
   *
   * @example
   * ```ts
   * const many = { orderId: 'o-1', sku: 'sieve', quantity: 2_000 }
   * await given(warehouse).when(TakeStock, many).then({ refused: { left: 1_000 } })
   * ```
   */
  then(this: Comparing, expected: Expected): Promise<Outcome>
  then<A = Outcome, B = never>(
    ended?: ((outcome: Outcome) => A | PromiseLike<A>) | null,
    failed?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B>
  // biome-ignore lint/suspicious/noExplicitAny: see Comparing
  readonly _comparing?: any | undefined
}

/**
 * Exists for the compiler only. The `any` makes a case assignable to it, but not a subtype of it. So `then(expected)`
 * can be called, and `await` considers only the other `then`.
 */
export interface Comparing {
  readonly _comparing?: 'then(expected)' | undefined
}

const lists = [
  { name: 'published', kind: 'event', option: 'publishes' },
  { name: 'sent', kind: 'command', option: 'sends' },
] as const

/** Makes a case; `ask` returns the same outcome on each call. */
export function caseOf(spec: ProcessorSpec, type: MessageType, ask: () => Promise<Outcome>): Case {
  const who = `processor "${spec.name}"`
  const compare = async (expected: Expected): Promise<Outcome> => {
    checkExpected(who, spec, expected)
    const outcome = await ask()
    const difference = endDiffers(who, type, outcome, expected) ?? partDiffers(outcome, expected)
    if (difference === undefined) return outcome
    const cause = outcome.error ?? outcome.refused
    throw cause === undefined ? difference : Object.assign(difference, { cause })
  }
  const then = (first: unknown, failed?: (error: unknown) => unknown) =>
    typeof (first ?? undefined) === 'object' ? compare(first as Expected) : ask().then(first as never, failed)
  return { then } as Case
}

function checkExpected(who: string, spec: ProcessorSpec, expected: Expected): void {
  const where = `${who}: then`
  checkOptions(where, expected, ['published', 'sent', 'cancelled', 'reply', 'refused', 'fails', 'queries'])
  const at = { where, part: who, declared: spec.declared }
  checkLists(at, lists, expected)
  const { cancelled = [], queries = [], fails, refused } = expected
  if (!Array.isArray(cancelled)) throw wrongly(at, 'cancelled must be a list')
  for (const [index, pair] of cancelled.entries()) {
    if (!spec.declared.has(pair?.[0]) || typeof pair[1] !== 'string') {
      throw wrongly(
        at,
        `entry ${index} of cancelled must be a list of a type that ${who} publishes or sends, and an id`,
      )
    }
  }
  if (!Array.isArray(queries)) throw wrongly(at, 'queries must be a list')
  checkFails(at, fails)
  if (fails !== undefined && refused !== undefined)
    throw wrongly(at, 'an attempt fails or is refused, name one of them')
}

/** Compares the kind of end: success, refusal or failure. */
function endDiffers(who: string, type: MessageType, outcome: Outcome, expected: Expected): Error | undefined {
  const ended = outcome.error !== undefined ? 'failed' : outcome.refused !== undefined ? 'refused' : 'handled'
  const wanted = expected.fails !== undefined ? 'failed' : expected.refused !== undefined ? 'refused' : 'handled'
  if (ended === wanted) return undefined
  const did = `${who} ${ended === 'failed' ? 'failed at' : ended} ${type.kind} "${type.name}"`
  const instead = { failed: ', but it should have failed', refused: ', but it should have refused it', handled: '' }
  const why = ended === 'handled' ? '' : `: ${recordError(outcome.error ?? outcome.refused).message}`
  return new AssertionError({ message: `${did}${instead[wanted]}${why}`, actual: ended, expected: wanted })
}

function partDiffers(outcome: Outcome, expected: Expected): Error | undefined {
  const { refused, error } = outcome
  const parts: NamedPart[] = []
  for (const { name } of lists) {
    if (expected[name] !== undefined) parts.push([name, named(outcome[name]), named(expected[name])])
  }
  if (expected.cancelled !== undefined) {
    parts.push(['cancelled', named(outcome.cancelled), named(expected.cancelled)])
  }
  if ('reply' in expected) parts.push(['reply', outcome.reply, expected.reply])
  if (refused !== undefined && expected.refused !== true) {
    const is = isPattern(expected.refused) ? matched(refused.message, expected.refused) : refused.data
    parts.push(['refused', is, expected.refused])
  }
  if (expected.fails !== undefined) {
    const { code, message } = recordError(error)
    parts.push(['fails', typeof expected.fails === 'string' ? code : matched(message, expected.fails), expected.fails])
  }
  if (expected.queries !== undefined) {
    const should = expected.queries.map((query) => (typeof query === 'string' ? collapsed(query) : query))
    parts.push(['queries', outcome.queries.map(({ text }, index) => matched(text, should[index])), should])
  }
  return partsDiffer(parts)
}
