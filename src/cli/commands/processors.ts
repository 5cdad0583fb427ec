import type { ProcessorRow } from '../../index.ts'
import { type ActorWords, actorOf } from '../actor.ts'
import { type Call, takeWords, withApp } from '../call.ts'
import { type Column, duration, safe, table, wrap } from '../print.ts'

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
    ...rows.flatMap(({ name, state }) => {
      if (state === 'probing') return `${name} is probing: its last attempts failed; it tries one message at a time`
      return state === 'stuck' ? `${name} is stuck: all its attempts have outlived their time` : []
    }),
  ]
}

/** Retires a processor that is no longer in the app. */
export async function processorsRetire(
  call: Call,
  { force = false }: { readonly force?: boolean | undefined },
): Promise<number> {
  const [name] = takeWords(call, ['NAME'], 1)
  return withApp(call, async ({ processors }) => {
    await processors.retire(name!, { force })
    if (call.out.json) call.out.object({ name, retired: true })
    else call.out.line(`processor ${safe(name!)} is retired: no messages are kept for it`)
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
