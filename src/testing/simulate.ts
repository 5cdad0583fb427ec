import type { App } from '../app/app.ts'
import { commandLine } from '../model/command-line.ts'
import { fault, type MillraceError } from '../model/errors.ts'
import { checkOptions } from '../model/options.ts'
import { messageOf, shownValue } from '../model/people.ts'
import { type FaultCounts, type Faults, faultKinds, faultsOf, noFaults } from './faults.ts'
import { notDeterministic } from './hidden.ts'
import type { Network } from './machine/network.ts'
import type { Watch } from './machine/watch.ts'
import { type Random, randomOf } from './random.ts'
import { type Check, type RunFailure, type RunOptions, type RunResult, run } from './run.ts'
import { checkNetwork, checkSeed, maker } from './simulation.ts'
import { describeStep, type Plan, planOf, type Workload } from './workload.ts'

/** The app under simulation, and the conditions that must hold. */
export interface Scenario {
  /**
   * The app, or a function that makes one. With a function each simulated process gets its own app, as in production.
   */
  readonly app: App | (() => App)
  /** The kinds of faults to inject: `'all'` (default), `'none'`, or by name. */
  readonly faults?: Faults | 'all' | 'none' | undefined
  /** Answers the requests that `deliver` sends, as of {@link simulation}; the fault `networkFails` is on its way. */
  readonly network?: Network | undefined
  /**
   * Records the actions of clients. It is called once for each seed, synchronously, and takes chance from its second
   * argument.
   */
  readonly workload: (work: Workload, random: Random) => void
  /**
   * Safety: checks conditions that must hold at every moment, under any fault. Called whenever data have reached the
   * disk; throws when a condition does not hold.
   */
  readonly always?: Check | Readonly<Record<string, Check>> | undefined
  /** Liveness: checks conditions that must hold once the faults have ended and every message is handled or held. */
  readonly eventually?: Check | Readonly<Record<string, Check>> | undefined
  /** The command that replays a failure; ` --seed N` is appended. Default: `npx millrace simulate app.ts`. */
  readonly replay?: string | undefined
}

/** Options of {@link simulate}: a scenario, and the way to run it. */
export interface SimulateOptions extends Scenario {
  /** A number of seeds, from 1 on, or a list of seeds; default 100. */
  readonly seeds?: number | readonly number[] | undefined
  /** A known failure: runs only its seed, with the steps of the workload that it needs. */
  readonly pinned?: Pin | undefined
  /** True to shrink the workload of a failure. Default true. */
  readonly shrink?: boolean | undefined
  /** Called after each seed. */
  readonly progress?: ((report: SimulationReport) => void) | undefined
}

/** Identifies one run exactly. */
export interface Pin {
  readonly seed: number
  /** The numbers of the steps of the workload to do; default: all. */
  readonly steps?: readonly number[] | undefined
}

/** The totals of the runs. Each seed counts once, though it runs twice. */
export interface SimulationReport {
  readonly seeds: number
  readonly steps: number
  readonly simulatedMs: number
  /** The number of process starts. */
  readonly starts: number
  readonly faults: FaultCounts
}

/** The `data` of `millrace/simulation-failed`. */
export interface SimulationFailure extends Pin {
  readonly step: number
  /** The failed check, or another problem. */
  readonly what: string
  /** The actions of the clients, in words. */
  readonly workload: readonly string[]
  readonly trace: readonly string[]
  readonly replay: string
}

const seedsDefault = 100
const replayDefault = commandLine('simulate app.ts')
const shrinkRunsMax = 200
/** The bound on the steps of all shrinking runs: each is long where a run fails because it stalls. */
const shrinkStepsMax = 1_000_000
const traceLinesShown = 30
const knownOptions = [
  'app',
  'faults',
  'network',
  'workload',
  'always',
  'eventually',
  'replay',
  'seeds',
  'pinned',
  'shrink',
  'progress',
]

/**
 * Runs an app under many seeds to find bugs that a single test misses: clients work, faults occur, the process crashes.
 * It checks the conditions that must always hold, ends the faults, waits until all is idle, and checks the final
 * conditions. Each seed runs twice and must produce the same trace. A failure is shrunk and names the command that
 * replays it.
 *
 * @param options the app, the faults, the workload, the checks, and the seeds
 * @returns the totals of the runs
 * @throws `millrace/simulation-failed` with seed, step, check and the command that replays it, the error of the check
 *   as `cause`, and a `SimulationFailure` as `data`; `millrace/not-deterministic` with the cause that the seed does not
 *   decide; `millrace/no-check`, `millrace/bad-option`, `millrace/unknown-option`
 *
 * @example
 * ```ts
 * const { seeds } = await simulate({
 *   app: () => app({ name: 'shop', broker: sqlite({ file: 'shop.db' }), setup: tables, parts: [...declared, ...served] }),
 *   seeds: 2,
 *   workload: (work, random) => {
 *     for (let n = 0; n < 3; n++) {
 *       work.send(TakeStock, { orderId: `o-${n}`, sku: 'sieve', quantity: 1 })
 *       work.wait(random.below(100))
 *     }
 *   },
 *   eventually: (view) => {
 *     if (view.held().length > 0) throw new Error('something is held')
 *   },
 * })
 * console.assert(seeds === 2)
 * ```
 */
export async function simulate(options: SimulateOptions): Promise<SimulationReport> {
  return simulateWith(options, undefined)
}

/** Simulates, and checks at each moment in which data have reached the disk: for proving the engine itself. */
export async function simulateWith(
  options: SimulateOptions,
  watch: (() => Watch) | undefined,
): Promise<SimulationReport> {
  checkOptions('simulate', options, knownOptions)
  const { workload, pinned, shrink = true, progress, replay = replayDefault } = options
  if (typeof workload !== 'function') throw fault('millrace/bad-option', 'simulate: workload must be a function')
  const always = checksOf('always', options.always)
  const eventually = checksOf('eventually', options.eventually)
  if (Object.keys(always).length + Object.keys(eventually).length === 0) {
    throw fault('millrace/no-check', 'simulate: neither always nor eventually says what has to hold')
  }
  const make = maker('simulate', { app: options.app })
  const faults = faultsOf('simulate', options.faults)
  const network = checkNetwork('simulate', options.network)
  let report: SimulationReport = { seeds: 0, steps: 0, simulatedMs: 0, starts: 0, faults: noFaults() }

  for (const seed of seedsOf(options)) {
    const plan = planOf(workload, randomOf(seed, 'workload'))
    const again = planOf(workload, randomOf(seed, 'workload'))
    const differs = plan.steps.findIndex(({ step }, place) => {
      const other = again.steps[place]?.step
      return other === undefined || describeStep(step) !== describeStep(other)
    })
    if (differs !== -1 || plan.steps.length !== again.steps.length) {
      throw notDeterministic(
        [],
        `seed ${seed}: written down twice, the workload differs: take chance from its second argument; `,
      )
    }
    const kept = pinned?.steps
    if (kept?.some((step) => plan.steps[step] === undefined)) {
      throw fault(
        'millrace/bad-option',
        `simulate: pinned.steps names steps past the ${plan.steps.length} of the workload`,
      )
    }
    const runOptions = (steps: readonly number[] | undefined, during: Faults = faults): RunOptions => ({
      make,
      seed,
      plan: steps === undefined ? plan : { ...plan, steps: steps.map((step) => plan.steps[step]!).filter(Boolean) },
      faults: during,
      network,
      always,
      eventually,
      watch: watch?.(),
    })
    const first = await run(runOptions(kept))
    const second = await run(runOptions(kept))
    const difference = firstDifference(first.trace, second.trace)
    if (difference !== undefined) {
      const third = await run({ ...runOptions(kept), deep: true })
      throw notDeterministic([...second.hidden, ...third.hidden], `seed ${seed}: ${difference}\n`)
    }
    if (first.failure !== undefined) {
      const deep = await run({ ...runOptions(kept), deep: true })
      if (deep.failure?.what === 'the rules of a simulation') throw deep.failure.error
      const smallest = shrink ? await shrunk(first, runOptions, kept ?? plan.steps.map((_, step) => step)) : undefined
      throw failed(seed, plan, smallest ?? { result: first, steps: kept }, replay)
    }
    report = sumOf(report, { seeds: 1, ...first })
    progress?.(report)
  }
  return report
}

/** Adds two reports. */
export function sumOf(one: SimulationReport, other: SimulationReport): SimulationReport {
  const faults = noFaults()
  for (const kind of faultKinds) faults[kind] = one.faults[kind] + other.faults[kind]
  return {
    seeds: one.seeds + other.seeds,
    steps: one.steps + other.steps,
    simulatedMs: one.simulatedMs + other.simulatedMs,
    starts: one.starts + other.starts,
    faults,
  }
}

function checksOf(name: string, given: SimulateOptions['always']): Readonly<Record<string, Check>> {
  if (given === undefined) return {}
  if (typeof given === 'function') return { '': given }
  if (typeof given !== 'object' || given === null) {
    throw fault('millrace/bad-option', `simulate: ${name} must be a function, or functions by name`)
  }
  for (const [title, fn] of Object.entries(given)) {
    if (typeof fn !== 'function') throw fault('millrace/bad-option', `simulate: ${name} "${title}" must be a function`)
  }
  return given
}

function seedsOf({ seeds = seedsDefault, pinned }: SimulateOptions): Iterable<number> {
  if (pinned !== undefined) {
    checkOptions('simulate: pinned', pinned, ['seed', 'steps'])
    checkSeed('simulate: pinned', pinned.seed)
    if (pinned.steps !== undefined && !(Array.isArray(pinned.steps) && pinned.steps.every(Number.isSafeInteger))) {
      throw fault('millrace/bad-option', 'simulate: pinned.steps must be a list of whole numbers')
    }
    return [pinned.seed]
  }
  if (Array.isArray(seeds)) {
    for (const seed of seeds) checkSeed('simulate', seed)
    if (seeds.length === 0) throw fault('millrace/bad-option', 'simulate: seeds is empty')
    return seeds
  }
  if (!Number.isSafeInteger(seeds) || (seeds as number) < 1) {
    throw fault(
      'millrace/bad-option',
      `simulate: seeds is ${shownValue(seeds)}, but must be a whole number from 1, or a list`,
    )
  }
  return Array.from({ length: seeds as number }, (_, index) => index + 1)
}

function firstDifference(one: readonly string[], other: readonly string[]): string | undefined {
  for (let line = 0; line < Math.max(one.length, other.length); line++) {
    if (one[line] === other[line]) continue
    return `run twice, it goes two ways at line ${line + 1} of its trace: "${one[line] ?? 'its end'}" and "${other[line] ?? 'its end'}"`
  }
  return undefined
}

interface Shrunk {
  readonly result: RunResult
  readonly steps: readonly number[] | undefined
}

/** The key of a failure: the check, the error, and its message without numbers and quoted text. */
function kindOf({ what, error }: RunFailure): string {
  const { name, code, message } = (error ?? {}) as { name?: string; code?: string; message?: string }
  const said = String(message ?? error).split('\n')[0]!
  return [what, name, code, said.replaceAll(/"[^"]*"|'[^']*'|[\d.]+/g, '…')].join(' ')
}

/**
 * Leaves out steps, in halves, quarters and so on, while the same check fails for the same reason. A failure that needs
 * faults must not fail without them. A failure that needs none must not fail without any step. A check that counts the
 * whole workload fails without faults for each part of it; such a part proves nothing and is not taken.
 */
async function shrunk(
  found: RunResult,
  runOptions: (steps: readonly number[], during?: Faults) => RunOptions,
  all: readonly number[],
): Promise<Shrunk> {
  const kind = kindOf(found.failure!)
  let best: Shrunk = { result: found, steps: all }
  let runs = 0
  let spent = 0
  const failsWithoutFaults = async (steps: readonly number[]) => {
    runs++
    const result = await run(runOptions(steps, faultsOf('simulate', 'none')))
    spent += result.steps
    return result.failure !== undefined
  }
  const needsFaults = !(await failsWithoutFaults(all))
  if (!needsFaults && (await failsWithoutFaults([]))) return best
  for (let size = Math.ceil(all.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < best.steps!.length && runs < shrinkRunsMax && spent < shrinkStepsMax; ) {
      const steps = best.steps!.filter((_, place) => place < from || place >= from + size)
      runs++
      const result = await run(runOptions(steps))
      spent += result.steps
      const same = result.failure !== undefined && kindOf(result.failure) === kind
      if (same && !(needsFaults && (await failsWithoutFaults(steps)))) best = { result, steps }
      else from += size
    }
  }
  return best
}

function failed(seed: number, plan: Plan, { result, steps }: Shrunk, command: string): MillraceError {
  const { what, error, step } = result.failure as RunFailure
  const kept = steps ?? plan.steps.map((_, place) => place)
  const workload = kept.map((place) => plan.steps[place]).map((one) => describeStep(one!.step))
  const replay = `${command} --seed ${seed}`
  const pin = kept.length === plan.steps.length ? `{ seed: ${seed} }` : `{ seed: ${seed}, steps: [${kept.join(', ')}] }`
  const data: SimulationFailure = { seed, steps, step, what, workload, trace: result.trace, replay }
  // The message has the end of the trace; printing all of it would bury the message.
  Object.defineProperty(data, 'trace', { enumerable: false })
  const lines = [
    `seed ${seed}, step ${step}: ${what} does not hold: ${messageOf(error)}`,
    `replay: ${replay}`,
    `as a test: await simulate({ ...scenario, pinned: ${pin} })`,
    kept.length < plan.steps.length
      ? `${kept.length} of ${plan.steps.length} steps of the workload are enough:`
      : `the ${kept.length} steps of the workload:`,
    ...workload.slice(0, traceLinesShown).map((line) => `  ${line}`),
    `the last of ${result.trace.length} lines of the trace:`,
    ...result.trace.slice(-traceLinesShown).map((line) => `  ${line}`),
  ]
  return fault('millrace/simulation-failed', lines.join('\n'), { cause: error, data })
}
