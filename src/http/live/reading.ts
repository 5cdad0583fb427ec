// One look at an app for those who watch it, and what has changed since the look before. It reads counters that the engine
// and the store keep, the newest lines of the audit log, the questions after the last one, and the operations that are
// under way: each look-up has an index and a limit, so that a look costs the same however much waits.
//
// A change is named, not shown: a page asks for what it shows, and gets what its person may see.
import type { AuditRow, DeskAction } from '../../model/desk.ts'
import type { Operation } from '../../model/desk-views.ts'
import { isMillraceError } from '../../model/errors.ts'
import type { Metrics, PartMetrics } from '../../model/metrics.ts'
import type { Edge } from '../../operate/edge.ts'
import type { Served } from '../served.ts'
import { statusOf } from '../status.ts'

/** What a pulse tells of a part: counters since `since` of the pulse. */
export interface PulsePart extends Pick<PartMetrics, 'name' | 'on' | 'state' | 'lag' | 'running' | 'held'> {
  readonly handled: number
  readonly failed: number
  readonly refused: number
  /** The critical time of the message that was handled last, milliseconds; null before the first. */
  readonly criticalMs: number | null
}

export interface Pulse {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly health: 'green' | 'red'
  readonly reasons: readonly string[]
  /** The time from which on is counted; null while the app does not run. */
  readonly since: number | null
  /** Null while the app does not run. */
  readonly parts: readonly PulsePart[] | null
}

export interface Reading {
  readonly pulse: Pulse
  /** The newest line of the audit log. */
  readonly audit: number
  /** The lines since the reading before, at most {@link actsMax} of them. */
  readonly acts: readonly AuditRow[]
  /** The number of the last question that was read, and the flows whose questions came since the reading before. */
  readonly question: number
  readonly asked: readonly number[]
  readonly operations: readonly Operation[]
}

export type LiveEvent = readonly [name: 'pulse' | 'desk' | 'question' | 'operation' | 'reset', data: unknown]

/** Lines of the audit log, questions and operations that one look reads at most. */
const actsMax = 100
const questionsMax = 500

export async function look(app: Served, edge: Edge, before: Reading | undefined): Promise<Reading> {
  const { status: health, reasons } = app.health()
  try {
    const [metrics, newest, questions, operations] = await Promise.all([
      app.metrics(),
      app.desk.audit({ limit: before === undefined ? 1 : actsMax }),
      app.flows.questions({ after: before?.question ?? 0, limit: questionsMax }),
      edge.operations(),
    ])
    return {
      pulse: pulseOf(metrics, { health, reasons }),
      audit: newest[0]?.id ?? 0,
      acts: before === undefined ? [] : newest.filter(({ id }) => id > before.audit),
      question: questions.at(-1)?.id ?? before?.question ?? 0,
      asked: before === undefined ? [] : questions.map(({ flow }) => flow),
      operations,
    }
  } catch (error) {
    if (!isMillraceError(error) || statusOf(error.code) !== 503) throw error
    const pulse = { at: edge.world.now(), health, reasons, since: null, parts: null }
    return { audit: 0, question: 0, operations: [], ...before, pulse, acts: [], asked: [] }
  }
}

function pulseOf({ at, since, parts }: Metrics, health: Pick<Pulse, 'health' | 'reasons'>): Pulse {
  return {
    ...{ at, ...health, since },
    parts: parts.map(({ name, on, state, lag, running, held, counts }) => {
      const { handled, failed, refused, criticalNewestMs: criticalMs } = counts
      return { name, on, state, lag, running, held, handled, failed, refused, criticalMs }
    }),
  }
}

/** Whether more has happened than is named: the app runs anew, or did more than one look reads. */
export function isAnew(before: Reading, now: Reading): boolean {
  const { since } = now.pulse
  return now.acts.length >= actsMax || (since !== null && since !== before.pulse.since)
}

const answered: ReadonlySet<DeskAction> = new Set(['answered', 'cancelled', 'stopped', 'run again'])

/** What has changed from one reading to the next, by name. */
export function changesOf(before: Reading, now: Reading): LiveEvent[] {
  const { acts } = now
  const events: LiveEvent[] = []
  const parts = new Set(heldElsewhere(before.pulse, now.pulse))
  const groups = new Set<number>()
  const items = new Set<number>()
  for (const { item, group, subject } of acts) {
    if (group !== null) groups.add(group)
    if (item === null) continue
    items.add(item)
    parts.add(subject)
  }
  if (parts.size > 0 || groups.size > 0) {
    events.push(['desk', { parts: [...parts], groups: [...groups], items: [...items] }])
  }
  const ended = acts.filter(({ action, item, group }) => item === null && group === null && answered.has(action))
  if (now.asked.length > 0 || ended.length > 0) {
    const flows = [...now.asked, ...ended.map(({ subject }) => Number(subject)).filter(Number.isSafeInteger)]
    events.push(['question', { flows: [...new Set(flows)] }])
  }
  const open = now.operations.map(shown)
  const gone = before.operations.filter(({ id }) => !now.operations.some((one) => one.id === id)).map(({ id }) => id)
  if (gone.length > 0 || JSON.stringify(open) !== JSON.stringify(before.operations.map(shown))) {
    events.push(['operation', { open, ended: gone }])
  }
  return events
}

const shown = ({ id, state, total, done, refused, failures }: Operation) => ({
  ...{ id, state, total, done, refused, failures },
})

/** The parts that hold more or fewer messages than before. */
function heldElsewhere(before: Pulse, now: Pulse): string[] {
  const held = new Map(before.parts?.map((part) => [`${part.name} ${part.on}`, part.held]))
  const changed = (now.parts ?? []).filter((part) => held.get(`${part.name} ${part.on}`) !== part.held)
  return before.parts === null ? [] : changed.map(({ name }) => name)
}
