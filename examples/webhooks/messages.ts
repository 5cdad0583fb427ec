// The words of the application: what GitHub tells, and what the bot is to do.
import { channel, command, event, topic } from 'millrace'
import { z } from 'zod'

const repository = z.string().regex(/^[\w.-]+\/[\w.-]+$/)
const number = z.number().int().positive()

/** An issue or a pull request has changed. Of some actions GitHub tells only a part. */
const Ticket = z.object({
  about: z.enum(['issue', 'pull request']),
  repository,
  number,
  action: z.string(),
  title: z.string(),
  state: z.enum(['open', 'closed']).optional(),
  labels: z.array(z.string()).optional(),
  draft: z.boolean().optional(),
  linesAdded: z.number().int().optional(),
  by: z.string(),
})
export type Ticket = z.infer<typeof Ticket>

/** A branch or a tag has moved; `head` is missing where it was deleted. */
const Push = z.object({
  about: z.literal('push'),
  repository,
  ref: z.string(),
  head: z.string().optional(),
  forced: z.boolean(),
  by: z.string(),
})
export type Push = z.infer<typeof Push>

export const ticketOf = (of: { readonly repository: string; readonly number: number }) =>
  `${of.repository}#${of.number}`

/** What is told of one issue or pull request is in order, and so are the pushes to one repository. */
export const Happened = event('github.happened', {
  schema: z.discriminatedUnion('about', [Ticket, Push]),
  context: (data) => (data.about === 'push' ? data.repository : ticketOf(data)),
})
export type Happened = Ticket | Push
export const Github = topic('github', [Happened])

/** A rule wants something of the bot. */
export const Act = command('bot.act', {
  schema: z.object({ rule: z.string(), repository, number: number.optional(), text: z.string() }),
  context: (act) => act.repository,
})
export const Bot = channel('bot', [Act])
