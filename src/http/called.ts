// Routes that call a function of `app.desk`, `app.processors`, `app.flows` or `app.messages`. What such a function takes is
// in the table of calls; from it come the query, the body and the check of the route:
//
//   GET    the segments of the path, then the fields of its filter or page as the query
//   POST   the segments of the path, then one object with all else; `by` is who asks, never what the body says
//
// A repair names the revision that its page has seen, by `If-Match`. A POST with an `Idempotency-Key` is done once.
import { fault } from '../model/errors.ts'
import type { Permission } from '../model/permissions.ts'
import { type Called, takenBy } from '../operate/calls.ts'
import type { Field, Fields } from '../operate/fields.ts'
import { once, onceHeader } from './idempotency.ts'
import { type FilePage, fileOf, fileTypeIn, fileTypes } from './list-files.ts'
import { hideIn } from './masks.ts'
import type { Answer, Call, Route, Says } from './route.ts'
import { checkTests } from './secret-tests.ts'
import { zipped } from './zipped.ts'

export interface CalledRoute {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly calls: `${Called}.${string}`
  readonly may: Permission
  readonly does: string
  /** A parameter that is an object with one segment of the path: `{ group }`. */
  readonly wraps?: { readonly parameter: string; readonly segment: string } | undefined
  /** Of a list: the field of a row by which the next page goes on. */
  readonly pagedBy?: string | undefined
  /** True of a list whose function gives pages: `items`, and `next` or null. */
  readonly pages?: true | undefined
  /** True where the answer of undefined is a 404. */
  readonly one?: true | undefined
}

/** Most rows of a page, and how many where the query says none. */
const rowsMax = 200
const rowsDefault = 50

/** The parameters of a function whose fields stand in the query or body by themselves. */
const flat = ['filter', 'page', 'options', 'actor', 'edit'] as const
const isFlat = (name: string) => (flat as readonly string[]).includes(name)

/** What it answers is kept nowhere. */
const shownOnce = 'tokens.make'

const seen = { 'If-Match': { is: 'The revision that was seen, as "7".', needed: true } } as const

export function calledRoute(row: CalledRoute): Route {
  const { method, path, may, does } = row
  const [on, name] = row.calls.split('.') as [Called, string]
  const [parameters, needs] = takenBy(on, name)!
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, segment]) => segment!)
  const fields: Record<string, Field> = {}
  const needed: string[] = []
  let repairs = false
  Object.entries(parameters).forEach(([parameter, field], at) => {
    if (inPath.includes(parameter) || row.wraps?.parameter === parameter) return
    if (!isFlat(parameter) || !isFields(field)) {
      fields[parameter] = field
      if (at < needs && field !== 'any') needed.push(parameter)
      return
    }
    for (const [inner, innerField] of Object.entries(field.fields)) {
      if (inner === 'revision') repairs = true
      else if (inner !== 'by') fields[inner] = innerField
    }
    needed.push(...(field.needs ?? []).filter((one) => one !== 'by'))
  })
  const takes = { fields, needs: needed }
  return {
    method,
    path,
    may,
    does,
    ...(method === 'GET' ? { query: takes } : { body: takes }),
    ...(method === 'GET'
      ? {}
      : { headers: { ...(repairs ? seen : {}), ...(row.calls === shownOnce ? {} : onceHeader) } }),
    answers: answersOf(row),
    place: (call) => placeOf(on, call),
    run: async (call) => {
      const said = (method === 'GET' ? call.query : call.given) as Readonly<Record<string, unknown>>
      const revision = repairs ? revisionOf(call) : undefined
      const givenBy = (said: Readonly<Record<string, unknown>>) =>
        Object.entries(parameters).map(([parameter, field]) => {
          if (inPath.includes(parameter)) return segmentOf(parameter, field, call)
          if (row.wraps?.parameter === parameter) {
            const { segment } = row.wraps
            return { [segment]: segmentOf(segment, 'number', call) }
          }
          if (!isFlat(parameter) || !isFields(field)) return said[parameter]
          return objectOf(field, said, { by: call.who!.name, revision })
        })
      const surface = call.app[on] as unknown as Record<string, (...given: unknown[]) => Promise<unknown>>
      const { headers, url, signal } = call.request
      const type = isList(row) ? fileTypeIn(headers.get('accept')) : undefined
      if (type !== undefined) {
        return fileOf({
          ...{ type, query: said, url, signal },
          cursor: 'before' in fields ? 'before' : 'after',
          page: async (query) => pageOf(row, await surface[name]!(...givenBy(query))),
          hide: hideIn(call.app.parts) as (rows: unknown) => readonly Facts[],
        })
      }
      if (method === 'POST') await checkTests(call, () => placeOf(on, call))
      const act = async () => answerOf(row, await surface[name]!(...givenBy(said)), call)
      if (method === 'POST') return row.calls === shownOnce ? act() : once(call, act)
      return isList(row) ? zipped(await act(), headers.get('accept-encoding')) : act()
    },
  }
}

type Facts = Readonly<Record<string, unknown>>

const isList = ({ pagedBy, pages }: CalledRoute) => pagedBy !== undefined || pages === true

function pageOf({ pagedBy }: CalledRoute, found: unknown): FilePage {
  if (pagedBy === undefined) {
    const { items, next } = found as { readonly items: readonly Facts[]; readonly next: unknown }
    return { rows: items, next }
  }
  const rows = found as readonly Facts[]
  return { rows, next: rows.at(-1)?.[pagedBy] ?? null }
}

/** What a call concerns, for a grant that is narrowed: the part that is named, or that has the message or the flow. */
async function placeOf(on: Called, { app, params, query, given }: Call): Promise<readonly string[]> {
  // The names of tokens are no places.
  if (on === 'tokens') return []
  const { name, id } = params
  const said = { ...query, ...(given as { readonly what?: object } | undefined)?.what } as Readonly<
    Record<string, unknown>
  >
  const named = [name, said['processor'], said['destination'], said['mediator']]
  if (id !== undefined && on === 'desk') named.push((await app.desk.show(Number(id)))?.processor)
  if (id !== undefined && on === 'flows') named.push((await app.flows.show(Number(id)))?.mediator)
  return named.filter((one) => typeof one === 'string')
}

const isFields = (field: Field): field is Fields => typeof field === 'object' && 'fields' in field

/** A segment of the path, as the function takes it. What is no number is one that there is not. */
function segmentOf(name: string, field: Field, { params }: Call): unknown {
  const text = params[name]!
  if (field === 'text') return text
  const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (Number.isNaN(number)) throw fault('millrace/unknown-route', `"${text.slice(0, 100)}" is no number`)
  return number
}

/** The object of a parameter, from the fields that were said. */
function objectOf({ fields }: Fields, said: Readonly<Record<string, unknown>>, own: Readonly<Record<string, unknown>>) {
  const taken: Record<string, unknown> = {}
  for (const name of Object.keys(fields)) {
    const value = name === 'by' || name === 'revision' ? own[name] : said[name]
    if (value !== undefined) taken[name] = value
  }
  if ('limit' in fields) taken['limit'] = Math.min((taken['limit'] as number | undefined) ?? rowsDefault, rowsMax)
  return taken
}

/** @throws `millrace/revision-missing`, `millrace/bad-request` */
function revisionOf({ request }: Call): number {
  const header = request.headers.get('if-match')
  if (header === null) {
    throw fault('millrace/revision-missing', 'a repair names the revision that it has seen, as If-Match: "7"')
  }
  const [, digits] = /^(?:W\/)?"?(\d{1,15})"?$/.exec(header.trim()) ?? []
  if (digits === undefined)
    throw fault('millrace/bad-request', `If-Match is ${header.slice(0, 100)}, not a revision such as "7"`)
  return Number(digits)
}

const list = { fields: { items: 'list', next: 'any', complete: 'any', lookedBackTo: 'any' }, needs: ['items'] } as const

function answersOf(row: CalledRoute): Readonly<Record<number, Says>> {
  if (isList(row))
    return {
      200: {
        is: 'A page; `next` is the cursor of the next one, null at the end. As CSV or lines of JSON: all, to 10,000.',
        type: ['application/json', ...fileTypes].join(', '),
        body: row.pages === true ? 'any' : list,
      },
    }
  if (row.method === 'GET') return { 200: { is: row.does, body: 'any' } }
  return { 200: { is: 'It is done; the answer has what came of it.', body: 'any' }, 204: { is: 'It is done.' } }
}

function answerOf({ method, pagedBy, one }: CalledRoute, done: unknown, call: Call): Answer {
  const headers = { 'cache-control': 'no-store' }
  if (done === undefined && one)
    throw fault('millrace/unknown-item', `there is none of this number, or it is no longer kept`)
  if (done === undefined && method === 'POST') return { status: 204, headers }
  const hide = hideIn(call.app.parts)
  if (pagedBy !== undefined && Array.isArray(done)) {
    const last = done.at(-1) as Readonly<Record<string, unknown>> | undefined
    return { status: 200, headers, json: { items: hide(done), next: last?.[pagedBy] ?? null } }
  }
  const revision = (done as { readonly revision?: unknown } | null)?.revision
  const tag: Readonly<Record<string, string>> = typeof revision === 'number' ? { etag: `"${revision}"` } : {}
  return { status: 200, headers: { ...headers, ...tag }, json: hide(done) ?? null }
}
