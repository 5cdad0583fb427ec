// What is wrong now, or waits for a person, as cards: each says since when, and leads to its page.
import type { DeskGroup, Operation } from '../../model/desk-views.ts'
import type { Question } from '../../model/flow-views.ts'
import type { ProcessorRow } from '../../operate/processors.ts'
import { addressOf } from './routes.ts'
import { count, partSentences } from './words.ts'

export interface Card {
  readonly key: string
  readonly to: string
  readonly state: string
  readonly title: string
  readonly text: string
  /** Milliseconds since 1970; undefined where nothing says it. */
  readonly since: number | undefined
}

/** Groups of held messages, but for those that somebody keeps quiet. */
export function groupCards(groups: readonly DeskGroup[]): Card[] {
  return groups
    .filter(({ snooze }) => snooze === null)
    .map((group) => ({
      key: `group ${group.id} ${group.processor} ${group.type} ${group.error}`,
      to: group.id === null ? addressOf('/desk', { part: group.processor ?? undefined }) : `/desk/g/${group.id}`,
      state: 'held',
      title: groupTitle(group),
      text: groupText(group.error),
      since: group.firstAt,
    }))
}

/** "12 messages of order.placed are held in labels". */
export function groupTitle({ held, type, processor }: Pick<DeskGroup, 'held' | 'type' | 'processor'>): string {
  const of = type === null ? '' : ` of ${type}`
  return `${count(held, 'message')}${of} ${held === 1 ? 'is' : 'are'} held${processor === null ? '' : ` in ${processor}`}`
}

/** The words of an error, without the name that every error has. */
export const errorText = (error: string | null): string =>
  (error ?? 'no error is known').replace(/^(Error|refused): /, '')

/** The same of a group, whose messages differ where "#" stands in it. */
export const groupText = (error: string | null): string => errorText(error).replaceAll('#', '…')

export function partCards(rows: readonly ProcessorRow[]): Card[] {
  const wrong: readonly ProcessorRow[] = rows.filter(({ state }) => ['probing', 'stuck', 'paused'].includes(state))
  return wrong.map(({ name, state, paused, lag }) => {
    const by = paused === null ? '' : ` ${paused.by} paused it${paused.reason === null ? '' : `: ${paused.reason}`}.`
    return {
      key: `part ${name}`,
      to: `/system/parts/${encodeURIComponent(name)}`,
      state,
      title: `${name} ${state === 'paused' ? 'is paused' : state === 'probing' ? 'tries one at a time' : 'is stuck'}`,
      text: `${paused === null ? (partSentences[state] ?? '') : by} ${count(lag, 'message')} to do.`.trim(),
      since: paused?.at,
    }
  })
}

export function questionCards(questions: readonly Question[]): Card[] {
  return questions.map(({ id, title, mediator, to, askedAt }) => ({
    key: `question ${id}`,
    to: `/inbox/${id}`,
    state: 'asks',
    title,
    text: `A flow of ${mediator} waits for ${to ?? 'an answer'}.`,
    since: askedAt,
  }))
}

/** Operations that do not go on by themselves. */
export function operationCards(operations: readonly Operation[]): Card[] {
  return operations
    .filter(({ state }) => state === 'stopped' || state === 'prepared')
    .map(({ id, name, state, total, done, failures, startedAt }) => ({
      key: `operation ${id}`,
      to: `/desk/operations/${id}`,
      state,
      title: `Operation "${name}" ${state === 'stopped' ? 'has stopped' : 'waits to be run'}`,
      text: state === 'stopped' ? `${count(failures, 'failure')}; ${done} of ${total} done.` : count(total, 'message'),
      since: startedAt,
    }))
}
