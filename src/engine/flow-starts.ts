// The handlers with which messages reach the flows: one that starts some, one that lets them go on.
import type { Stored } from '../model/codec.ts'
import type { Message } from '../model/message.ts'
import type { FlowChange } from '../seam/store.ts'
import { HandlerContext } from './attempt.ts'
import type { MediatorSpec } from './flow-host.ts'
import type { HandlerSpec } from './spec.ts'

/** What belongs to the end of an attempt that starts flows, or gives them mail. */
export interface Also {
  readonly flows: readonly FlowChange[]
  readonly outgoing: readonly Stored[]
  readonly written: () => void
  /** Called when the attempt comes to nothing after all. */
  readonly dropped?: () => void
}

/** Handles the event that starts flows of a mediator. */
export function startsFlow(spec: MediatorSpec): HandlerSpec['handle'] {
  return async (message, context) => {
    const attempt = HandlerContext.attemptOf(context)
    attempt.also = await attempt.consumer.flows.start(spec, attempt.delivery.message, message, attempt)
  }
}

/** Handles a message of a route, which may start flows. */
export function startsFlows(
  choose: (message: Message, context: HandlerContext, start: (spec: MediatorSpec, data: unknown) => void) => unknown,
): HandlerSpec['handle'] {
  return (message, context) => {
    const attempt = HandlerContext.attemptOf(context)
    const begin: { readonly spec: MediatorSpec; readonly data: unknown }[] = []
    const result = choose(message, context, (spec, data) => void begin.push({ spec, data }))
    if (begin.length === 0 && typeof (result as PromiseLike<unknown> | undefined)?.then !== 'function') return
    return (async () => {
      await result
      const { flows } = attempt.consumer
      const all: Also[] = []
      try {
        for (const [index, { spec, data }] of begin.entries()) {
          const also = await flows.startFrom(spec, data, attempt, index)
          if (also !== undefined) all.push(also)
        }
      } catch (error) {
        for (const also of all) also.dropped?.()
        throw error
      }
      attempt.also = {
        flows: all.flatMap((also) => also.flows),
        outgoing: all.flatMap((also) => also.outgoing),
        written: () => {
          for (const also of all) also.written()
        },
        dropped: () => {
          for (const also of all) also.dropped?.()
        },
      }
    })()
  }
}

/** Handles an event that flows of a mediator may wait for. */
export function takesMail(spec: MediatorSpec, type: string): HandlerSpec['handle'] {
  return (message, context) => {
    const to = spec.waits.get(type)!(message)
    if (to === undefined) return
    const attempt = HandlerContext.attemptOf(context)
    attempt.also = attempt.consumer.flows.mail(spec, attempt.delivery.message, to)
  }
}
