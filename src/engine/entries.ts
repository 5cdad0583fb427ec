// The messages of one `publishMany`: all of its entries are checked before anything waits to be written.
import { type Stored, sameData } from '../model/codec.ts'
import type { Elsewhere } from '../model/elsewhere.ts'
import { fault, isMillraceError, type MillraceError } from '../model/errors.ts'
import type { MessageType } from '../model/message.ts'
import { defaults } from '../model/options.ts'
import { checkId, idConflict } from '../model/publish.ts'
import { type Delay, dueOf } from '../model/time.ts'
import type { World } from '../seam/world.ts'
import type { Envelopes } from './envelopes.ts'

/** The arguments of `publishMany`, as they come. */
export interface Entries {
  readonly type: MessageType
  readonly entries: unknown
  readonly delay: Delay | undefined
}

/** The messages, and the size of their data. */
export interface Encoded {
  readonly messages: readonly Stored[]
  readonly bytes: number
}

const { max: entriesMax } = defaults.entries
const { default: bytesMax } = defaults.flushBytes

/**
 * Checks and encodes entries. An error about one of them names it, and has its index in `data.entry`.
 *
 * @throws as `publish`; `millrace/bad-option` where it is no list, or too long a list, of `{ data, id? }`
 */
export function encodeEntries(
  { type, entries, delay }: Entries,
  envelopes: Envelopes,
  world: Pick<World, 'now'>,
): Encoded {
  if (!Array.isArray(entries))
    throw bad(`publishMany takes a list of entries, each { data, id? }, not ${kindOf(entries)}`)
  if (entries.length > entriesMax) throw bad(`publishMany takes at most ${entriesMax} entries, not ${entries.length}`)
  const due = delay === undefined ? 0 : dueOf('publishMany', delay, world.now())
  const messages: Stored[] = []
  const byId = new Map<string, number>()
  let bytes = 0
  for (let index = 0; index < entries.length; index++) {
    try {
      const message = encodeEntry(type, entries[index], envelopes, due)
      if (message.ownId) checkRepeat(type, messages, byId, message)
      messages.push(message)
      bytes += message.json.length
      if (bytes > bytesMax && messages.length > 1) throw tooLarge()
    } catch (error) {
      throw isMillraceError(error) ? aboutEntry(index, error) : error
    }
  }
  return { messages, bytes }
}

/** A message that another system has made. */
export interface Arriving {
  readonly type: MessageType
  readonly data: unknown
  readonly from: Elsewhere
}

/**
 * Checks and encodes messages that other systems have made. An error about one of them has its index in `data.entry`.
 *
 * @throws as `publish`; `millrace/bad-attributes`
 */
export function encodeArriving(given: readonly Arriving[], envelopes: Envelopes): Encoded {
  let bytes = 0
  const messages = given.map(({ type, data, from }, index) => {
    try {
      const message = envelopes.elsewhere(type, data, from, 'many')
      bytes += message.json.length
      if (bytes > bytesMax && index > 0) throw tooLarge()
      return message
    } catch (error) {
      throw isMillraceError(error) ? aboutEntry(index, error) : error
    }
  })
  return { messages, bytes }
}

function encodeEntry(type: MessageType, entry: unknown, envelopes: Envelopes, due: number): Stored {
  checkShape(entry)
  const { data, id } = entry
  if (id !== undefined) checkId(id)
  const origin = envelopes.fromOutside(id)
  origin.due = due
  return envelopes.ofMany(type, data, origin)
}

function checkShape(entry: unknown): asserts entry is { readonly data: unknown; readonly id?: unknown } {
  if (!isObject(entry)) throw bad(`an entry is { data, id? }, not ${kindOf(entry)}`)
  for (const name of Object.keys(entry)) {
    if (name !== 'data' && name !== 'id') throw bad(`an entry is { data, id? }, and has no "${name}"`)
  }
  if (!('data' in entry)) throw bad('an entry is { data, id? }, and this one has no data')
}

/** An id may be twice in the list where its data are the same, as in two calls of `publish`. */
function checkRepeat(type: MessageType, messages: readonly Stored[], byId: Map<string, number>, message: Stored): void {
  const { id } = message
  const first = byId.get(id)
  if (first === undefined) {
    byId.set(id, messages.length)
    return
  }
  if (sameData(type, messages[first]!, message)) return
  const what = `id ${JSON.stringify(id)} of "${type.name}" is in entry ${first} too, with other data`
  throw fault('millrace/id-conflict', what, { data: { id, type: type.name } })
}

/** Puts the index of the entry into a conflict that the store has found. */
export function withEntry(error: unknown, messages: readonly Stored[]): unknown {
  if (!isMillraceError(error, 'millrace/id-conflict')) return error
  const { id } = error.data as { readonly id: string }
  const index = messages.findIndex((message) => message.ownId && message.id === id)
  return index === -1 ? error : aboutEntry(index, idConflict(messages[index]!))
}

function aboutEntry(entry: number, { code, message, data, cause }: MillraceError): MillraceError {
  const facts = { ...(isObject(data) ? data : {}), entry }
  return fault(code, `entry ${entry}: ${message}`, cause === undefined ? { data: facts } : { data: facts, cause })
}

const bad = (what: string) => fault('millrace/bad-option', what)

const tooLarge = () => fault('millrace/too-large', `with it the data of one call take more than ${bytesMax} bytes`)

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

const kindOf = (value: unknown) => (value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value)
