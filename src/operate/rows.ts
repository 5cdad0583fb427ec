import { changeData } from '../model/change.ts'
import { replaceData, type Stored } from '../model/codec.ts'
import type { Change, Resubmit } from '../model/desk.ts'
import type { Paused } from '../model/desk-views.ts'
import { fault } from '../model/errors.ts'
import type { LogRow } from '../model/log-views.ts'
import type { Destination, MessageType } from '../model/message.ts'
import { traceparentOf } from '../model/trace.ts'
import type { Part } from '../parts/part.ts'
import { destinationsOf } from '../parts/processors.ts'

export { destinationsOf, processorsOf, runsWith } from '../parts/processors.ts'

/** The types of an app by name, each with where it goes. */
export function typesOf(parts: readonly Part[]): Map<string, { type: MessageType; destination: Destination }> {
  const types = new Map<string, { type: MessageType; destination: Destination }>()
  for (const destination of destinationsOf(parts))
    for (const type of destination.types) types.set(type.name, { type, destination })
  return types
}

/** A message that was just accepted, as it is shown. */
export function rowOf(message: Stored, { kind, name }: Pick<Destination, 'kind' | 'name'>): LogRow {
  const { ownId: _own, decoded: _decoded, plain: _plain, due: _due, trace, ...rest } = message
  return { ...rest, traceparent: traceparentOf(trace), destination: name, kind }
}

/**
 * Makes a message with corrected data, as the app will when it carries the correction out.
 *
 * @throws `millrace/bad-data`, `millrace/not-json`, `millrace/bad-context`, `millrace/context-changed`,
 *   `millrace/masked`, `millrace/unknown-type`, `millrace/change-does-not-fit`
 */
export type Correct = (message: Stored, decision: Resubmit | Change) => Stored

export function correctOf(parts: readonly Part[]): Correct {
  const types = typesOf(parts)
  return (message, decision) => {
    const type = types.get(message.type)?.type
    if (type === undefined) throw fault('millrace/unknown-type', `the app no longer has type "${message.type}"`)
    const most = Number.POSITIVE_INFINITY
    if (decision.do === 'change') return changeData(type, message, decision.change, most)
    return replaceData(type, message, decision.data, most)
  }
}

/** The processors that people have paused, by name. */
export function pausedOf(paused: readonly Paused[]): Map<string, Paused> {
  return new Map(paused.map((one) => [one.processor, one]))
}
