// The faults of a simulation and their times, drawn from the seed. The rate of each kind differs from seed to seed, and
// is often zero, so that each kind also occurs without the others.
import { fault } from '../model/errors.ts'
import { checkOptions } from '../model/options.ts'
import type { Random } from './random.ts'

/** The kinds of faults to inject. Default: all. */
export interface Faults {
  /** Crashes the process before or after any statement, commit, sync or checkpoint. */
  readonly crash?: boolean | undefined
  /** Crashes as `crash` does; data that were not synced are lost at random, by sectors. */
  readonly powerCut?: boolean | undefined
  /** Makes a handler fail, before or after it has run; also the rule of a desk. */
  readonly handlerFails?: boolean | undefined
  /** Makes a handler slow, sometimes slower than its `timeoutMs`; also the rule of a desk. */
  readonly handlerSlow?: boolean | undefined
  /** Makes a client publish an acknowledged message again, with the same id. */
  readonly publishTwice?: boolean | undefined
  /** Makes the disk full for a while. */
  readonly diskFull?: boolean | undefined
  /** Makes a sync fail. */
  readonly syncFails?: boolean | undefined
  /** Makes another program hold the write lock of the file for a while. */
  readonly locked?: boolean | undefined
  /** Loses a request to another system before or after it arrives, or makes it be refused, late or arrive twice. */
  readonly networkFails?: boolean | undefined
}

/** The name of a fault of a simulation. */
export type FaultKind = keyof Faults
export const faultKinds = [
  'crash',
  'powerCut',
  'handlerFails',
  'handlerSlow',
  'publishTwice',
  'diskFull',
  'syncFails',
  'locked',
  'networkFails',
] as const satisfies readonly FaultKind[]

/** The number of faults of each kind. */
export type FaultCounts = Record<FaultKind, number>

export const noFaults = (): FaultCounts => Object.fromEntries(faultKinds.map((kind) => [kind, 0])) as FaultCounts

/** Checks the option and returns the faults. Errors: `millrace/bad-option`, `millrace/unknown-option`. */
export function faultsOf(where: string, given: Faults | 'all' | 'none' | undefined): Faults {
  const none = Object.fromEntries(faultKinds.map((kind) => [kind, false]))
  if (given === undefined || given === 'all') return Object.fromEntries(faultKinds.map((kind) => [kind, true]))
  if (given === 'none') return none
  checkOptions(`${where}: faults`, given, faultKinds)
  const named = Object.entries(given).filter(([, on]) => on !== undefined)
  for (const [kind, on] of named) {
    if (typeof on !== 'boolean') throw fault('millrace/bad-option', `${where}: faults: ${kind} must be true or false`)
  }
  return { ...none, ...Object.fromEntries(named) }
}

/** A step of the store at which the process may die. */
export type Step = 'statement' | 'commit' | 'sync' | 'checkpoint'

/** The mean number of steps of a kind between two crashes; some kinds of steps are rarer than others. */
const stepsBetween: Readonly<Record<Step, number>> = { statement: 400, commit: 40, sync: 40, checkpoint: 3 }
const crashesMax = 6
/**
 * The steps of the kind `checkpoint` from a failed sync until the store is open again: two connections close, one
 * opens.
 */
const stepsToOpenAnew = 9
const fullForMsMax = 4_000
/** The longest lock, milliseconds; it may be longer than writers wait. */
const lockedForMsMax = 8_000

/** The way in which a handler fails or is slow. */
export type HandlerFault = 'failsBefore' | 'failsAfter' | 'slowBefore' | 'slowInside' | 'slowAfter'

/** What happens to a request to another system. */
export type NetworkFault = 'refused' | 'lost' | 'answerLost' | 'late' | 'twice'

export class FaultPlan {
  readonly counts = noFaults()
  private readonly faults: Faults
  private readonly random: Random
  private readonly soon: Random
  private readonly locks: Random
  private healed = false
  private crashes: number
  private readonly steps: Partial<Record<Step, number>> = {}
  private readonly stretch: number
  private readonly rates: Record<'handlerFails' | 'handlerSlow' | 'publishTwice' | 'diskFull' | 'syncFails', number>
  private readonly requests: Random
  private readonly networkRate: number
  private fullUntil = 0
  private readonly lockedRate: number
  private lockedUntil = 0

  constructor(faults: Faults, random: Random) {
    this.faults = faults
    this.random = random
    this.soon = random.fork('soon')
    this.locks = random.fork('locks')
    this.lockedRate = this.locks.pick([0, 0, 0.005, 0.013, 0.04])
    this.requests = random.fork('requests')
    this.networkRate = this.requests.pick([0, 0.05, 0.2, 0.5])
    const rate = (most: number) => random.pick([0, 0, most / 8, most / 3, most])
    this.crashes = random.below(crashesMax + 1)
    this.stretch = random.pick([0.2, 0.5, 1, 2])
    this.rates = {
      handlerFails: rate(0.4),
      handlerSlow: rate(0.4),
      publishTwice: rate(0.5),
      diskFull: rate(0.04),
      syncFails: rate(0.04),
    }
  }

  /** Stops all faults. */
  heal(): void {
    this.healed = true
  }

  /** Decides whether the process dies at this step, and how. */
  dies(step: Step): 'crash' | 'powerCut' | undefined {
    if (this.healed || this.crashes === 0 || !(this.faults.crash || this.faults.powerCut)) return undefined
    const left = (this.steps[step] ?? Math.floor(this.random() * 2 * stepsBetween[step] * this.stretch)) - 1
    this.steps[step] = left
    if (left > 0) return undefined
    this.crashes--
    for (const kind of Object.keys(this.steps)) delete this.steps[kind as Step]
    const power = this.faults.powerCut && (!this.faults.crash || this.random.chance(0.6))
    const how = power ? 'powerCut' : 'crash'
    this.counts[how]++
    return how
  }

  /** Decides whether the next call of a handler or rule fails or is slow. */
  handler(): HandlerFault | undefined {
    if (this.happens('handlerFails')) return this.random.chance(0.5) ? 'failsBefore' : 'failsAfter'
    if (this.happens('handlerSlow')) return this.random.pick(['slowBefore', 'slowInside', 'slowAfter'])
    return undefined
  }

  /** Decides what happens to the next request to another system. */
  network(): NetworkFault | undefined {
    if (this.healed || this.faults.networkFails !== true || !this.requests.chance(this.networkRate)) return undefined
    this.counts.networkFails++
    return this.requests.pick(['refused', 'lost', 'answerLost', 'late', 'twice'])
  }

  /** Draws the duration of a slow handler, milliseconds. */
  slowMs(timeoutMs: number): number {
    if (this.random.chance(0.2)) return timeoutMs * (1 + this.random())
    return this.random() * Math.min(timeoutMs / 2, 2_000)
  }

  publishTwice(): boolean {
    return this.happens('publishTwice')
  }

  syncFails(): boolean {
    const fails = this.happens('syncFails')
    if (fails) this.mayDieSoon()
    return fails
  }

  /** Tells whether the disk is full now. */
  isFull(now: number): boolean {
    return !this.healed && now < this.fullUntil
  }

  /** The same before a commit, with which it may become full. */
  isFullAtCommit(now: number): boolean {
    if (this.isFull(now)) return true
    if (!this.happens('diskFull')) return false
    this.fullUntil = now + this.random() * fullForMsMax
    return true
  }

  /** Tells whether another program has the write lock now; called before each transaction. */
  locked(now: number): boolean {
    if (this.healed || this.faults.locked !== true) return false
    if (now < this.lockedUntil) return true
    if (!this.locks.chance(this.lockedRate)) return false
    this.lockedUntil = now + this.locks() * lockedForMsMax
    this.counts.locked++
    return true
  }

  /**
   * Makes a crash likely soon, so that faults coincide: the store opens again too fast for a crash to hit that often by
   * chance.
   */
  private mayDieSoon(): void {
    if (!this.soon.chance(0.5)) return
    this.crashes = Math.max(1, this.crashes)
    this.steps.checkpoint = 1 + this.soon.below(stepsToOpenAnew)
  }

  private happens(kind: keyof FaultPlan['rates']): boolean {
    if (this.healed || this.faults[kind] !== true || !this.random.chance(this.rates[kind])) return false
    this.counts[kind]++
    return true
  }
}
