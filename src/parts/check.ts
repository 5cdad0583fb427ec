// The checks that several kinds of parts make alike.
import { fault } from '../model/errors.ts'
import { dateMs } from '../model/kinds.ts'
import type { Destination } from '../model/message.ts'
import { checkName, checkWords, isName, isTable, own, suggest, wordsMax } from '../model/names.ts'
import { checkOptions } from '../model/options.ts'

/** The earlier name of a part, or several. */
export type RenamedFrom = string | readonly string[]

type Table = Readonly<Record<string, unknown>>

/**
 * Checks the name of a part and the names of its options.
 *
 * @returns the part, as errors name it: `desk "orders"`
 * @throws `millrace/bad-name`, `millrace/bad-option`, `millrace/unknown-option`
 */
export function checkPart(kind: string, name: string, options: object, known: readonly string[]): string {
  checkName(kind, name)
  const where = `${kind} "${name}"`
  checkOptions(where, options, known)
  return where
}

/**
 * Checks the earlier names of a part.
 *
 * @returns them as a list
 * @throws `millrace/bad-option`
 */
export function checkRenamedFrom(where: string, name: string, given: RenamedFrom | undefined): readonly string[] {
  const earlier = given === undefined ? [] : typeof given === 'string' ? [given] : given
  if (!Array.isArray(earlier) || !earlier.every(isName)) {
    throw fault('millrace/bad-option', `${where}: renamedFrom must be the earlier name of the part, or a list of them`)
  }
  if (earlier.includes(name)) {
    throw fault('millrace/bad-option', `${where}: renamedFrom is its own name: give the name that it had before`)
  }
  return Object.freeze([...earlier])
}

/** @throws `millrace/bad-option` */
export function checkStartAt(where: string, startAt: unknown): void {
  if (startAt === undefined || startAt === 'beginning' || startAt === 'now' || Number.isFinite(dateMs(startAt))) return
  throw fault('millrace/bad-option', `${where}: startAt must be 'beginning', 'now' or a valid Date`)
}

/** @throws `millrace/bad-option` */
export function checkOwner(where: string, owner: unknown): string | undefined {
  return checkWords(where, 'owner', owner, wordsMax)
}

/** @throws `millrace/bad-option` */
export function checkOnTopic(where: string, on: Destination): void {
  if (on?.kind !== 'topic') throw fault('millrace/bad-option', `${where}: on must be a topic`)
}

/** @throws `millrace/bad-option` */
export function checkOnDestination(where: string, on: Destination): void {
  if (on?.kind === 'topic' || on?.kind === 'channel') return
  throw fault('millrace/bad-option', `${where}: on must be a topic or a channel`)
}

/** The option that has functions by type, and what errors call one of them. */
export interface Functions {
  readonly option: string
  readonly one: string
}

/**
 * Checks that an option is an object that inherits nothing: functions that a class has would be passed over in silence.
 *
 * @throws `millrace/bad-option`
 */
export function checkTable(where: string, { option, one }: Functions, table: unknown): void {
  if (isTable(table)) return
  const inherits =
    typeof table === 'object' && table !== null ? ', not of a class: inherited functions do not count' : ''
  throw fault('millrace/bad-option', `${where}: ${option} must be an object with a ${one} per type${inherits}`)
}

/**
 * Checks that each name in a table is a type of the topic or channel. Each entry is a function, or undefined.
 *
 * @throws `millrace/unknown-handler`, `millrace/bad-option`
 */
export function checkByType(where: string, one: string, on: Destination, table: Table): void {
  const names = on.types.map((type) => type.name)
  for (const [name, entry] of Object.entries(table)) {
    if (!names.includes(name)) {
      const left = names.filter((other) => own(table, other) === undefined)
      const hint = suggest(name, left)
      throw fault('millrace/unknown-handler', `${where}: "${name}" is not on ${on.kind} "${on.name}"${hint}`)
    }
    if (typeof entry !== 'function' && entry !== undefined) {
      throw fault('millrace/bad-option', `${where}: the ${one} of "${name}" is no function`)
    }
  }
}
