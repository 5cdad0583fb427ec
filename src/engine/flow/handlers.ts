// The handlers with which messages reach the flows: one that starts some, one that lets them go on.
import { fault } from '../../model/errors.ts'
import type { Message, MessageType } from '../../model/message.ts'
import { promiseOf } from '../../model/promise.ts'
import type { PublishOptions } from '../../model/publish.ts'
import type { Query } from '../../model/tx.ts'
import type { FlowOutcome as Also } from '../commit/handled.ts'
import type { Attempted } from './attempted.ts'
import type { Flows } from './flows.ts'
import type { MediatorSpec } from './host.ts'

/** A handler that needs its attempt. */
export type FlowHandler = (message: Message, attempt: Attempted) => unknown

const flowsOf = (attempt: Attempted): Flows => attempt.processor.flows as Flows

/** Handles the event that starts flows of a mediator. */
export function startsFlow(spec: MediatorSpec): FlowHandler {
  return async (message, attempt) => {
    attempt.flowOutcome = await flowsOf(attempt).starting.start(spec, attempt.message, message, attempt)
  }
}

/** A route, and the mediators whose flows it may start. */
export interface RouteSpec {
  readonly name: string
  readonly starts: ReadonlySet<MediatorSpec>
}

interface Begin {
  readonly spec: MediatorSpec
  readonly data: unknown
}

/** What a route decides with. Each part is made when it is asked for, so that destructuring works. */
export class RouteContext {
  readonly #route: RouteSpec
  readonly #attempt: Attempted
  #begins: Begin[] | undefined

  constructor(route: RouteSpec, attempt: Attempted) {
    this.#route = route
    this.#attempt = attempt
  }

  get send() {
    return (type: MessageType, data: unknown, options?: PublishOptions): string =>
      this.#attempt.collect('send', type, data, options).id
  }

  get read(): Query {
    return this.#attempt.processor.read
  }

  get start() {
    return (mediator: { readonly name: string; readonly spec: MediatorSpec }, data: unknown): void => {
      const { name, starts } = this.#route
      if (!starts.has(mediator?.spec)) {
        throw fault('millrace/undeclared', `route "${name}": "${mediator?.name}" is not in its starts`)
      }
      this.#begins ??= []
      this.#begins.push({ spec: mediator.spec, data })
    }
  }

  /** What it has started. */
  static begunBy(context: RouteContext): readonly Begin[] {
    return context.#begins ?? none
  }
}

const none: readonly Begin[] = []

/** Handles a message of a route, which may start flows. */
export function routes(route: RouteSpec, choose: (message: Message, to: RouteContext) => unknown): FlowHandler {
  return (message, attempt) => {
    const to = new RouteContext(route, attempt)
    const result = choose(message, to)
    const promise = promiseOf(result)
    if (promise !== undefined || RouteContext.begunBy(to).length > 0) return startAll(attempt, to, promise)
    return undefined
  }
}

async function startAll(attempt: Attempted, to: RouteContext, chosen: Promise<unknown> | undefined): Promise<void> {
  await chosen
  const flows = flowsOf(attempt)
  const all: Also[] = []
  const dropped = () => {
    for (const also of all) also.dropped?.()
  }
  try {
    for (const [index, { spec, data }] of RouteContext.begunBy(to).entries()) {
      const also = await flows.starting.startFrom(spec, data, attempt, index)
      if (also !== undefined) all.push(also)
    }
  } catch (error) {
    dropped()
    throw error
  }
  attempt.flowOutcome = {
    flows: all.flatMap((also) => also.flows),
    outgoing: all.flatMap((also) => also.outgoing),
    written: () => {
      for (const also of all) also.written()
    },
    dropped,
  }
}

/** Handles an event that flows of a mediator may wait for. */
export function takesMail(spec: MediatorSpec, type: string): FlowHandler {
  return (message, attempt) => {
    const to = spec.waits.get(type)!(message)
    if (to === undefined) return
    attempt.flowOutcome = flowsOf(attempt).mail(spec, attempt.message, to)
  }
}
