// A change list: what to change in the data of a message, as a value. It is applied to the text of the data, so that
// every character outside of what it changes stays: the digits of numbers, the order of names, white space.
import { asJson, dataOf, replaceData, Stored, sameJson } from './codec.ts'
import { fault } from './errors.ts'
import { type Child, childrenAt, endOfValue, type Span, skipSpace } from './json-text.ts'
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
  const names = change.path.split('/').slice(1).map(nameOf)
  const start = skipSpace(text, 0)
  const whole = { from: start, to: endOfValue(text, start) }
  const last = names.at(-1)
  if (change.op === 'add' && last !== undefined) {
    const within = names.slice(0, -1).reduce((span, _name, depth) => find(text, span, names, depth).value, whole)
    return add(text, within, names, JSON.stringify(change.value))
  }
  if (change.op === 'remove') return remove(text, whole, names)
  const { from, to } = names.reduce((span, _name, depth) => find(text, span, names, depth).value, whole)
  if (change.op !== 'test') return text.slice(0, from) + JSON.stringify(change.value) + text.slice(to)
  if (sameJson(JSON.parse(text.slice(from, to)), change.value)) return text
  throw new Error(`found ${kindAt(text, from)}, which is another value than the one that is expected`)
}

function add(text: string, within: Span, names: readonly string[], value: string): string {
  const name = names.at(-1)!
  const children = childrenAt(text, containerAt(text, within, names, names.length - 1))
  const isList = text[within.from] === '['
  const at = isList ? children[indexIn(names, children.length)] : sole(children, name, names)
  if (at !== undefined && !isList) return text.slice(0, at.value.from) + value + text.slice(at.value.to)
  if (at !== undefined) return `${text.slice(0, at.whole.from)}${value},${text.slice(at.whole.from)}`
  const member = isList ? value : `${JSON.stringify(name)}:${value}`
  const before = children.at(-1)?.whole.to
  if (before === undefined) return text.slice(0, within.from + 1) + member + text.slice(within.from + 1)
  return `${text.slice(0, before)},${member}${text.slice(before)}`
}

function remove(text: string, whole: Span, names: readonly string[]): string {
  const within = names.slice(0, -1).reduce((span, _name, depth) => find(text, span, names, depth).value, whole)
  const found = find(text, within, names, names.length - 1)
  const children = childrenAt(text, within.from)
  const at = children.findIndex(({ whole: { from } }) => from === found.whole.from)
  const [before, after] = [children[at - 1], children[at + 1]]
  // With the comma that follows it, or the one before it where it is the last.
  const from = after === undefined ? (before?.whole.to ?? found.whole.from) : found.whole.from
  return text.slice(0, from) + text.slice(after?.whole.from ?? found.whole.to)
}

/** Finds the member or element that the path names at a depth. */
function find(text: string, within: Span, names: readonly string[], depth: number): Child {
  const children = childrenAt(text, containerAt(text, within, names, depth))
  const upTo = names.slice(0, depth + 1)
  const found =
    text[within.from] === '{' ? sole(children, names[depth]!, upTo) : children[indexIn(upTo, children.length)]
  if (found !== undefined) return found
  throw new Error(`there is no ${pathOf(upTo)}`)
}

/** Returns where the object or list begins in which a name of a path is looked up. */
function containerAt(text: string, { from }: Span, names: readonly string[], depth: number): number {
  if (text[from] === '{' || text[from] === '[') return from
  const what = depth === 0 ? 'all of the data' : pathOf(names.slice(0, depth))
  throw new Error(`${what} is ${kindAt(text, from)}, not an object or a list`)
}

/** The member with a name. One that is there twice is none that a change could mean. */
function sole(children: readonly Child[], name: string, path: readonly string[]): Child | undefined {
  const [found, second] = children.filter((child) => child.name === name)
  if (second !== undefined) throw new Error(`${pathOf(path)} is there twice`)
  return found
}

/** The place in a list that the last name of a path is: a number, or "-" for the end. Only `add` may name the end. */
function indexIn(path: readonly string[], length: number): number {
  const name = path.at(-1)!
  const index = name === '-' ? length : /^(0|[1-9]\d{0,8})$/.test(name) ? Number(name) : undefined
  if (index === undefined)
    throw new Error(`${pathOf(path.slice(0, -1))} is a list, and ${shown(name)} is no place in it`)
  if (index <= length) return index
  throw new Error(`there is no ${pathOf(path)}: the list has ${length} elements`)
}

function kindAt(text: string, at: number): string {
  const kinds: Readonly<Record<string, string>> = { '{': 'an object', '[': 'a list', '"': 'a string', n: 'null' }
  return kinds[text[at]!] ?? (/[tf]/.test(text[at]!) ? 'true or false' : 'a number')
}

const nameOf = (part: string) => part.replaceAll('~1', '/').replaceAll('~0', '~')
const pathOf = (names: readonly string[]) =>
  JSON.stringify(names.map((name) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`).join(''))

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
