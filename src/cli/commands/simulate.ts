import { isMillraceError, MillraceError } from '../../index.ts'
import { commandLine } from '../../operate/command-line.ts'
import type { SimulateOptions, SimulationFailure, SimulationReport } from '../../testing/index.ts'
import { type Call, takeWords } from '../call.ts'
import { loadModule } from '../load.ts'
import { UsageError } from '../output.ts'
import { facts, safe, shellWord } from '../print.ts'

interface Words {
  readonly seed?: number | undefined
  readonly seeds?: number | undefined
}

/** Runs the scenario that the app file exports as `simulation`; exit status 1 when a check fails. */
export async function simulate(call: Call, { seed, seeds }: Words): Promise<number> {
  takeWords(call, [], 0)
  const { appFile, out } = call
  if (appFile === undefined) throw new UsageError('name the app file (app.ts)')
  if (seed !== undefined && seeds !== undefined) throw new UsageError('--seed and --seeds do not go together')
  const { app, exported } = await loadModule(appFile)
  const scenario = exported['simulation'] as Omit<SimulateOptions, 'app' | 'seeds'> | undefined
  if (typeof scenario !== 'object' || scenario === null) {
    const has = scenario === undefined ? 'exports no "simulation"' : 'exports a "simulation" that is no object'
    throw new MillraceError(
      'millrace/no-check',
      `${appFile} ${has}: export const simulation = { workload, always, eventually }`,
    )
  }
  // Loaded here, because only this command needs it.
  const testing = await import('../../testing/index.ts')
  const progress = (report: SimulationReport) => {
    if (process.stderr.isTTY) process.stderr.write(`\r${report.seeds} seeds`)
  }
  try {
    const replay = commandLine(`simulate ${shellWord(appFile)}`)
    const chosen = seed === undefined ? seeds : [seed]
    const pinned = chosen === undefined ? scenario.pinned : undefined
    const report = await testing.simulate({ app, replay, ...scenario, seeds: chosen, pinned, progress })
    if (process.stderr.isTTY) process.stderr.write('\r')
    if (out.json) out.object(report)
    else await out.lines(facts(reportFacts(report), out.columns))
    return 0
  } catch (error) {
    if (!isMillraceError(error, 'millrace/simulation-failed')) throw error
    const failure = error.data as SimulationFailure
    if (out.json) out.object({ ...failure, trace: failure.trace, error: error.message })
    else for (const line of error.message.split('\n')) out.line(safe(line))
    return 1
  }
}

function reportFacts({ seeds, steps, starts, simulatedMs, faults }: SimulationReport): [string, string][] {
  const met = Object.entries(faults).filter(([, count]) => count > 0)
  return [
    ['seeds', `${seeds}, each run twice`],
    ['steps', String(steps)],
    ['processes', `${starts} started`],
    ['simulated', `${(simulatedMs / 60_000).toFixed(1)} minutes`],
    ['faults', met.map(([kind, count]) => `${kind} ${count}`).join(', ') || 'none'],
  ]
}
