import { AssertionError } from 'node:assert/strict'
/** Chance that can be repeated (mulberry32). */
export class Chance {
  readonly seed: number
  private state: number

  constructor(seed: number) {
    this.seed = seed >>> 0
    this.state = this.seed
  }

  /** From 0 up to 1. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number from 0 up to `below`. */
  below(below: number): number {
    return Math.floor(this.next() * below)
  }
}

/** The seed of this run: `MILLRACE_SEED` repeats one that failed. */
export function newSeed(): number {
  const given = process.env['MILLRACE_SEED']
  return given === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(given)
}

/** Runs something that depends on a seed; a failure names it. */
export async function withSeed(run: (seed: number) => Promise<void>): Promise<void> {
  const seed = newSeed()
  try {
    await run(seed)
  } catch (error) {
    const what = `with MILLRACE_SEED=${seed}: ${error instanceof Error ? error.message : String(error)}`
    if (!(error instanceof AssertionError)) throw new Error(what, { cause: error })
    error.message = what
    throw error
  }
}
