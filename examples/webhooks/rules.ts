// The rules of the triage, each by itself: when it holds, and what the bot is to do then.
import type { Happened, Push, Ticket } from './messages.ts'

export interface Rule {
  readonly name: string
  /** Returns the text for the bot; undefined where the rule does not hold. */
  readonly wants: (happened: Happened) => string | undefined
}

const ticket = (name: string, holds: (ticket: Ticket) => boolean, text: string): Rule => ({
  name,
  wants: (it) => (it.about !== 'push' && holds(it) ? text : undefined),
})
const push = (name: string, holds: (push: Push) => boolean, text: (push: Push) => string): Rule => ({
  name,
  wants: (it) => (it.about === 'push' && holds(it) ? text(it) : undefined),
})

const isReady = ({ action, draft }: Ticket) => (action === 'opened' && draft === false) || action === 'ready_for_review'

export const rules: readonly Rule[] = [
  ticket(
    'new bug',
    ({ about, action, labels }) => about === 'issue' && action === 'opened' && labels?.includes('bug') === true,
    'tell who is on call',
  ),
  ticket('back again', ({ action }) => action === 'reopened', 'ask what is missing'),
  ticket(
    'unlabelled',
    ({ action, labels }) => ['opened', 'transferred'].includes(action) && labels?.length === 0,
    'add the label triage',
  ),
  ticket('ready', (it) => it.about === 'pull request' && isReady(it), 'ask for a review'),
  ticket('too large', (it) => isReady(it) && (it.linesAdded ?? 0) > 1_000, 'ask for smaller parts'),
  push(
    'history rewritten',
    ({ forced }) => forced,
    ({ ref, by }) => `tell that ${by} has forced ${ref}`,
  ),
  push(
    'tag deleted',
    ({ ref, head }) => ref.startsWith('refs/tags/') && head === undefined,
    ({ ref, by }) => `tell that ${by} has deleted ${ref}`,
  ),
]
