// The query of a request, by the fields of its route: texts become what the fields take, then one check for all.
import { fault } from '../model/errors.ts'
import { checkFields, type Field, type Fields } from '../operate/fields.ts'
import type { Route } from './route.ts'

type Asked = Pick<Route, 'method' | 'path' | 'query'>

export type Query = Readonly<Record<string, unknown>>

const nothing: Query = Object.freeze({})
const noFields: Fields = { fields: {} }

/** Queries that were read and are right, by their text: senders send the same ones. At most so many for each route. */
const known = new WeakMap<Fields, Map<string, Query>>()
const knownMax = 100
const knownCharsMax = 200

/** @throws `millrace/bad-option`, `millrace/unknown-option` */
export function queryOf({ method, path, query: fields = noFields }: Asked, url: string): Query {
  const at = url.indexOf('?')
  if (at === -1 && fields.needs === undefined) return nothing
  const text = at === -1 ? '' : url.slice(at + 1)
  let those = known.get(fields)
  if (those === undefined) {
    those = new Map()
    known.set(fields, those)
  }
  const before = those.get(text)
  if (before !== undefined) return before
  const query = readQuery(`${method} ${path}`, text, fields)
  if (text.length > knownCharsMax) return query
  if (those.size >= knownMax) those.clear()
  those.set(text, query)
  return query
}

function readQuery(where: string, query: string, fields: Fields): Query {
  const given: Record<string, unknown> = Object.create(null)
  for (const [name, text] of pairsIn(query)) {
    const field = Object.hasOwn(fields.fields, name) ? fields.fields[name]! : 'text'
    if (isList(field)) given[name] = [...((given[name] as unknown[]) ?? []), readAs(field, text)]
    else if (name in given) throw fault('millrace/bad-option', `${where}: ${name} is given twice`)
    else given[name] = readAs(field, text)
  }
  checkFields(where, given, fields)
  return Object.freeze(given)
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
