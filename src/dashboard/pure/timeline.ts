// Attempts, edits and people on one line of time: the failed attempts of a message, and the lines of the audit log about it.
import type { AuditRow } from '../../model/desk.ts'
import type { DeskItem } from '../../model/desk-views.ts'
import { errorText } from './cards.ts'

export interface Happened {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly icon: 'failing' | 'held' | 'ok' | 'person' | 'quiet'
  readonly title: string
  readonly text: string
}

/** The newest first. */
export function timeOf({ tries, history }: Pick<DeskItem, 'tries' | 'history'>): Happened[] {
  const failed = tries.map(
    ({ at, message, version }, index): Happened => ({
      at,
      icon: 'failing',
      title: `Attempt failed${version === undefined ? '' : `, version ${version}`}`,
      text: index > 0 && tries[index - 1]!.message === message ? 'as before' : errorText(message),
    }),
  )
  const lines = history.map(happened)
  return [...failed, ...lines].sort((a, b) => b.at - a.at)
}

const verbs: Readonly<Record<string, string>> = {
  kept: 'left it to a person',
  noted: 'wrote',
  tried: 'tried it',
  claimed: 'works on it',
  unclaimed: 'no longer works on it',
  handled: 'It was handled',
  held: 'It was held',
}

function happened({ at, by, action, reason, detail }: AuditRow): Happened {
  const itself = by === 'millrace'
  const verb = verbs[action] ?? action
  const title = itself ? (action === 'held' || action === 'handled' ? verb : `It was ${action}`) : `${by} ${verb}`
  const icon = action === 'held' ? 'held' : action === 'handled' ? 'ok' : itself ? 'quiet' : 'person'
  return { at, icon, title, text: reason ?? textIn(action, detail) }
}

/** The text of a note is in its detail. */
function textIn(action: string, detail: unknown): string {
  if (action !== 'noted' || typeof detail !== 'object' || detail === null) return ''
  const { text } = detail as { readonly text?: unknown }
  return typeof text === 'string' ? text : ''
}
