// Those who listen to the events of topics, as one stream each.
//
//   reading (a page, then the next) ──nothing is left──→ waiting ──a message, or 15 s──→ reading ──gone, or the end──→ ended
//
// A listener is its position, and one page at most: a reader that is slow, or stopped, is not asked for more. The frame of
// a message in memory is made once for all listeners. Nothing is sent before it is durable.
import type { Stored } from '../model/codec.ts'
import { fault } from '../model/errors.ts'
import type { Edge } from '../operate/edge.ts'
import type { Served } from './served.ts'

/** What one listener wants. */
export interface Wanted {
  readonly topic: string
  /** It begins with the message after this position. */
  readonly after: number
  fits(message: Stored): boolean
  /** The event as JSON. */
  json(message: Stored): string
  /** By the message, for all listeners who may see the same. */
  readonly frames: WeakMap<Stored, Uint8Array>
}

/** Messages that are read at once. */
const pageMax = 100
/** A listener to whom nothing is sent is sent a comment after so long, milliseconds. */
const commentMs = 15_000

export class Listeners {
  private readonly app: Served
  private readonly edge: Edge
  private readonly open = new Set<Listener>()
  /** Those that have sent all, by topic. */
  private readonly waiting = new Map<string, Set<Listener>>()
  private endTail: (() => void) | undefined
  private topicOf: ReadonlyMap<string, string>

  constructor(app: Served, edge: Edge, topicOf: ReadonlyMap<string, string>) {
    this.app = app
    this.edge = edge
    this.topicOf = topicOf
  }

  /** @throws `millrace/too-many-listeners` */
  add(wanted: Wanted, listenersMax: number): Listener {
    if (this.open.size >= listenersMax) {
      throw fault('millrace/too-many-listeners', `${listenersMax} listeners are connected (listenersMax)`)
    }
    if (this.open.size === 0) this.begin()
    const listener = new Listener(wanted, this.edge, {
      wait: () => this.wait(listener),
      ended: () => this.remove(listener),
    })
    this.open.add(listener)
    return listener
  }

  private begin(): void {
    const end = this.app.tail(({ type }) => {
      const topic = this.topicOf.get(type)
      const waiting = topic === undefined ? undefined : this.waiting.get(topic)
      if (waiting === undefined) return
      this.waiting.delete(topic!)
      for (const listener of waiting) listener.wake('message')
    })
    const tick = () =>
      this.edge.world.after(commentMs, () => {
        timer = tick()
        const all = [...this.waiting.values()]
        this.waiting.clear()
        for (const listener of all.flatMap((some) => [...some])) listener.wake('time')
      })
    let timer = tick()
    this.endTail = () => {
      end()
      timer.cancel()
    }
  }

  private wait(listener: Listener): void {
    const { topic } = listener
    const waiting = this.waiting.get(topic)
    if (waiting === undefined) this.waiting.set(topic, new Set([listener]))
    else waiting.add(listener)
  }

  private remove(listener: Listener): void {
    this.waiting.get(listener.topic)?.delete(listener)
    if (!this.open.delete(listener) || this.open.size > 0) return
    this.endTail?.()
    this.endTail = undefined
  }
}

interface ListenerHost {
  wait(): void
  ended(): void
}

const encoder = new TextEncoder()

export class Listener {
  readonly topic: string
  private readonly wanted: Wanted
  private readonly edge: Edge
  private readonly host: ListenerHost
  private position: number
  private woken = Promise.withResolvers<'message' | 'time' | 'end'>()
  private controller: ReadableStreamDefaultController<Uint8Array> | undefined
  private isOver = false
  private signals: readonly AbortSignal[] = []
  private readonly aborted = () => this.end()

  constructor(wanted: Wanted, edge: Edge, host: ListenerHost) {
    this.topic = wanted.topic
    this.wanted = wanted
    this.edge = edge
    this.host = host
    this.position = wanted.after
  }

  /** Its stream. It is asked for a page when the one before has gone out. */
  stream(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.controller = controller
          // Headers go out at once, and a client that comes back knows where it is.
          controller.enqueue(encoder.encode(`: from here on\nid: ${this.position}\n\n`))
          if (this.isOver) controller.close()
        },
        pull: () => this.next(),
        cancel: () => this.end(),
      },
      { highWaterMark: 1 },
    )
  }

  wake(why: 'message' | 'time'): void {
    this.woken.resolve(why)
  }

  /** Ends it with the first of these that aborts. They may live longer: it leaves nothing at them. */
  endWith(signals: readonly AbortSignal[]): void {
    this.signals = signals
    for (const signal of signals) signal.addEventListener('abort', this.aborted)
    if (signals.some((signal) => signal.aborted)) this.end()
  }

  end(): void {
    if (this.isOver) return
    this.isOver = true
    for (const signal of this.signals) signal.removeEventListener('abort', this.aborted)
    this.woken.resolve('end')
    this.host.ended()
    try {
      this.controller?.close()
    } catch {
      // Its client is gone.
    }
  }

  /** Sends the next page, when there is one. */
  private async next(): Promise<void> {
    try {
      while (!this.isOver) {
        const page = await this.edge.log().after(this.topic, this.position, pageMax)
        if (this.isOver) return
        if (page.length > 0) {
          const chunk = this.chunkOf(page)
          this.position = page.at(-1)!.position
          if (chunk !== undefined) return this.controller!.enqueue(chunk)
          // Others have their turn between two pages of which it wants nothing.
          await new Promise<void>((resolve) => void this.edge.world.after(0, resolve))
          continue
        }
        this.woken = Promise.withResolvers()
        this.host.wait()
        // A message may have come between the page and the wait.
        if (this.edge.log().head(this.topic) > this.position) continue
        const why = await this.woken.promise
        // The id of a comment is where a client continues that wants few of many.
        if (why === 'time') return this.controller!.enqueue(encoder.encode(`:\nid: ${this.position}\n\n`))
      }
    } catch {
      // The app stops, or opens its store anew: the client comes back with its position.
      this.end()
    }
  }

  private chunkOf(page: readonly Stored[]): Uint8Array | undefined {
    const frames = page.filter((message) => this.wanted.fits(message)).map((message) => this.frameOf(message))
    if (frames.length < 2) return frames[0]
    return Buffer.concat(frames)
  }

  private frameOf(message: Stored): Uint8Array {
    const { frames } = this.wanted
    let frame = frames.get(message)
    if (frame === undefined) {
      frame = encoder.encode(`id: ${message.position}\ndata: ${this.wanted.json(message)}\n\n`)
      frames.set(message, frame)
    }
    return frame
  }
}
