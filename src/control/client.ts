import { statSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { asStored } from '../model/codec.ts'
import type { DeskItem, DeskRow } from '../model/desk-views.ts'
import { fault, isMillraceError } from '../model/errors.ts'
import type { Accepted, PublishOptions } from '../model/publish.ts'
import type { Called } from '../operate/calls.ts'
import type { Desk } from '../operate/desk.ts'
import type { FlowDesk, FlowItem } from '../operate/flows.ts'
import type { Messages } from '../operate/messages.ts'
import type { Processors } from '../operate/processors.ts'
import type { Schedules } from '../operate/schedules.ts'
import type { Tokens } from '../operate/tokens.ts'
import { Lines } from './lines.ts'
import {
  type Ask,
  type Bye,
  type Followed,
  fromSent,
  type Health,
  type Hello,
  lineBytesMax,
  protocolVersion,
  type Reply,
  type SentError,
  socketPath,
  type TailWords,
} from './protocol.ts'

interface Waiting {
  readonly take: (item: unknown) => unknown
  readonly resolve: (done: unknown) => void
  readonly reject: (error: unknown) => void
}

/** A running app, over its control socket. */
export class ControlClient {
  readonly app: string
  readonly pid: number
  private readonly socket: Socket
  private readonly waiting = new Map<number, Waiting>()
  private lastId = 0
  private over: Error | undefined

  private constructor(socket: Socket, { app, pid }: Hello) {
    this.socket = socket
    this.app = app
    this.pid = pid
  }

  /**
   * The app that runs with a file; undefined when none listens.
   *
   * @throws `millrace/no-answer`, `millrace/other-protocol`
   */
  static async connect(file: string, waitMs: number): Promise<ControlClient | undefined> {
    const path = socketPath(file)
    if (!isTrusted(path, file)) throw fault('millrace/no-answer', `the socket ${path} belongs to another user`)
    const socket = await open(path)
    if (socket === undefined) return undefined
    const silent = setTimeout(() => {
      socket.destroy(fault('millrace/no-answer', `the app that has ${file} did not answer within ${waitMs} ms`))
    }, waitMs)
    const messages = read(socket)
    try {
      const { value } = await messages.next()
      if (value === undefined) return undefined
      if ('error' in (value as object)) throw fromSent((value as { readonly error: SentError }).error)
      if ((value as Hello).millrace !== protocolVersion) {
        throw fault(
          'millrace/other-protocol',
          `the app that has ${file} speaks version ${String((value as Hello).millrace)} of the protocol, this command ${protocolVersion}`,
        )
      }
      const client = new ControlClient(socket, value as Hello)
      client.listen(messages)
      return client
    } catch (error) {
      socket.destroy()
      throw error
    } finally {
      clearTimeout(silent)
    }
  }

  /** Asks; `take` gets each of what comes before the end, and holds back what follows while its promise is pending. */
  ask<T>(ask: Ask, take: (item: never) => unknown = () => {}): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.over !== undefined) return reject(this.over)
      const id = ++this.lastId
      this.waiting.set(id, {
        take: take as (item: unknown) => unknown,
        resolve: resolve as (done: unknown) => void,
        reject,
      })
      this.socket.write(`${JSON.stringify({ id, ...ask })}\n`)
    })
  }

  publish(type: string, data: unknown, { id: ownId, at, delayMs }: PublishOptions = {}): Promise<Accepted> {
    return this.ask({ do: 'publish', type, data, ownId, at: at instanceof Date ? at.getTime() : at, delayMs })
  }

  /** Shows messages until the app stops, or only the last ones. */
  async tail({ filter, last, follow }: TailWords, take: (item: Followed) => unknown): Promise<void> {
    await this.ask({ do: 'tail', filter, last, follow }, take)
  }

  backup(to: string): Promise<number> {
    return this.ask({ do: 'backup', to })
  }

  /** Accepts the file as it is. Gives whether there was something to accept. */
  accept(): Promise<boolean> {
    return this.ask({ do: 'accept' })
  }

  status(): Promise<{ health: Health }> {
    return this.ask({ do: 'status' })
  }

  /** Lists give pages, as those of the app itself. */
  readonly desk: Desk = {
    list: async (filter) => (await this.rows<Sent<DeskRow>>('desk', 'list', filter)).map(withData),
    show: async (id) => {
      const item = await this.call<Sent<DeskItem> | null>('desk', 'show', id)
      return item === null ? undefined : { ...withData(item), line: item.line.map(withData) }
    },
    line: async (id, page) => (await this.rows<Sent<DeskRow>>('desk', 'line', id, page)).map(withData),
    counts: () => this.call('desk', 'counts'),
    groups: (by, filter) => this.rows('desk', 'groups', by, filter),
    release: (item, actor) => this.call('desk', 'release', item, actor),
    resubmit: (item, data, actor) => this.call('desk', 'resubmit', item, data, actor),
    form: (item) => this.call('desk', 'form', item),
    check: (item, edit) => this.call('desk', 'check', item, edit),
    change: (item, change, actor) => this.call('desk', 'change', item, change, actor),
    try: (item, options) => this.call('desk', 'try', item, options),
    test: (item, options) => this.call('desk', 'test', item, options),
    discard: (item, actor) => this.call('desk', 'discard', item, actor),
    takeBack: (item, actor) => this.call('desk', 'takeBack', item, actor),
    claim: (item, options) => this.call('desk', 'claim', item, options),
    unclaim: (item, actor) => this.call('desk', 'unclaim', item, actor),
    note: (about, text, actor) => this.call('desk', 'note', about, text, actor),
    snooze: (group, options) => this.call('desk', 'snooze', group, options),
    wake: (group, actor) => this.call('desk', 'wake', group, actor),
    select: (action, what, options) => this.call('desk', 'select', action, what, options),
    run: (operation, how) => this.call('desk', 'run', operation, how),
    preview: (operation, page) => this.rows('desk', 'preview', operation, page),
    operations: (filter) => this.rows('desk', 'operations', filter),
    outcome: (operation) => this.call('desk', 'outcome', operation),
    refused: (operation) => this.rows('desk', 'refused', operation),
    abort: (operation, actor) => this.call('desk', 'abort', operation, actor),
    audit: (filter) => this.rows('desk', 'audit', filter),
  }

  readonly processors: Processors = {
    list: () => this.rows('processors', 'list'),
    series: (filter) => this.call('processors', 'series', filter),
    retire: (name, options) => this.call('processors', 'retire', name, options),
    set: (name, options) => this.call('processors', 'set', name, options),
    pause: (name, actor) => this.call('processors', 'pause', name, actor),
    resume: (name, actor) => this.call('processors', 'resume', name, actor),
    reset: (name, options) => this.call('processors', 'reset', name, options),
    alerts: () => this.rows('processors', 'alerts'),
    endpoints: () => this.rows('processors', 'endpoints'),
    deliveries: (name) => this.rows('processors', 'deliveries', name),
    test: (name, actor) => this.call('processors', 'test', name, actor),
  }

  readonly flows: FlowDesk = {
    list: (filter) => this.rows('flows', 'list', filter),
    counts: () => this.rows('flows', 'counts'),
    show: async (id) => (await this.call<FlowItem | null>('flows', 'show', id)) ?? undefined,
    questions: (filter) => this.rows('flows', 'questions', filter),
    form: (id, step) => this.call('flows', 'form', id, step),
    answer: (id, step, value, actor) => this.call('flows', 'answer', id, step, value, actor),
    cancel: (id, actor) => this.call('flows', 'cancel', id, actor),
    stop: (id, actor) => this.call('flows', 'stop', id, actor),
    pause: (id, actor) => this.call('flows', 'pause', id, actor),
    resume: (id, actor) => this.call('flows', 'resume', id, actor),
    runAgain: (id, options) => this.call('flows', 'runAgain', id, options),
  }

  readonly schedules: Schedules = {
    list: () => this.rows('schedules', 'list'),
    delayed: (filter) => this.call('schedules', 'delayed', filter),
    fire: (name, actor) => this.call('schedules', 'fire', name, actor),
  }

  readonly tokens: Tokens = {
    list: () => this.rows('tokens', 'list'),
    make: (name, options) => this.call('tokens', 'make', name, options),
    revoke: (name, actor) => this.call('tokens', 'revoke', name, actor),
  }

  readonly messages: Messages = {
    list: (filter) => this.call('messages', 'list', filter),
    show: (id) => this.call('messages', 'show', id),
    story: (id, options) => this.call('messages', 'story', id, options),
    receipt: (id) => this.call('messages', 'receipt', id),
  }

  private call<T>(on: Called, name: string, ...given: unknown[]): Promise<T> {
    return this.ask({ do: 'call', on, name, given })
  }

  /** The parts of an answer that arrive one by one. */
  private async rows<Row>(on: Called, name: string, ...given: unknown[]): Promise<Row[]> {
    const rows: Row[] = []
    await this.ask({ do: 'call', on, name, given }, (row: Row) => void rows.push(row))
    return rows
  }

  close(): void {
    this.over ??= fault('millrace/disconnected', 'the connection was closed')
    this.socket.destroy()
  }

  private async listen(messages: AsyncGenerator<unknown>): Promise<void> {
    let why = fault('millrace/disconnected', `the connection to process ${this.pid} of app "${this.app}" broke off`)
    try {
      for await (const message of messages) {
        if ((message as Bye).bye) why = fault('millrace/stopping', `app "${this.app}" has stopped`)
        else await this.take(message as Reply)
      }
    } catch (cause) {
      why = isMillraceError(cause)
        ? cause
        : fault('millrace/disconnected', `${why.message}: ${String(cause)}`, { cause })
    }
    this.over ??= why
    for (const { reject } of this.waiting.values()) reject(this.over)
    this.waiting.clear()
  }

  private async take(reply: Reply): Promise<void> {
    // An error that is about no request is why the app ends the connection.
    if (reply.id === 0 && 'error' in reply) throw fromSent(reply.error)
    const waiting = this.waiting.get(reply.id)
    if (waiting === undefined) return
    if ('item' in reply) {
      try {
        await waiting.take(reply.item)
      } catch (error) {
        this.waiting.delete(reply.id)
        waiting.reject(error)
      }
      return
    }
    this.waiting.delete(reply.id)
    if ('error' in reply) waiting.reject(fromSent(reply.error))
    else waiting.resolve(reply.done)
  }
}

/** A row as it travels: its data are in its message already. */
type Sent<Row> = Omit<Row, 'data'>

function withData<Row extends Sent<DeskRow>>(row: Row): Row & Pick<DeskRow, 'data'> {
  return { ...row, data: asStored(row.message.json) }
}

/** In the temporary folder anybody could put a socket under the name: it has to be ours or of whose the file is. */
function isTrusted(path: string, file: string): boolean {
  const socket = statSync(path, { throwIfNoEntry: false })
  if (path.endsWith('-control') || socket === undefined) return true
  return [process.getuid?.(), statSync(file, { throwIfNoEntry: false })?.uid].includes(socket.uid)
}

/** Undefined when nobody listens there. */
function open(path: string): Promise<Socket | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.removeAllListeners('error')
      socket.on('error', () => {})
      resolve(socket)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED' || error.code === 'ENOTSOCK') resolve(undefined)
      else reject(fault('millrace/no-answer', `the socket ${path} cannot be reached: ${error.message}`))
    })
  })
}

async function* read(socket: Socket): AsyncGenerator<unknown> {
  const lines = new Lines(lineBytesMax)
  for await (const chunk of socket) {
    for (const line of lines.take(chunk as Buffer)) yield JSON.parse(line.toString())
  }
}
