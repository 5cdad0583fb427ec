import { join } from 'node:path'
import {
  type App,
  app,
  type Broker,
  channel,
  command,
  event,
  mediator,
  type Part,
  processor,
  route,
  sqlite,
  topic,
} from 'millrace'
import { z } from 'zod'
import type { Disk } from '../src/adapters/sqlite/disk.ts'
import { sqliteOn } from '../src/adapters/sqlite/index.ts'
import { nodeDisk } from '../src/adapters/sqlite/node-disk.ts'
import { ended, endOf } from './ends.ts'
import { closedLoop, median, timed } from './measure.ts'
import { Order, order } from './message.ts'
import { contextsUsual, OrderPlaced, Orders, opened, peakMb } from './millrace.ts'
import type { Figures, FlowLoad, Span } from './task.ts'

const flowData = z.object({ id: z.string() })
const Begun = event('flow.begun', { schema: flowData, context: ({ id }) => id })
const GoesOn = event('goes.on', { schema: flowData, context: ({ id }) => id })
const Begins = topic('begins', [Begun, GoesOn])
const Step = command('step', {
  schema: z.object({ id: z.string(), step: z.number().int() }),
  reply: z.object({ step: z.number().int() }),
  context: ({ id }) => id,
})
const Steps = channel('steps', [Step])

const worker = processor('worker', {
  on: Steps,
  concurrency: 256,
  handle: { step: ({ data: { step } }) => ({ step }) },
})

/** Flows of so many commands, one after the other. */
const inTurn = (steps: number) =>
  mediator('conductor', {
    on: Begins,
    startedBy: Begun,
    sends: [Step],
    run: async ({ data: { id } }, flow) => {
      for (let step = 0; step < steps; step++) await flow.call(`step ${step}`, Step, { id, step })
      ended(id)
    },
  })

/** Flows of so many commands at once, on contexts of their own. */
const sideBySide = (steps: number) =>
  mediator('conductor', {
    on: Begins,
    startedBy: Begun,
    sends: [Step],
    run: async ({ data: { id } }, flow) => {
      await flow.all(
        Array.from({ length: steps }, (_, step) => flow.call(`step ${step}`, Step, { id: `${id} ${step}`, step })),
      )
      ended(id)
    },
  })

/** Flows that wait for an event after one command. */
const waiting = mediator('conductor', {
  on: Begins,
  startedBy: Begun,
  sends: [Step],
  waits: [GoesOn],
  run: async ({ data: { id } }, flow) => {
    await flow.call('first', Step, { id, step: 0 })
    await flow.wait('goes on', GoesOn)
    await flow.call('last', Step, { id, step: 1 })
    ended(id)
  },
})

const brokerIn = (folder: string): Broker => sqlite({ file: join(folder, 'millrace.db') })

const open = (broker: Broker, ...parts: Part[]) => opened({ broker, parts: [Begins, Steps, worker, ...parts] })

/** The real disk, which counts what is asked of it. */
function countingDisk() {
  const disk = nodeDisk()
  const count = { syncs: 0, disk: (): Disk => ({ ...disk, sync }) }
  function sync(...how: Parameters<Disk['sync']>) {
    count.syncs++
    return disk.sync(...how)
  }
  return count
}

/** Flows per second with so many at once, and how long each takes: from its event to the end of its function. */
export async function millraceFlows({ steps, wide, inFlight, ...span }: FlowLoad & Span, folder: string) {
  const counted = countingDisk()
  const broker = sqliteOn({ file: join(folder, 'millrace.db') }, counted.disk)
  const running = await open(broker, wide === true ? sideBySide(steps) : inTurn(steps))
  const { flows, ...figures } = await timedFlows(running, { inFlight, ...span })
  const { bytes } = await footprint(running.read)
  await running.stop()
  return { ...figures, ...bytes, syncsPerThousand: (1_000 * counted.syncs) / (flows * steps) }
}

/** The same on another broker. */
export async function flowsOn(broker: Broker, { steps, inFlight, ...span }: FlowLoad & Span): Promise<Figures> {
  const running = await open(broker, inTurn(steps))
  const figures = await timedFlows(running, { inFlight, ...span })
  await running.stop()
  return figures
}

async function timedFlows(running: App, { inFlight, ...span }: { inFlight: number } & Span) {
  let flows = 0
  const one = async (id: string) => {
    const end = endOf(id)
    await running.publish(Begun, { id })
    await end
    flows++
  }
  const figures = await timed(span, inFlight, one, () => running.idle())
  return { ...figures, flows }
}

/** The same task as a chain of processors, each of which sends the next command. */
export async function millraceChain({ steps, inFlight, ...span }: FlowLoad & Span, folder: string): Promise<Figures> {
  const begin = processor('begin', {
    on: Begins,
    sends: [Step],
    concurrency: 256,
    handle: { 'flow.begun': ({ data: { id } }, { send }) => send(Step, { id, step: 0 }) },
  })
  const chain = processor('worker', {
    on: Steps,
    sends: [Step],
    concurrency: 256,
    handle: {
      step: ({ data: { id, step } }, { send }) => {
        if (step + 1 < steps) send(Step, { id, step: step + 1 })
        else ended(id)
        return { step }
      },
    },
  })
  const running = app({
    name: 'bench',
    log: () => {},
    broker: sqlite({ file: join(folder, 'millrace.db') }),
    parts: [Begins, Steps, begin, chain],
  })
  await running.start()
  const one = async (id: string) => {
    const end = endOf(id)
    await running.publish(Begun, { id })
    await end
  }
  const figures = await timed(span, inFlight, one, () => running.idle())
  await running.stop()
  return figures
}

/** Requests per second with so many at once, and how long each waits for its reply. */
export async function millraceRequests({ inFlight, ...span }: { inFlight: number } & Span, folder: string) {
  const running = await open(brokerIn(folder))
  let step = 0
  const figures = await timed(
    span,
    inFlight,
    (id) => running.request(Step, { id, step: step++ }),
    () => running.idle(),
  )
  await running.stop()
  return figures
}

/** Events per second that are published, and with `routed` also let go to a channel by a route, with all their data. */
export async function millraceRoute(
  { routed, inFlight, ...span }: { routed: boolean; inFlight: number } & Span,
  folder: string,
) {
  const Away = command('away', { schema: Order, context: ({ orderId }) => orderId })
  const Out = channel('out', [Away])
  const parts: Part[] = [Orders, Out, processor('out', { on: Out, handle: { away: () => {} } })]
  if (routed) {
    parts.push(
      route('by', { on: Orders, sends: [Away], handle: { 'order.placed': ({ data }, to) => to.send(Away, data) } }),
    )
  }
  const running = app({ name: 'bench', log: () => {}, broker: sqlite({ file: join(folder, 'millrace.db') }), parts })
  // What is sent is not handled here: a route costs what it costs, whoever serves the channel.
  await running.start({ only: routed ? ['by'] : [] })
  let sequence = 0
  const figures = await timed(
    span,
    inFlight,
    () => running.publish(OrderPlaced, order(sequence++, contextsUsual)),
    () => running.idle(),
  )
  await running.stop()
  return figures
}

/** Memory of the heap for each flow that waits, garbage collected, and the most resident memory of the process. */
export async function millraceWaiting({ flows }: { flows: number }, folder: string): Promise<Figures> {
  const running = await open(brokerIn(folder), waiting)
  let sequence = 0
  const begin = async (count: number) => {
    const until = sequence + count
    await closedLoop(
      256,
      () => sequence < until,
      () => running.publish(Begun, { id: `f${sequence++}` }),
    )
    await running.idle()
    globalThis.gc?.()
    return process.memoryUsage().heapUsed
  }
  const early = await begin(1)
  const late = await begin(flows - 1)
  // Less than this is not told from nothing.
  const grainBytes = 1_000
  const bytesPerFlow = Math.max(grainBytes, late - early) / flows
  await running.stop()
  return { bytesPerFlow, peakMb: peakMb() }
}

/** Leaves so many flows in the middle, each told something that it has not answered: to be killed. */
export async function millraceStrandFlows({ flows }: { flows: number }, folder: string): Promise<Figures> {
  const running = await open(brokerIn(folder), waiting)
  let sequence = 0
  await closedLoop(
    256,
    () => sequence < flows,
    () => running.publish(Begun, { id: `f${sequence++}` }),
  )
  await running.idle()
  // The mediator is left out now: what goes on waits for it.
  await running.stop()
  const rest = app({
    name: 'bench',
    log: () => {},
    broker: sqlite({ file: join(folder, 'millrace.db') }),
    parts: [Begins, Steps, worker, waiting],
  })
  await rest.start({ only: ['worker'] })
  let next = 0
  await closedLoop(
    256,
    () => next < flows,
    () => rest.publish(GoesOn, { id: `f${next++}` }),
  )
  return { flows }
}

/** From the call of `start` until all of them, made anew from their journals, have ended. */
export async function millraceRecover({ flows }: { flows: number }, folder: string): Promise<Figures> {
  const startMs = performance.now()
  const running = await open(brokerIn(folder), waiting)
  const startedMs = performance.now() - startMs
  await running.idle()
  const recoveredMs = performance.now() - startMs
  const counts = await running.flows.counts()
  const done = counts.find(({ state }) => state === 'completed')?.flows
  if (done !== flows) throw new Error(`${done} of ${flows} flows have ended`)
  return { startedMs, recoveredMs, perSecond: flows / (recoveredMs / 1000) }
}

/** Flows of many steps, one after the other: what the last thousand cost, by what a thousand after the tenth do. */
export async function millraceLong({ steps }: { steps: number }, folder: string): Promise<Figures> {
  const at: number[] = []
  const long = mediator('conductor', {
    on: Begins,
    startedBy: Begun,
    sends: [Step],
    run: async ({ data: { id } }, flow) => {
      for (let step = 0; step < steps; step++) {
        await flow.call('next', Step, { id, step })
        at.push(performance.now())
      }
      ended(id)
    },
  })
  const running = await open(brokerIn(folder), long)
  const many = Math.min(1_000, Math.floor(steps / 3))
  const took = (from: number) => at[from + many]! - at[from]!
  const growths: number[] = []
  // The first flow warms up; of the others the one in the middle counts, as the disk has its own mind.
  for (const id of ['f0', 'f1', 'f2', 'f3']) {
    at.length = 0
    const end = endOf(id)
    await running.publish(Begun, { id })
    await end
    if (id !== 'f0') growths.push(took(steps - many - 1) / took(10))
  }
  await running.idle()
  await running.stop()
  return { growth: median(growths) }
}

type Read = Awaited<ReturnType<typeof open>>['read']

/** What the journal of a flow has in the store: rows and bytes. The data of its commands are in the log of their channel. */
async function footprint(read: Read): Promise<{ bytes: Figures }> {
  const [journal] = await read<{ flows: number; bytes: number; entries: number }>`
    select count(distinct flow) as flows, count(*) as entries,
      sum(length(step) + length(what) + coalesce(length(data), 0) + length(kind) + 32) as bytes from millrace_journal`
  const { flows = 1, bytes = 0, entries = 0 } = journal ?? {}
  return { bytes: { journalBytes: bytes / Math.max(1, flows), journalEntries: entries / Math.max(1, flows) } }
}
