// `app.processors`: what the engine, the store and the parts of the app know of each processor, in one list; and what
// operators do about them.

import type { Engine } from '../engine/engine.ts'
import { type Actor, checkActor } from '../model/desk.ts'
import type { Paused } from '../model/desk-views.ts'
import { checked } from '../operate/calls.ts'
import type { ProcessorRow, Processors } from '../operate/processors.ts'
import { toRetire } from '../operate/retire.ts'
import { pausedOf } from '../operate/rows.ts'
import type { Processor } from '../parts/processor.ts'

/** The app, as its processors need it. */
export interface ProcessorsHost {
  readonly name: string
  /** The engine that runs; throws where none does. */
  running(): Pick<Engine, 'store' | 'processors' | 'progress' | 'pause' | 'retire'>
  /** The processors of its parts, those that are left out too. */
  wired(): readonly Named[]
}

type Named = Pick<Processor, 'name'> & { readonly on: { readonly name: string } }

/** The functions of `app.processors`. */
export function processorsOn(host: ProcessorsHost): Processors {
  const list = async () => {
    const running = host.running()
    const { held, paused } = await running.store.deskReads.processors()
    const live = running.processors()
    return rowsOf({ held, paused: pausedOf(paused), live, wired: host.wired(), known: await running.progress() })
  }
  const byApp: Actor = { by: `app ${host.name}` }
  return checked<Processors>('processors', {
    list,
    retire: async (processor, { force = false } = {}) => {
      const gone = toRetire(await list(), processor, { force })
      for (const { on } of gone) await host.running().retire(processor, on)
    },
    pause: async (processor, actor = byApp) => host.running().pause(processor, true, checkActor('pause', actor)),
    resume: async (processor, actor = byApp) => host.running().pause(processor, false, checkActor('resume', actor)),
  })
}

/** What is known of processors. */
export interface Known {
  /** How many messages each holds at the desk. */
  readonly held: readonly { readonly processor: string; readonly destination: string; readonly held: number }[]
  /** Those that people have paused, by name. */
  readonly paused: ReadonlyMap<string, Paused>
  /** Those that run. */
  readonly live: readonly (Pick<ProcessorRow, 'name' | 'state' | 'position' | 'lag' | 'running'> & {
    readonly destination: string
  })[]
  /** Those of the parts of the app. */
  readonly wired: readonly Named[]
  /** Those whose progress the store keeps. */
  readonly known: readonly {
    readonly processor: string
    readonly destination: string
    readonly low: number
    readonly lag: number
  }[]
}

/** The rows of the list: first those that run, then those that only the store knows. */
export function rowsOf({ held, paused, live, wired, known }: Known): ProcessorRow[] {
  const atDesk = (name: string, on: string) => ({
    held: held.find(({ processor, destination }) => processor === name && destination === on)?.held ?? 0,
    paused: paused.get(name) ?? null,
  })
  const keyOf = (name: string, on: string) => `${name} ${on}`
  const runs = new Set(live.map(({ name, destination }) => keyOf(name, destination)))
  const parts = new Set(wired.map(({ name, on }) => keyOf(name, on.name)))
  const rows: ProcessorRow[] = live.map(({ name, destination: on, state, position, lag, running }) => {
    return { name, on, state, position, lag, running, ...atDesk(name, on) }
  })
  for (const { processor: name, destination: on, low: position, lag } of known) {
    if (runs.has(keyOf(name, on))) continue
    const state = parts.has(keyOf(name, on)) ? 'off' : 'gone'
    rows.push({ name, on, state, position, lag, running: 0, ...atDesk(name, on) })
  }
  return rows
}
