// What is not well, found in facts: pure, and bounded.
//
// Of each kind at most `eachMax` alerts are raised; what is beyond is one alert more, `more KIND`, while it lasts. An alert
// that is raised keeps its place. Where facts are cut, an alert that they do not show is left as it is.
import type { AlertKind, AlertWatch, Finding } from '../../model/alerts.ts'
import type { Paused } from '../../model/desk-views.ts'
import type { HeldGroup } from '../../seam/alerts.ts'

/** The most alerts of one kind, beside the one for all others. */
export const eachMax = 10

/** A list that is read up to a limit. */
export interface Listed<T> {
  readonly rows: readonly T[]
  /** Whether there may be more. */
  readonly isCut: boolean
}

/** A processor that has not done all of its messages. */
export interface Lagging {
  readonly name: string
  readonly lag: number
  readonly state: Exclude<Finding['state'], null>
  /** The time since which its oldest message waits. */
  readonly since: number
}

export interface Facts {
  readonly now: number
  readonly groups: Listed<HeldGroup>
  readonly lagging: readonly Lagging[]
  readonly questions: Listed<{ readonly mediator: string; readonly askedAt: number }>
  readonly paused: readonly Paused[]
  /** Whether the store has no room for more. */
  readonly isFull: boolean
  /** Processors whose lanes stay open when a message is held. */
  readonly passing: ReadonlySet<string>
}

export interface Judged {
  /** By `alert`. */
  readonly found: ReadonlyMap<string, Finding>
  /** What people have made quiet. */
  readonly quiet: ReadonlySet<string>
  /** Kinds of which not all is known. */
  readonly cut: ReadonlySet<AlertKind>
}

/** @param raised the kinds of the alerts that are raised, by `alert` */
export function judge(name: string, watch: AlertWatch, facts: Facts, raised: ReadonlyMap<string, AlertKind>): Judged {
  const quiet = new Set<string>()
  const all = [
    groupsOf(watch, facts, name, quiet),
    closedOf(watch, facts, name, quiet),
    behindOf(watch, facts, name),
    questionsOf(watch, facts),
    pausedOf(watch, facts, name),
    watch.disk && facts.isFull ? [finding({ alert: 'disk', kind: 'disk', since: facts.now })] : [],
  ]
  const found = new Map<string, Finding>()
  for (const some of all) for (const one of bounded(some, raised)) found.set(one.alert, one)
  const cut = new Set<AlertKind>()
  if (facts.groups.isCut) cut.add('group').add('closed')
  if (facts.questions.isCut) cut.add('question')
  return { found, quiet, cut }
}

/** A code that is no plain word may hold data of messages. */
const plainCode = /^[A-Za-z][\w./-]{0,59}$/

function groupsOf({ group }: AlertWatch, { groups }: Facts, name: string, quiet: Set<string>): Finding[] {
  if (!group) return []
  return groups.rows.flatMap(({ id, processor, type, code, held, firstAt, snoozed }) => {
    // What the alerts themselves cannot send is told by health and at the desk.
    if (processor === name) return []
    const alert = `group ${id}`
    if (snoozed) {
      quiet.add(alert)
      return []
    }
    const error = plainCode.test(code) ? code : null
    const about = { part: processor, group: id, type, code: error, count: held }
    return finding({ alert, kind: 'group', ...about, since: firstAt })
  })
}

function closedOf({ closedMs }: AlertWatch, facts: Facts, name: string, quiet: Set<string>): Finding[] {
  if (closedMs === false) return []
  const found = new Map<string, Finding>()
  for (const { processor, held, oldestAt, snoozed } of facts.groups.rows) {
    if (processor === name || facts.passing.has(processor) || facts.now - oldestAt < closedMs) continue
    const alert = `closed ${processor}`
    if (snoozed) {
      quiet.add(alert)
      continue
    }
    const { count, since } = found.get(alert) ?? { count: 0, since: oldestAt }
    const more = { count: count! + held, since: Math.min(since, oldestAt) }
    found.set(alert, finding({ alert, kind: 'closed', part: processor, ...more }))
  }
  for (const alert of found.keys()) quiet.delete(alert)
  return [...found.values()]
}

function behindOf({ behindMs }: AlertWatch, { now, lagging }: Facts, self: string): Finding[] {
  if (behindMs === false) return []
  const late = lagging.filter(({ name, since }) => name !== self && now - since >= behindMs)
  return late.map(({ name, lag, state, since }) =>
    finding({ alert: `behind ${name}`, kind: 'behind', part: name, state, count: lag, since }),
  )
}

function questionsOf({ questionMs }: AlertWatch, { now, questions }: Facts): Finding[] {
  if (questionMs === false) return []
  const found = new Map<string, Finding>()
  for (const { mediator, askedAt } of questions.rows) {
    if (now - askedAt < questionMs) continue
    const alert = `question ${mediator}`
    const { count, since } = found.get(alert) ?? { count: 0, since: askedAt }
    const more = { count: count! + 1, since: Math.min(since, askedAt) }
    found.set(alert, finding({ alert, kind: 'question', part: mediator, ...more }))
  }
  return [...found.values()]
}

/** Only what the app itself has paused: people know what they have done. */
function pausedOf(watch: AlertWatch, { paused }: Facts, self: string): Finding[] {
  if (!watch.paused) return []
  const own = paused.filter(({ processor, by }) => by === 'millrace' && processor !== self)
  return own.map(({ processor, at }) =>
    finding({ alert: `paused ${processor}`, kind: 'paused', part: processor, since: at }),
  )
}

/** Findings of one kind: those that are raised, then others up to the bound, and one for the rest. */
function bounded(found: readonly Finding[], raised: ReadonlyMap<string, AlertKind>): readonly Finding[] {
  if (found.length === 0) return found
  const { kind } = found[0]!
  const more = `more ${kind}`
  const ofKind = [...raised].filter(([alert, other]) => other === kind && alert !== more)
  let free = Math.max(0, eachMax - ofKind.length)
  const rest: Finding[] = []
  const kept = found.filter((one) => {
    if (raised.has(one.alert) || free-- > 0) return true
    rest.push(one)
    return false
  })
  if (rest.length === 0) return kept
  const since = Math.min(...rest.map((one) => one.since))
  return [...kept, finding({ alert: more, kind, count: rest.length, since })]
}

const none = { part: null, group: null, type: null, code: null, state: null, count: null }

function finding(some: Pick<Finding, 'alert' | 'kind' | 'since'> & Partial<Finding>): Finding {
  return { ...none, ...some }
}
