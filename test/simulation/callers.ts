// Callers that ask for replies, at random: with both values of `whenHeld`, some again with the same id, some in vain, and
// some take their requests back. When all is quiet each request is asked once more, and so are some of each context.
import type { App, Command, Destination } from 'millrace'
import type { Client, Random } from 'millrace/testing'
import type { Data } from './generate.ts'
import type { Model } from './model.ts'

/** How many different requests there are at most. */
const requestsMax = 12
/** So that their data differ from those of messages. */
const from = 500

interface Asking {
  readonly keys: number
  /** How often somebody asks. */
  readonly asks: number
}

interface Request {
  readonly id: string
  readonly type: Command
  readonly data: Data
}

export class Callers {
  private readonly types: readonly Command[]
  private readonly model: () => Model
  private readonly keys: number
  private readonly asks: number
  private requests: readonly Request[] = []

  constructor(on: Destination, model: () => Model, { keys, asks }: Asking) {
    this.types = on.kind === 'channel' ? (on.types as readonly Command[]) : []
    this.model = model
    this.keys = keys
    this.asks = asks
  }

  work(clients: readonly Client[], draw: Random): void {
    if (this.types.length === 0) return
    const requests = Array.from({ length: 1 + draw.below(requestsMax) }, (_, n) => {
      const data = { key: `k${draw.below(this.keys)}`, n: from + n }
      return { id: `asked-${n}`, type: draw.pick(this.types), data }
    })
    this.requests = requests
    for (let n = 0; n < this.asks; n++) {
      const client = draw.pick(clients)
      const request = draw.pick(requests)
      const whenHeld = draw.pick(['fail', 'fail', 'wait'] as const)
      const timeoutMs = draw.pick([100, 5_000, 3_600_000])
      client.act(`ask ${request.id}, ${whenHeld}`, (app) => this.ask(app, request, { whenHeld, timeoutMs }))
      if (draw.chance(0.3)) client.wait(draw.below(1_000))
      if (draw.chance(0.05)) client.act(`cancel ${request.id}`, (app) => this.cancel(app, request))
    }
  }

  /** Asks when nothing is under way. */
  askAtRest(app: App): void {
    const [type] = this.types
    if (type === undefined) return
    const last = Array.from({ length: 3 * this.keys }, (_, n) => ({
      id: `last-${n}`,
      type,
      data: { key: `k${n % this.keys}`, n: from + requestsMax + n },
    }))
    for (const request of [...this.requests, ...last])
      this.ask(app, request, { whenHeld: 'fail', timeoutMs: 3_600_000 })
  }

  private async cancel(app: Pick<App, 'cancel'>, { id, type }: Request): Promise<void> {
    const { tookBack } = this.model()
    if (await app.cancel(type, id)) tookBack(id)
  }

  private ask(
    app: Pick<App, 'request'>,
    { id, type, data }: Request,
    options: { readonly whenHeld: 'fail' | 'wait'; readonly timeoutMs: number },
  ): void {
    const { replied, failed } = this.model().caller(id, options.whenHeld)
    app.request(type, data as never, { id, ...options }).then(replied, failed)
  }
}
