// The fields of a form, and the value with which each begins.

/** What all fields have. */
export interface Common {
  /** The title of the schema; undefined where it has none: then the name of the field is shown. */
  readonly title: string | undefined
  readonly help: string | undefined
  /** Whether null is a value of it. */
  readonly nullable: boolean
  /** The default, as JSON; undefined where there is none. */
  readonly preset: string | undefined
}

export interface NamedField {
  readonly name: string
  readonly required: boolean
  field(): Field
}

export type Field = Common &
  (
    | { readonly is: 'object'; readonly fields: readonly NamedField[]; readonly open: boolean }
    | { readonly is: 'list'; readonly least: number; readonly most: number | undefined; item(): Field }
    | { readonly is: 'choice'; readonly options: readonly Option[] }
    | { readonly is: 'variants'; readonly variants: readonly Variant[] }
    | {
        readonly is: 'text'
        /** The kind of its input; `long` has several lines. */
        readonly input: TextInput
        readonly least: number
        readonly most: number | undefined
        readonly pattern: string | undefined
      }
    | {
        readonly is: 'number'
        readonly whole: boolean
        readonly least: number | undefined
        readonly most: number | undefined
        readonly step: number | undefined
      }
    | { readonly is: 'flag' }
    | { readonly is: 'json'; readonly why: string }
  )

export type TextInput = 'line' | 'long' | 'date' | 'time' | 'moment' | 'email' | 'url'

export interface Option {
  readonly label: string
  /** Its value, as JSON. */
  readonly json: string
}

/** One of several shapes of a value. */
export interface Variant {
  readonly label: string
  /** Whether a value, given as JSON, has this shape, as far as its kind and its constants say. */
  fits(json: string): boolean
  field(): Field
}

/**
 * A value to begin with, as JSON: the default, or one that is empty. An object has the fields that it needs.
 */
export function blankOf(field: Field, depth = 0): string {
  if (field.preset !== undefined) return field.preset
  if (field.nullable) return 'null'
  switch (field.is) {
    case 'object': {
      const needed = depth > blankDepth ? [] : field.fields.filter(({ required }) => required)
      return `{${needed.map(({ name, field: inner }) => `${JSON.stringify(name)}:${blankOf(inner(), depth + 1)}`).join(',')}}`
    }
    case 'list': {
      const least = depth > blankDepth ? 0 : Math.min(field.least, blankItems)
      return `[${Array.from({ length: least }, () => blankOf(field.item(), depth + 1)).join(',')}]`
    }
    case 'choice':
      return field.options[0]?.json ?? 'null'
    case 'variants':
      return depth > blankDepth || field.variants.length === 0 ? 'null' : blankOf(field.variants[0]!.field(), depth + 1)
    case 'text':
      return '""'
    case 'number':
      return String(Math.max(0, field.least ?? 0))
    case 'flag':
      return 'false'
    case 'json':
      return 'null'
  }
}

const blankDepth = 8
const blankItems = 10
