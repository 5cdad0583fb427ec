import assert from 'node:assert/strict'
import { join } from 'node:path'
import { Refused } from 'millrace'
import { percentile } from './measure.ts'
import type { Order } from './message.ts'
import { observer, open, peakMb, source } from './millrace.ts'
import { multiplyHeld } from './seed.ts'
import type { Figures, Held } from './task.ts'

/** So many messages the app itself brings to the desk; the rest are copies of them. */
const sampleMax = 1_000
const looks = 20

const refuser = (name: string) =>
  observer(name, ({ sku }) => {
    throw new Refused(`no ${sku} in stock`)
  })

const refusers = (processors: number) => Array.from({ length: processors }, (_, n) => refuser(`p${n}`))

/** Leaves so many held messages at the desk, each the head of a lane. */
export async function millraceHold({ held, processors }: Held, folder: string): Promise<Figures> {
  const sample = Math.min(held, sampleMax)
  const events = sample / processors
  const running = await open(folder, refusers(processors))
  await source(running, { inFlight: events, contexts: events }, 'held')((published) => published < events)
  await running.stop()
  multiplyHeld(join(folder, 'millrace.db'), held / sample)
  return { held }
}

/** How long a person waits for pages of the list, for groups and counts, with so many held messages. */
export async function millraceDesk({ held, processors }: Held, folder: string): Promise<Figures> {
  const startMs = performance.now()
  const running = await open(folder, refusers(processors))
  const startedMs = performance.now() - startMs
  const { desk } = running
  assert.equal((await desk.counts()).held, held)
  const [{ id: group } = { id: null }] = await desk.groups()
  const [first] = await desk.list({ limit: 1 })
  const { context } = first!.message
  const processor = `p${processors - 1}`
  const after = first!.id + held / 2

  const lists = [
    {},
    { after },
    { states: ['held'] },
    { states: ['held'], after },
    { processor },
    { processor, after },
    { states: ['held'], processor, after },
    { type: 'order.placed' },
    { group: group! },
    { group: group!, after },
    { context: context! },
  ] as const
  const list = lists.map((filter) => () => desk.list({ ...filter, limit: 100 }))
  const groups = (['all', 'processor', 'error', 'type'] as const).map((by) => () => desk.groups(by))
  const counts = [() => desk.counts(), () => running.processors.list()]
  const figures = {
    ...(await timesOf('list', list)),
    ...(await timesOf('groups', groups)),
    ...(await timesOf('counts', counts)),
    startedMs,
    peakMb: peakMb(),
  }
  await running.stop()
  return figures
}

async function timesOf(name: string, reads: (() => Promise<unknown>)[]): Promise<Figures> {
  const took: number[] = []
  for (let look = 0; look < looks; look++) {
    for (const read of reads) {
      const startMs = performance.now()
      await read()
      took.push(performance.now() - startMs)
    }
  }
  return { [`${name}P50Ms`]: percentile(took, 0.5), [`${name}MaxMs`]: percentile(took, 1) }
}

/** A line of so many messages of one context behind a held one: from its release until all are acknowledged. */
export async function millraceDrain({ events }: { events: number }, folder: string): Promise<Figures> {
  let refused = false
  const refuseOnce = (_: Order) => {
    if (refused) return
    refused = true
    throw new Refused('not yet')
  }
  const running = await open(folder, [observer('p0', refuseOnce)])
  await source(running, { inFlight: 1000, contexts: 1 })((published) => published <= events)
  assert.deepEqual(await running.desk.counts(), { held: 1, waiting: events, discarded: 0, snoozed: 0 })
  const [head] = await running.desk.list({ states: ['held'] })
  globalThis.gc?.()
  const startMs = performance.now()
  await running.desk.release(head!.id)
  await running.idle()
  const drainedMs = performance.now() - startMs
  assert.deepEqual(await running.desk.counts(), { held: 0, waiting: 0, discarded: 0, snoozed: 0 })
  await running.stop()
  return { drainedMs, perSecond: events / (drainedMs / 1000) }
}
