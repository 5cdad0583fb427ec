// Waits until the lease is free.
//
//   waits ──nobody has it, its owner has ended, its beat stands still for leaseMs──→ free
//     └──its owner lives, and the time is over──→ `millrace/in-use`
import { fault, type MillraceError } from '../../model/errors.ts'
import type { World } from '../../seam/world.ts'
import { type Holder, holderOf, isGone } from './processes.ts'
import type { Statements } from './statements.ts'

const lookMs = 100
/** The time after which somebody who looks on would think that nothing happens, milliseconds. */
const silentMs = 1_000

export interface Waiting {
  readonly where: string
  readonly world: World
  readonly leaseMs: number
  readonly waitMs: number
  readonly stops: (() => boolean) | undefined
  read<T>(work: (db: Statements) => Promise<T>): Promise<T>
}

/**
 * Resolves with the owner from which the lease may be taken; null where nobody has it.
 *
 * @throws `millrace/in-use`
 */
export async function untilFree(waiting: Waiting): Promise<string | null> {
  const { where, world, leaseMs, waitMs, stops } = waiting
  const begun = world.elapsed()
  let told = false
  let seen: Holder | undefined
  let seenAt = begun
  let lives = false
  for (;;) {
    const holder = await waiting.read(holderOf)
    if (holder === undefined) return null
    if (isGone(holder)) return holder.id
    const now = world.elapsed()
    if (seen?.id !== holder.id || seen.beat !== holder.beat) {
      lives = seen !== undefined
      seen = holder
      seenAt = now
    }
    if (now - seenAt >= leaseMs) return holder.id
    if (stops?.() === true || (lives && now - begun >= waitMs)) throw inUse(where, holder)
    if (!told && now - begun >= silentMs) {
      told = true
      world.log('warn', `${inUse(where, holder).message}: the start waits for it`)
    }
    await new Promise<void>((resolve) => void world.after(lookMs, resolve, { awake: true }))
  }
}

export function inUse(where: string, { pid, host, since }: Holder): MillraceError {
  const data = { pid, host, since: new Date(since).toISOString() }
  const who = pid === 0 ? 'another process' : `process ${pid} on ${host} since ${data.since}`
  return fault('millrace/in-use', `${where} is in use by ${who}`, { data })
}
