// The other side of the parts that deliver, in random applications. It fails by chance, and watches what arrives: what is
// on disk, under its own id, and each context in order.
import assert from 'node:assert/strict'
import type { Answered, Arrived } from 'millrace/testing'
import { draw } from './chance.ts'
import type { Logged } from './model.ts'

export interface SinkHost {
  /** The message with an id; undefined for one that is not on disk. */
  message(id: string): Logged | undefined
  /** Whether a processor's message has lost its place in its lane, by choice. */
  displaced(processor: string, position: number): boolean
  /** Calls a check whose failure ends the run. */
  heard(check: () => void): void
}

interface Event {
  readonly id: string
  readonly type: string
  readonly partitionkey?: string
  readonly millracepath: string
  readonly data: unknown
}

const statuses = [500, 502, 503, 429, 408, 404, 422, 301] as const
const failsMax = 5

export class Sink {
  private readonly host: SinkHost
  /** How often each message has arrived, by processor and id. */
  private readonly times = new Map<string, number>()
  /** The data with which each message was taken. */
  private readonly taken = new Map<string, Set<string>>()
  /** The last position of each context that arrived for the first time. */
  private readonly newest = new Map<string, number>()

  constructor(host: SinkHost) {
    this.host = host
  }

  /** A request has arrived for a processor. */
  arrived(processor: string, { headers, body }: Arrived): Answered {
    const event = JSON.parse(body) as Event
    const { id } = event
    const key = `${processor} ${id}`
    const times = (this.times.get(key) ?? 0) + 1
    this.times.set(key, times)
    this.host.heard(() => {
      assert.equal(headers['webhook-id'], id, 'the webhook-id is that of the message, in every attempt')
      assert.equal(event.millracepath, 'simulated')
      this.inOrder(processor, event)
    })
    const fails = draw(1, key, 'unruly') < 0.4 ? Math.floor(draw(1, key, 'fails') * failsMax) : 0
    if (times > fails) {
      const taken = this.taken.get(key) ?? new Set()
      this.taken.set(key, taken.add(JSON.stringify(event.data)))
      return { status: draw(1, key, 'well') < 0.5 ? 200 : 204 }
    }
    const status = statuses[Math.floor(draw(1, key, `status ${times}`) * statuses.length)]!
    return { status, headers: draw(1, key, `asks ${times}`) < 0.5 ? { 'retry-after': '2' } : {}, body: 'not now' }
  }

  private inOrder(processor: string, { id, partitionkey }: Event): void {
    const message = this.host.message(id)
    assert(message !== undefined, `"${processor}" has sent ${id}, which is not on disk`)
    assert.equal(partitionkey ?? null, message.context)
    const { position, context } = message
    if (context === null || this.host.displaced(processor, position)) return
    const lane = `${processor} ${context}`
    const last = this.newest.get(lane) ?? 0
    // Behind a later one only what was there before.
    if (position < last)
      assert(this.times.get(`${processor} ${id}`)! > 1, `"${processor}" has sent ${position} after ${last}`)
    else this.newest.set(lane, position)
  }

  /** Whether the sink of a processor took a message with these data. */
  hasTaken(processor: string, id: string, json: string): boolean {
    return this.taken.get(`${processor} ${id}`)?.has(json) === true
  }
}
