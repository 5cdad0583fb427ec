// Lines for operators at a start. They name parts that are new where there are messages already, and parts that are gone.
import type { FlowsUnderWay } from '../model/flow-views.ts'
import type { ProgressRow, Subscribed } from '../seam/progress.ts'
import type { ProcessorSpec } from './spec.ts'

/** A line for operators, as `World.log` takes it. */
export type Line = readonly [text: string, fields: Readonly<Record<string, unknown>>]

interface Stream {
  readonly name: string
  readonly kind: 'topic' | 'channel'
  readonly head: number
}

/** The line about a processor that the store has not known before; undefined where it finds no message to handle. */
export function newPart(
  { name, destination }: ProcessorSpec,
  { epoch, low }: Subscribed,
  head: number,
): Line | undefined {
  const messages = head - low
  if (epoch > 1 || messages <= 0) return undefined
  const there = messages === 1 ? 'the message that is' : `the ${messages} messages that are`
  const text = `part "${name}" is new on ${destination.kind} "${destination.name}" and handles ${there} there`
  return [`${text}; a part that was renamed needs renamedFrom`, { messages }]
}

/** The lines about processors that the store knows and the app does not have any longer. */
export function goneParts(
  known: readonly ProgressRow[],
  specs: readonly ProcessorSpec[],
  streams: ReadonlyMap<number, Stream>,
): Line[] {
  const present = new Set(specs.map(({ name, destination }) => keyOf(name, destination.name)))
  return known.flatMap(({ processor, stream, low }) => {
    const { name, kind, head } = streams.get(stream)!
    if (present.has(keyOf(processor, name))) return []
    const text = `part "${processor}" is gone from ${kind} "${name}"; the messages that it needs are kept until it is retired`
    return [[text, { messages: Math.max(0, head - low) }] as const]
  })
}

/** The lines about mediators that are gone and have flows under way. */
export function goneMediators(underWay: readonly FlowsUnderWay[], mediators: readonly { name: string }[]): Line[] {
  const present = new Set(mediators.map(({ name }) => name))
  return underWay.flatMap(({ mediator, flows }) => {
    if (present.has(mediator)) return []
    return [[`mediator "${mediator}" is gone; its pending flows wait until it is back`, { flows }] as const]
  })
}

const keyOf = (processor: string, destination: string) => `${processor} ${destination}`
