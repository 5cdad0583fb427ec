// Each page of the dashboard and how it looks in each of its states. A page that is not in this table does not compile, and
// fails the tests of states.
import type { Place } from '../../../src/dashboard/pure/routes.ts'
import { shop } from './shop.ts'

/** What the addresses of the shop name. */
export interface Objects {
  readonly group: number
  readonly item: number
  readonly operation: number
  readonly message: string
  readonly flow: number
  readonly question: number
  readonly part: string
}

export interface View {
  readonly path: (objects: Objects) => string
  /** A text that is seen when all is there. */
  readonly shows: RegExp
  /** The text of an app in which nothing has happened. */
  readonly empty: RegExp
  /** How it shows a list that is long; a text where it has none, and why. */
  readonly long: Long | string
}

export interface Long {
  /** The path of the API that has the list, and how many rows the page asks for at once. */
  readonly read: string
  readonly rows: number
  /** The words of the way to more of it; undefined where it comes whole. */
  readonly more?: RegExp | undefined
  /** What is said where no more is shown. */
  readonly full: RegExp
  /** A row, where the shop has none. */
  readonly row?: Row | undefined
}

const oneObject = 'it shows one object'
const gone = (what: string) => new RegExp(`${what} is not there`)
const bound = /1,000 are shown, and there are more/

export const views: Readonly<Record<Place['page'], View>> = {
  home: {
    path: () => '/',
    shows: /messages? of invoice\.received (is|are) held in ledger/,
    empty: /All is well\. Nothing is held, and 2 processors do their work/,
    long: { read: '/api/desk/groups', rows: 50, full: /The 50 largest groups are here/ },
  },
  inbox: {
    path: () => '/inbox',
    shows: /fulfilment/,
    empty: /Nobody is asked anything/,
    long: { read: '/api/questions', rows: 200, full: /200 are shown, and there are more/ },
  },
  question: {
    path: ({ question }) => `/inbox/${question}`,
    shows: /Your answer/,
    empty: /This question is no longer open/,
    long: oneObject,
  },
  desk: {
    path: () => '/desk',
    shows: /negative quantity/,
    empty: /Nothing is held\. A message that fails/,
    long: { read: '/api/desk/groups', rows: 200, full: /200 are shown, and there are more/ },
  },
  group: {
    path: ({ group }) => `/desk/g/${group}`,
    shows: /invoice-\d+/,
    empty: /Nothing of this group is held/,
    long: { read: '/api/desk', rows: 100, more: /Show more/, full: bound },
  },
  item: {
    path: ({ item }) => `/desk/${item}`,
    shows: /In line behind it/,
    empty: gone('This message'),
    long: { read: '/api/desk/{id}/line', rows: 50, more: /Show more of the line/, full: bound },
  },
  correct: {
    path: ({ item }) => `/desk/${item}/correct`,
    shows: /Nothing is changed yet/,
    empty: gone('This message'),
    long: oneObject,
  },
  operations: {
    path: () => '/desk/operations',
    shows: /count again/,
    empty: /There has been none/,
    long: { read: '/api/desk/operations', rows: 200, full: /200 are shown, and there are more/ },
  },
  operation: {
    path: ({ operation }) => `/desk/operations/${operation}`,
    shows: /Nothing is done yet/,
    empty: gone('This operation'),
    long: oneObject,
  },
  messages: {
    path: () => '/messages',
    shows: /invoice\.received/,
    empty: /No message fits/,
    long: { read: '/api/messages', rows: 100, more: /Look further/, full: bound },
  },
  message: {
    path: ({ message }) => `/messages/${encodeURIComponent(message)}`,
    shows: /became of it/,
    empty: /No message has this id/,
    long: oneObject,
  },
  story: {
    path: ({ message }) => `/messages/${encodeURIComponent(message)}/story`,
    shows: /invoice\.booked/,
    empty: /Nothing is known of this message/,
    long: 'its next page has an address of its own',
  },
  receipt: {
    path: ({ message }) => `/messages/${encodeURIComponent(message)}/receipt`,
    shows: /What it caused/,
    empty: /Nothing is on record about this id/,
    long: oneObject,
  },
  flows: {
    path: () => '/flows',
    shows: /fulfilment/,
    empty: /No flow is in this state/,
    long: { read: '/api/flows', rows: 100, more: /Show more/, full: bound },
  },
  flow: { path: ({ flow }) => `/flows/${flow}`, shows: /Began with/, empty: gone('This flow'), long: oneObject },
  map: {
    path: () => '/map',
    shows: /ledger/,
    empty: /till/,
    long: 'what is around one node is shown; see large.test.ts',
  },
  system: {
    path: () => '/system',
    shows: /warehouse/,
    empty: /till/,
    long: 'it shows what the code has',
  },
  part: {
    path: ({ part }) => `/system/parts/${part}`,
    shows: /handled since the start/,
    empty: gone('This processor'),
    long: oneObject,
  },
  schedules: {
    path: () => '/system/schedules',
    shows: /The app has no schedules/,
    empty: /The app has no schedules/,
    long: 'it shows what the code has',
  },
  delayed: {
    path: () => '/system/delayed',
    shows: /Nothing comes later/,
    empty: /Nothing comes later/,
    long: {
      ...{ read: '/api/delayed', rows: 100, more: /Show more/, full: bound },
      row: {
        ...{ id: 'a', type: 'reminder', context: null, destination: 'reminders', causationId: null },
        ...{ dueAt: 1_796_000_000_000, acceptedAt: 1_795_000_000_000 },
      },
    },
  },
  endpoints: {
    path: () => '/system/endpoints',
    shows: /This app delivers to no other system/,
    empty: /This app delivers to no other system/,
    long: 'it shows what the code has',
  },
  access: {
    path: () => '/system/access',
    shows: /Who may what/,
    empty: /Who may what/,
    long: 'it shows the newest 20 refusals, and where the others are',
  },
  settings: {
    path: () => '/system/settings',
    shows: /pendingMax/,
    empty: /pendingMax/,
    long: 'it shows what the code has',
  },
  audit: {
    path: () => '/system/audit',
    shows: /ada/,
    empty: /Nothing has been done yet/,
    long: { read: '/api/audit', rows: 100, more: /Show more/, full: bound },
  },
  unknown: {
    path: () => '/desk/no/page',
    shows: gone('This page'),
    empty: gone('This page'),
    long: 'it reads nothing',
  },
}

/** What the views show of the shop: it is made, where there is none. */
export async function objects(): Promise<Objects> {
  const held = await shop.desk.list({ states: ['held'] })
  const item = held.find(({ message, waiting }) => message.type === 'invoice.received' && waiting > 0)!
  const group = (await shop.desk.groups()).find(({ type, held }) => type === 'invoice.received' && held > 1)!
  await shop.desk.note(item.id, 'the warehouse counts again', { by: 'ada' })
  const name = 'count again'
  const { id } = await shop.desk.select('release', { group: group.id! }, { name, by: 'ada', prepare: true })
  const { items } = await shop.messages.list({ type: 'invoice.booked', limit: 1 })
  const [question] = await shop.flows.questions()
  return {
    group: group.id!,
    item: item.id,
    operation: id,
    message: items[0]!.id,
    flow: question!.flow,
    question: question!.id,
    part: 'ledger',
  }
}

/** Whether an address of the API is that of a path, such as `/api/desk/{id}/line`. */
export function isOf(path: string, url: string | URL): boolean {
  return new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`).test(new URL(url).pathname)
}

export type Row = Readonly<Record<string, unknown>>

/** So many rows like one, each with an id and a position of its own. */
export function rowsLike(row: Row, rows: number, before: number): Row[] {
  const own = ['id', 'position'].filter((name) => name in row)
  return Array.from({ length: rows }, (_, n) => {
    const changed = own.map((name) => {
      const value = row[name]
      return [name, typeof value === 'number' ? value + before + n : `${value}-${before + n}`]
    })
    return { ...row, ...Object.fromEntries(changed) }
  })
}
