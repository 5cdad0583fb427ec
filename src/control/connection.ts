// One command that is connected to the app. It is asked and answers:
//
//   a request comes ──→ publishes: under way beside others, up to a bound
//                   └─→ anything else: answered before the next one is read
//
// Each answer waits until the socket has room for it, and while it waits nothing more is read: who does not read the
// answers costs no more than one of them.
import type { Socket } from 'node:net'
import { fault } from '../model/errors.ts'
import { Following } from './follow.ts'
import { Lines, LineWriter } from './lines.ts'
import {
  type Bye,
  checkRequest,
  followBytesMax,
  followingsMax,
  type Hello,
  lineBytesMax,
  lineOf,
  publishBytesMax,
  publishesMax,
  type Reply,
  type Request,
  readRequest,
  toSent,
} from './protocol.ts'
import type { Services } from './services.ts'

export class Connection {
  private readonly socket: Socket
  private readonly services: Services
  private readonly lines = new Lines(lineBytesMax)
  private readonly writer: LineWriter
  private readonly followings = new Set<Following>()
  private publishes = 0
  private publishBytes = 0
  private freed: () => void = () => {}

  constructor(socket: Socket, services: Services, closed: () => void) {
    this.socket = socket
    this.services = services
    this.writer = new LineWriter(socket)
    socket.unref()
    // An error of a connection ends that connection.
    socket.on('error', () => {})
    socket.on('drain', () => {
      for (const following of this.followings) following.drained()
    })
    socket.on('close', () => {
      for (const following of this.followings) following.end()
      this.followings.clear()
      closed()
    })
  }

  /** Serves until the other side has ended. */
  async serve(hello: Hello): Promise<void> {
    await this.say(hello)
    try {
      // An error below ends the connection, after the command has got it.
      for await (const chunk of this.socket.iterator({ destroyOnReturn: false })) {
        for (const line of this.lines.take(chunk)) await this.take(readRequest(line), line.length)
      }
    } catch (error) {
      await this.refuse(error)
    }
    this.socket.destroySoon()
  }

  /** Ends the connection, and says why. */
  async refuse(error: unknown): Promise<void> {
    await this.say({ id: 0, error: toSent(error) })
    this.socket.destroySoon()
  }

  goodbye(): void {
    this.tell({ bye: true })
    this.socket.destroySoon()
  }

  private async take(request: Pick<Request, 'id' | 'do'>, bytes: number): Promise<void> {
    const answered = this.answer(request)
    if (request.do !== 'publish') return answered
    this.publishes++
    this.publishBytes += bytes
    this.endOf(answered, bytes)
    while (this.publishes >= publishesMax || this.publishBytes > publishBytesMax) {
      await new Promise<void>((resolve) => {
        this.freed = resolve
      })
    }
  }

  private async endOf(answered: Promise<void>, bytes: number): Promise<void> {
    try {
      await answered
    } catch {
      this.socket.destroy()
    } finally {
      this.publishes--
      this.publishBytes -= bytes
      this.freed()
    }
  }

  /** Answers an error of a request under the id of the request. */
  private async answer(asked: Pick<Request, 'id' | 'do'>): Promise<void> {
    const { id } = asked
    try {
      const request = checkRequest(asked)
      if (request.do === 'tail' && request.follow) return await this.follow(request)
      const done = await this.services.answer(request, (item) => this.say({ id, item }))
      await this.say({ id, done: done ?? null })
    } catch (error) {
      await this.say({ id, error: toSent(error) })
    }
  }

  /** Ends with the connection. */
  private async follow({ id, filter, last }: Extract<Request, { do: 'tail' }>): Promise<void> {
    if (this.followings.size >= followingsMax) {
      throw fault('millrace/bad-request', `one connection follows messages at most ${followingsMax} times`)
    }
    const { services } = this
    const following = new Following(services.app, filter, {
      take: (item) => this.tell({ id, item }),
      hasRoom: () => this.socket.writableLength < followBytesMax,
    })
    this.followings.add(following)
    try {
      await services.checkFilter(filter)
      for await (const message of services.last(last, filter)) {
        following.shown(message)
        await this.say({ id, item: { message } })
      }
      if (this.socket.destroyed) following.end()
      else following.begin()
    } catch (error) {
      following.end()
      this.followings.delete(following)
      throw error
    }
  }

  /** Says something without waiting for room; what cannot be said ends this connection. */
  private tell(what: Reply | Bye): void {
    this.say(what).catch(() => this.socket.destroy())
  }

  /** Resolves when there is room for more; at once when the other side has gone. */
  private async say(what: Hello | Reply | Bye): Promise<void> {
    await this.writer.write(lineOf(what))
  }
}
