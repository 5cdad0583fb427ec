// The way of a processor to another system. The newest exchanges are kept in memory, for people.
import type { Sending, Sent } from '../../model/sending.ts'
import type { World } from '../../seam/world.ts'

/** A request of a processor to another system, and what became of it. */
export interface Exchange {
  /** The time at which it was sent, milliseconds since 1970. */
  readonly at: number
  readonly tookMs: number
  readonly type: string
  /** The id of the message. */
  readonly id: string
  /** The number of the attempt, from 1; 0 for a test by a person. */
  readonly attempt: number
  /** `answered`; `not sent`, where nothing has reached the other side; `unknown`, where no answer came. */
  readonly outcome: Sent['is']
  /** The status of the answer; null without one. */
  readonly status: number | null
  /** The beginning of the body of the answer, at most 16 KiB; null without one. */
  readonly answer: string | null
  /** Whether the body was longer, or broke off. */
  readonly cut: boolean
  /** Why there is no answer; null with one. */
  readonly error: { readonly code: string; readonly message: string } | null
}

/** Another system that a processor delivers to. */
export interface Delivers {
  /** Its scheme, host and port. */
  readonly to: string
  /** Sends it a message of no topic. */
  test(exchanges: Exchanges): Promise<unknown>
}

export interface ExchangesHost {
  /** The name of the app. */
  readonly app: string
  readonly world: Pick<World, 'send' | 'now' | 'elapsed' | 'newId'>
  /** Pauses the processor, on record. */
  pause(reason: string): void
}

type About = Pick<Exchange, 'type' | 'id' | 'attempt'>

const keptMax = 50

export class Exchanges {
  readonly app: string
  private readonly host: ExchangesHost
  /** Oldest first. */
  private readonly kept: Exchange[] = []

  constructor(host: ExchangesHost) {
    this.app = host.app
    this.host = host
  }

  async send(request: Sending, about: About): Promise<Sent> {
    const { world } = this.host
    const at = world.now()
    const began = world.elapsed()
    const sent = await world.send(request)
    const { is: outcome } = sent
    const answer =
      sent.is === 'answered'
        ? { status: sent.status, answer: sent.body, cut: sent.cut, error: null }
        : { status: null, answer: null, cut: false, error: { code: sent.code, message: sent.why } }
    this.kept.push({ at, tookMs: Math.round(world.elapsed() - began), ...about, outcome, ...answer })
    if (this.kept.length > keptMax) this.kept.shift()
    return sent
  }

  /** The time, and an id for a message of no log. */
  stamp(): { readonly id: string; readonly now: number } {
    const { world } = this.host
    return { id: world.newId(), now: world.now() }
  }

  pause(reason: string): void {
    this.host.pause(reason)
  }

  /** Newest first. */
  get newest(): Exchange[] {
    return this.kept.toReversed()
  }
}
