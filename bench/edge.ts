// The edge of an app over HTTP: the server has a process of its own, the load comes from this one.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { Connection, posting } from './edge-client.ts'
import { timed } from './measure.ts'
import { order } from './message.ts'
import { contextsUsual } from './millrace.ts'
import type { Figures, Span, Task } from './task.ts'

export type EdgeServer = Extract<Task, { by: 'edge.events' }>['server']

/** What the process of a server tells. */
export type FromServer =
  | { readonly is: 'serving'; readonly port: number; readonly token: string }
  | { readonly is: 'memory'; readonly bytes: number }

const program = fileURLToPath(import.meta.resolve('./edge-process.ts'))

interface Server {
  readonly port: number
  readonly headers: readonly string[]
  memoryBytes(): Promise<number>
}

/** Begins a server, which ends with `use`. */
async function withServer<T>(server: EdgeServer, folder: string, use: (server: Server) => Promise<T>): Promise<T> {
  const child = fork(program, [server, folder], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const exited = once(child, 'exit')
  try {
    const { port, token } = await told(child, exited, 'serving')
    const headers = token === '' ? [] : [`authorization: Bearer ${token}`]
    const memoryBytes = async () => {
      const memory = told(child, exited, 'memory')
      child.send({})
      return (await memory).bytes
    }
    return await use({ port, headers, memoryBytes })
  } finally {
    if (child.connected) child.disconnect()
    await exited
  }
}

type Told<Is> = Extract<FromServer, { is: Is }>

async function told<Is extends FromServer['is']>(child: ChildProcess, exited: Promise<unknown>, is: Is) {
  const ended = exited.then((): never => {
    throw new Error('the server ended early')
  })
  for (;;) {
    const [message] = (await Promise.race([once(child, 'message'), ended])) as [FromServer]
    if (message.is === is) return message as Told<Is>
  }
}

interface Posts {
  readonly inFlight: number
  /** The status of an answer that is as it should be. */
  readonly status: number
  /** The text of a request, by its number. */
  readonly request: (sequence: number) => string
}

/** Requests per second over so many connections, and how long each took. */
async function posted({ port }: Server, span: Span, { inFlight, status, request }: Posts): Promise<Figures> {
  const idle = await Promise.all(Array.from({ length: inFlight }, () => Connection.open(port)))
  const all = [...idle]
  let sequence = 0
  const one = async () => {
    const connection = idle.pop()!
    const answered = await connection.send(request(sequence++))
    if (answered !== status) throw new Error(`the server answered ${answered}, not ${status}`)
    idle.push(connection)
  }
  const figures = await timed(span, inFlight, one, async () => {})
  for (const connection of all) connection.close()
  return figures
}

/** Events that are sent as plain JSON and answered with 202. */
export function edgeEvents(
  { server, inFlight, ...span }: { server: EdgeServer; inFlight: number } & Span,
  folder: string,
): Promise<Figures> {
  return withServer(server, folder, (serving) => {
    const path = '/events/orders?type=order.placed'
    const request = (sequence: number) => posting(path, serving.headers, order(sequence, contextsUsual))
    return posted(serving, span, { inFlight, status: 202, request })
  })
}

/** Commands that are answered when they are handled, one after the other. */
export function edgeRequests(span: Span, folder: string): Promise<Figures> {
  return withServer('millrace', folder, (serving) => {
    const headers = [...serving.headers, 'prefer: wait=5']
    const request = (sequence: number) => posting('/commands/steps/step', headers, order(sequence, contextsUsual))
    return posted(serving, span, { inFlight: 1, status: 204, request })
  })
}

/** Connections that are made at once. */
const atOnce = 100
/** Files that a process has open beside its connections. */
const otherFiles = 200

/**
 * Listeners to events: growth of the memory of the server for each of them, after the first hundred, once each has been
 * sent an event; and the time from the event to the last of them.
 */
export function edgeListeners({ listeners }: { listeners: number }, folder: string): Promise<Figures> {
  checkOpenFiles(listeners + otherFiles)
  return withServer('millrace', folder, async (serving) => {
    const { port, headers, memoryBytes } = serving
    const publisher = await Connection.open(port)
    const publish = async (sequence: number) => {
      const answered = await publisher.send(posting('/events/orders?type=order.placed', headers, order(sequence, 1)))
      if (answered !== 202) throw new Error(`the server answered ${answered}, not 202`)
    }
    const all: Listening[] = []
    const add = async (upTo: number) => {
      while (all.length < upTo) {
        const some = Array.from({ length: Math.min(atOnce, upTo - all.length) }, () => new Listening(port, headers))
        await Promise.all(some.map(({ begun }) => begun))
        all.push(...some)
      }
    }
    const early = Math.min(atOnce, Math.ceil(listeners / 10))
    await add(early)
    await reach(all, () => publish(0))
    const earlyBytes = await memoryBytes()
    await add(listeners)
    const reachMs = await reach(all, () => publish(1))
    const bytes = (await memoryBytes()) - earlyBytes
    for (const listening of all) listening.close()
    publisher.close()
    return { growthMb: bytes / 1e6, bytesPerListener: bytes / (listeners - early), reachMs }
  })
}

/** Publishes an event, and waits until all have it. */
async function reach(all: readonly Listening[], publish: () => Promise<void>): Promise<number> {
  const startMs = performance.now()
  const reached = all.map((listening) => listening.next())
  await Promise.all([publish(), ...reached])
  return performance.now() - startMs
}

/** A connection that listens. */
class Listening {
  /** Resolves once the server has said where it begins. */
  readonly begun: Promise<void>
  private readonly socket: Socket
  private heard = Promise.withResolvers<void>()
  private mark = ': from here on'

  constructor(port: number, headers: readonly string[]) {
    this.begun = this.heard.promise
    this.socket = connect(port, '127.0.0.1')
    this.socket.setEncoding('latin1')
    this.socket.write(`${['GET /events/orders HTTP/1.1', 'host: 127.0.0.1', ...headers].join('\r\n')}\r\n\r\n`)
    let text = ''
    this.socket.on('data', (chunk: string) => {
      text += chunk
      if (!text.includes(this.mark)) return
      text = ''
      this.heard.resolve()
    })
    this.socket.on('error', (error) => this.heard.reject(error))
    this.socket.on('close', () => this.heard.reject(new Error('the server has ended the stream')))
  }

  /** Resolves with the next event. */
  next(): Promise<void> {
    this.mark = '"data":'
    this.heard = Promise.withResolvers()
    return this.heard.promise
  }

  close(): void {
    this.heard.promise.catch(() => {})
    this.socket.destroy()
  }
}

/** Node.js has raised the limit of this process as far as it may. */
function checkOpenFiles(needed: number): void {
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files: { soft: number | string } } }
  const soft = Number(userLimits?.open_files.soft)
  if (soft < needed) throw new Error(`${needed} open files are needed, of which ulimit -n allows ${soft}`)
}
