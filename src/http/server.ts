// The server of an app, in its process.
//
//   listening ──stopTaking──→ draining (no new connection; what waits for news answers now) ──end──→ closed
//
// Requests under way have their answers before the server is closed, unless their time is over.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { fault } from '../model/errors.ts'
import { limit, type ServerNumbers, serverNumbers } from '../model/options.ts'
import { edgeOf } from '../operate/edge.ts'
import { hashOf } from '../operate/token.ts'
import { accessOf } from './access/given.ts'
import { refusalsOf } from './access/refusals.ts'
import { checkGateway, listenerOf } from './gateway.ts'
import { handlerOf } from './handler.ts'
import { pageOf } from './page/page.ts'
import { problemOf } from './problem.ts'
import { groups } from './routes.ts'
import type { Served } from './served.ts'
import type { OpenServer, ServeOptions } from './serving.ts'

const where = 'serve'
const hostDefault = '127.0.0.1'
const loopback: readonly string[] = ['127.0.0.1', '::1', 'localhost']

/** @throws `millrace/bad-option`, `millrace/unknown-option`, `millrace/port-in-use` */
export async function openServer(app: Served, options: ServeOptions): Promise<OpenServer> {
  const names = Object.keys(serverNumbers) as (keyof ServerNumbers)[]
  const { host = hostDefault } = options
  const { basePath = '', limits, webhookOrigins } = checkGateway(where, options, ['host', ...names])
  const numbers = Object.fromEntries(names.map((name) => [name, limit(where, name, options[name])])) as ServerNumbers
  if (typeof host !== 'string') throw fault('millrace/bad-option', `${where}: host must be a text`)
  const edge = edgeOf(app)
  const { asks, own, token, tokenFile } = accessOf(edge, options.access, { isLocal: loopback.includes(host), host })
  const ending = new AbortController()
  const handler = handlerOf({
    ...{ app, edge, groups, page: pageOf, basePath, access: asks, own, limits, webhookOrigins },
    ending: ending.signal,
  })
  ending.signal.addEventListener('abort', () => refusalsOf(edge).end())
  const open = new Open(numbers, listenerOf(handler), ending)
  await open.listen(host, numbers.port)
  const signIn = () =>
    own === undefined ? open.url : `${open.url}${basePath}/#code=${own.sessions.code(hashOf(token!))}`
  return Object.assign(open, { token, tokenFile, link: signIn })
}

/** How often Node.js looks for connections whose time is over, milliseconds. */
const lookMs = 1_000
/** Time for an answer that is made to reach its client, milliseconds. */
const lastMs = 1_000

class Open {
  url = ''
  private readonly server: Server
  private readonly ending: AbortController
  private readonly answers = new Set<ServerResponse>()
  private closing: Promise<void> | undefined
  private drained = () => {}

  constructor(
    { headerBytesMax, headersMs, receiveMs }: ServerNumbers,
    listener: (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void>,
    ending: AbortController,
  ) {
    this.ending = ending
    this.server = createServer(
      {
        maxHeaderSize: headerBytesMax,
        headersTimeout: Math.min(headersMs, receiveMs),
        requestTimeout: receiveMs,
        connectionsCheckingInterval: lookMs,
      },
      (incoming, outgoing) => {
        this.answers.add(outgoing)
        if (ending.signal.aborted) outgoing.shouldKeepAlive = false
        outgoing.on('close', this.closed)
        void listener(incoming, outgoing)
      },
    )
    this.server.on('clientError', refuse)
  }

  /** An answer has its connection no longer. A function of all of them, since each request adds it. */
  private readonly closed = closing((outgoing) => {
    this.answers.delete(outgoing)
    if (this.answers.size === 0) this.drained()
  })

  listen(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const failed = (error: NodeJS.ErrnoException) => reject(listenError(error, host, port))
      this.server.once('error', failed)
      this.server.listen(port, host, () => {
        this.server.off('error', failed)
        const { address, family, port: taken } = this.server.address() as AddressInfo
        this.url = `http://${family === 'IPv6' ? `[${address}]` : address}:${taken}`
        resolve()
      })
    })
  }

  stopTaking(): void {
    if (this.ending.signal.aborted) return
    this.ending.abort()
    for (const answer of this.answers) answer.shouldKeepAlive = false
    this.closing = new Promise((resolve) => void this.server.close(() => resolve()))
  }

  async close(graceMs = lastMs): Promise<void> {
    this.stopTaking()
    if (this.answers.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, graceMs)
        this.drained = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    this.server.closeAllConnections()
    await this.closing
  }
}

/** A listener that is called with what it listens to. */
function closing(closed: (outgoing: ServerResponse) => void) {
  return function (this: ServerResponse) {
    closed(this)
  }
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  if (error.code === 'EADDRINUSE') {
    return fault('millrace/port-in-use', `another program has port ${port} of ${host}`, { data: { host, port } })
  }
  return fault('millrace/bad-option', `${where}: cannot listen on port ${port} of "${host}": ${error.message}`)
}

/** Answers bytes that are no request, and ends the connection. */
function refuse(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable) return void socket.destroy()
  const status = statuses[error.code ?? ''] ?? 400
  const what = status === 400 ? 'this is no request of HTTP/1.1' : `the request is ${words[status]}`
  const { json } = problemOf(fault('millrace/bad-request', what), { status })
  const body = JSON.stringify(json)
  const head = ['content-type: application/problem+json', `content-length: ${body.length}`, 'connection: close']
  socket.end(`HTTP/1.1 ${status} ${words[status] ?? 'Bad Request'}\r\n${head.join('\r\n')}\r\n\r\n${body}`)
}

const statuses: Readonly<Record<string, number>> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 }
const words: Readonly<Record<number, string>> = { 408: 'too slow', 431: 'too large in its headers' }
