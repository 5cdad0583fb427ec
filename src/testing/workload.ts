// The actions of clients in a simulation, recorded before they are done, so that a failure can shrink to a few steps.

import type { Desk, FlowDesk, Processors, RequestOptions } from '../index.ts'
import { fault } from '../model/errors.ts'
import type { Command, DataFor, Event, MessageType, ReplyOf } from '../model/message.ts'
import { shownValue } from '../model/people.ts'
import { isPromise } from '../model/promise.ts'
import type { PublishEntry } from '../model/publish.ts'
import type { Delay } from '../model/time.ts'
import type { Random } from './random.ts'
import type { View } from './view.ts'

/** The actions of people and programs in a step of a workload, beside publishing. */
export interface Actions extends View {
  /**
   * Releases a held message, as `app.desk.release`.
   *
   * @param id the number of the message at the desk
   * @throws as `app.desk.release`; a refusal is no failure of the run
   *
   * @example
   * ```ts
   * work.act('release the oldest', async ({ held, release }) => {
   *   const [oldest] = held()
   *   if (oldest !== undefined) await release(oldest.id)
   * })
   * ```
   */
  release(id: number): Promise<void>
  /**
   * Takes back a delayed message or a request, as `app.cancel`.
   *
   * @param type the type of the message
   * @param id the id of the message
   * @returns true when it was taken back
   *
   * @example
   * ```ts
   * work.send(SendReminder, { orderId: 'o-1' }, { id: 'remind o-1', delayMs: 60_000 })
   * work.act('cancel the reminder', ({ cancel }) => cancel(SendReminder, 'remind o-1'))
   * ```
   */
  cancel(type: MessageType, id: string): Promise<boolean>
  /**
   * Sends a command and waits for its reply, as `app.request`. It dies with the process: ask again with the same `id`.
   *
   * @param type a command on a channel of the app
   * @param data its data
   * @param options `timeoutMs`, `whenHeld`, `id`
   * @returns the reply
   * @throws as `app.request`
   *
   * @example
   * ```ts
   * work.act('take a sieve', async ({ request }) => {
   *   const { left } = await request(TakeStock, { orderId: 'o-1', sku: 'sieve', quantity: 1 }, { id: 'take o-1' })
   *   console.assert(left >= 0)
   * })
   * ```
   */
  request<C extends Command>(type: C, data: DataFor<C>, options?: RequestOptions): Promise<ReplyOf<C>>
  /** The desk, as `app.desk`. */
  readonly desk: Desk
  /** The processors, as `app.processors`. Paused ones are resumed before `eventually` is checked. */
  readonly processors: Processors
  /** The flows, as `app.flows`. */
  readonly flows: FlowDesk
  /** Chance from the seed. */
  readonly random: Random
}

/** Options of `publish` and `send` of a client, as those of `app.publish`. */
export interface WorkOptions extends Delay {
  readonly id?: string | undefined
}

/** A client of a workload. Each of its steps begins when the step before has ended. */
export interface Client {
  /**
   * Publishes an event, and repeats with the same id after each failure until it is acknowledged.
   *
   * @param type an event on a topic of the app
   * @param data its data
   * @param options `id`, default: one from the seed; `at` or `delayMs`
   *
   * @example
   * ```ts
   * work.publish(OrderPlaced, { orderId: 'o-1', customer: 'ada', sku: 'sieve', quantity: 1 }, { id: 'o-1' })
   * ```
   */
  publish<E extends Event>(type: E, data: DataFor<E>, options?: WorkOptions): void
  /**
   * Publishes events together, as `app.publishMany`, and repeats as `publish` does.
   *
   * @param type an event on a topic of the app
   * @param entries `{ data, id? }` for each event; an `id` by default: one from the seed
   * @param delay `at` or `delayMs`, for all of them
   *
   * @example
   * ```ts
   * const order = { customer: 'ada', sku: 'sieve', quantity: 1 }
   * work.publishMany(OrderPlaced, [{ data: { orderId: 'o-1', ...order } }, { data: { orderId: 'o-2', ...order } }])
   * ```
   */
  publishMany<E extends Event>(type: E, entries: readonly PublishEntry<E>[], delay?: Delay): void
  /**
   * Sends a command, and repeats as `publish` does.
   *
   * @param type a command on a channel of the app
   * @param data its data
   * @param options as of `publish`
   *
   * @example
   * ```ts
   * work.send(SendReminder, { orderId: 'o-1' })
   * ```
   */
  send<C extends Command>(type: C, data: DataFor<C>, options?: WorkOptions): void
  /**
   * Waits before the next step.
   *
   * @param ms milliseconds, from 0
   * @throws `millrace/bad-option`
   *
   * @example
   * ```ts
   * work.send(SendReminder, { orderId: 'o-1' })
   * work.wait(random.below(60_000))
   * work.send(SendReminder, { orderId: 'o-2' })
   * ```
   */
  wait(ms: number): void
  /**
   * Does another action. When the process dies during it, the rest of the action is not done.
   *
   * @param what the action in words, for the report of a failure
   * @param run called once, with the state and the actions of people
   * @throws `millrace/bad-option` when `run` is no function
   *
   * @example
   * ```ts
   * work.act('pause the till', ({ processors }) => processors.pause('till', { by: 'ada' }))
   * ```
   */
  act(what: string, run: (actions: Actions) => unknown): void
}

/** The first client of a workload, which may add others. */
export interface Workload extends Client {
  /**
   * Adds a client that works side by side with the others.
   *
   * @returns the client
   *
   * @example
   * ```ts
   * const other = work.client()
   * other.send(SendReminder, { orderId: 'o-1' })
   * work.send(SendReminder, { orderId: 'o-2' })
   * ```
   */
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
  | {
      readonly do: 'publish many'
      readonly type: Event
      readonly entries: readonly { readonly data: unknown; readonly id: string }[]
      readonly delay: Delay | undefined
    }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'act'; readonly what: string; readonly run: (actions: Actions) => unknown }

/** The steps of all clients, in the order of recording. */
export interface Plan {
  readonly steps: readonly { readonly client: number; readonly step: WorkStep }[]
  readonly clients: number
}

/** A message acknowledged to a client. */
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
    const idOf = () => `client ${client} step ${steps.length}`
    const put = (type: MessageType, data: unknown, { id, ...delay }: WorkOptions = {}) =>
      add(client, { do: 'publish', type, data, id: id ?? idOf(), delay })
    return {
      publish: put,
      send: put,
      publishMany: (type, entries, delay) => {
        const named = entries.map(({ data, id }, n) => ({ data, id: id ?? `${idOf()} entry ${n}` }))
        add(client, { do: 'publish many', type, entries: named, delay })
      },
      wait: (ms) => {
        if (!(Number.isFinite(ms) && ms >= 0)) {
          throw fault('millrace/bad-option', `the workload waits ${shownValue(ms)}, but takes milliseconds from 0 on`)
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
  const { type, delay } = step
  const when = Object.keys(delay ?? {}).length === 0 ? '' : ` ${JSON.stringify(delay)}`
  if (step.do === 'publish many') {
    return `publish ${step.entries.length} of ${type.name} ${JSON.stringify(step.entries.map(({ data }) => data))}${when}`
  }
  const { data } = step
  return `${type.kind === 'event' ? 'publish' : 'send'} ${type.name} ${JSON.stringify(data)}${when}`
}
