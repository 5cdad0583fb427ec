// What becomes of one request, for a client that listens: its state now, then each other state, until it has ended.
//
//   looking ──it has changed──→ told ──it has ended──→ over
//      ↑  └──it has not──→ waiting ──it may have changed, or 15 s──┘       gone, or the app ends ──→ over
//
// A stream has one state at most that is not read. A client that reads slowly may miss states between, never the end.
import { fault } from '../model/errors.ts'
import type { Call } from './route.ts'
import type { Requested } from './served.ts'

/** A client to whom nothing is sent is sent a comment after so long, milliseconds. */
const commentMs = 15_000

const encoder = new TextEncoder()

export const hasEnded = ({ state }: Pick<Requested, 'state'>): boolean => state !== 'waiting' && state !== 'held'

/** How many listen, by app. */
const listening = new WeakMap<object, number>()

/**
 * The events of a request, each with its state as id: a client that comes back says with which it left.
 *
 * @param shown makes of a state what the client may see of it
 * @throws `millrace/too-many-listeners`
 */
export function watchRequest(call: Call, id: string, shown: (found: Requested) => unknown): ReadableStream<Uint8Array> {
  const { app, edge, ending, request, limits } = call
  const open = listening.get(app) ?? 0
  if (open >= limits.listenersMax) {
    throw fault('millrace/too-many-listeners', `${open} clients listen to requests (listenersMax)`)
  }
  let changed = Promise.withResolvers<void>()
  let isOver = false
  let told = ''
  const wake = () => changed.resolve()
  const unwatch = edge.intake().watchRequest(id, wake)
  const signals = [ending, request.signal]
  const end = () => {
    if (isOver) return
    isOver = true
    unwatch()
    for (const signal of signals) signal.removeEventListener('abort', end)
    listening.set(app, listening.get(app)! - 1)
    wake()
  }
  listening.set(app, open + 1)
  for (const signal of signals) signal.addEventListener('abort', end)
  if (signals.some((signal) => signal.aborted)) end()

  /** The next frame; undefined at the end. */
  async function next(): Promise<string | undefined> {
    while (!isOver) {
      // What changes from here on wakes it again.
      changed = Promise.withResolvers()
      const found = await app.requestStatus(id)
      if (found === undefined || isOver) return undefined
      const json = JSON.stringify(shown(found))
      if (json !== told) {
        told = json
        if (hasEnded(found)) end()
        return `id: ${found.state}\ndata: ${json}\n\n`
      }
      let isLong = false
      const timer = edge.world.after(commentMs, () => {
        isLong = true
        wake()
      })
      await changed.promise
      timer.cancel()
      if (isLong && !isOver) return ':\n\n'
    }
    return undefined
  }

  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        // The app stops: the client comes back.
        const frame = await next().catch(() => undefined)
        if (frame !== undefined) controller.enqueue(encoder.encode(frame))
        if (frame !== undefined && !isOver) return
        end()
        controller.close()
      },
      cancel: end,
    },
    { highWaterMark: 1 },
  )
}
