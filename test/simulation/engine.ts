import type { App } from '../../src/app/app.ts'
import { type Faults, faultsOf } from '../../src/testing/faults.ts'
import type { Watch } from '../../src/testing/machine/watch.ts'
import { randomOf } from '../../src/testing/random.ts'
import { type RunFailure, run } from '../../src/testing/run.ts'
import { type SimulateOptions, type SimulationReport, simulateWith, sumOf } from '../../src/testing/simulate.ts'
import { planOf } from '../../src/testing/workload.ts'
import { type FarCounts, farStore } from '../support/far-store.ts'
import { type Bias, generate } from './generate.ts'
import { Model } from './model.ts'

/**
 * Proves the engine with a random app of its own for each seed: faults, crashes, power cuts, and a model that knows
 * what may be observed.
 */
export async function proveEngine(
  seeds: Iterable<number>,
  { progress, shrink, far }: Pick<SimulateOptions, 'progress' | 'shrink'> & Far = {},
): Promise<SimulationReport> {
  let total: SimulationReport | undefined
  for (const seed of seeds) {
    const { make, workload, eventually, watch, network } = scenarioOf(seed, undefined, far)
    const options = { app: make, network, seeds: [seed], workload, replay: 'npm run simulate --', shrink, eventually }
    const report = await simulateWith(options, watch)
    total = total === undefined ? report : sumOf(total, report)
    progress?.(total)
  }
  if (total === undefined) throw new Error('no seed was given')
  return total
}

interface Far {
  /** Runs behind a store that is far away; counts what that gives. */
  readonly far?: FarCounts | undefined
}

const farChances = { trouble: 0.01, known: 0.05, lost: 0.006, first: 0.05 }

/** What a hunt for a failure keeps to; default is what the engine is proven with. */
export interface Hunt {
  readonly faults?: Faults
  readonly bias?: Bias
}

/** Without what few mutations need. */
const lean: Bias = { edge: false, snoozes: false, finder: false, trials: false, alerts: false, fires: false }

/** What goes wrong with one seed, which is run once. */
export async function failureOf(seed: number, { faults, bias = lean }: Hunt = {}): Promise<RunFailure | undefined> {
  const { make, workload, eventually, watch, network } = scenarioOf(seed, bias)
  const plan = planOf(workload, randomOf(seed, 'workload'))
  const options = {
    make,
    seed,
    plan,
    faults: faultsOf('hunt', faults),
    always: {},
    eventually,
    network,
    watch: watch(),
  }
  return (await run(options)).failure
}

function scenarioOf(seed: number, bias?: Bias, far?: FarCounts) {
  let model: Model
  const generated = generate(seed, () => model, bias)
  const { make, workload, network, processors, mediators, settling, starts, expected, finds, checkEdge } = generated
  const eventually = {
    'all is handled or at the desk, once': () => {
      model.complete(expected, starts)
      checkEdge()
    },
  }
  const watch = () => {
    model = new Model(processors, mediators, randomOf(seed, 'people'), settling?.())
    model.finds = finds
    if (far === undefined) return model
    const random = randomOf(seed, 'far')
    const chances = { ...farChances }
    const around: Watch['around'] = (store, world) => farStore(store, world, { chances, random, counts: far })
    const rested = model.rested.bind(model)
    // In the end the store answers well, so that people get through.
    const atRest = (app: App) => {
      Object.assign(chances, { trouble: 0, lost: 0 })
      return rested(app)
    }
    return Object.assign(model, { around, rested: atRest })
  }
  return { make, workload, network, eventually, watch }
}
