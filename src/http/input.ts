// The query of a request, by the fields of its route: texts become what the fields take, then one check for all.
import { fault } from '../model/errors.ts'
import { checkFields, type Field, type Fields } from '../operate/fields.ts'

const nothing: Readonly<Record<string, unknown>> = Object.freeze({})

/** @throws `millrace/bad-option`, `millrace/unknown-option` */
export function queryOf(
  where: string,
  url: string,
  fields: Fields = { fields: {} },
): Readonly<Record<string, unknown>> {
  const at = url.indexOf('?')
  if (at === -1 && fields.needs === undefined) return nothing
  const given: Record<string, unknown> = Object.create(null)
  for (const [name, text] of at === -1 ? [] : pairsIn(url.slice(at + 1))) {
    const field = Object.hasOwn(fields.fields, name) ? fields.fields[name]! : 'text'
    if (isList(field)) given[name] = [...((given[name] as unknown[]) ?? []), readAs(field, text)]
    else if (name in given) throw fault('millrace/bad-option', `${where}: ${name} is given twice`)
    else given[name] = readAs(field, text)
  }
  checkFields(where, given, fields)
  return given
}

/** What needs no decoding is split here: `URLSearchParams` costs more than all else that is done with a query. */
function pairsIn(query: string): Iterable<[string, string]> {
  if (!/^[!-$&-*,-~]*$/.test(query)) return new URLSearchParams(query)
  return query
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const at = pair.indexOf('=')
      return at === -1 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)]
    })
}

const isList = (field: Field) => Array.isArray(field) || field === 'numbers' || field === 'list'

/** A text that does not fit stays a text, which the check refuses with what it must be. */
function readAs(field: Field, text: string): unknown {
  if (field === 'flag') return text === 'true' ? true : text === 'false' ? false : text
  const isNumber = field === 'number' || field === 'count' || field === 'whole' || field === 'numbers'
  return isNumber && text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text
}
