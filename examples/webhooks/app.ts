// What GitHub tells becomes rows, each change once and in order; rules look at it, and a bot does what they want.
import { type App, app, processor, type Query, sqlite } from 'millrace'
import { hooked } from './github.ts'
import { Act, Bot, Github, type Push, type Ticket, ticketOf } from './messages.ts'
import { rules } from './rules.ts'

const tables = async ({ query }: { readonly query: Query }) => {
  await query`create table if not exists tickets (
    ticket text primary key, about text not null, title text not null, state text, labels text, changes integer not null)`
  await query`create table if not exists changes (
    ticket text not null, number integer not null, action text not null, by text not null, primary key (ticket, number))`
  await query`create table if not exists refs (
    repository text not null, ref text not null, head text not null, primary key (repository, ref))`
  await query`create table if not exists done (
    key text primary key, rule text not null, repository text not null, ticket text, text text not null)`
}

async function keepTicket(query: Query, data: Ticket): Promise<void> {
  const { about, title, state, action, by } = data
  const ticket = ticketOf(data)
  const labels = data.labels?.join(' ')
  const [row] = await query<{ changes: number }>`
    insert into tickets values (${ticket}, ${about}, ${title}, ${state ?? null}, ${labels ?? null}, 1)
    on conflict do update set title = excluded.title, state = ifnull(excluded.state, state),
      labels = ifnull(excluded.labels, labels), changes = changes + 1
    returning changes`
  await query`insert into changes values (${ticket}, ${row!.changes}, ${action}, ${by})`
}

async function keepRef(query: Query, { repository, ref, head }: Push): Promise<void> {
  if (head === undefined) await query`delete from refs where repository = ${repository} and ref = ${ref}`
  else
    await query`insert into refs values (${repository}, ${ref}, ${head}) on conflict do update set head = excluded.head`
}

/** The state of all issues, pull requests, branches and tags, with what has happened to them. */
const board = processor('board', {
  on: Github,
  handle: {
    'github.happened': ({ data }, { commit }) =>
      commit(({ query }) => (data.about === 'push' ? keepRef(query, data) : keepTicket(query, data))),
  },
})

const triage = processor('triage', {
  on: Github,
  sends: [Act],
  handle: {
    'github.happened': ({ data }, { send }) => {
      const number = data.about === 'push' ? undefined : data.number
      for (const { name, wants } of rules) {
        const text = wants(data)
        if (text !== undefined) send(Act, { rule: name, repository: data.repository, number, text })
      }
    },
  },
})

/** In earnest: calls the API of GitHub, with `idempotencyKey` to recognise what it has done before. */
const bot = processor('bot', {
  on: Bot,
  handle: {
    'bot.act': ({ data: { rule, repository, number, text } }, { commit, idempotencyKey }) =>
      commit(async ({ query }) => {
        const ticket = number === undefined ? null : ticketOf({ repository, number })
        await query`insert into done values (${idempotencyKey}, ${rule}, ${repository}, ${ticket}, ${text})`
      }),
  },
})

export const triageOn = (file: string): App =>
  app({
    name: 'triage',
    broker: sqlite({ file }),
    log: () => {},
    setup: tables,
    parts: [Github, hooked, board, triage, bot],
  })

export default triageOn('./triage.db')
