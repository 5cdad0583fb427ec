// Turns values into text for people: logs, error messages, the desk. Accepts any value and never throws: throwing
// getters and proxies, circles, errors of any realm, values that JSON does not have. Plain JSON looks as JSON does.
// Data that a program reads do not pass through here.
import { dateMs, isBytes, isError, isPattern } from './kinds.ts'

const depthMax = 6
const entriesMax = 100
const bigBits = 1_024
const bytesShown = 32
const textShown = 100

/** Turns a value into text of at most `charsMax` characters. The text says where something is left out. */
export function forPeople(value: unknown, charsMax = 4_000): string {
  if (typeof value === 'string') return shortened(value, charsMax)
  const text = new Text(charsMax)
  text.value(value, 0)
  return text.written
}

/** Shows a value within a sentence: a text in quotes, so that `"3"` is not taken for 3. */
export function shownValue(value: unknown): string {
  if (typeof value === 'string') {
    return value.length > textShown ? `${JSON.stringify(value.slice(0, textShown))} …` : JSON.stringify(value)
  }
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'function') return 'a function'
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}

/** Shows an error as `String` does, without its other fields. Shows any other value as `forPeople` does. */
export function inBrief(error: unknown, charsMax = 1_000): string {
  if (!isError(error)) return forPeople(error, charsMax)
  const [name, message] = [read(error, 'name'), read(error, 'message')]
  return shortened(
    `${forPeople(name || 'Error')}${message === '' ? '' : `: ${forPeople(message, charsMax)}`}`,
    charsMax,
  )
}

/** Shows the message of an error alone. Shows any other value as `forPeople` does. */
export function messageOf(error: unknown, charsMax = 4_000): string {
  return forPeople(isError(error) ? read(error, 'message') : error, charsMax)
}

function shortened(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text
  const room = charsMax - `… (${text.length} more characters)`.length
  if (room <= 0) return `${cut(text, charsMax - 1)}…`.slice(0, charsMax)
  const shown = cut(text, room)
  return `${shown}… (${text.length - shown.length} more characters)`
}

/** Cuts a text without leaving half a character (a lone surrogate) at the end. */
const cut = (text: string, chars: number) => text.slice(0, Math.max(0, chars)).replace(/[\ud800-\udbff]$/, '')

/**
 * Copies the fields of an object and reads each once. A field that throws becomes a text. A non-object becomes one
 * field.
 */
export function readFields(fields: unknown): Record<string, unknown> {
  if (fields === undefined || fields === null) return {}
  if (typeof fields !== 'object') return { fields }
  const found: Record<string, unknown> = {}
  for (const name of namesOf(fields) ?? []) {
    const value = read(fields, name)
    Object.defineProperty(found, name, { value, enumerable: true, configurable: true, writable: true })
  }
  return found
}

/** Reads a property; returns a text where reading throws. */
export function read(of: object, name: PropertyKey): unknown {
  try {
    return (of as Record<PropertyKey, unknown>)[name]
  } catch (error) {
    return `[cannot be read${isError(error) ? `: ${plainMessage(error)}` : ''}]`
  }
}

function plainMessage(error: Error): string {
  try {
    return String(error.message).slice(0, 200)
  } catch {
    return 'its error cannot be read either'
  }
}

function namesOf(object: object): readonly string[] | undefined {
  try {
    return Object.keys(object)
  } catch {
    return undefined
  }
}

class Text {
  written = ''
  private left: number
  /** The objects around the current value, to find circles. */
  private readonly around = new Set<object>()

  constructor(charsMax: number) {
    this.left = charsMax
  }

  /** Adds as much as fits. */
  add(text: string): void {
    if (this.left < 0) return
    if (text.length <= this.left) this.written += text
    else if (this.left > 0) this.written += `${cut(text, this.left - 1)}…`
    this.left -= text.length
  }

  value(value: unknown, depth: number): void {
    try {
      this.any(value, depth)
    } catch {
      this.add('[cannot be looked at]')
    }
  }

  private any(value: unknown, depth: number): void {
    switch (typeof value) {
      case 'string':
        this.quoted(value)
        break
      case 'bigint':
        this.add(BigInt.asIntN(bigBits, value) === value ? `${value}n` : `[bigint of more than ${bigBits} bits]`)
        break
      case 'function':
        this.add(`[function ${String(read(value, 'name'))}]`)
        break
      case 'object':
        if (value === null) this.add('null')
        else this.object(value, depth)
        break
      default:
        this.add(String(value))
    }
  }

  private quoted(text: string): void {
    // Quotes only what fits, plus one character so that the text shows that it is cut.
    this.add(JSON.stringify(text.slice(0, Math.max(0, this.left) + 1)))
  }

  private object(value: object, depth: number): void {
    if (this.around.has(value)) {
      this.add('[circle]')
      return
    }
    if (depth > depthMax) {
      this.add(Array.isArray(value) ? '[…]' : '{…}')
      return
    }
    this.around.add(value)
    try {
      this.inside(value, depth)
    } finally {
      this.around.delete(value)
    }
  }

  private inside(value: object, depth: number): void {
    const time = dateMs(value)
    if (isError(value)) this.error(value, depth)
    else if (time !== undefined) this.add(Number.isNaN(time) ? 'an invalid Date' : JSON.stringify(new Date(time)))
    else if (Array.isArray(value)) this.list(value, value.length, depth)
    else if (isBytes(value)) this.bytes(value)
    else if (ArrayBuffer.isView(value)) this.add(`[${kindOf(value)} of ${value.byteLength} bytes]`)
    else if (isPattern(value)) this.add(RegExp.prototype.toString.call(value))
    else if (!this.collection(value, depth)) this.entries(value, depth)
  }

  private bytes(bytes: Uint8Array): void {
    const shown = Array.from({ length: Math.min(bytes.length, bytesShown) }, (_, n) => hex(bytes[n]!)).join('')
    this.add(`[${bytes.length} bytes ${shown}${bytes.length > bytesShown ? '…' : ''}]`)
  }

  /** Writes a Map or Set of any realm; returns false for any other value. */
  private collection(value: object, depth: number): boolean {
    const size = sizeIn(value)
    if (size === undefined) return false
    this.add(size.kind)
    const items =
      size.kind === 'Map' ? Map.prototype.entries.call(value as never) : Set.prototype.values.call(value as never)
    this.list(items, size.of, depth)
    return true
  }

  private list(items: Iterable<unknown>, length: number, depth: number): void {
    this.add('[')
    let shown = 0
    for (const item of items) {
      if (shown === entriesMax || this.left < 0) break
      if (shown++ > 0) this.add(',')
      this.value(item, depth + 1)
    }
    this.rest(length - shown, shown)
    this.add(']')
  }

  private entries(value: object, depth: number): void {
    const toJSON = read(value, 'toJSON')
    if (typeof toJSON === 'function') {
      this.value(toJSON.call(value, ''), depth + 1)
      return
    }
    const names = Object.keys(value)
    this.add('{')
    this.fields(value, names, depth)
    this.add('}')
  }

  private fields(value: object, names: readonly string[], depth: number): void {
    let shown = 0
    for (const name of names) {
      if (shown === entriesMax || this.left < 0) break
      const field = read(value, name)
      if (field === undefined) continue
      if (shown++ > 0) this.add(',')
      this.quoted(name)
      this.add(':')
      this.value(field, depth + 1)
    }
    if (shown === entriesMax) this.rest(names.length - shown, shown)
  }

  private rest(more: number, shown: number): void {
    if (more > 0 && this.left >= 0) this.add(`${shown > 0 ? ',' : ''}… ${more} more`)
  }

  /** Writes an error as `String` does, then its other fields. */
  private error(error: Error, depth: number): void {
    const name = read(error, 'name')
    const message = read(error, 'message')
    this.add(`${typeof name === 'string' && name !== '' ? name : 'Error'}`)
    if (typeof message === 'string' && message !== '') this.add(`: ${message}`)
    const more = ['code', 'data', 'errors', 'cause'].filter((key) => read(error, key) !== undefined)
    if (more.length === 0) return
    this.add(' {')
    this.fields(error, more, depth)
    this.add('}')
  }
}

const hex = (byte: number) => byte.toString(16).padStart(2, '0')
const kindOf = (value: object) => Object.prototype.toString.call(value).slice(8, -1)

const mapSize = Object.getOwnPropertyDescriptor(Map.prototype, 'size')!.get!
const setSize = Object.getOwnPropertyDescriptor(Set.prototype, 'size')!.get!

function sizeIn(value: object): { readonly kind: 'Map' | 'Set'; readonly of: number } | undefined {
  for (const [kind, size] of [
    ['Map', mapSize],
    ['Set', setSize],
  ] as const) {
    try {
      return { kind, of: size.call(value) }
    } catch {
      // It is not of this kind.
    }
  }
  return undefined
}
