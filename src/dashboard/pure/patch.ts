// The difference of two JSON documents, as the patch that is sent. It compares texts, not values, so that what nobody has
// touched is not in it: `1.10` and `12345678901234567890` stay as they are stored.
//
// - Objects: members that are gone are removed, new ones added, others compared. Their order and white space are no difference.
// - Lists: what is alike at both ends stays. Between them elements are compared in pairs; the rest is removed from the back, or
//   added.
// - A name that is there twice, and what is nested too deeply, is replaced whole.
// - It never replaces the whole document in place of many changes: a page may not know all of it. The server says how many
//   it takes.
import { editText, type TextChange } from '../../model/json-edit.ts'
import { type Child, childrenAt, endOfValue, skipSpace } from '../../model/json-text.ts'

export type { TextChange } from '../../model/json-edit.ts'

const depthMax = 100

/**
 * The changes that make one document of another, in the order in which they are made.
 *
 * @param before the text of a JSON document
 * @param after the text of another
 * @throws SyntaxError where one is no JSON
 */
export function patchOf(before: string, after: string): TextChange[] {
  JSON.parse(before)
  JSON.parse(after)
  const changes: TextChange[] = []
  compare(before.trim(), after.trim(), { path: '', depth: 0, changes })
  return changes
}

/** The document with the changes. Every character outside of them stays. */
export function applied(before: string, changes: readonly TextChange[]): string {
  return changes.reduce(editText, before)
}

/** The patch as JSON Patch (RFC 6902), to be sent: the texts of its values stand in it as they are. */
export function patchText(changes: readonly TextChange[]): string {
  const all = changes.map((change) => {
    const { op, path } = change
    const value = op === 'remove' ? '' : `,"value":${change.text}`
    return `{"op":"${op}","path":${JSON.stringify(path)}${value}}`
  })
  return `[${all.join(',')}]`
}

/** The paths of changes with a number whose digits JavaScript does not keep: the server would store another number. */
export function inexactIn(changes: readonly TextChange[]): string[] {
  return changes.flatMap((change) =>
    change.op === 'remove' || numbersIn(change.text).every(isExact) ? [] : [change.path],
  )
}

/** Tests whether a number is stored with the value that its text says. */
export function isExact(text: string): boolean {
  return magnitudeOf(text) === magnitudeOf(String(Number(text)))
}

/** A number as its digits and its power of ten: `1.10` and `0.11e1` are one. */
function magnitudeOf(text: string): string {
  const [, sign = '', whole = '', part = '', power = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? []
  const digits = `${whole}${part}`.replace(/^0+/, '')
  const kept = digits.replace(/0+$/, '')
  if (kept === '') return digits === '' && whole === '' ? text : '0'
  return `${sign}${kept}e${Number(power) - part.length + digits.length - kept.length}`
}

function numbersIn(json: string): string[] {
  return [...json.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g)]
    .map(([one]) => one)
    .filter((one) => one[0] !== '"')
}

interface Place {
  readonly path: string
  readonly depth: number
  readonly changes: TextChange[]
}

function compare(before: string, after: string, place: Place): void {
  const { path, depth, changes } = place
  if (isSame(before, after)) return
  const kind = before[0]
  if (depth < depthMax && kind === after[0] && (kind === '{' || kind === '[')) {
    const [was, is] = [childrenAt(before, 0), childrenAt(after, 0)]
    if (kind === '[') {
      compareLists(textsOf(before, was), textsOf(after, is), place)
      return
    }
    if (isPlain(was) && isPlain(is)) {
      compareObjects(namedIn(before, was), namedIn(after, is), place)
      return
    }
  }
  changes.push({ op: 'replace', path, text: after })
}

function compareObjects(was: ReadonlyMap<string, string>, is: ReadonlyMap<string, string>, place: Place): void {
  const { path, depth, changes } = place
  for (const name of was.keys()) if (!is.has(name)) changes.push({ op: 'remove', path: pathTo(path, name) })
  for (const [name, text] of is) {
    const before = was.get(name)
    const inner = pathTo(path, name)
    if (before === undefined) changes.push({ op: 'add', path: inner, text })
    else compare(before, text, { path: inner, depth: depth + 1, changes })
  }
}

function compareLists(was: readonly string[], is: readonly string[], { path, depth, changes }: Place): void {
  let start = 0
  while (start < was.length && start < is.length && isSame(was[start]!, is[start]!)) start++
  const room = Math.min(was.length, is.length) - start
  let end = 0
  while (end < room && isSame(was.at(-1 - end)!, is.at(-1 - end)!)) end++
  const pairs = room - end
  for (let at = start; at < start + pairs; at++) {
    compare(was[at]!, is[at]!, { path: pathTo(path, at), depth: depth + 1, changes })
  }
  for (let at = was.length - end - 1; at >= start + pairs; at--) changes.push({ op: 'remove', path: pathTo(path, at) })
  for (let at = start + pairs; at < is.length - end; at++) {
    changes.push({ op: 'add', path: pathTo(path, at), text: is[at]! })
  }
}

/** Two texts are the same where only white space and the escapes in strings differ. */
function isSame(one: string, other: string): boolean {
  return one === other || (one[0] === other[0] && compact(one) === compact(other))
}

function compact(json: string): string {
  const token = /\s+|"[^"\\]*(?:\\.[^"\\]*)*"/g
  return json.replace(token, (text) =>
    text[0] !== '"' ? '' : text.includes('\\') ? JSON.stringify(JSON.parse(text)) : text,
  )
}

const textOf = (json: string, { value: { from, to } }: Child) => json.slice(from, to)
const textsOf = (json: string, children: readonly Child[]) => children.map((child) => textOf(json, child))
const namedIn = (json: string, children: readonly Child[]) =>
  new Map(children.map((child) => [child.name!, textOf(json, child)]))
const isPlain = (children: readonly Child[]) => new Set(children.map(({ name }) => name)).size === children.length
const pathTo = (path: string, name: string | number) =>
  `${path}/${String(name).replaceAll('~', '~0').replaceAll('/', '~1')}`

/** The text of the value at a JSON Pointer; undefined where there is none. */
export function textAt(json: string, path: string): string | undefined {
  const from = skipSpace(json, 0)
  let text = json.slice(from, endOfValue(json, from))
  for (const step of path.split('/').slice(1)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~')
    if (text[0] !== '{' && text[0] !== '[') return undefined
    const isList = text[0] === '['
    const found = childrenAt(text, 0).find((child, at) => (isList ? String(at) === name : child.name === name))
    if (found === undefined) return undefined
    text = textOf(text, found)
  }
  return text
}
