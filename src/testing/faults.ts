// What goes wrong in a simulation, and when: all drawn from the seed. How often each kind comes differs from seed to
// seed, and often is never, so that each is also met without the others.
import { fault } from '../model/errors.ts'
import { checkOptions } from '../model/options.ts'
import type { Random } from './random.ts'

/** The kinds of faults that may come. Default: all. */
export interface Faults {
  /** The process dies, before or after any statement, commit, sync or checkpoint. */
  readonly crash?: boolean | undefined
  /** As `crash`, and what was not synced is lost, by sectors, at random. */
  readonly powerCut?: boolean | undefined
  /** A handler fails, before it has run or after; so may the rule of a desk. */
  readonly handlerFails?: boolean | undefined
  /** A handler takes its time, sometimes more than its `timeoutMs`; so may the rule of a desk. */
  readonly handlerSlow?: boolean | undefined
  /** A client publishes an acknowledged message again, with the same id. */
  readonly publishTwice?: boolean | undefined
  /** The disk is full for a while. */
  readonly diskFull?: boolean | undefined
  /** A sync fails. */
  readonly syncFails?: boolean | undefined
  /** Another program holds the write lock of the file for a while. */
  readonly locked?: boolean | undefined
}

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
] as const satisfies readonly FaultKind[]

/** The number of faults of each kind. */
export type FaultCounts = Record<FaultKind, number>

export const noFaults = (): FaultCounts => Object.fromEntries(faultKinds.map((kind) => [kind, 0])) as FaultCounts

/** @throws `millrace/bad-option`, `millrace/unknown-option` */
export function faultsOf(where: string, given: Faults | 'all' | 'none' | undefined): Faults {
  const every = (on: boolean) => Object.fromEntries(faultKinds.map((kind) => [kind, on]))
  if (given === undefined || given === 'all') return every(true)
  if (given === 'none') return every(false)
  checkOptions(`${where}: faults`, given, faultKinds)
  const named = Object.entries(given).filter(([, on]) => on !== undefined)
  for (const [kind, on] of named) {
    if (typeof on !== 'boolean') throw fault('millrace/bad-option', `${where}: faults: ${kind} must be true or false`)
  }
  return { ...every(false), ...Object.fromEntries(named) }
}

/** A step of the store at which the process may die. */
export type Step = 'statement' | 'commit' | 'sync' | 'checkpoint'

/** How many steps of a kind go well between two crashes, about; some kinds of steps are rarer than others. */
const stepsBetween: Readonly<Record<Step, number>> = { statement: 400, commit: 40, sync: 40, checkpoint: 3 }
const crashesMax = 6
/**
 * Steps of the kind `checkpoint` from a failed sync until the store is open again: two connections close, one opens.
 */
const stepsToOpenAnew = 9
const fullForMsMax = 4_000
/** Longer than writers wait, at times. */
const lockedForMsMax = 8_000

/** How a handler goes wrong. */
export type HandlerFault = 'failsBefore' | 'failsAfter' | 'slowBefore' | 'slowInside' | 'slowAfter'

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
  private fullUntil = 0
  private readonly lockedRate: number
  private lockedUntil = 0

  constructor(faults: Faults, random: Random) {
    this.faults = faults
    this.random = random
    this.soon = random.fork('soon')
    this.locks = random.fork('locks')
    this.lockedRate = this.locks.pick([0, 0, 0.005, 0.013, 0.04])
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

  /** From now on nothing goes wrong any more. */
  heal(): void {
    this.healed = true
  }

  /** Whether the process dies now, and how. */
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

  /** Whether the next call of a handler, or of a rule, goes wrong. */
  handler(): HandlerFault | undefined {
    if (this.happens('handlerFails')) return this.random.chance(0.5) ? 'failsBefore' : 'failsAfter'
    if (this.happens('handlerSlow')) return this.random.pick(['slowBefore', 'slowInside', 'slowAfter'])
    return undefined
  }

  /** How long a slow handler takes, milliseconds. */
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

  /** Whether the disk is full now; asked before each commit. */
  full(now: number, begins: boolean): boolean {
    if (this.healed) return false
    if (now < this.fullUntil) return true
    if (!begins || !this.happens('diskFull')) return false
    this.fullUntil = now + this.random() * fullForMsMax
    return true
  }

  /** Whether somebody else has the write lock now; asked before each transaction. */
  locked(now: number): boolean {
    if (this.healed || this.faults.locked !== true) return false
    if (now < this.lockedUntil) return true
    if (!this.locks.chance(this.lockedRate)) return false
    this.lockedUntil = now + this.locks() * lockedForMsMax
    this.counts.locked++
    return true
  }

  /** Troubles come together. Opening the store anew is too short for a crash to meet it often by itself. */
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
