// From a request of GitHub to an event. The hook has checked the signature before; what is of no interest becomes none.
import { github, hook } from 'millrace/http'
import { Happened } from './messages.ts'

/** A payload of GitHub, as far as it is read here. Any of it may be missing: the schema of the event decides. */
interface Payload {
  readonly action?: string
  readonly repository?: { readonly full_name?: string }
  readonly sender?: { readonly login?: string }
  readonly issue?: Item
  readonly pull_request?: Item & { readonly draft?: boolean; readonly additions?: number }
  readonly ref?: string
  readonly after?: string
  readonly deleted?: boolean
  readonly forced?: boolean
}

interface Item {
  readonly number?: number
  readonly title?: string
  readonly state?: string
  readonly labels?: readonly { readonly name?: string }[]
}

const ticketIn = ({ number, title, state, labels }: Item = {}) => ({
  number,
  title,
  state,
  labels: labels?.map(({ name }) => name),
})

function happenedIn(kind: string | null, { action, repository, sender, ...payload }: Payload): unknown {
  const from = { repository: repository?.full_name, by: sender?.login }
  if (kind === 'issues') return { about: 'issue', action, ...from, ...ticketIn(payload.issue) }
  if (kind === 'pull_request') {
    const { draft, additions } = payload.pull_request ?? {}
    return { about: 'pull request', action, ...from, ...ticketIn(payload.pull_request), draft, linesAdded: additions }
  }
  if (kind !== 'push') return undefined
  const { ref, after, deleted, forced } = payload
  return { about: 'push', ...from, ref, head: deleted ? undefined : after, forced }
}

/** `POST /hooks/github`: give GitHub this address, and the secret. */
export const hooked = hook('github', {
  verify: github({ secret: process.env['GITHUB_SECRET'] ?? 'for-trying-only' }),
  publishes: Happened,
  data: (body, headers) => happenedIn(headers.get('x-github-event'), body as Payload) as Happened | undefined,
})
