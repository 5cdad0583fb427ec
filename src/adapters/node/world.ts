import { randomFillSync } from 'node:crypto'
import type { World } from '../../seam/world.ts'
import { guard } from './late-errors.ts'

/** The real world: the clocks, chance and event loop of Node.js. */
export function nodeWorld(log: World['log']): World {
  const now = () => Date.now()
  return {
    now,
    elapsed: () => performance.now(),
    after(ms, fn) {
      const timer = setTimeout(fn, ms)
      timer.unref()
      return { cancel: () => clearTimeout(timer) }
    },
    soon: (fn) => void setImmediate(fn),
    random: Math.random,
    newId: uuids(now),
    guard,
    log,
  }
}

const poolBytes = 8_192
const bytesPerId = 8

/**
 * UUIDv7 (RFC 9562): 48 bits of milliseconds, 12 bits that count within one (method 1), 62 random bits. When the
 * clock goes back, or 4,096 ids come in one millisecond, the time of the last id goes on instead.
 */
function uuids(now: () => number): () => string {
  const pool = new Uint32Array(poolBytes / 4)
  let used = pool.length
  let lastMs = 0
  let count = 0
  let prefix = ''
  return () => {
    const ms = now()
    if (ms > lastMs || count === 0xfff) {
      lastMs = Math.max(ms, lastMs + 1)
      count = 0
      const hex = lastMs.toString(16).padStart(12, '0')
      prefix = `${hex.slice(0, 8)}-${hex.slice(8)}-7`
    } else count++
    if (used + bytesPerId / 4 > pool.length) {
      randomFillSync(pool)
      used = 0
    }
    const high = ((pool[used++]! & 0x3fffffff) | 0x80000000) >>> 0
    const low = hex8(pool[used++]!)
    const start = high.toString(16)
    return `${prefix}${(0x1000 + count).toString(16).slice(1)}-${start.slice(0, 4)}-${start.slice(4)}${low}`
  }
}

function hex8(value: number): string {
  const hex = value.toString(16)
  return hex.length === 8 ? hex : hex.padStart(8, '0')
}
