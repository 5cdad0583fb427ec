// How a field of a form is shown, from the value that stands there now: the schema says what it ought to be, and the value
// may be something else. Then it is shown as JSON, with a line that says why; nothing is changed by being shown.
import { childrenAt } from '../../model/json-text.ts'
import type { Field, NamedField } from './fields.ts'

/** The way in which a value is shown: its field, or JSON. */
export function viewOf(field: Field, text: string, depth: number): Field {
  const why = misfit(field, text, depth)
  return why === undefined ? field : { ...field, is: 'json', why }
}

const depthMax = 8

function misfit(field: Field, text: string, depth: number): string | undefined {
  switch (field.is) {
    case 'object':
      if (text[0] !== '{') return 'it is no object now'
      if (hasTwice(text)) return 'a name is there twice'
      return depth < depthMax ? undefined : 'it is nested deeply'
    case 'list':
      if (text[0] !== '[') return 'it is no list now'
      return depth < depthMax ? undefined : 'it is nested deeply'
    case 'text':
      if (text[0] !== '"') return 'it is no text now'
      return unseen.test(JSON.parse(text)) ? 'it has signs that cannot be seen' : undefined
    case 'number':
      return isNumber(text) ? undefined : 'it is no number now'
    case 'flag':
      return text === 'true' || text === 'false' ? undefined : 'it is neither true nor false now'
    case 'variants':
      return depth < depthMax ? undefined : 'it is nested deeply'
    default:
      return undefined
  }
}

/** What a field of text would lose or hide. */
const unseen = /(?![\n\t])[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u

function hasTwice(object: string): boolean {
  const names = childrenAt(object, 0).map(({ name }) => name)
  return new Set(names).size !== names.length
}

/** Tests whether a text is a number as JSON writes it. */
export const isNumber = (text: string) => /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text)

/** One entry of an object: a field that the schema names, or a member that it does not name. */
export interface Entry {
  readonly name: string
  /** Undefined where the schema does not name it. */
  readonly named: NamedField | undefined
  /** Its value, as JSON; undefined where it is not there. */
  readonly text: string | undefined
}

/** The entries of an object: those of the schema in its order, then the others. */
export function entriesOf(fields: readonly NamedField[], object: string): Entry[] {
  const texts = new Map(childrenAt(object, 0).map(({ name, value: { from, to } }) => [name!, object.slice(from, to)]))
  const known = fields.map((named): Entry => ({ name: named.name, named, text: texts.get(named.name) }))
  for (const { name } of known) texts.delete(name)
  return [...known, ...[...texts].map(([name, text]): Entry => ({ name, named: undefined, text }))]
}

/** The elements of a list, as JSON. */
export const elementsOf = (list: string) => childrenAt(list, 0).map(({ value: { from, to } }) => list.slice(from, to))

/** The path of a member or an element. */
export const under = (path: string, name: string | number) =>
  `${path}/${String(name).replaceAll('~', '~0').replaceAll('/', '~1')}`

/** Tests whether a path is a secret one: the paths of a type may have `*` for any name. */
export function isSecret(path: string, secret: readonly string[]): boolean {
  const steps = path.split('/')
  return secret.some((one) => {
    const wanted = one.split('/')
    return wanted.length === steps.length && wanted.every((step, at) => step === '*' || step === steps[at])
  })
}
