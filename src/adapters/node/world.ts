import { randomFillSync } from 'node:crypto'
import type { World } from '../../seam/world.ts'
import { bind, blame, callback, guard, listen, outside, ownerNow } from './late-errors.ts'
import { safeLog } from './safe-log.ts'
import { sender } from './send.ts'
import { telemetry } from './telemetry.ts'

/** The longest wait of a timer of Node.js, about 25 days; a longer one would end at once. */
const timerMsMax = 2 ** 31 - 1

/** The real world: the clocks, chance and event loop of Node.js. */
export function nodeWorld(given: World['log']): World {
  const now = () => Date.now()
  const log = safeLog(given)
  return {
    now,
    elapsed: () => performance.now(),
    after(ms, fn, how) {
      let timer: NodeJS.Timeout
      const wait = (left: number) => {
        timer = left > timerMsMax ? setTimeout(wait, timerMsMax, left - timerMsMax) : setTimeout(fn, left)
        if (how?.awake !== true) timer.unref()
      }
      outside(wait, ms)
      return { cancel: () => clearTimeout(timer) }
    },
    soon: (fn) => void outside(setImmediate, fn),
    random: Math.random,
    newId: uuids(now),
    guard,
    callback,
    bind,
    blame,
    owner: ownerNow,
    listen,
    send: sender(),
    telemetry: () => telemetry(log),
    log,
  }
}

const countHex = Array.from({ length: 0x1000 }, (_, count) => count.toString(16).padStart(3, '0'))

/** Returns a source of random words. It draws many at once, since one draw costs as much as a thousand words. */
function words(): () => number {
  const drawn = new Uint32Array(1_024)
  let at = drawn.length
  return () => {
    if (at === drawn.length) {
      randomFillSync(drawn)
      at = 0
    }
    return drawn[at++]!
  }
}

/**
 * Makes UUIDv7 (RFC 9562): 48 bits of milliseconds, 12 bits that count within one (method 1), 62 random bits drawn once
 * per millisecond. The count makes ids unique within a millisecond. When the clock goes back, or 4,096 ids come in one
 * millisecond, the time of the last id advances instead.
 */
function uuids(now: () => number): (ms?: number) => string {
  const word = words()
  let lastMs = 0
  let count = 0
  let before = ''
  let after = ''
  return (ms = now()) => {
    if (ms > lastMs || count === 0xfff) {
      lastMs = Math.max(ms, lastMs + 1)
      count = 0
      const hex = lastMs.toString(16).padStart(12, '0')
      before = `${hex.slice(0, 8)}-${hex.slice(8)}-7`
      const high = (((word() & 0x3fffffff) | 0x80000000) >>> 0).toString(16)
      after = `-${high.slice(0, 4)}-${high.slice(4)}${word().toString(16).padStart(8, '0')}`
    } else count++
    return before + countHex[count] + after
  }
}
