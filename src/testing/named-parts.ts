// The named parts of an outcome: checks of what is expected of them, and their comparison.
import { deepStrictEqual } from 'node:assert'
import { fault } from '../model/errors.ts'
import { isPattern } from '../model/kinds.ts'
import type { MessageType } from '../model/message.ts'

/** A list of messages of an outcome. */
export interface MessageList<Name extends string> {
  readonly name: Name
  readonly kind: MessageType['kind']
  /** The option of the part that declares their types. */
  readonly option: 'publishes' | 'sends'
}

/** A part of an outcome, by name. */
export type NamedPart = readonly [name: string, is: unknown, should: unknown]

/** Where something is expected: `where` begins the texts of errors. */
export interface Expecting {
  readonly where: string
  /** The part under test, in texts. */
  readonly part: string
  readonly declared: ReadonlySet<MessageType>
}

/** An error of a test that expects something in a wrong way. */
export const wrongly = ({ where }: Pick<Expecting, 'where'>, what: string) =>
  fault('millrace/bad-option', `${where}: ${what}`)

/**
 * Checks expected lists: each entry is a list of a declared type and data.
 *
 * @throws `millrace/bad-option`, `millrace/undeclared`
 */
export function checkLists<Name extends string>(
  at: Expecting,
  lists: readonly MessageList<Name>[],
  expected: { readonly [N in Name]?: readonly (readonly unknown[])[] | undefined },
): void {
  for (const { name, kind, option } of lists) {
    const pairs: readonly (readonly unknown[])[] = expected[name] ?? []
    if (!Array.isArray(pairs)) throw wrongly(at, `${name} must be a list`)
    for (const [index, pair] of pairs.entries()) {
      const type = pair?.[0] as MessageType | undefined
      if (type?.kind !== kind) throw wrongly(at, `entry ${index} of ${name} must be a list of ${kind} and data`)
      if (at.declared.has(type)) continue
      const what = `"${type.name}" is expected, but not in the ${option} of ${at.part}`
      throw fault('millrace/undeclared', `${at.where}: ${what}`)
    }
  }
}

/** @throws `millrace/bad-option` */
export function checkFails(at: Expecting, fails: unknown): void {
  if (fails === undefined || typeof fails === 'string' || isPattern(fails)) return
  throw wrongly(at, 'fails must be a pattern for the message or a code')
}

/** The entries of a list of messages with the names of their types. */
export const named = (entries: readonly (readonly [MessageType, ...unknown[]])[]): unknown[] =>
  entries.map(([type, ...rest]) => [type.name, ...rest])

/** Returns the pattern itself where the text fits it, so that the two are equal. */
export function matched(text: string, pattern: RegExp | string | undefined): unknown {
  return isPattern(pattern) && text.search(pattern) >= 0 ? pattern : text
}

/** Compares parts all at once, so that the difference shows their names. */
export function partsDiffer(parts: readonly NamedPart[]): Error | undefined {
  try {
    deepStrictEqual(
      Object.fromEntries(parts.map(([name, is]) => [name, is])),
      Object.fromEntries(parts.map(([name, , should]) => [name, should])),
    )
    return undefined
  } catch (difference) {
    return difference as Error
  }
}
