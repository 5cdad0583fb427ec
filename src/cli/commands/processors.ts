import type { Endpoint, Exchange, ProcessorRow, ResetPlan } from '../../index.ts'
import { type ActorWords, actorOf } from '../actor.ts'
import { type Call, takeWords, withApp } from '../call.ts'
import { UsageError } from '../output.ts'
import { type Column, count, duration, facts, moment, safe, safeLines, table, wrap } from '../print.ts'

const columns: readonly Column<ProcessorRow>[] = [
  { title: 'NAME', value: ({ name }) => name, shrinksTo: 10 },
  { title: 'ON', value: ({ on }) => on, shrinksTo: 8 },
  { title: 'STATE', value: ({ state }) => state },
  { title: 'POSITION', value: ({ position }) => position },
  { title: 'LAG', value: ({ lag }) => lag },
  { title: 'RUNNING', value: ({ running }) => running },
  { title: 'HELD', value: ({ held }) => held },
]

/** Shows the processors in the store and those that run. */
export async function processorsList(call: Call): Promise<number> {
  takeWords(call, [], 0)
  const { out } = call
  return withApp(call, async ({ processors }) => {
    const rows = await processors.list()
    if (out.json) for (const row of rows) await out.object(processorObject(row))
    else if (rows.length === 0) out.line('no processor has run yet')
    else {
      await out.lines(table(columns, rows, out.columns))
      for (const text of notes(rows, Date.now())) await out.lines(wrap(safe(text), out.columns))
    }
    return 0
  })
}

function processorObject({ paused, ...row }: ProcessorRow) {
  if (paused === null) return { ...row, paused: null }
  const { by, at, reason } = paused
  return { ...row, paused: { by, at: new Date(at).toISOString(), reason } }
}

/** Notes on the states that need somebody to act. */
function notes(rows: readonly ProcessorRow[], nowMs: number): string[] {
  const paused = new Map(rows.flatMap((row) => (row.paused === null ? [] : [[row.name, row.paused] as const])))
  return [
    ...[...paused].map(([name, { by, at, reason }]) => {
      const why = reason === null ? '' : `: ${reason}`
      return `${name} was paused by ${by} ${duration(nowMs - at)} ago${why}`
    }),
    ...rows.flatMap(({ name, concurrency, concurrencySet }) => {
      if (concurrencySet === null) return []
      const inCode = concurrency === null ? '' : `; its code says ${concurrency}`
      return `${name} runs at most ${concurrencySet} handlers at once, as set by a person${inCode}`
    }),
    ...rows.flatMap(({ name, state, owner }) => {
      const who = owner === null ? '' : `; ${owner} answers for it`
      if (state === 'probing')
        return `${name} is probing: its last attempts failed; it tries one message at a time${who}`
      return state === 'stuck' ? `${name} is stuck: all its attempts have outlived their time${who}` : []
    }),
  ]
}

interface RetireWords extends ActorWords {
  readonly force?: boolean | undefined
}

/** Retires a processor that is no longer in the app. */
export async function processorsRetire(call: Call, { force = false, ...words }: RetireWords): Promise<number> {
  const [name] = takeWords(call, ['NAME'], 1)
  const actor = actorOf(words)
  return withApp(call, async ({ processors }) => {
    await processors.retire(name!, { force, ...actor })
    if (call.out.json) call.out.object({ name, retired: true })
    else call.out.line(`processor ${safe(name!)} is retired: no messages are kept for it`)
    return 0
  })
}

export interface SetWords extends ActorWords {
  readonly concurrency: number | 'default'
}

/** Sets how many handlers of a processor may run at once. */
export async function processorsSet(call: Call, { concurrency, ...words }: SetWords): Promise<number> {
  const [name] = takeWords(call, ['NAME'], 1)
  const actor = actorOf(words)
  return withApp(call, async ({ processors, running }) => {
    await processors.set(name!, { concurrency, ...actor })
    const most =
      concurrency === 'default' ? 'as many handlers at once as its code says' : `at most ${concurrency} at once`
    if (call.out.json) call.out.object({ name, concurrency })
    else call.out.line(`processor ${safe(name!)} runs ${most}${running ? '' : ' from the next start on'}`)
    return 0
  })
}

/** Pauses a processor: it starts nothing until it is resumed. */
export async function processorsPause(call: Call, words: ActorWords): Promise<number> {
  const [name] = takeWords(call, ['NAME'], 1)
  const actor = actorOf(words)
  return withApp(call, async ({ processors, running }) => {
    await processors.pause(name!, actor)
    const ends = running ? 'running attempts end, new ones wait' : 'it stays paused at the next start'
    if (call.out.json) call.out.object({ name, paused: true })
    else call.out.line(`processor ${safe(name!)} is paused: ${ends}`)
    return 0
  })
}

/** Resumes a paused processor. */
export async function processorsResume(call: Call, words: ActorWords): Promise<number> {
  const [name] = takeWords(call, ['NAME'], 1)
  const actor = actorOf(words)
  return withApp(call, async ({ processors, running }) => {
    await processors.resume(name!, actor)
    if (call.out.json) call.out.object({ name, resumed: true })
    else call.out.line(`processor ${safe(name!)} is resumed${running ? '' : ': it runs at the next start'}`)
    return 0
  })
}

const exchangeColumns: readonly Column<Exchange>[] = [
  { title: 'SENT', value: ({ at }) => moment(at) },
  { title: 'ID', value: ({ id }) => id, shrinksTo: 8, keeps: 12 },
  { title: 'TRY', value: ({ attempt }) => (attempt === 0 ? 'test' : String(attempt)) },
  { title: 'MS', value: ({ tookMs }) => tookMs },
  { title: 'OUTCOME', value: outcomeText },
  { title: 'ANSWER', value: ({ answer, error }) => error?.message ?? answer ?? '', shrinksTo: 10 },
]

const endpointColumns: readonly Column<Endpoint>[] = [
  { title: 'NAME', value: ({ name }) => name, shrinksTo: 10 },
  { title: 'TO', value: ({ to }) => to, shrinksTo: 12, keeps: 20 },
  { title: 'STATE', value: ({ state }) => state },
  { title: 'LAST', value: ({ last }) => (last === null ? '-' : outcomeText(last)) },
  { title: 'SENT', value: ({ last }) => (last === null ? '-' : moment(last.at)) },
  { title: 'FAILED', value: ({ failures }) => failures },
  {
    title: 'PROBE IN',
    value: ({ nextProbeAt }) => (nextProbeAt === null ? '-' : duration(Math.max(0, nextProbeAt - Date.now()))),
  },
]

/** Shows the systems that parts deliver to. */
export async function processorsEndpoints(call: Call): Promise<number> {
  takeWords(call, [], 0)
  const { out } = call
  return withApp(call, async ({ processors }) => {
    const rows = await processors.endpoints()
    if (out.json) for (const row of rows) await out.object(endpointObject(row))
    else if (rows.length === 0) out.line('no part delivers to another system')
    else await out.lines(table(endpointColumns, rows, out.columns))
    return 0
  })
}

/** Shows the newest requests of a part that delivers, and their answers. */
export async function processorsDeliveries(call: Call): Promise<number> {
  const [name] = takeWords(call, ['NAME'], 1)
  const { out } = call
  return withApp(call, async ({ processors }) => {
    const rows = await processors.deliveries(name!)
    if (out.json) for (const row of rows) await out.object(exchangeObject(row))
    else if (rows.length === 0) out.line(`${safe(name!)} has sent nothing since the app started`)
    else await out.lines(table(exchangeColumns, rows, out.columns))
    return 0
  })
}

/** Sends a test event; status 1 unless the endpoint takes it. */
export async function processorsTest(call: Call, words: ActorWords): Promise<number> {
  const [name] = takeWords(call, ['NAME'], 1)
  const actor = actorOf(words)
  const { out } = call
  return withApp(call, async ({ processors }) => {
    const sent = await processors.test(name!, actor)
    const { status, answer, tookMs } = sent
    if (out.json) await out.object(exchangeObject(sent))
    else {
      out.line(`the endpoint of ${safe(name!)}: ${outcomeText(sent)}, after ${tookMs} ms`)
      if (sent.error !== null) out.line(safe(sent.error.message))
      if (answer !== null && answer !== '') await out.lines(safeLines(answer))
    }
    return status !== null && status >= 200 && status < 300 ? 0 : 1
  })
}

function outcomeText({ outcome, status }: Exchange): string {
  if (outcome === 'answered') return String(status)
  return outcome === 'unknown' ? 'no answer' : outcome
}

const exchangeObject = ({ at, ...rest }: Exchange) => ({ at: new Date(at).toISOString(), ...rest })

const endpointObject = ({ last, nextProbeAt, ...rest }: Endpoint) => ({
  ...rest,
  last: last && exchangeObject(last),
  nextProbeAt: nextProbeAt === null ? null : new Date(nextProbeAt).toISOString(),
})

export interface ResetWords extends ActorWords {
  readonly to: string
  readonly againToTheWorld?: boolean | undefined
  readonly dryRun?: boolean | undefined
}

/** Says what a reset of a processor will do, and does it. */
export async function processorsReset(call: Call, { to, againToTheWorld, dryRun = false, ...words }: ResetWords) {
  const [name] = takeWords(call, ['NAME'], 1)
  const { out } = call
  const options = { to: resetTo(to), ...actorOf(words) } as const
  return withApp(call, async ({ processors, running }) => {
    const plan = await processors.reset(name!, { ...options, dryRun: true })
    if (!out.json) await out.lines(planLines(plan, out.columns))
    if (dryRun) {
      if (out.json) await out.object(plan)
      return 0
    }
    const done = await processors.reset(name!, { ...options, againToTheWorld })
    if (out.json) await out.object(done)
    else out.line(`processor ${safe(name!)} is reset${running ? '' : ': it begins there at the next start'}`)
    return 0
  })
}

function resetTo(word: string): 'beginning' | 'now' | Date | number {
  if (word === 'beginning' || word === 'now') return word
  if (/^\d{1,15}$/.test(word)) return Number(word)
  const date = new Date(word)
  if (/^\d{4}-/.test(word) && !Number.isNaN(date.getTime())) return date
  throw new UsageError(`--to is "${word}", but must be beginning, now, a date such as 2026-11-28 or a position`)
}

function planLines(plan: ResetPlan, columns: number): string[] {
  const { name, on, begins, first, again, skipped, held, tried, inLine, left, gathered, sent } = plan
  const where = begins === first ? ', the oldest that is kept' : ''
  const ends = [`${held} held`, `${tried} to be tried again`, `${inLine} in line`].join(', ')
  const lines: (readonly [string, string | undefined])[] = [
    ['begins at', `position ${begins} of ${on}${where}`],
    ['handled again', count(again, 'message')],
    ['passed over', skipped === 0 ? undefined : `${count(skipped, 'message')} that it has not handled`],
    ['ends at the desk', held + tried + inLine === 0 ? 'nothing' : ends],
    ['not again', left === 0 ? undefined : `${left} of these, which come before position ${begins}`],
    ['batches', gathered === 0 ? undefined : `${count(gathered, 'element')} of open batches are dropped`],
    ['sent again', sent.length === 0 ? undefined : sent.map(({ type, count }) => `${count} ${type}`).join(', ')],
  ]
  return [`reset of processor ${safe(name)}`, ...facts(lines, columns)]
}
