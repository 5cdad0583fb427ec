import type { FlowCount, Measure, Offline, StoreFacts } from '../../index.ts'
import { isMillraceError } from '../../index.ts'
import { type Call, commandFor, locate, reach, runningOr, takeWords } from '../call.ts'
import { errorText } from '../output.ts'
import { bytes, count, pad, safe } from '../print.ts'

export interface Finding {
  readonly check: string
  readonly result: 'ok' | 'warn' | 'fail'
  readonly text: string
}

/** The process that has the store, as far as a command can tell. */
export interface Process {
  readonly state: 'running' | 'stopped' | 'silent'
  readonly pid?: number | undefined
  /** The reasons for which the app reports that it is not well. */
  readonly reasons?: readonly string[] | undefined
  readonly text?: string | undefined
}

const colours = { ok: 'green', warn: 'yellow', fail: 'red' } as const

/** Checks that all is well; exit status 1 when something is not. */
export async function doctor(
  call: Call,
  { full = false, accept = false }: { readonly full?: boolean | undefined; readonly accept?: boolean | undefined },
): Promise<number> {
  takeWords(call, [], 0)
  const { out } = call
  const { store } = await locate(call)
  const see: See = (name, more) => commandFor(call, name, more)
  const accepted = accept ? await acceptStore(store, call.waitMs) : []
  const process = await look(store, call.waitMs)
  const findings = [...accepted, ...judgeProcess(process), ...(await judgeStore(store, process, { full, see }))]
  for (const { check, result, text } of findings) {
    if (out.json) out.object({ check, result, text })
    else out.line(`${out.colour(colours[result], pad(result, 4))}  ${pad(check, 10)}  ${safe(text)}`)
  }
  return findings.some(({ result }) => result === 'fail') ? 1 : 0
}

/** Accepts a store that may lack its newest messages. */
async function acceptStore(store: Offline, waitMs: number): Promise<Finding[]> {
  const accepted = await runningOr(
    store,
    waitMs,
    (client) => client.accept(),
    () => store.accept(),
  )
  const text = accepted ? 'the store is accepted as it is' : 'there was nothing to accept'
  return [{ check: 'accept', result: 'ok', text }]
}

async function look(store: Offline, waitMs: number): Promise<Process> {
  try {
    const client = await reach(store, waitMs)
    if (client === undefined) return { state: 'stopped' }
    try {
      const { health } = await client.status()
      return { state: 'running', pid: client.pid, reasons: health.reasons }
    } finally {
      client.close()
    }
  } catch (error) {
    return { state: 'silent', text: says(error) }
  }
}

function says(error: unknown): string {
  return errorText(error).replace(/^millrace: /, '')
}

function judgeProcess({ state, pid, reasons = [], text = '' }: Process): Finding[] {
  if (state === 'stopped') return [{ check: 'process', result: 'ok', text: 'no app runs with it' }]
  if (state === 'silent') return [{ check: 'process', result: 'fail', text }]
  const runs: Finding = { check: 'process', result: 'ok', text: `running as process ${pid}` }
  return [runs, ...reasons.map((reason): Finding => ({ check: 'health', result: 'fail', text: reason }))]
}

async function judgeStore(store: Offline, process: Process, { full, see }: Judging): Promise<Finding[]> {
  try {
    const app = process.state === 'stopped' ? 'stopped' : 'running'
    return judge(store.where, await store.examine({ app, full }), process, see)
  } catch (error) {
    if (!isMillraceError(error)) throw error
    return [{ check: 'store', result: 'fail', text: says(error) }]
  }
}

interface Judging {
  readonly full: boolean
  readonly see: See
}

const lagMany = 10_000

/** Words a command about the same store. */
export type See = (name: string, more?: string) => string

/** Turns the facts into findings. */
export function judge(where: string, facts: StoreFacts, { state }: Process, see: See): Finding[] {
  const findings: Finding[] = []
  const add = (check: string, result: Finding['result'], text: string) => findings.push({ check, result, text })

  add('store', 'ok', `${where}, a store of Millrace`)
  add('format', 'ok', `${facts.format}, the newest is ${facts.formatKnown}`)
  for (const damage of facts.damage) add('integrity', 'fail', damage)
  if (facts.damage.length === 0) add('integrity', 'ok', 'no damage found')
  if (state === 'stopped') findings.push(...judgeLastStop(facts, see))

  for (const measure of facts.measures) add(measure.name, resultOf(measure), textOf(measure))

  const wrong = judgeProgress(facts)
  findings.push(...wrong)
  if (wrong.length === 0) add('progress', 'ok', 'of every processor fits the kept messages')
  const heads = new Map(facts.streams.map((stream) => [stream.id, stream]))
  for (const { processor, stream, low } of facts.progress) {
    const destination = heads.get(stream)
    if (destination === undefined) continue
    const lag = Math.max(0, destination.head - low)
    const text = `${processor} is at ${low} of ${destination.head} of ${destination.name}${lag === 0 ? '' : `, ${lag} behind`}`
    add('lag', lag > lagMany ? 'warn' : 'ok', text)
  }

  const { held, waiting } = facts
  if (held === 0) add('desk', 'ok', 'no message is held')
  else add('desk', 'warn', `${count(held, 'message')} held, ${waiting} waiting behind; see ${see('desk list')}`)
  findings.push(...judgeFlows(facts, see))
  return findings
}

/** A value beyond a bound fails; one beyond half of the greatest, or below twice the least, is a warning. */
function resultOf({ value, min = 0, max = Number.POSITIVE_INFINITY }: Measure): Finding['result'] {
  if (value < min || value > max) return 'fail'
  return value < 2 * min || value > max / 2 ? 'warn' : 'ok'
}

function textOf({ value, unit, noun, min, max }: Measure): string {
  const shown = (amount: number) => (unit === 'bytes' ? bytes(amount) : String(amount))
  const least = min === undefined ? '' : `, at least ${shown(min)}`
  const most = max === undefined ? '' : `, at most ${shown(max)}`
  return `${shown(value)} ${noun}${least}${most}`
}

/** Judges the last stop of a stopped app; a running app reports the same in its health. */
function judgeLastStop({ clean, incomplete }: StoreFacts, see: See): Finding[] {
  if (incomplete !== undefined) {
    const has = incomplete === 0 ? 'no messages' : `a newest message of ${new Date(incomplete).toISOString()}`
    const text = `after an unclean stop newer messages may be missing; it has ${has}; restore a whole copy, or accept it as it is with ${see('doctor', '--accept')}`
    return [{ check: 'last stop', result: 'fail', text }]
  }
  if (clean) return []
  return [
    { check: 'last stop', result: 'warn', text: 'the last process did not stop cleanly; the next start recovers' },
  ]
}

/** Reports flows and delayed messages; nothing where there are none. */
function judgeFlows({ flows, questions, delayed, flowTimes }: StoreFacts, see: See): Finding[] {
  const findings: Finding[] = []
  const add = (check: string, result: Finding['result'], text: string) => findings.push({ check, result, text })
  const byMediator = new Map<string, FlowCount[]>()
  for (const one of flows) byMediator.set(one.mediator, [...(byMediator.get(one.mediator) ?? []), one])
  for (const [mediator, counts] of byMediator) {
    const text = `${mediator}: ${counts.map(({ flows, state }) => `${flows} ${state}`).join(', ')}`
    const halted = counts.map(({ state }) => state).filter((state) => state === 'stuck' || state === 'paused')
    if (halted.length === 0) add('flows', 'ok', text)
    else add('flows', 'warn', `${text}; see ${see('flows list', `--state ${halted.join(',')}`)}`)
  }
  if (questions > 0) add('questions', 'ok', `${questions} open; see ${see('flows questions')}`)
  const pending = [
    ...(delayed > 0 ? [count(delayed, 'delayed message')] : []),
    ...(flowTimes > 0 ? [count(flowTimes, 'time of flows', 'times of flows')] : []),
  ]
  if (pending.length > 0) add('times', 'ok', `${pending.join(' and ')} to come`)
  return findings
}

/** Finds progress that points at a stream or a message that does not exist, or no longer exists. */
function judgeProgress({ streams, progress }: StoreFacts): Finding[] {
  const byId = new Map(streams.map((stream) => [stream.id, stream]))
  const findings: Finding[] = []
  const fail = (text: string) => findings.push({ check: 'progress', result: 'fail', text })
  for (const { processor, stream, low, done } of progress) {
    const destination = byId.get(stream)
    if (destination === undefined) {
      fail(`${processor} is on stream ${stream}, which does not exist`)
      continue
    }
    const last = low + lastBit(done)
    if (last > destination.head)
      fail(`${processor} has done ${last} of ${destination.name}, which ends at ${destination.head}`)
    if (low + 1 < destination.first && low < destination.head) {
      fail(`${processor} needs ${destination.name} from ${low + 1} on, which begins at ${destination.first}`)
    }
  }
  return findings
}

/** The distance from the low-water to the last message done. */
function lastBit(done: Uint8Array | null): number {
  if (done === null) return 0
  for (let bit = done.length * 8 - 1; bit >= 0; bit--) if (done[bit >> 3]! & (1 << (bit & 7))) return bit + 1
  return 0
}
