// The world as one simulated process sees it: time, chance and ids come from the seed.
import { inspect } from 'node:util'
import { blame, callback, guard, ownerNow } from '../../adapters/node/late-errors.ts'
import type { World } from '../../seam/world.ts'
import type { Random } from '../random.ts'
import type { Life, Scheduler } from '../scheduler.ts'
import type { Trace } from '../trace.ts'

/** What the world needs of its process. */
export interface WorldHost {
  /** The number of the process. */
  readonly number: number
  readonly life: Life
  readonly random: Random
  readonly scheduler: Scheduler
  readonly trace: Trace
  /** The wall clock, milliseconds since 1970. */
  now(): number
  /** Makes the call of a user's function, or makes it go wrong; `given` is its first argument. */
  guarded(owner: object, given: unknown, call: () => unknown): unknown
  readonly send: World['send']
}

export function simulatedWorld(host: WorldHost): World {
  const { number, life, random, scheduler, trace } = host
  const ids = random.fork(`ids ${number}`)
  let count = 0
  return {
    now: () => host.now(),
    elapsed: () => scheduler.elapsed,
    after: (ms, fn) => scheduler.after(ms, life, fn),
    soon: (fn) => void scheduler.after(0, life, fn),
    random: random.fork(`world ${number}`),
    newId: () => uuid({ ms: host.now(), process: number, count: count++, random: ids }),
    guard: (owner, fn, a, b) => host.guarded(owner, a, () => guard(owner, fn, a, b)) as never,
    callback,
    bind: (fn) => fn,
    blame,
    owner: ownerNow,
    listen: () => () => {},
    send: host.send,
    log: (level, text, fields) => {
      if (life.alive) trace.add(`${level}: ${text}${causeIn(fields)}`)
    },
  }
}

function causeIn(fields: Readonly<Record<string, unknown>> | undefined): string {
  const error = fields?.['error']
  if (error === undefined) return ''
  return `: ${typeof error === 'string' ? error : inspect(error, { breakLength: Infinity })}`
}

interface IdParts {
  readonly ms: number
  readonly process: number
  readonly count: number
  readonly random: Random
}

/** UUIDv7: the time, a count, the process, and random bits, so that no two of a run are the same. */
function uuid({ ms, process, count, random }: IdParts): string {
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0')
  const time = hex(ms, 12)
  const tail = `${hex(process & 0xffff, 4)}${hex(random.below(0x1_0000), 4)}${hex((count >> 12) & 0xffff, 4)}`
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(count & 0xfff, 3)}-8${hex(random.below(0x1000), 3)}-${tail}`
}
