// Pieces of a statement: lists of values, and fragments of text with the values in them. A fragment is only made by the
// tag `sql` from text that stands in the code, and a list holds values only: so no value ever becomes text.
import { fault } from './errors.ts'
import { isBytes } from './kinds.ts'
import { checkValues, type Value } from './value.ts'

/** A statement: its values, and the text before, between and after them. */
export interface Statement {
  readonly text: readonly string[]
  readonly values: readonly Value[]
}

/** A list of values for `in`, made by {@link list}. */
export class List {
  readonly #values: readonly Value[]

  constructor(values: readonly Value[]) {
    this.#values = values
  }

  /** The values of a list; undefined for anything else. It runs no code of the value that it is given. */
  static valuesOf(value: object): readonly Value[] | undefined {
    return #values in value ? value.#values : undefined
  }
}

/** A piece of a statement, made by {@link sql}. */
export class Fragment {
  readonly #text: readonly string[]
  readonly #values: readonly (Value | List)[]

  constructor(text: readonly string[], values: readonly (Value | List)[]) {
    this.#text = text
    this.#values = values
  }

  /** Puts a piece behind the last text; false where it is none. It runs no code of the value that it is given. */
  static append(piece: object, into: Pieces): boolean {
    if (!(#text in piece)) return false
    into.text[into.text.length - 1] += piece.#text[0]!
    for (let index = 1; index < piece.#text.length; index++) into.text.push(piece.#text[index]!)
    for (const value of piece.#values) into.values.push(value)
    return true
  }

  static is(value: object): boolean {
    return #text in value
  }
}

/** What a statement is put together from. */
interface Pieces {
  readonly text: string[]
  readonly values: unknown[]
}

/**
 * Makes a list of values for `in`, for every query: `tx.query`, `read`, `app.read`. Each value is bound by itself. With
 * an empty list `in` finds no row and `not in` every row. Values are read once, when the list is made.
 *
 * @param values an array, a set, or anything else that iterates over values
 * @returns the list, for a query or a fragment
 * @throws `millrace/bad-value` for a value that cannot be bound, for a string or bytes in place of a list
 *
 * @example
 * ```ts
 * const ids = ['o-1', 'o-2']
 * const rows = await shop.read`select * from orders where id in ${list(ids)}`
 * const none = await shop.read`select * from orders where id in ${list([])}`
 * console.assert(none.length === 0)
 * ```
 */
export function list(values: Iterable<Value>): List {
  const iterable = typeof values === 'object' && values !== null && Symbol.iterator in values
  if (!iterable || isBytes(values)) {
    throw fault('millrace/bad-value', 'list takes values, such as an array or a set: list([1, 2])')
  }
  const all: unknown[] = [...values]
  checkValues(all, 'the list')
  return new List(all)
}

/**
 * Makes a fragment: a piece of a statement with the values in it, to be put into a query or into another fragment. Its
 * text stands in the code; values are bound, never spliced. Names of tables and columns are no values: choose between
 * fragments that have them as text.
 *
 * @param text the text around the values
 * @param values values, lists and fragments
 * @returns the fragment
 * @throws `millrace/bad-value` for a value that cannot be bound, and when it is called with anything but a template
 *
 * @example
 * ```ts
 * const conditions = [sql`sku = ${'sieve'}`, sql`quantity > ${1}`]
 * const where = conditions.reduce((all, one) => sql`${all} and ${one}`)
 * const order = { newest: sql`id desc`, oldest: sql`id` }['newest']
 * const rows = await shop.read`select * from orders where ${where} order by ${order}`
 * ```
 */
export function sql(text: TemplateStringsArray, ...values: (Value | List | Fragment)[]): Fragment {
  checkTag(text, 'sql')
  const { text: whole, values: all } = spliced(text, values)
  checkValues(
    all.filter((value) => !isList(value)),
    'the fragment',
  )
  return new Fragment(whole, all as (Value | List)[])
}

/** Tells whether a list or a fragment is among the values. */
export function hasPieces(values: readonly unknown[]): boolean {
  for (let index = 0; index < values.length; index++) {
    const value = values[index]
    if (typeof value === 'object' && value !== null && isPiece(value)) return true
  }
  return false
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null
const isList = (value: unknown) => isObject(value) && List.valuesOf(value) !== undefined
const isPiece = (value: object) => Fragment.is(value) || List.valuesOf(value) !== undefined

/** @throws `millrace/bad-value` for what is not a template */
export function checkTag(text: unknown, tag: 'query' | 'sql' = 'query'): asserts text is TemplateStringsArray {
  if (Array.isArray(text) && Array.isArray((text as { raw?: unknown }).raw)) return
  const name = tag === 'query' ? 'tx.query' : tag
  throw fault('millrace/bad-value', `${tag} is a tag: write ${name}\`select …\`, not ${name}("select …")`)
}

/**
 * The statement of a tagged template, with its lists and fragments put in. For stores and test kits.
 *
 * @param emptyList the text that a database takes for an empty list after `in`
 * @throws `millrace/bad-value`
 */
export function statementOf(text: unknown, values: readonly unknown[], emptyList = '()'): Statement {
  checkTag(text)
  if (!hasPieces(values)) {
    checkValues(values)
    return { text, values }
  }
  const pieces = spliced(text, values)
  const whole: Pieces = { text: [pieces.text[0]!], values: [] }
  for (let index = 0; index < pieces.values.length; index++) {
    putValue(pieces.values[index], whole, emptyList)
    whole.text[whole.text.length - 1] += pieces.text[index + 1]!
  }
  checkValues(whole.values)
  return whole as { text: string[]; values: Value[] }
}

/** The text and values of a template. One that cannot be put together fails when it runs. */
export function askedBy(template: TemplateStringsArray, given: readonly unknown[]): [string, readonly unknown[]] {
  try {
    const { text, values } = statementOf(template, given)
    return [text.join('?'), values]
  } catch {
    return [Array.isArray(template) ? template.join('?') : '', given]
  }
}

/** A template with its fragments put in; its lists stay. */
function spliced(text: TemplateStringsArray, values: readonly unknown[]): Pieces {
  const whole: Pieces = { text: [text[0]!], values: [] }
  for (let index = 0; index < values.length; index++) {
    const value = values[index]
    if (!isObject(value) || !Fragment.append(value, whole)) {
      whole.values.push(value)
      whole.text.push('')
    }
    whole.text[whole.text.length - 1] += text[index + 1]!
  }
  return whole
}

function putValue(value: unknown, { text, values }: Pieces, emptyList: string): void {
  const listed = isObject(value) ? List.valuesOf(value) : undefined
  if (listed === undefined) {
    values.push(value)
    text.push('')
    return
  }
  if (/\bin\s*\($/i.test(text.at(-1)!.trimEnd())) {
    throw fault('millrace/bad-value', 'list(…) brings its parentheses: write none around it after in')
  }
  if (listed.length === 0) text[text.length - 1] += emptyList
  else {
    text[text.length - 1] += '('
    for (let index = 1; index < listed.length; index++) text.push(', ')
    text.push(')')
    for (const one of listed) values.push(one)
  }
}
