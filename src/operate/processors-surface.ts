// The processors of an app: the engine, the store and the parts know of each; one list has it all.
import type { Delivers, Exchange, Exchanges } from '../engine/consumer/exchanges.ts'
import type { Looked } from '../engine/consumer/health.ts'
import type { AlertRaised } from '../model/alerts.ts'
import { type Actor, checkActor } from '../model/desk.ts'
import type { ConcurrencySet, Paused } from '../model/desk-views.ts'
import { fault } from '../model/errors.ts'
import { limit } from '../model/options.ts'
import type { Part } from '../parts/part.ts'
import type { Processor } from '../parts/processor.ts'
import type { AlertRow, AlertStore } from '../seam/alerts.ts'
import type { DeskReads } from '../seam/desk-reads.ts'
import type { ConcurrencyChange } from '../seam/processors.ts'
import type { World } from '../seam/world.ts'
import { checked } from './calls.ts'
import type { Endpoint, ProcessorRow, Processors, SetOptions } from './processors.ts'
import { namedIn, type ResetBackend, resetOn, wiredOf } from './reset.ts'
import { toRetire } from './retire.ts'
import { pausedOf } from './rows.ts'
import type { SeriesRing } from './series.ts'

/** The engine of a running app, as it lists processors and acts on them. */
export interface ProcessorsBackend {
  readonly store: { readonly deskReads: Pick<DeskReads, 'processors'>; readonly alerts: Pick<AlertStore, 'rows'> }
  readonly processors: {
    list(): Known['live']
    positions(): Promise<Known['known']>
    pause(processor: string, actor: Actor): Promise<void>
    resume(processor: string, actor: Actor): Promise<void>
    readonly acts: {
      retire(processor: string, destination: string, actor: Actor): Promise<void>
      tested(processor: string, actor: Actor): Promise<void>
    }
    readonly resets: ResetBackend
    readonly concurrencies: { set(change: ConcurrencyChange): Promise<void> }
    /** The processor with a name; undefined where it does not run. */
    named(processor: string): Delivering | undefined
  }
}

/** A processor that runs, and may send to another system. */
export interface Delivering {
  readonly spec: { readonly delivers?: Delivers | undefined }
  readonly processor: { readonly exchanges: Exchanges }
  readonly looked: Pick<Looked, 'side'>
}

/** The name and the parts of the app, and the processors of these, also those that are left out. */
export interface ProcessorsOf {
  readonly app: string
  readonly parts: readonly Part[]
  wired(): readonly Processor[]
  readonly ring: Pick<SeriesRing, 'series'>
  readonly world: Pick<World, 'now' | 'elapsed'>
}

/** Checks what is asked for and has it done. `backend` returns what does it, or throws when there is nothing. */
export function processorsOn(
  backend: () => ProcessorsBackend,
  { app, parts, wired, ring, world }: ProcessorsOf,
): Processors {
  const us: Actor = { by: `app ${app}` }
  const list = async () => {
    const { store, processors } = backend()
    const { held, paused, concurrencies } = await store.deskReads.processors()
    const live = processors.list()
    const known = await processors.positions()
    return rowsOf({ held, paused: pausedOf(paused), concurrencies, live, wired: wired(), known })
  }
  return checked<Processors>('processors', {
    list,
    series: async ({ processor } = {}) => {
      const { processors } = backend()
      if (processor !== undefined && processors.named(processor) === undefined) throw notRunning(processor)
      return ring.series(processor)
    },
    retire: async (processor, options = {}) => {
      const actor = actorIn('retire', options, us)
      const gone = toRetire(await list(), processor, options)
      for (const { on } of gone) await backend().processors.acts.retire(processor, on, actor)
    },
    set: async (name, options) => backend().processors.concurrencies.set(concurrencyChange(name, options, us)),
    pause: async (processor, actor = us) => backend().processors.pause(processor, checkActor('pause', actor)),
    resume: async (processor, actor = us) => backend().processors.resume(processor, checkActor('resume', actor)),
    reset: async (name, options) => {
      const { resets } = backend().processors
      return resetOn(resets, { app, itself: us.by, processor: namedIn(wiredOf(parts, wired()), name) }, options)
    },
    alerts: async () => raisedOf(await backend().store.alerts.rows()),
    endpoints: async () => endpointsOf(backend(), await list(), world),
    deliveries: async (name) => deliveringAt(backend(), name).exchanges.newest,
    test: async (name, actor = us) => {
      const { exchanges, delivers } = deliveringAt(backend(), name)
      await backend().processors.acts.tested(name, checkActor('test', actor))
      await delivers.test(exchanges)
      return exchanges.newest.find(({ attempt }) => attempt === 0)!
    },
  })
}

/** The alerts that are raised, the first at the beginning. A part that was renamed has its name of today. */
export function raisedOf(rows: readonly AlertRow[]): AlertRaised[] {
  const all = rows.map(({ watch, data }): AlertRaised => ({ ...JSON.parse(data), watch }))
  return all.sort((a, b) => a.at - b.at || (a.incident < b.incident ? -1 : 1))
}

/** The systems that the processors deliver to, as the newest exchanges and the probes say. */
function endpointsOf(
  { processors }: ProcessorsBackend,
  rows: readonly ProcessorRow[],
  world: Pick<World, 'now' | 'elapsed'>,
): Endpoint[] {
  return rows.flatMap(({ name, on, state }) => {
    const found = processors.named(name)
    if (found?.spec.delivers === undefined || state === 'gone') return []
    const { to } = found.spec.delivers
    const { newest } = found.processor.exchanges
    const sent = newest.filter(({ attempt }) => attempt > 0)
    const taken = sent.findIndex(isTaken)
    const { next } = found.looked.side.failing.probing
    return {
      ...{ name, on, to, state, last: newest[0] ?? null, failures: taken === -1 ? sent.length : taken },
      nextProbeAt: next === undefined ? null : Math.round(world.now() + Math.max(0, next - world.elapsed())),
    }
  })
}

const isTaken = ({ status }: Exchange) => status !== null && status >= 200 && status < 300

/** @throws `millrace/unknown-processor` */
function deliveringAt({ processors }: ProcessorsBackend, name: string) {
  const found = processors.named(name)
  if (found?.spec.delivers !== undefined) {
    return { delivers: found.spec.delivers, exchanges: found.processor.exchanges }
  }
  if (found === undefined) throw notRunning(name)
  throw fault('millrace/unknown-processor', `processor "${name}" delivers to no other system`)
}

const notRunning = (name: string) => fault('millrace/unknown-processor', `processor "${name}" does not run`)

/**
 * Checks the options of `set`.
 *
 * @throws `millrace/bad-option`
 */
export function concurrencyChange(processor: string, options: SetOptions, us: Actor): ConcurrencyChange {
  const { concurrency } = options
  const most = concurrency === 'default' ? null : mostOf(concurrency)
  return { processor, most, actor: actorIn('set', options, us) }
}

/** Who acts, by the options of an action; by default the app itself. Errors: `millrace/bad-option`. */
export function actorIn(where: string, { by, reason }: Partial<Actor>, us: Actor): Actor {
  return checkActor(where, { by: by ?? us.by, reason })
}

function mostOf(concurrency: unknown): number {
  if (typeof concurrency === 'number') return limit('processors.set', 'concurrency', concurrency)
  const what = `concurrency is of type ${typeof concurrency}, but must be a whole number or 'default'`
  throw fault('millrace/bad-option', `processors.set: ${what}`)
}

/** All that is known of processors. */
export interface Known {
  /** The number of messages that each holds at the desk. */
  readonly held: readonly { readonly processor: string; readonly destination: string; readonly held: number }[]
  /** Those that people have paused, by name. */
  readonly paused: ReadonlyMap<string, Paused>
  /** The concurrency that people have set. */
  readonly concurrencies: readonly ConcurrencySet[]
  /** Those that run. */
  readonly live: readonly (Pick<
    ProcessorRow,
    'name' | 'state' | 'position' | 'lag' | 'running' | 'concurrency' | 'counts'
  > & {
    readonly destination: string
  })[]
  /** Those of the parts of the app. */
  readonly wired: readonly {
    readonly name: string
    readonly on: { readonly name: string }
    readonly owner?: string | undefined
  }[]
  /** Those whose progress the store keeps. */
  readonly known: readonly {
    readonly processor: string
    readonly destination: string
    readonly low: number
    readonly lag: number
  }[]
}

/** The rows of the list: first those that run, then those that only the store knows. */
export function rowsOf({ held, paused, concurrencies, live, wired, known }: Known): ProcessorRow[] {
  const atDesk = (name: string, on: string) => ({
    held: held.find(({ processor, destination }) => processor === name && destination === on)?.held ?? 0,
    paused: paused.get(name) ?? null,
    concurrencySet: concurrencies.find(({ processor }) => processor === name)?.most ?? null,
    owner: wired.find((one) => one.name === name)?.owner ?? null,
  })
  const keyOf = (name: string, on: string) => `${name} ${on}`
  const runs = new Set(live.map(({ name, destination }) => keyOf(name, destination)))
  const parts = new Set(wired.map(({ name, on }) => keyOf(name, on.name)))
  const rows = live.map(({ name, destination: on, ...row }): ProcessorRow => {
    const { state, position, lag, running, concurrency, counts } = row
    return { name, on, state, position, lag, running, concurrency, counts, ...atDesk(name, on) }
  })
  for (const { processor: name, destination: on, low: position, lag } of known) {
    if (runs.has(keyOf(name, on))) continue
    const state = parts.has(keyOf(name, on)) ? 'off' : 'gone'
    rows.push({ name, on, state, position, lag, running: 0, concurrency: null, counts: null, ...atDesk(name, on) })
  }
  return rows
}
