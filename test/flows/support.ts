// What tests of mediators share: a warehouse whose processors do as they are told, and a mediator with three calls.
import {
  type App,
  app,
  channel,
  command,
  event,
  type FlowContext,
  mediator,
  type Part,
  type ProcessorOptions,
  processor,
  Refused,
  sqlite,
  topic,
} from 'millrace'
import { z } from 'zod'

const order = z.object({ order: z.string() })
const step = z.object({ order: z.string(), step: z.string() })
export const Placed = event('order.placed', { schema: order, context: (data) => data.order })
export const Paid = event('order.paid', { schema: order, context: (data) => data.order })
export const Done = event('order.done', { schema: order, context: (data) => data.order })
export const Do = command('do', {
  schema: step,
  reply: z.object({ done: z.string() }),
  refusal: z.object({ why: z.string() }),
  context: (data) => `${data.order} ${data.step}`,
})
export const Undo = command('undo', { schema: step, context: (data) => `${data.order} ${data.step}` })
export const Orders = topic('orders', [Placed, Paid, Done])
export const Work = channel('work', [Do, Undo])

/** What `Do` is to do at a step: `refuse`, or fail so many times. */
export type Plan = Record<string, 'refuse' | number>

export const setup = async (tx: { query: import('millrace').Query }) => {
  await tx.query`create table if not exists effects (n integer primary key, what text not null)`
}

/** Writes down each effect in its commit: `do a`, `undo a`. */
export function worker(
  plan: Plan = {},
  undoPlan: Plan = {},
  hangs: Promise<void> = Promise.resolve(),
  retry: ProcessorOptions<typeof Do | typeof Undo, [], []>['retry'] = { attempts: 3, firstDelayMs: 1, maxDelayMs: 1 },
) {
  const failing = new Map<string, number>()
  const may = (what: string, planned: 'refuse' | number | undefined) => {
    if (planned === 'refuse') throw new Refused('no', { why: what })
    const failed = failing.get(what) ?? 0
    failing.set(what, failed + 1)
    if (failed < (planned ?? 0)) throw new Error(`${what} fails`)
  }
  return processor('worker', {
    on: Work,
    retry,
    probeAfter: 10_000,
    handle: {
      do: async ({ data: { step: name } }, { commit }) => {
        if (name === 'hangs') await hangs
        return commit(async (tx) => {
          may(`do ${name}`, plan[name])
          await tx.query`insert into effects (what) values (${`do ${name}`})`
          return { done: name }
        })
      },
      undo: ({ data: { step: name } }, { commit }) =>
        commit(async (tx) => {
          may(`undo ${name}`, undoPlan[name])
          await tx.query`insert into effects (what) values (${`undo ${name}`})`
        }),
    },
  })
}

export type TestFlow = FlowContext<typeof Do | typeof Undo, typeof Paid, typeof Done>

/** A call of `Do` that is undone by `Undo`. */
export const doing = (flow: TestFlow, data: { order: string }, name: string) =>
  flow.call(name, Do, { ...data, step: name }, { undo: () => flow.call('back', Undo, { ...data, step: name }) })

/** One call after the other, then an event. */
export function inTurn(...steps: string[]) {
  return mediator('conductor', {
    on: Orders,
    startedBy: Placed,
    sends: [Do, Undo],
    publishes: [Done],
    run: async ({ data }, flow) => {
      for (const name of steps) await doing(flow as TestFlow, data, name)
      flow.publish(Done, data)
    },
  })
}

/** A mediator with everything that the tests' types allow. */
export function conductor(run: (data: { order: string }, flow: TestFlow) => unknown, options: object = {}) {
  return mediator('conductor', {
    on: Orders,
    startedBy: Placed,
    sends: [Do, Undo],
    waits: [Paid],
    publishes: [Done],
    ...options,
    run: ({ data }, flow) => run(data, flow as TestFlow),
  })
}

export function warehouse(file: string, ...parts: Part[]): App {
  return app({ name: 'warehouse', broker: sqlite({ file }), log: () => {}, setup, parts: [Orders, ...parts] })
}

export async function effects(running: App): Promise<string[]> {
  return (await running.read<{ what: string }>`select what from effects order by n`).map(({ what }) => what)
}
