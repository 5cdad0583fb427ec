import { faultKinds } from '../../src/testing/faults.ts'
import { type SimulationReport, simulateWith } from '../../src/testing/simulate.ts'
import { generate } from './generate.ts'
import { Model } from './model.ts'

/**
 * Proves the engine with a random app of its own for each seed: faults, crashes, power cuts, and a model that knows
 * what may be observed.
 */
export async function proveEngine(
  seeds: Iterable<number>,
  progress: (report: SimulationReport) => void = () => {},
): Promise<SimulationReport> {
  let total: SimulationReport | undefined
  for (const seed of seeds) {
    const { make, workload, processors, expected } = generate(seed)
    let model = new Model(processors)
    const report = await simulateWith(
      {
        app: () => make(() => model),
        seeds: [seed],
        workload,
        replay: 'npm run simulate --',
        eventually: { 'all is handled or at the desk, once': () => model.complete(expected) },
      },
      () => {
        model = new Model(processors)
        return model
      },
    )
    total = total === undefined ? report : sum(total, report)
    progress(total)
  }
  if (total === undefined) throw new Error('no seed was given')
  return total
}

function sum(one: SimulationReport, other: SimulationReport): SimulationReport {
  return {
    seeds: one.seeds + other.seeds,
    steps: one.steps + other.steps,
    simulatedMs: one.simulatedMs + other.simulatedMs,
    starts: one.starts + other.starts,
    faults: Object.fromEntries(faultKinds.map((kind) => [kind, one.faults[kind] + other.faults[kind]])) as never,
  }
}
