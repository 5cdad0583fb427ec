import { randomOf } from '../../src/testing/random.ts'
import { type SimulateOptions, type SimulationReport, simulateWith, sumOf } from '../../src/testing/simulate.ts'
import { generate } from './generate.ts'
import { Model } from './model.ts'

/**
 * Proves the engine with a random app of its own for each seed: faults, crashes, power cuts, and a model that knows
 * what may be observed.
 */
export async function proveEngine(
  seeds: Iterable<number>,
  { progress, shrink }: Pick<SimulateOptions, 'progress' | 'shrink'> = {},
): Promise<SimulationReport> {
  let total: SimulationReport | undefined
  for (const seed of seeds) {
    let model: Model
    const { make, workload, processors, expected } = generate(seed, () => model)
    const report = await simulateWith(
      {
        app: make,
        seeds: [seed],
        workload,
        replay: 'npm run simulate --',
        shrink,
        eventually: { 'all is handled or at the desk, once': () => model.complete(expected) },
      },
      () => {
        model = new Model(processors, randomOf(seed, 'people'))
        return model
      },
    )
    total = total === undefined ? report : sumOf(total, report)
    progress?.(total)
  }
  if (total === undefined) throw new Error('no seed was given')
  return total
}
