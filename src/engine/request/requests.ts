// Requests: commands that somebody asked, and who waits for their replies. A request has a row, written with its
// command, and ends exactly once, in the commit that ends the command:
//
//   waiting ──handled──→ replied
//     │ ↑ ──refused──→ refused
//     │ └──tried again── held (at the desk: a rule or a person decides) ──discarded──→ discarded
//     └──failed for good──↑
//   waiting, held ──taken back by who asked──→ withdrawn
//
// Who waits may give up before that, or die: the request goes on, and its end can be fetched by its id.
import { fault } from '../../model/errors.ts'
import type { Command } from '../../model/message.ts'
import type { Accepted } from '../../model/publish.ts'
import { Refused } from '../../model/refused.ts'
import type { Explanation, RequestRow } from '../../model/requests.ts'
import type { RequestChange } from '../../seam/requests.ts'
import type { Store } from '../../seam/store.ts'
import type { World } from '../../seam/world.ts'

interface Waiter {
  readonly command: Command
  readonly resolve: (reply: unknown) => void
  readonly reject: (error: unknown) => void
}

export class Requests {
  private readonly world: World
  private readonly store: Store
  private readonly waiters = new Map<string, Set<Waiter>>()

  constructor(world: World, store: Store) {
    this.world = world
    this.store = store
  }

  /**
   * Waits for the end of a request that is being accepted: its reply, or what there is instead of one.
   *
   * @throws `Refused`; `millrace/request-timed-out`, `millrace/request-discarded`, and as of publishing
   */
  async wait(command: Command, id: string, timeoutMs: number, accepted: Promise<Accepted>): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    const waiter: Waiter = { command, resolve, reject }
    const waiters = this.waiters.get(id) ?? new Set()
    this.waiters.set(id, waiters.add(waiter))
    const timer = this.world.after(timeoutMs, () => {
      const what = `no reply to "${command.name}" within ${timeoutMs} ms; app.requestStatus("${id}") tells how it ends`
      reject(fault('millrace/request-timed-out', what, { data: { id } }))
    })
    accepted
      .then(async ({ duplicate }) => {
        // It was asked before, and may have ended already.
        if (duplicate !== true) return
        const row = await this.store.requests.row(id)
        if (row === undefined) {
          throw fault('millrace/id-conflict', `"${command.name}" was sent with id "${id}" before, and not as a request`)
        }
        if (row.endedAt !== null) this.settle(waiter, row)
      })
      .catch(reject)
    try {
      return await promise
    } finally {
      timer.cancel()
      waiters.delete(waiter)
      if (waiters.size === 0) this.waiters.delete(id)
    }
  }

  /** What has become of requests is durable: who waits for them is told. */
  written(changes: readonly RequestChange[]): void {
    for (const change of changes) {
      if (change.do !== 'end') continue
      for (const waiter of this.waiters.get(change.id) ?? []) this.settle(waiter, change)
    }
  }

  /** Nobody will be told any more: the run has ended. */
  end(error: unknown): void {
    for (const waiters of this.waiters.values()) for (const { reject } of waiters) reject(error)
  }

  private settle(
    { command, resolve, reject }: Waiter,
    { id, state, outcome }: Pick<RequestRow, 'id' | 'state' | 'outcome'>,
  ) {
    if (state === 'replied') {
      resolve(replyOf(command, outcome))
      return
    }
    const { message, data } = outcome as Explanation
    if (state === 'refused') reject(new Refused(message, data))
    else if (state === 'withdrawn') {
      reject(fault('millrace/request-withdrawn', `"${command.name}" was ${message}`, { data: { id } }))
    } else {
      const what = `"${command.name}" was discarded at the desk: ${message}`
      reject(fault('millrace/request-discarded', what, { data: { id } }))
    }
  }
}

/** A command without a reply has none, whatever JSON makes of that. */
export function replyOf(command: Command, outcome: unknown): unknown {
  return command.reply === undefined ? undefined : outcome
}
