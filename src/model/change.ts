// A change list: what to change in the data of a message, as a value. It is applied to the text of the data, so that
// every character outside of what it changes stays: the digits of numbers, the order of names, white space.
import { asJson, dataOf, replaceData, Stored, sameJson } from './codec.ts'
import { fault } from './errors.ts'
import { editText, kindAt, spanAt } from './json-edit.ts'
import type { MessageType } from './message.ts'
import { suggest } from './names.ts'
import { checkOptions } from './options.ts'
import { messageOf } from './people.ts'

/**
 * One change of data. `path` is a JSON Pointer (RFC 6901), such as `/lines/0/sku`; the empty path is all of the data.
 *
 * - `test`: the value at the path equals `value`, or the change list does not fit
 * - `add`: `value` is a member that is new or replaced, or is inserted in a list; `/lines/-` is the end of a list
 * - `replace`: `value` takes the place of the value that is there
 * - `remove`: the member or element is removed
 */
export type DataChange =
  | { readonly op: 'test' | 'add' | 'replace'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string }

/**
 * Changes that are made one after the other, all or none: a part of JSON Patch (RFC 6902) without `move` and `copy`. At
 * most 100 changes, 65,536 characters as JSON.
 */
export type ChangeList = readonly DataChange[]

const changesMax = 100
const charsMax = 65_536
const pathCharsMax = 1_024
const ops = ['test', 'add', 'replace', 'remove'] as const

/**
 * Checks a change list, and returns a copy of it.
 *
 * @throws `millrace/bad-option`, `millrace/unknown-option`, `millrace/not-json`, `millrace/too-large`
 */
export function checkChangeList(where: string, given: unknown): ChangeList {
  if (!Array.isArray(given) || given.length === 0 || given.length > changesMax) {
    const what = Array.isArray(given) ? `has ${given.length} changes` : 'is no list'
    throw fault('millrace/bad-option', `${where}: the change ${what}, but must be a list of 1 to ${changesMax} changes`)
  }
  for (const [at, change] of given.entries()) checkChange(`${where}: change ${at + 1}`, change)
  return asJson(`the change of ${where}`, given, charsMax) as ChangeList
}

function checkChange(where: string, change: unknown): void {
  const wrong = (what: string) => fault('millrace/bad-option', `${where} ${what}`)
  if (typeof change !== 'object' || change === null || Array.isArray(change)) throw wrong('must be an object')
  const { op, path, value } = change as Partial<Record<'op' | 'path' | 'value', unknown>>
  if (typeof op !== 'string' || !ops.includes(op as DataChange['op'])) {
    const hint = typeof op === 'string' ? suggest(op, ops) : ''
    throw wrong(`has op ${shown(op)}, but must have ${ops.join(', ')}${hint}`)
  }
  checkOptions(where, change, op === 'remove' ? ['op', 'path'] : ['op', 'path', 'value'])
  if (op !== 'remove' && value === undefined) throw wrong(`(${op}) needs a value`)
  if (typeof path !== 'string' || path.length > pathCharsMax || !/^(\/([^~/]|~[01])*)*$/u.test(path)) {
    const what = `has path ${shown(path)}, but must have a JSON Pointer of at most ${pathCharsMax} characters`
    throw wrong(`${what}, such as "/lines/0/sku"; "~1" stands for "/" in a name, "~0" for "~"`)
  }
  if (op === 'remove' && path === '') throw wrong('removes all of the data')
}

const shown = (value: unknown) => (typeof value === 'string' ? JSON.stringify(value.slice(0, 100)) : typeof value)

/**
 * Applies a change list to the text of data. The text of each value that it brings is that of `JSON.stringify`.
 *
 * @throws `millrace/change-does-not-fit`: nothing of it is applied then. The message names the path and the kind of
 *   value that was found, never the value.
 */
export function applyChange(json: string, list: ChangeList): string {
  try {
    JSON.parse(json)
  } catch (cause) {
    throw fault('millrace/change-does-not-fit', 'the data are no JSON', { cause })
  }
  return list.reduce((text, change, at) => {
    try {
      return applyOne(text, change)
    } catch (why) {
      const what = `change ${at + 1} of ${list.length} (${change.op} ${JSON.stringify(change.path)})`
      throw fault('millrace/change-does-not-fit', `${what} does not fit: ${messageOf(why)}`)
    }
  }, json)
}

function applyOne(text: string, change: DataChange): string {
  if (change.op === 'remove') return editText(text, change)
  const { op, path, value } = change
  if (op !== 'test') return editText(text, { op, path, text: JSON.stringify(value) })
  const { from, to } = spanAt(text, path)
  if (sameJson(JSON.parse(text.slice(from, to)), value)) return text
  throw new Error(`found ${kindAt(text, from)}, which is another value than the one that is expected`)
}

/**
 * Makes the same message with changed data, in the current version. Where the schema returns the data as they are, their
 * text stays but for the change.
 *
 * @throws as of {@link applyChange} and `replaceData`
 */
export function changeData(type: MessageType, message: Stored, list: ChangeList, bytesMax: number): Stored {
  const text = applyChange(message.json, list)
  const isToday = message.version === type.version
  const data = currentData(type, message, text)
  const next = replaceData(type, message, data, bytesMax)
  if (!isToday || Buffer.byteLength(text) > bytesMax || !sameJson(JSON.parse(next.json), data)) return next
  const kept = new Stored(next.type, next.version, next, next.context, text)
  kept.position = next.position
  return kept
}

/** The data of a message in the current version, when a change list has made them `text`. */
export function currentData(type: MessageType, { version }: Stored, text: string): unknown {
  return version === type.version ? JSON.parse(text) : dataOf(type, version, text)
}
