// Tokens of people and programs for the HTTP server.
import type { Grant, TokenItem } from '../../index.ts'
import { type ActorWords, actorOf } from '../actor.ts'
import { type Call, takeWords, withApp } from '../call.ts'
import { UsageError } from '../output.ts'
import { type Column, moment, safe, table } from '../print.ts'
import { time } from './desk-show.ts'

const columns: readonly Column<TokenItem>[] = [
  { title: 'NAME', value: ({ name }) => name, shrinksTo: 8 },
  { title: 'ALLOWS', value: ({ grants }) => grants.map(textOf).join(' '), shrinksTo: 8 },
  { title: 'MADE', value: ({ createdAt }) => moment(createdAt) },
  { title: 'BY', value: ({ by }) => by, shrinksTo: 5 },
  { title: 'UNTIL', value: ({ expiresAt }) => untilOf(expiresAt) },
]

const textOf = ({ role, on }: Grant) => (on === undefined ? role : `${role}:${on.join(',')}`)

function untilOf(expiresAt: number | null): string {
  if (expiresAt === null) return '-'
  return `${moment(expiresAt)}${expiresAt <= Date.now() ? ' (over)' : ''}`
}

/** Parses a grant: `sender`, or `sender:orders,till-*`. */
export function grantIn(text: string): { readonly role: string; readonly on?: readonly string[] | undefined } {
  const at = text.indexOf(':')
  return at === -1 ? { role: text } : { role: text.slice(0, at), on: text.slice(at + 1).split(',') }
}

/** Shows who has a token. */
export async function tokensList(call: Call): Promise<number> {
  takeWords(call, [], 0)
  const { out } = call
  return withApp(call, async ({ tokens }) => {
    const rows = await tokens.list()
    if (out.json) for (const row of rows) await out.object(objectOf(row))
    else if (rows.length === 0) await out.line('nobody has a token but the owner of the file')
    else await out.lines(table(columns, rows, out.columns))
    return 0
  })
}

function objectOf<Row extends TokenItem>({ createdAt, expiresAt, ...row }: Row) {
  return { ...row, createdAt: time(createdAt), expiresAt: expiresAt === null ? null : time(expiresAt) }
}

export interface MakeWords extends ActorWords {
  readonly grant?: readonly ReturnType<typeof grantIn>[] | undefined
  readonly expires?: number | undefined
}

/** Makes a token and prints it. */
export async function tokensMake(call: Call, { grant, expires, ...words }: MakeWords): Promise<number> {
  const actor = actorOf(words)
  const [name] = takeWords(call, ['NAME'], 1)
  if (grant === undefined) throw new UsageError('--grant is missing: reader, sender, clerk, operator or admin')
  const { out } = call
  return withApp(call, async ({ tokens }) => {
    const expiresAt = expires === undefined ? undefined : Date.now() + expires
    const made = await tokens.make(name!, { ...actor, grants: grant as readonly Grant[], expiresAt })
    if (out.json) await out.object(objectOf(made))
    else {
      await out.line(made.token)
      out.note(`the token of "${safe(made.name)}" is shown this once: only its hash is kept`)
    }
    return 0
  })
}

/** Ends a token. */
export async function tokensRevoke(call: Call, words: ActorWords): Promise<number> {
  const actor = actorOf(words)
  const [name] = takeWords(call, ['NAME'], 1)
  const { out } = call
  return withApp(call, async ({ tokens }) => {
    await tokens.revoke(name!, actor)
    if (out.json) await out.object({ name, revoked: true })
    else await out.line(`the token of "${safe(name!)}" opens nothing from now on`)
    return 0
  })
}
