// Requests: commands that somebody asked, and who waits for their replies. A request has a row, written with its
// command, and ends exactly once, in the commit that ends the command:
//
//   waiting ──handled──→ replied
//     │ ↑ ──refused──→ refused
//     │ └──tried again── held (at the desk: a person decides) ──discarded──→ discarded
//     └──failed for good──↑
//   waiting, held ──taken back by who asked──→ withdrawn
//
// A caller may give up before that, or die: its request continues, and its end is found by its id. A caller that fails
// when held gives up as soon as the row of its request says that a person has to decide:
//
//   accepted ──the row says: held, or behind a held one──→ rejected
//      └──────it has ended──→ resolved, rejected
//
// The row alone decides, which shows only what is durable. It is read whenever it may say so: when the id was asked
// before, when a message of its lane becomes held, and when the request joins the line of its lane at the desk.
import type { Stored } from '../../model/codec.ts'
import type { DeskEntry } from '../../model/desk.ts'
import { fault, type MillraceError } from '../../model/errors.ts'
import type { Command } from '../../model/message.ts'
import type { Accepted } from '../../model/publish.ts'
import { Refused } from '../../model/refused.ts'
import type { Explanation, RequestRow, WhenHeld } from '../../model/requests.ts'
import type { RequestChange } from '../../seam/requests.ts'
import type { Store } from '../../seam/store.ts'
import type { World } from '../../seam/world.ts'
import { Groups } from '../kit/groups.ts'

/** A request that is being accepted, and what its caller waits for. */
export interface Asked {
  readonly command: Command
  readonly message: Pick<Stored, 'id' | 'stream' | 'context'>
  readonly timeoutMs: number
  readonly whenHeld: WhenHeld
}

interface Waiter extends Pick<Asked, 'command' | 'whenHeld'> {
  readonly id: string
  /** Until then its request may be another's, whose id it has with other data. */
  accepted: boolean
  readonly resolve: (reply: unknown) => void
  readonly reject: (error: unknown) => void
}

export class Requests {
  private readonly world: World
  private readonly store: Store
  /** By the id of the request. */
  private readonly waiters = new Groups<Waiter>()
  /** Those that fail when held, by lane. */
  private readonly inLanes = new Groups<Waiter>()
  /** Called when what the row of a request says may have changed, by the id of the request. */
  private readonly watchers = new Groups<() => void>()

  constructor(world: World, store: Store) {
    this.world = world
    this.store = store
  }

  /**
   * Waits for the end of a request that is being accepted: its reply, or what there is instead of one.
   *
   * @throws `Refused`; `millrace/request-timed-out`, `millrace/request-held`, `millrace/request-discarded`,
   *   `millrace/request-withdrawn`, and as of publishing
   */
  async wait({ command, message, timeoutMs, whenHeld }: Asked, accepted: Promise<Accepted>): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    const { id } = message
    const waiter: Waiter = { id, command, whenHeld, accepted: false, resolve, reject }
    const lane = whenHeld === 'fail' && message.context !== null ? laneOf(message) : undefined
    this.waiters.add(id, waiter)
    if (lane !== undefined) this.inLanes.add(lane, waiter)
    const timer = this.world.after(timeoutMs, () => {
      const what = `no reply to "${command.name}" within ${timeoutMs} ms; app.requestStatus("${id}") tells how it ends`
      reject(fault('millrace/request-timed-out', what, { data: { id } }))
    })
    accepted
      .then(async ({ duplicate }) => {
        waiter.accepted = true
        // It was asked before, and may have ended or be held already.
        if (duplicate !== true) return
        const row = await this.store.requests.row(id)
        if (row === undefined) {
          throw fault('millrace/id-conflict', `"${command.name}" was sent with id "${id}" before, and not as a request`)
        }
        this.tell(waiter, row)
      })
      .catch(reject)
    try {
      return await promise
    } finally {
      timer.cancel()
      this.waiters.delete(id, waiter)
      if (lane !== undefined) this.inLanes.delete(lane, waiter)
    }
  }

  /**
   * Calls a function each time a change of a request is durable, and when the run ends; returns the function that ends
   * that.
   */
  watch(id: string, changed: () => void): () => void {
    this.watchers.add(id, changed)
    return () => this.watchers.delete(id, changed)
  }

  /** What has become of requests is durable: their callers are told. */
  written(changes: readonly RequestChange[]): void {
    for (const change of changes) {
      for (const changed of this.watchers.of(change.id)) changed()
      if (change.do !== 'end') continue
      for (const waiter of this.waiters.of(change.id)) this.settle(waiter, change)
    }
  }

  /** It is durable that a message is held: itself and those in line behind it wait for a person. */
  held({ message, lane }: Pick<DeskEntry, 'message' | 'lane'>): void {
    const ids = lane === null ? [message.id] : [...this.inLanes.of(laneOf(message))].map(({ id }) => id)
    for (const id of new Set(ids)) this.look(id)
  }

  /** It is durable that a message is in line at the desk, maybe behind a held one. */
  inLine({ id }: Pick<Stored, 'id'>): void {
    this.look(id)
  }

  /** The run has ended: nobody is told more. */
  end(error: unknown): void {
    for (const { reject } of this.waiters.all()) reject(error)
    for (const changed of this.watchers.all()) changed()
  }

  private look(id: string): void {
    for (const changed of this.watchers.of(id)) changed()
    const failing = [...this.waiters.of(id)].filter(({ whenHeld, accepted }) => whenHeld === 'fail' && accepted)
    if (failing.length === 0) return
    this.store.requests.row(id).then(
      (row) => {
        if (row !== undefined) for (const waiter of failing) this.tell(waiter, row)
      },
      (error: unknown) => {
        for (const { reject } of failing) reject(error)
      },
    )
  }

  private tell(waiter: Waiter, row: RequestRow): void {
    if (row.endedAt !== null) this.settle(waiter, row)
    else if (waiter.whenHeld === 'fail') {
      if (row.item !== null) waiter.reject(heldError(waiter, { item: row.item }))
      else if (row.behind !== null) waiter.reject(heldError(waiter, { behind: row.behind }))
    }
  }

  private settle({ id, command, resolve, reject }: Waiter, { state, outcome }: Pick<RequestRow, 'state' | 'outcome'>) {
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

const laneOf = ({ stream, context }: Asked['message']) => `${stream}/${context}`

function heldError(
  { command, id }: Waiter,
  at: { readonly item: number } | { readonly behind: number },
): MillraceError {
  const where =
    'item' in at ? `is held at the desk as message ${at.item}` : `waits behind message ${at.behind}, held at the desk`
  const what = `"${command.name}" ${where}, until a person decides; app.requestStatus("${id}") tells how it ends`
  return fault('millrace/request-held', what, { data: { id, ...at } })
}

/** A command without a reply has none, whatever JSON makes of that. */
export function replyOf(command: Command, outcome: unknown): unknown {
  return command.reply === undefined ? undefined : outcome
}
