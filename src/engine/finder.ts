// The finder at work: it has the store index the log, one step after the other, at its own pace.
//
//   off ──begin──→ waiting ──a time has passed──→ indexing ──more──→ waiting, for a moment
//                     ↑                              └──nothing more, or a failure──→ waiting, longer each time
//                     └── while processors are behind it only waits
//   end leads from each to ended.
import type { MessageType } from '../model/message.ts'
import { inBrief } from '../model/people.ts'
import type { FinderStore, IndexAsk } from '../seam/finder.ts'
import type { Timer, World } from '../seam/world.ts'
import type { Service } from './service.ts'

/** The waits between steps, milliseconds: while there is more; at first and at last while there is nothing. */
const moreMs = 20
const idleMs = 200
const idleMsMax = 3_200
/** Steps that are passed over while processors are behind, before one is made all the same. */
const passedMax = 50

export interface FinderHost {
  readonly world: Pick<World, 'after' | 'log'>
  readonly finder: Pick<FinderStore, 'index'>
  readonly types: ReadonlyMap<string, Pick<MessageType, 'secret'>>
  /** Whether processors have messages that wait to be taken up. */
  isBehind(): boolean
}

export class Finder implements Service {
  private readonly host: FinderHost
  /** Nobody waits for it. */
  readonly idle = true
  private readonly ask: IndexAsk
  private timer: Timer | undefined
  private waitMs = idleMs
  private passed = 0
  private hasFailed = false
  private isOver = false

  constructor(host: FinderHost) {
    this.host = host
    const secrets = [...host.types]
      .filter(([, { secret }]) => secret.length > 0)
      .map(([name, { secret }]) => [name, secret])
    this.ask = { secrets: Object.fromEntries(secrets) }
  }

  begin(): void {
    if (this.isOver) return
    this.timer = this.host.world.after(this.waitMs, () => {
      this.step().then(() => this.begin())
    })
  }

  end(): void {
    this.isOver = true
    this.timer?.cancel()
  }

  private async step(): Promise<void> {
    const { finder, isBehind } = this.host
    if (isBehind() && this.passed < passedMax) {
      this.passed++
      this.waitMs = idleMs
      return
    }
    this.passed = 0
    try {
      const { more } = await finder.index(this.ask)
      this.hasFailed = false
      this.waitMs = more ? moreMs : Math.min(Math.max(idleMs, 2 * this.waitMs), idleMsMax)
    } catch (error) {
      this.waitMs = idleMsMax
      this.tell(error)
    }
  }

  /** One line for failures that follow one another. */
  private tell(error: unknown): void {
    if (this.hasFailed || this.isOver) return
    this.hasFailed = true
    this.host.world.log('warn', 'the finder could not index messages; it tries again', { error: inBrief(error) })
  }
}
