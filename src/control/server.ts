// The control socket of a running app: what `millrace` asks of it. It does nothing of its own: everything is `app.desk`,
// `app.processors`, `app.flows`, `app.publish`, `app.tail`. It never keeps the process alive.
import { chmodSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { isMainThread } from 'node:worker_threads'
import type { App, LogFilter, StoreFile } from '../index.ts'
import { fault } from '../model/errors.ts'
import { Following, lastOf } from './follow.ts'
import { Lines } from './lines.ts'
import {
  type Bye,
  callable,
  followBytesMax,
  type Hello,
  lineBytesMax,
  protocolVersion,
  type Reply,
  type Request,
  requestsMax,
  socketPath,
  toSent,
} from './protocol.ts'
import { type PublishByName, publishByName } from './publish.ts'

export interface Control {
  /** Nobody can connect any more; who is connected goes on. Before the file is given back. */
  stopTaking(): void
  /** Tells those who are connected that the app has stopped. */
  goodbye(): void
}

/** Most rows of the desk, or flows, for one question. */
const rowsMax = 1_000
const lists: readonly string[] = ['desk.list', 'flows.list', 'flows.questions']
/** Where null is a value and not what was not given: corrected data, an answer. */
const mayBeNull: Readonly<Record<string, number>> = { 'desk.resubmit': 1, 'flows.answer': 2 }

/**
 * Opens the control socket of an app that owns its file: whatever is in its place is left over from a process that
 * died. Rejects when the socket cannot be made.
 */
export async function openControl(app: App, file: StoreFile, warn: (text: string) => void): Promise<Control> {
  const path = socketPath(file.path)
  const connections = new Set<Connection>()
  const publish = publishByName(app)
  const server = createServer((socket) => {
    const connection = new Connection(socket, app, file, publish, () => connections.delete(connection))
    connections.add(connection)
  })
  server.unref()
  rmSync(path, { force: true })
  await listenPrivately(server, path)
  server.on('error', (error) => warn(`the control socket ${path} failed: ${error.message}`))
  return {
    stopTaking: () => void server.close(),
    goodbye: () => {
      for (const connection of connections) connection.goodbye()
    },
  }
}

function listenPrivately(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    // Made at once with no rights for others, not only afterwards; in a worker the mode of the process cannot be set.
    const before = isMainThread ? process.umask(0o177) : undefined
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      try {
        chmodSync(path, 0o600)
        resolve()
      } catch (error) {
        server.close()
        reject(error)
      }
    })
    if (before !== undefined) process.umask(before)
  })
}

class Connection {
  private readonly socket: Socket
  private readonly app: App
  private readonly file: StoreFile
  private readonly publish: PublishByName
  private readonly lines = new Lines(lineBytesMax)
  private readonly followings = new Set<Following>()
  private readonly ends: (() => void)[] = []
  private serving = 0

  constructor(socket: Socket, app: App, file: StoreFile, publish: PublishByName, closed: () => void) {
    this.socket = socket
    this.app = app
    this.file = file
    this.publish = publish
    socket.unref()
    socket.on('data', (chunk) => this.take(chunk))
    socket.on('drain', () => {
      for (const following of this.followings) following.drained()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      for (const following of this.followings) following.end()
      for (const end of this.ends.splice(0)) end()
      closed()
    })
    this.write({ millrace: protocolVersion, app: app.name, pid: process.pid } satisfies Hello)
  }

  goodbye(): void {
    this.write({ bye: true } satisfies Bye)
    this.socket.destroySoon()
  }

  private take(chunk: Buffer): void {
    try {
      for (const line of this.lines.take(chunk)) this.serve(readRequest(line))
    } catch (error) {
      // Who does not speak the protocol is not talked to.
      this.write({ id: 0, error: toSent(error) } satisfies Reply)
      this.socket.destroySoon()
    }
  }

  private serve(request: Request): void {
    const { id } = request
    if (++this.serving >= requestsMax) this.socket.pause()
    this.answer(request)
      .then(
        (done) => this.write({ id, done: done ?? null } satisfies Reply),
        (error) => this.write({ id, error: toSent(error) } satisfies Reply),
      )
      .finally(() => {
        if (this.serving-- === requestsMax) this.socket.resume()
      })
  }

  private async answer(request: Request): Promise<unknown> {
    const { app } = this
    switch (request.do) {
      case 'status':
        return { health: app.health() }
      case 'publish':
        return this.publish(request.type, request.data, request.ownId)
      case 'tail':
        return this.tail(request.id, request.filter, request.last, request.follow)
      case 'call':
        return this.call(request)
      case 'backup':
        return this.file.copyTo(request.to, true)
      default:
        throw fault('millrace/bad-request', `this app does not know "${String((request as { do?: unknown }).do)}"`)
    }
  }

  /** One of the functions of `app.desk`, `app.processors` or `app.flows`, by its name. */
  private async call({ on, name, given }: Extract<Request, { do: 'call' }>): Promise<unknown> {
    if (!callable[on]?.includes(name) || !Array.isArray(given)) {
      throw fault('millrace/bad-request', `this app does not know "${String(on)}.${String(name)}"`)
    }
    const called = `${on}.${name}`
    // JSON has no undefined: what was not given comes as null.
    const values = given.map((value: unknown, at) => (mayBeNull[called] === at ? value : (value ?? undefined)))
    if (lists.includes(called)) {
      const { limit = rowsMax, ...filter } = (values[0] ?? {}) as { readonly limit?: number }
      values[0] = { ...filter, limit: Math.min(limit, rowsMax) }
    }
    return (this.app[on] as never as Record<string, (...values: unknown[]) => unknown>)[name]!(...values)
  }

  private async tail(id: number, filter: LogFilter, last: number, follow: boolean): Promise<void> {
    const open = () => this.file.read(true)
    if (!follow) {
      for (const message of await lastOf(this.app, open, last, filter)) await this.send(id, { message })
      return
    }
    const following = new Following(this.app, filter, {
      take: (item) => this.write({ id, item } satisfies Reply),
      hasRoom: () => this.socket.writableLength < followBytesMax,
    })
    this.followings.add(following)
    try {
      following.begin(await lastOf(this.app, open, last, filter))
    } catch (error) {
      following.end()
      this.followings.delete(following)
      throw error
    }
    // Ends with the connection.
    if (!this.socket.destroyed) await new Promise<void>((resolve) => this.ends.push(resolve))
  }

  /** Sends one of many, as fast as they are read. */
  private async send(id: number, item: unknown): Promise<void> {
    if (this.write({ id, item } satisfies Reply) || this.socket.destroyed) return
    await new Promise<void>((resolve) => {
      const go = () => {
        this.socket.off('drain', go)
        this.socket.off('close', go)
        resolve()
      }
      this.socket.on('drain', go)
      this.socket.on('close', go)
    })
  }

  private write(line: Hello | Reply | Bye): boolean {
    return this.socket.writable && this.socket.write(`${JSON.stringify(line)}\n`)
  }
}

function readRequest(line: Buffer): Request {
  let request: Partial<Request> | null
  try {
    request = JSON.parse(line.toString())
  } catch (cause) {
    throw fault('millrace/bad-request', `a request is not JSON: ${String(cause)}`, { cause })
  }
  if (Number.isSafeInteger(request?.id) && typeof request?.do === 'string') return request as Request
  throw fault('millrace/bad-request', 'a request has no id or does not say what to do')
}
