// Shows how the processors did in the last hour.
import type { PartSeries } from '../../index.ts'
import { type Call, takeWords, withApp } from '../call.ts'
import { type Column, duration, moment, safe, table } from '../print.ts'
import { time } from './desk-show.ts'

/** Shows the newest sample and the highest of each processor; of one that is named, each sample. */
export async function processorsSeries(call: Call): Promise<number> {
  const [processor] = takeWords(call, ['NAME'], 0)
  const { out } = call
  return withApp(call, async ({ processors }) => {
    const { at, parts } = await processors.series({ processor })
    if (out.json) for (const part of parts) await out.object({ at: at.map(time), ...part })
    else if (at.length === 0) out.line('no sample was taken yet: there is one every 15 seconds')
    else if (processor === undefined) await out.lines(table(partColumns, parts, out.columns))
    else for (const part of parts) await out.lines(samplesOf(part, at, out.columns))
    return 0
  })
}

const partColumns: readonly Column<PartSeries>[] = [
  { title: 'NAME', value: ({ name }) => name, shrinksTo: 10 },
  { title: 'ON', value: ({ on }) => on, shrinksTo: 8 },
  { title: 'A SECOND', value: ({ perSecond }) => rate(perSecond.at(-1)) },
  { title: 'MOST', value: ({ perSecond }) => rate(most(perSecond)) },
  { title: 'LAG', value: ({ lag }) => whole(lag.at(-1)) },
  { title: 'MOST', value: ({ lag }) => whole(most(lag)) },
  { title: 'TAKES', value: ({ criticalMs }) => took(criticalMs.findLast((ms) => ms !== null)) },
  { title: 'MOST', value: ({ criticalMs }) => took(most(criticalMs)) },
  { title: 'FAILED', value: ({ failed }) => failed.reduce<number>((sum, n) => sum + (n ?? 0), 0) },
]

function samplesOf({ name, on, ...part }: PartSeries, at: readonly number[], columns: number): string[] {
  const sampleColumns: readonly Column<number>[] = [
    { title: 'AT (UTC)', value: (n) => moment(at[n]!) },
    { title: 'A SECOND', value: (n) => rate(part.perSecond[n]) },
    { title: 'FAILED', value: (n) => whole(part.failed[n]) },
    { title: 'LAG', value: (n) => whole(part.lag[n]) },
    { title: 'TAKES', value: (n) => took(part.criticalMs[n]) },
  ]
  return [`${safe(name)} on ${safe(on)}`, ...table(sampleColumns, [...at.keys()], columns)]
}

type Value = number | null | undefined

const most = (values: readonly Value[]) => values.reduce<Value>((a, b) => (b == null || (a ?? -1) > b ? a : b), null)
const rate = (value: Value) => (value == null ? '-' : String(Math.round(value * 10) / 10))
const whole = (value: Value) => value ?? '-'
const took = (ms: Value) => (ms == null ? '-' : ms < 1_000 ? `${Math.round(ms)} ms` : duration(ms))
