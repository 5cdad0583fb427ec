import { sqlite } from '../adapters/sqlite/index.ts'
import { type App, app as makeApp } from '../app/app.ts'
import type { AppOptions } from '../app/options.ts'
import type { RequestOptions } from '../app/requests.ts'
import { checkApp } from '../app/running.ts'
import type { Desk, FlowDesk, Processors } from '../index.ts'
import { fault } from '../model/errors.ts'
import { dateMs } from '../model/kinds.ts'
import type { Command, DataFor, Event, MessageType, ReplyOf } from '../model/message.ts'
import { checkOptions } from '../model/options.ts'
import { shownValue } from '../model/people.ts'
import type { Accepted, PublishEntry, PublishOptions } from '../model/publish.ts'
import type { Delay } from '../model/time.ts'
import type { Part } from '../parts/part.ts'
import { FaultPlan } from './faults.ts'
import { watchHidden } from './hidden.ts'
import { beginsAtDefaultMs, Machine } from './machine/machine.ts'
import type { Network } from './machine/network.ts'
import { randomOf } from './random.ts'
import { type View, viewOf } from './view.ts'

/** Options of {@link simulation}. Give either `app` or `parts`. */
export interface SimulationOptions {
  /**
   * The app, or a function that makes one. With a function each simulated process gets its own app, as in production.
   */
  readonly app?: (App | (() => App)) | undefined
  /** The parts of an app, as in `app({ parts })`. */
  readonly parts?: readonly Part[] | undefined
  /** Used with `parts`: as in `app({ setup })`. */
  readonly setup?: AppOptions['setup'] | undefined
  /** The seed of all chance, a whole number from 0, default 1. */
  readonly seed?: number | undefined
  /**
   * Answers the requests that `deliver` sends: a function from a request to `{ status, headers, body }`, or a promise of
   * it. A function that throws breaks the connection without an answer. Default: no network, and nothing is sent.
   */
  readonly network?: Network | undefined
  /** The start time, default 2026-01-01 00:00 UTC. */
  readonly beginsAt?: Date | undefined
}

/**
 * One app on a simulated machine. Time passes only while one of its promises is awaited. Calls made while others are
 * pending begin in the order of the calls. After `stop` only `trace` and `now` work; all else is refused.
 */
export interface Simulation extends View, AsyncDisposable {
  /** The app of the running process. */
  readonly app: App
  /**
   * Publishes an event, as `app.publish`. Time passes until it is acknowledged.
   *
   * @param type an event on a topic of the app
   * @param data its data
   * @param options `id`; `at` or `delayMs`
   * @returns the id, and whether it is a duplicate
   * @throws as `app.publish`
   *
   * @example
   * ```ts
   * const { id } = await sim.publish(OrderPlaced, { orderId: 'o-1', customer: 'ada', sku: 'sieve', quantity: 1 }, { id: 'web/o-1' })
   * console.assert(id === 'web/o-1')
   * ```
   */
  publish<E extends Event>(type: E, data: DataFor<E>, options?: PublishOptions): Promise<Accepted>
  /**
   * Publishes events together, as `app.publishMany`. Time passes until they are acknowledged.
   *
   * @param type an event on a topic of the app
   * @param entries `{ data, id? }` for each event
   * @param delay `at` or `delayMs`, for all of them
   * @returns a result for each entry, in order
   * @throws as `app.publishMany`
   *
   * @example
   * ```ts
   * const order = { customer: 'ada', sku: 'sieve', quantity: 1 }
   * await sim.publishMany(OrderPlaced, [{ data: { orderId: 'o-1', ...order } }, { data: { orderId: 'o-2', ...order } }])
   * console.assert(sim.published(OrderPlaced).length === 2)
   * ```
   */
  publishMany<E extends Event>(type: E, entries: readonly PublishEntry<E>[], delay?: Delay): Promise<Accepted[]>
  /**
   * Sends a command, as `app.send`. Time passes until it is acknowledged.
   *
   * @param type a command on a channel of the app
   * @param data its data
   * @param options `id`; `at` or `delayMs`
   * @returns the id, and whether it is a duplicate
   * @throws as `app.send`
   *
   * @example
   * ```ts
   * await sim.send(SendReminder, { orderId: 'o-1' }, { delayMs: 60_000 })
   * await sim.advance(60_000)
   * ```
   */
  send<C extends Command>(type: C, data: DataFor<C>, options?: PublishOptions): Promise<Accepted>
  /**
   * Cancels a delayed message or a request, as `app.cancel`.
   *
   * @param type the type of the message
   * @param id the id of the message
   * @returns true when it was taken back
   * @throws as `app.cancel`
   *
   * @example
   * ```ts
   * await sim.send(SendReminder, { orderId: 'o-1' }, { id: 'remind o-1', delayMs: 60_000 })
   * console.assert(await sim.cancel(SendReminder, 'remind o-1'))
   * ```
   */
  cancel(type: MessageType, id: string): Promise<boolean>
  /**
   * Sends a command and waits for its reply, as `app.request`.
   *
   * @param type a command on a channel of the app
   * @param data its data
   * @param options `timeoutMs`, `id`
   * @returns the reply
   * @throws as `app.request`
   *
   * @example
   * ```ts
   * const { left } = await sim.request(TakeStock, { orderId: 'o-1', sku: 'sieve', quantity: 1 })
   * console.assert(left === 999)
   * ```
   */
  request<C extends Command>(type: C, data: DataFor<C>, options?: RequestOptions): Promise<ReplyOf<C>>
  /**
   * Releases a held message, as `app.desk.release`.
   *
   * @param id the number of the message at the desk
   * @throws as `app.desk.release`
   *
   * @example
   * ```ts
   * await sim.publish(OrderPlaced, { orderId: 'o-1', customer: 'ada', sku: 'unknown', quantity: 1 })
   * await sim.untilIdle()
   * await sim.release(sim.held()[0]!.id)
   * ```
   */
  release(id: number): Promise<void>
  /** The desk, as `app.desk`: the held messages and the actions of people on them. */
  readonly desk: Desk
  /** The processors, as `app.processors`. */
  readonly processors: Processors
  /** The flows of mediators, as `app.flows`, and the actions of people on them. */
  readonly flows: FlowDesk
  /**
   * Lets time pass. Everything that falls due in it happens.
   *
   * @param ms milliseconds, from 0
   * @throws `millrace/bad-option`, `millrace/simulation-stalled`, `millrace/not-deterministic`
   *
   * @example
   * ```ts
   * await sim.send(SendReminder, { orderId: 'o-1' }, { delayMs: 3 * 24 * 3_600_000 })
   * await sim.advance(3 * 24 * 3_600_000)
   * await sim.untilIdle()
   * console.assert(sim.published(SendReminder).length === 1)
   * ```
   */
  advance(ms: number): Promise<void>
  /**
   * Lets time pass until every accepted message is handled or held, as `app.idle()`.
   *
   * @throws `millrace/simulation-stalled`, `millrace/not-deterministic`
   *
   * @example
   * ```ts
   * await sim.publish(OrderPlaced, { orderId: 'o-1', customer: 'ada', sku: 'sieve', quantity: 1 })
   * await sim.untilIdle()
   * console.assert(sim.held().length === 0)
   * ```
   */
  untilIdle(): Promise<void>
  /**
   * Sets the wall clock of the machine, as a person or a time server does. Waits and durations are not affected.
   *
   * @param to the new time
   * @throws `millrace/bad-option`
   *
   * @example
   * ```ts
   * sim.setClock(new Date('2026-03-29T00:59:00Z'))
   * await sim.advance(3_600_000)
   * console.assert(new Date(sim.now()).getUTCHours() === 1)
   * ```
   */
  setClock(to: Date): void
  /**
   * Lets time pass until a promise of the app settles.
   *
   * @param promise a promise that a call of `sim.app` returned
   * @returns its value
   * @throws its error; `millrace/simulation-stalled` when nothing can settle it
   *
   * @example
   * ```ts
   * await sim.untilIdle()
   * const rows = await sim.settled(sim.app.processors.list())
   * console.assert(rows.some(({ name }) => name === 'warehouse'))
   * ```
   */
  settled<T>(promise: Promise<T>): Promise<T>
  /**
   * Ends the process at once. With `power: true` the machine loses power, and data that were not synced may be lost.
   *
   * @param options `power`: default false
   *
   * @example
   * ```ts
   * await sim.publish(OrderPlaced, { orderId: 'o-1', customer: 'ada', sku: 'sieve', quantity: 1 })
   * await sim.crash({ power: true })
   * await sim.restart()
   * console.assert(sim.published(OrderPlaced).length === 1)
   * ```
   */
  crash(options?: { readonly power?: boolean | undefined }): Promise<void>
  /**
   * Starts the process again after a crash; a running one is stopped first. Calls made before the start wait for it.
   *
   * @throws what the start of the app throws
   *
   * @example
   * ```ts
   * await sim.crash()
   * await sim.restart()
   * await sim.untilIdle()
   * ```
   */
  restart(): Promise<void>
  /**
   * Ends the simulation and removes its files. `await using` does it by itself.
   *
   * @example
   * ```ts
   * await sim.untilIdle()
   * await sim.stop()
   * ```
   */
  stop(): Promise<void>
}

/**
 * Runs an app with the real engine and the real SQLite store on a simulated machine, to test the app as a whole. Time
 * is virtual, so a test of ten days takes milliseconds. Chance, ids and the order in which contexts run come from the
 * seed, so the same seed produces the same trace. The app starts with the first call.
 *
 * @param options the app or its parts, the seed, and the start time
 * @returns the simulation; end it with `stop`, or declare it with `await using`
 * @throws `millrace/bad-option`, `millrace/unknown-option`. Its methods throw as those of the app;
 *   `millrace/not-started` after a crash or a stop; `millrace/simulation-stalled` when nothing can end a wait;
 *   `millrace/not-deterministic` when a handler uses a clock, a timer or chance of its own
 *
 * @example
 * ```ts
 * await using sim = simulation({ parts: [...declared, ...served, labels] })
 * await sim.publish(OrderPlaced, { orderId: 'o-1', customer: 'ada', sku: 'sieve', quantity: 1 })
 * await sim.crash({ power: true })
 * await sim.restart()
 * await sim.untilIdle()
 * console.assert(sim.held().length === 0)
 * ```
 */
export function simulation(options: SimulationOptions): Simulation {
  checkOptions('simulation', options, ['app', 'parts', 'setup', 'seed', 'beginsAt', 'network'])
  const { seed = 1, beginsAt, network } = options
  checkSeed('simulation', seed)
  const make = maker('simulation', options)
  if (beginsAt !== undefined && !Number.isFinite(dateMs(beginsAt))) {
    throw fault('millrace/bad-option', 'simulation: beginsAt must be a valid Date')
  }
  const machine = new Machine({
    make,
    seed,
    beginsAt: beginsAt?.getTime() ?? beginsAtDefaultMs,
    faults: new FaultPlan({}, randomOf(seed, 'faults')),
    network: checkNetwork('simulation', network),
  })
  const hidden = watchHidden(machine.calls.nameOf)
  /** The last requested start, until it succeeds. */
  let starting: Promise<void> | undefined
  let ended = false

  const checkEnded = () => {
    if (ended) throw fault('millrace/not-started', 'the simulation has ended')
  }
  const startAnew = async () => {
    checkEnded()
    if (machine.app !== undefined) {
      await machine.scheduler.settled('the stop', Promise.race([machine.stop(), machine.ends()]))
    }
    checkEnded()
    await machine.scheduler.settled('the start', machine.begin())
    checkEnded()
  }
  /** Starts run one after the other, in the order of the requests. */
  const start = (): Promise<void> => {
    const before = starting ?? Promise.resolve()
    const done = before.then(startAnew, startAnew)
    starting = done
    const over = () => {
      if (starting === done) starting = undefined
    }
    done.then(over, () => {})
    return done
  }
  /** The promises to wait for first. There are none once the app has started: then calls begin in their order. */
  const pending = () => {
    checkEnded()
    return starting ?? (machine.starts === 0 ? start() : undefined)
  }
  const up = (): App => {
    checkEnded()
    if (machine.app !== undefined) return machine.app
    throw fault('millrace/not-started', 'the simulated process is down since its crash: call restart() first')
  }
  const settled = async <T>(what: string, work: (app: App) => Promise<T>): Promise<T> => {
    const first = pending()
    if (first !== undefined) await first
    const app = up()
    const died = machine.ends().then((): never => {
      throw fault('millrace/not-started', `the simulated process has died before ${what} ended`)
    })
    const result = await machine.scheduler.settled(what, Promise.race([work(app), died]))
    hidden.check()
    return result
  }
  const stop = async () => {
    if (ended) return
    ended = true
    hidden.end()
    machine.dispose()
  }

  return {
    ...viewOf(machine, seed),
    get app() {
      if (machine.app === undefined) throw fault('millrace/not-started', 'the simulated process does not run')
      return machine.app
    },
    publish: (type, data, how) => settled('a publish', (app) => app.publish(type, data, how)),
    publishMany: (type, entries, delay) => settled('a publishMany', (app) => app.publishMany(type, entries, delay)),
    send: (type, data, how) => settled('a send', (app) => app.send(type, data, how)),
    cancel: (type, id) => settled('a cancel', (app) => app.cancel(type, id)),
    request: (type, data, how) => settled('a request', (app) => app.request(type, data, how)),
    release: (id) => settled('a release', (app) => app.desk.release(id)),
    setClock(to) {
      if (!Number.isFinite(dateMs(to))) {
        throw fault('millrace/bad-option', 'simulation: setClock takes a valid Date')
      }
      machine.setClock(to.getTime())
    },
    desk: passing('desk', deskActions, settled),
    processors: passing('processors', processorActions, settled),
    flows: passing('flows', flowActions, settled),
    settled: (promise) => settled('a promise', () => promise),
    untilIdle: () => settled('the app to be idle', (app) => app.idle()),
    async advance(ms) {
      if (!(Number.isFinite(ms) && ms >= 0)) {
        throw fault('millrace/bad-option', `simulation: advance takes milliseconds from 0 on, not ${shownValue(ms)}`)
      }
      const first = pending()
      if (first !== undefined) await first
      let over = false
      machine.scheduler.after(ms, { alive: true }, () => {
        over = true
      })
      await machine.scheduler.until('time to pass', () => over)
      hidden.check()
    },
    async crash(how = {}) {
      checkOptions('simulation: crash', how, ['power'])
      const { power = false } = how
      const first = pending()
      if (first !== undefined) await first
      up()
      machine.die(power ? 'powerCut' : 'crash', 'on demand')
    },
    restart: async () => {
      checkEnded()
      await start()
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

type Settled = <T>(what: string, work: (app: App) => Promise<T>) => Promise<T>

const deskActions: Readonly<Record<keyof Desk, true>> = {
  list: true,
  show: true,
  line: true,
  counts: true,
  groups: true,
  release: true,
  resubmit: true,
  form: true,
  check: true,
  change: true,
  try: true,
  test: true,
  discard: true,
  takeBack: true,
  claim: true,
  unclaim: true,
  note: true,
  snooze: true,
  wake: true,
  select: true,
  run: true,
  preview: true,
  operations: true,
  outcome: true,
  abort: true,
  audit: true,
  refused: true,
}

const processorActions: Readonly<Record<keyof Processors, true>> = {
  list: true,
  series: true,
  retire: true,
  set: true,
  pause: true,
  resume: true,
  reset: true,
  alerts: true,
  endpoints: true,
  deliveries: true,
  test: true,
}

const flowActions: Readonly<Record<keyof FlowDesk, true>> = {
  list: true,
  counts: true,
  show: true,
  questions: true,
  form: true,
  answer: true,
  cancel: true,
  stop: true,
  pause: true,
  resume: true,
  runAgain: true,
}

type Action = (...given: readonly unknown[]) => Promise<unknown>

/** Wraps a part of the app so that time passes while its promises are awaited. */
function passing<Name extends 'desk' | 'processors' | 'flows'>(
  name: Name,
  actions: Readonly<Record<keyof App[Name], true>>,
  settled: Settled,
): App[Name] {
  const one =
    (action: string): Action =>
    (...given) =>
      settled(`${name}.${action}`, (app) => (app[name] as never as Record<string, Action>)[action]!(...given))
  return Object.fromEntries(Object.keys(actions).map((action) => [action, one(action)])) as never
}

/** Errors: `millrace/bad-option`. */
export function checkNetwork(where: string, network: Network | undefined): Network | undefined {
  if (network === undefined || typeof network === 'function') return network
  throw fault('millrace/bad-option', `${where}: network must be a function from a request to its answer`)
}

/** Refuses a bad seed. Errors: `millrace/bad-option`. */
export function checkSeed(where: string, seed: unknown): void {
  if (Number.isSafeInteger(seed) && (seed as number) >= 0) return
  throw fault('millrace/bad-option', `${where}: seed must be a whole number from 0 on, not ${shownValue(seed)}`)
}

/** Returns the function that makes the app of each process. */
export function maker(where: string, { app, parts, setup }: SimulationOptions): () => App {
  if ((app === undefined) === (parts === undefined)) {
    throw fault('millrace/bad-option', `${where}: give either app or parts`)
  }
  if (typeof app === 'function') return app
  if (app !== undefined) {
    checkApp(app)
    return () => app
  }
  return () => makeApp({ name: 'simulated', broker: sqlite({ file: 'simulated.db' }), parts: parts!, setup })
}
