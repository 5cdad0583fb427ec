// One change of the text of a JSON document: every character outside of what it changes stays. The values that it brings
// are texts too, so that a number keeps its digits. It knows nothing of messages: servers and pages share it.
import { type Child, childrenAt, endOfValue, type Span, skipSpace } from './json-text.ts'

/** A change whose value is the text of a JSON value. `path` is a JSON Pointer (RFC 6901). */
export type TextChange =
  | { readonly op: 'add' | 'replace'; readonly path: string; readonly text: string }
  | { readonly op: 'remove'; readonly path: string }

/**
 * Makes a change.
 *
 * @param json the text of a JSON document
 * @throws an error that names the path and the kind of value that was found, never the value
 */
export function editText(json: string, change: TextChange): string {
  const names = namesOf(change.path)
  const whole = wholeOf(json)
  const last = names.at(-1)
  if (change.op === 'add' && last !== undefined) {
    const within = names.slice(0, -1).reduce((span, _name, depth) => find(json, span, names, depth).value, whole)
    return add(json, within, names, change.text)
  }
  if (change.op === 'remove') return remove(json, whole, names)
  const { from, to } = spanAt(json, change.path)
  return json.slice(0, from) + change.text + json.slice(to)
}

/** Finds the value at a path. Errors as of {@link editText}. */
export function spanAt(json: string, path: string): Span {
  const names = namesOf(path)
  return names.reduce((span, _name, depth) => find(json, span, names, depth).value, wholeOf(json))
}

function wholeOf(json: string): Span {
  const from = skipSpace(json, 0)
  return { from, to: endOfValue(json, from) }
}

const namesOf = (path: string) => path.split('/').slice(1).map(nameOf)

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
    throw new Error(
      `${pathOf(path.slice(0, -1))} is a list, and ${JSON.stringify(name.slice(0, 100))} is no place in it`,
    )
  if (index <= length) return index
  throw new Error(`there is no ${pathOf(path)}: the list has ${length} elements`)
}

/** Names the kind of value that begins at an index. */
export function kindAt(text: string, at: number): string {
  const kinds: Readonly<Record<string, string>> = { '{': 'an object', '[': 'a list', '"': 'a string', n: 'null' }
  return kinds[text[at]!] ?? (/[tf]/.test(text[at]!) ? 'true or false' : 'a number')
}

const nameOf = (part: string) => part.replaceAll('~1', '/').replaceAll('~0', '~')
const pathOf = (names: readonly string[]) =>
  JSON.stringify(names.map((name) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`).join(''))
