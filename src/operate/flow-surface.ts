// The flows of mediators: one surface, whether the app runs here or not at all.
import { setImmediate as turn } from 'node:timers/promises'
import { type Actor, checkActor, checkText } from '../model/desk.ts'
import { fault } from '../model/errors.ts'
import { FlowTally } from '../model/flow-tally.ts'
import type { FlowCount, FlowFilter, FlowRow } from '../model/flow-views.ts'
import { shapeOf } from '../model/json-schema.ts'
import { defaults } from '../model/options.ts'
import { shownValue } from '../model/people.ts'
import type { AnySchema } from '../model/schema.ts'
import type { FlowReads, FlowSlice } from '../seam/flow-reads.ts'
import { checked } from './calls.ts'
import { shown } from './flow-steps.ts'
import type { FlowDesk } from './flows.ts'

/** The source of flows and of the actions on them: the engine of a running app, or a store that no app has. */
export interface FlowBackend {
  lookAtFlows<T>(read: (flows: FlowReads) => Promise<T>): Promise<T>
  readonly flowActions: {
    schemaOf(id: number, step: string): Promise<AnySchema>
    answer(id: number, step: string, value: unknown, actor: Actor): Promise<void>
    cancel(id: number, actor: Actor): Promise<void>
    stop(id: number, actor: Actor): Promise<void>
    pause(id: number, actor: Actor): Promise<void>
    resume(id: number, actor: Actor): Promise<void>
    runAgain(id: number, from: string | undefined, actor: Actor): Promise<number>
  }
}

const listedMax = 100
const countedAtOnce = 5_000

export function flowsOn(backend: () => FlowBackend, itself: string): FlowDesk {
  const look: FlowBackend['lookAtFlows'] = async (read) => backend().lookAtFlows(read)
  const own = { by: itself }
  return checked<FlowDesk>('flows', {
    list: (filter = {}) => listed(look, filter),
    counts: () => counted(look),
    show: async (id) => (Number.isSafeInteger(id) ? shown(await look((flows) => flows.whole(id))) : undefined),
    questions: (filter = {}) => look((flows) => flows.questions(filter)),
    form: async (id, step) => ({
      flow: id,
      step,
      ...shapeOf(await backend().flowActions.schemaOf(numberOf(id), step)),
    }),
    answer: async (id, step, value, actor = own) =>
      backend().flowActions.answer(numberOf(id), step, value, checkActor('answer', actor)),
    cancel: async (id, actor = own) => backend().flowActions.cancel(numberOf(id), checkActor('cancel', actor)),
    stop: async (id, actor) => {
      checkText('stop', 'reason', actor.reason)
      return backend().flowActions.stop(numberOf(id), checkActor('stop', actor))
    },
    pause: async (id, actor = own) => backend().flowActions.pause(numberOf(id), checkActor('pause', actor)),
    resume: async (id, actor = own) => backend().flowActions.resume(numberOf(id), checkActor('resume', actor)),
    runAgain: async (id, { from, ...actor } = {}) =>
      backend().flowActions.runAgain(numberOf(id), from, checkActor('runAgain', { ...own, ...actor })),
  })
}

/** @throws `millrace/unknown-flow` */
function numberOf(id: unknown): number {
  if (Number.isSafeInteger(id)) return id as number
  throw fault('millrace/unknown-flow', `there is no flow ${shownValue(id)}`)
}

/** A page of those that fit, slice by slice. */
async function listed(look: FlowBackend['lookAtFlows'], filter: FlowFilter): Promise<FlowRow[]> {
  const { limit = listedMax } = filter
  const found: FlowRow[] = []
  let bytes: number = defaults.pageBytes.default
  for (let after: number | undefined = filter.after ?? 0; after !== undefined; ) {
    const rest: FlowFilter = { ...filter, after, limit: limit - found.length }
    const slice: FlowSlice = await look((flows) => flows.list(rest, bytes))
    found.push(...slice.rows)
    bytes -= slice.bytes
    if (slice.isFull || bytes <= 0) break
    after = slice.last
    if (after !== undefined) await turn()
  }
  return found
}

/** Counts flows by mediator and state, slice by slice. */
async function counted(look: FlowBackend['lookAtFlows']): Promise<FlowCount[]> {
  const tally = new FlowTally()
  for (let after = 0; ; ) {
    const from = after
    const slice = await look((flows) => flows.states(from, countedAtOnce))
    tally.add(slice)
    if (slice.length < countedAtOnce) return tally.counts
    after = slice.at(-1)!.id
    await turn()
  }
}
