// What clients do in a simulation, written down before it is done, so that a failure can be shrunk to a few steps.
import type { Processors } from '../app.ts'
import type { Desk, FlowDesk } from '../index.ts'
import { fault } from '../model/errors.ts'
import type { Command, DataFor, Event, MessageType } from '../model/message.ts'
import { isPromise } from '../model/promise.ts'
import type { Delay } from '../model/time.ts'
import type { Random } from './random.ts'
import type { View } from './view.ts'

/** What people and programs may do beside publishing, in a step of a workload. */
export interface Actions extends View {
  /** As `app.desk.release`. */
  release(id: number): Promise<void>
  /** As `app.cancel`. */
  cancel(type: MessageType, id: string): Promise<boolean>
  /** As `app.desk`: what is held, and what people do about it. */
  readonly desk: Desk
  /** As `app.processors`. What is paused in the end is resumed before `eventually` is asked. */
  readonly processors: Processors
  /** As `app.flows`. */
  readonly flows: FlowDesk
  readonly random: Random
}

/** As those of `app.publish`. */
export interface WorkOptions extends Delay {
  readonly id?: string | undefined
}

/** What one client does, one step after the other: each begins when the one before has ended. */
export interface Client {
  /** Publishes until it is acknowledged, again with the same id after each failure. */
  publish<E extends Event>(type: E, data: DataFor<E>, options?: WorkOptions): void
  /** As `publish`, a command. */
  send<C extends Command>(type: C, data: DataFor<C>, options?: WorkOptions): void
  /** Waits, milliseconds. */
  wait(ms: number): void
  /** Does something else; when the process dies meanwhile it is left undone. */
  act(what: string, run: (actions: Actions) => unknown): void
}

export interface Workload extends Client {
  /** Another client, at work beside this one. */
  client(): Client
}

export type WorkStep =
  | {
      readonly do: 'publish'
      readonly type: MessageType
      readonly data: unknown
      readonly id: string
      readonly delay: Delay
    }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'act'; readonly what: string; readonly run: (actions: Actions) => unknown }

/** Steps of all clients, in the order in which they were written down. */
export interface Plan {
  readonly steps: readonly { readonly client: number; readonly step: WorkStep }[]
  readonly clients: number
}

/** A message that was acknowledged to a client. */
export interface AcceptedMessage {
  readonly type: string
  readonly id: string
  readonly data: unknown
}

const stepsMax = 1_000_000

export function planOf(write: (work: Workload, random: Random) => unknown, random: Random): Plan {
  const steps: { client: number; step: WorkStep }[] = []
  let clients = 0
  const add = (client: number, step: WorkStep) => {
    if (steps.length >= stepsMax) throw fault('millrace/bad-option', `the workload has more than ${stepsMax} steps`)
    steps.push({ client, step })
  }
  const newClient = (): Client => {
    const client = clients++
    const put = (type: MessageType, data: unknown, { id, ...delay }: WorkOptions = {}) =>
      add(client, { do: 'publish', type, data, id: id ?? `client ${client} step ${steps.length}`, delay })
    return {
      publish: put,
      send: put,
      wait: (ms) => {
        if (!(Number.isFinite(ms) && ms >= 0)) {
          throw fault('millrace/bad-option', `the workload waits ${String(ms)}, but takes milliseconds from 0 on`)
        }
        add(client, { do: 'wait', ms })
      },
      act: (what, run) => {
        if (typeof run !== 'function')
          throw fault('millrace/bad-option', `the workload: act "${what}" takes a function`)
        add(client, { do: 'act', what, run })
      },
    }
  }
  const result = write({ ...newClient(), client: newClient }, random)
  if (isPromise(result)) {
    throw fault('millrace/bad-option', 'a workload is written down at once: let its function return no promise')
  }
  return { steps, clients }
}

export function describeStep(step: WorkStep): string {
  if (step.do === 'wait') return `wait ${step.ms} ms`
  if (step.do === 'act') return step.what
  const { type, data, delay } = step
  const when = Object.keys(delay).length === 0 ? '' : ` ${JSON.stringify(delay)}`
  return `${type.kind === 'event' ? 'publish' : 'send'} ${type.name} ${JSON.stringify(data)}${when}`
}
