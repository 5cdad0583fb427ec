// The services of an app for connected commands. None is its own: everything is `app.desk`,
// `app.processors`, `app.flows`, `app.messages`, `app.schedules`, `app.tokens`, `app.publish`, `app.tail`, or reads its
// file.
import type { DeskItem, DeskRow } from '../model/desk-views.ts'
import { fault } from '../model/errors.ts'
import type { LogFilter, LogRow } from '../model/log-views.ts'
import type { Query } from '../model/tx.ts'
import type { Backup } from '../operate/backups.ts'
import { checkGiven, takenBy } from '../operate/calls.ts'
import type { Desk } from '../operate/desk.ts'
import { checkLogFilter } from '../operate/filter.ts'
import type { FlowDesk } from '../operate/flows.ts'
import { lastOf } from '../operate/last.ts'
import type { Messages } from '../operate/messages.ts'
import type { Processors } from '../operate/processors.ts'
import { type PublishByName, type Publishes, publishByName } from '../operate/publish.ts'
import type { Schedules } from '../operate/schedules.ts'
import type { Tokens } from '../operate/tokens.ts'
import type { Offline } from '../seam/offline.ts'
import type { Followable } from './follow.ts'
import type { Health, Request } from './protocol.ts'

/** An app as its control socket serves it. */
export interface Served extends Publishes, Followable {
  readonly desk: Desk
  readonly processors: Processors
  readonly flows: FlowDesk
  readonly messages: Messages
  readonly schedules: Schedules
  readonly tokens: Tokens
  readonly read: Query
  health(): Health
  backup(path: string): Promise<Backup>
}

/** Sends one of many; resolves when there is room for the next. */
export type Send = (item: unknown) => Promise<void>

/** Most rows of one answer. */
const rowsMax = 10_000

export class Services {
  readonly app: Served
  private readonly store: Offline
  /** Accepts the file as it is, though it may lack its newest messages. */
  private readonly accept: () => Promise<boolean>
  private readonly publish: PublishByName

  constructor(app: Served, store: Offline, accept: () => Promise<boolean>) {
    this.app = app
    this.store = store
    this.accept = accept
    this.publish = publishByName(app)
  }

  /** Does what is asked for; what is a list is sent item by item. */
  async answer(request: Request, send: Send): Promise<unknown> {
    switch (request.do) {
      case 'status':
        return { health: this.app.health() }
      case 'publish': {
        const { type, data, ownId: id, at, delayMs } = request
        return this.publish(type, data, { id, at, delayMs })
      }
      case 'call':
        return this.call(request, send)
      case 'backup':
        return (await this.app.backup(request.to)).bytes
      case 'accept':
        return this.accept()
      case 'tail':
        await this.checkFilter(request.filter)
        for await (const message of this.last(request.last, request.filter)) await send({ message })
        return null
    }
  }

  /** Errors: `millrace/unknown-name`. */
  async checkFilter(filter: LogFilter): Promise<void> {
    const reader = await this.store.read('running')
    try {
      await checkLogFilter(filter, this.app.parts, await reader.messages.names())
    } finally {
      await reader.close()
    }
  }

  last(count: number, filter: LogFilter): AsyncGenerator<LogRow> {
    // Reads of the app wait for the sync under way, and with it for everything that was just found.
    return lastOf(
      () => this.store.read('running'),
      count,
      filter,
      () => this.app.read`select 1`,
    )
  }

  /** One of the functions of `app.desk`, `app.processors` or `app.flows`, by its name. */
  private async call({ on, name, given }: Extract<Request, { do: 'call' }>, send: Send): Promise<unknown> {
    const takes = takenBy(on, name)
    const fields = Object.values(takes?.[0] ?? {})
    if (takes === undefined || given.length > fields.length) {
      const what = takes === undefined ? 'does not know' : `takes at most ${fields.length} values for`
      throw fault('millrace/bad-request', `this app ${what} "${on}.${name.slice(0, 100)}"`)
    }
    const called = `${on}.${name}`
    // JSON has no undefined: what was not given comes as null.
    const values = given.map((value, at) => (fields[at] === 'any' ? value : (value ?? undefined)))
    checkGiven(called, takes, values)
    const [{ filter } = {}] = takes
    if (typeof filter === 'object' && 'fields' in filter && 'limit' in filter.fields) {
      const at = Object.keys(takes[0]).indexOf('filter')
      const asked = values[at] as { readonly limit?: number | undefined } | undefined
      if ((asked?.limit ?? 0) > rowsMax) values[at] = { ...asked, limit: rowsMax }
    }
    const done = await (this.app[on] as never as Record<string, (...values: unknown[]) => unknown>)[name]!(...values)
    if (!Array.isArray(done)) return called === 'desk.show' && done !== undefined ? itemBare(done as DeskItem) : done
    for (const item of done) await send(called === 'desk.list' || called === 'desk.line' ? bare(item as DeskRow) : item)
    return null
  }
}

/** The data of a row are in its message: they travel once. */
function bare<Row extends DeskRow>({ data: _, ...row }: Row): Omit<Row, 'data'> {
  return row
}

function itemBare(item: DeskItem) {
  return { ...bare(item), line: item.line.map(bare) }
}
