// Topics, channels and types of an app by the names in a path.
import { fault } from '../model/errors.ts'
import { failures } from '../model/failures.ts'
import type { Command, Destination, Event } from '../model/message.ts'
import { suggest } from '../model/names.ts'
import { destinationsOf } from '../operate/rows.ts'
import type { Served } from './served.ts'

type Kind = Destination['kind']

/** By the list of parts: an app has the same as long as it lives. */
const known = new WeakMap<object, ReadonlyMap<string, Destination>>()

function destinationsByName({ parts }: Pick<Served, 'parts'>): ReadonlyMap<string, Destination> {
  let found = known.get(parts)
  if (found === undefined) {
    found = new Map([...destinationsOf(parts), failures].map((one) => [one.name, one]))
    known.set(parts, found)
  }
  return found
}

/** Errors: `millrace/unknown-name`. */
export function destinationIn(app: Served, kind: Kind, name: string): Destination {
  const all = destinationsByName(app)
  const found = all.get(name)
  if (found?.kind === kind) return found
  const names = [...all.values()].filter((one) => one.kind === kind).map((one) => one.name)
  const other = found === undefined ? suggest(name, names) : `: "${name}" is a ${found.kind}`
  throw fault('millrace/unknown-name', `app "${app.name}" has no ${kind} "${name.slice(0, 100)}"${other}`)
}

/** Errors: `millrace/type-without-topic`. */
export function typeIn<T extends Event | Command>({ kind, name, types }: Destination<T>, type: string): T {
  const found = types.find((one) => one.name === type)
  if (found !== undefined) return found
  const names = types.map((one) => one.name)
  const hint = suggest(type, names)
  throw fault('millrace/type-without-topic', `${kind} "${name}" has no type "${type.slice(0, 100)}"${hint}`, {
    data: { pointer: '/type' },
  })
}
