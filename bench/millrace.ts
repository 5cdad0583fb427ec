import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { type App, type AppOptions, app, event, type Processor, processor, sqlite, topic } from 'millrace'
import { closedLoop, percentile, rateOf } from './measure.ts'
import { Order, order } from './message.ts'
import type { Figures, Load, ManyLoad, Span } from './task.ts'

export const contextsUsual = 1000
const inFlightUsual = 1000
/** Node's timers come up to about this late; what they are later than this is counted as latency. */
const timerGrainMs = 2

export const OrderPlaced = event('order.placed', { schema: Order, context: (placed) => placed.orderId })
export const Orders = topic('orders', [OrderPlaced])

/** A processor whose handler does nothing but call `seen`. */
export const observer = (name: string, seen: (placed: Order) => void = () => {}) =>
  processor(name, { on: Orders, handle: { 'order.placed': async (placed) => seen(placed.data) } })

/** A number from 0 up to 1 that tells nothing about those of the neighbours, nor of the same context. */
function mixed(sequence: number): number {
  let hash = Math.imul(sequence ^ (sequence >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}

/** A processor that fails at the first attempt of a share of the events, spread over contexts. */
const failer = (name: string, share: number) => {
  const failed = new Set<number>()
  const fails = (sequence: number) => mixed(sequence) < share
  return observer(name, ({ totalCents: sequence }) => {
    if (!fails(sequence) || failed.delete(sequence)) return
    failed.add(sequence)
    throw new Error('not yet')
  })
}

/** A processor that writes one row per event in the acknowledging transaction. */
const writer = (name: string) =>
  processor(name, {
    on: Orders,
    handle: {
      'order.placed': async (placed, { commit }) =>
        commit(async (tx) => {
          await tx.query`insert into fx (id, quantity) values (${placed.id}, ${placed.data.quantity})`
        }),
    },
  })

type Processors = Processor[]

export async function open(
  folder: string,
  processors: Processors,
  { finder = false, telemetry = true }: Pick<Load, 'finder' | 'telemetry'> = {},
) {
  return opened({
    broker: sqlite({ file: join(folder, 'millrace.db') }),
    setup: async (tx) => {
      await tx.query`create table if not exists fx (id text primary key, quantity integer) without rowid`
    },
    finder,
    telemetry,
    parts: [Orders, ...processors],
  })
}

/** An app of the bench that runs. */
export async function opened(options: Omit<AppOptions, 'name' | 'log'>) {
  // Some cases let attempts fail: to write a line for each would be measured too.
  const running = app({ name: 'bench', log: () => {}, ...options })
  await running.start()
  return running
}

type Running = Awaited<ReturnType<typeof open>>

/** Publishes with a fixed number in flight and then waits until all is handled and acknowledged. */
export function source(running: Running, load: Pick<Load, 'inFlight' | 'contexts'>, prefix?: string) {
  let sequence = 0
  return async (more: (published: number) => boolean): Promise<number> => {
    const start = sequence
    await closedLoop(
      load.inFlight,
      () => more(sequence - start),
      () => running.publish(OrderPlaced, order(sequence++, load.contexts, prefix)),
    )
    await running.idle()
    return sequence - start
  }
}

export function processorsFor(load: Load): Processors {
  const { failing } = load
  if (load.work === 'publish') return []
  const make = failing !== undefined ? (name: string) => failer(name, failing) : load.work === 'row' ? writer : observer
  return Array.from({ length: load.processors }, (_, i) => make(`p${i}`))
}

/** Rate of a load, on the file in the folder if there is one. */
export async function millraceRate(load: Load & Span, folder: string): Promise<Figures> {
  const startMs = performance.now()
  const running = await open(folder, processorsFor(load), load)
  const startedMs = performance.now() - startMs
  const publish = source(running, load)
  const watched = load.dashboards && (await (await import('./dashboards.ts')).watch(running, load.dashboards))
  const figures = await rateOf(load, (untilMs) => publish(() => performance.now() < untilMs))
  const told = watched && (await watched.end())
  await running.stop()
  return { ...figures, ...told, startedMs, peakMb: peakMb() }
}

/** Rate of events that are published by `publishMany`, with so many calls under way. */
export async function millracePublishMany(task: ManyLoad & Span, folder: string): Promise<Figures> {
  const running = await open(folder, [])
  let sequence = 0
  const entries = () => Array.from({ length: task.entries }, () => ({ data: order(sequence++, contextsUsual) }))
  const figures = await rateOf(task, async (untilMs) => {
    const start = sequence
    await closedLoop(
      task.inFlight,
      () => performance.now() < untilMs,
      () => running.publishMany(OrderPlaced, entries()),
    )
    return sequence - start
  })
  await running.stop()
  return figures
}

/** Time from the call of publish to the handler's run, at a steady rate, with the event loop's delay meanwhile. */
export const millraceLatency = (task: { perSecond: number } & Span, folder: string): Promise<Figures> =>
  latencyOf(task, (processors) => open(folder, processors))

/** The same of an app that `start` starts. */
export async function latencyOf(
  task: { perSecond: number } & Span,
  start: (processors: Processors) => Promise<App>,
): Promise<Figures> {
  const publishedAt = new Map<number, number>()
  const latenciesMs: number[] = []
  const running = await start([
    observer('p0', ({ totalCents: sequence }) => {
      const at = publishedAt.get(sequence)
      publishedAt.delete(sequence)
      if (at !== undefined) latenciesMs.push(performance.now() - at)
    }),
  ])
  const warmUntilMs = performance.now() + task.warmMs
  const publish = source(running, { inFlight: 32, contexts: contextsUsual })
  let sequence = await publish(() => performance.now() < warmUntilMs)
  globalThis.gc?.()

  const loopDelay = monitorEventLoopDelay({ resolution: 1 })
  loopDelay.enable()
  const beganAt = performance.now()
  const sent: Promise<unknown>[] = []
  for (let dueMs = beganAt; dueMs < beganAt + task.measureMs; dueMs += 1000 / task.perSecond) {
    const leftMs = dueMs - performance.now()
    if (leftMs > 0) await sleep(leftMs)
    const now = performance.now()
    publishedAt.set(sequence, now - Math.max(0, now - dueMs - timerGrainMs))
    sent.push(running.publish(OrderPlaced, order(sequence++, contextsUsual)))
  }
  await Promise.all(sent)
  await running.idle()
  loopDelay.disable()
  await running.stop()
  return {
    p50Ms: percentile(latenciesMs, 0.5),
    p99Ms: percentile(latenciesMs, 0.99),
    loopP99Ms: loopDelay.percentile(99) / 1e6,
  }
}

/** The most memory this process had. */
export function peakMb(): number {
  return (process.resourceUsage().maxRSS * 1024) / 1e6
}

function rssMb(): number {
  globalThis.gc?.()
  return process.memoryUsage.rss() / 1e6
}

/** Leaves a log of so many handled events in the folder; memory at its peak, and at the end relative to early on. */
export async function millraceFill({ events }: { events: number }, folder: string): Promise<Figures> {
  const early = Math.min(events / 10, 100_000)
  const running = await open(folder, [observer('p0')])
  const publish = source(running, { inFlight: inFlightUsual, contexts: contextsUsual })
  await publish((published) => published < early)
  const earlyMb = rssMb()
  await publish((published) => published < events - early)
  const lateMb = rssMb()
  await running.stop()
  return { peakMb: peakMb(), growth: lateMb / earlyMb }
}

/** Less than this is not told from nothing, MB. */
const grainMb = 0.1
const hourMs = 3_600_000

/**
 * Sets so many delayed events, due at random times within an hour, then lets them all be due at once: the app is started
 * again with a clock two hours ahead. What is in memory for them, and how many are set and put into the log per second.
 */
export async function millraceTimers({ events }: { events: number }, folder: string): Promise<Figures> {
  const running = await open(folder, [])
  let sequence = 0
  const set = async (count: number) => {
    const until = sequence + count
    await closedLoop(
      inFlightUsual,
      () => sequence < until,
      () => running.publish(OrderPlaced, order(sequence++, contextsUsual), { delayMs: hourMs * (0.5 + Math.random()) }),
    )
  }
  await set(Math.min(events / 10, 100_000))
  const earlyMb = rssMb()
  const startMs = performance.now()
  const early = sequence
  await set(events - early)
  const setPerSecond = (sequence - early) / ((performance.now() - startMs) / 1000)
  const growthMb = Math.max(grainMb, rssMb() - earlyMb)
  await running.stop()
  const { now } = Date
  try {
    Date.now = () => now() + 2 * hourMs
    const fireMs = performance.now()
    await running.start()
    await running.idle()
    const firePerSecond = sequence / ((performance.now() - fireMs) / 1000)
    await running.stop()
    return { setPerSecond, firePerSecond, growthMb }
  } finally {
    Date.now = now
  }
}

/**
 * Leaves so many events waiting for a processor that is known to the store and does not run. The app is not stopped:
 * whoever started this process kills it.
 */
export async function millraceStrand({ events }: { events: number }, folder: string): Promise<Figures> {
  const known = await open(folder, [observer('p0')])
  await source(known, { inFlight: 1, contexts: contextsUsual })((published) => published < 1)
  await known.stop()
  const publish = source(await open(folder, []), { inFlight: inFlightUsual, contexts: contextsUsual })
  return { waiting: await publish((published) => published < events) }
}

/**
 * Time to the first handled message, counted from the start of this process and from the start of the app. The app is
 * left as it is, with the rest of its work, for whoever started this process to kill.
 */
export async function millraceRestart(folder: string): Promise<Figures> {
  const handled = Promise.withResolvers<number>()
  const startMs = performance.now()
  await open(folder, [observer('p0', () => handled.resolve(performance.now()))])
  const handledMs = await handled.promise
  return { fromProcessMs: handledMs, fromStartMs: handledMs - startMs }
}
