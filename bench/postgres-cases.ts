import { type Case, type Line, quotient, type Run } from './cases.ts'
import type { Scale } from './scale.ts'
import type { Load, PostgresLoad } from './task.ts'

const usual: Load = { work: 'handle', inFlight: 1000, contexts: 1000, processors: 1 }

/** The cases on PostgreSQL. */
export function postgresCases(scale: Scale): Case[] {
  const { rounds, relativeRounds, warmMs, measureMs } = scale
  const span = { warmMs, measureMs }
  const of = (load: Load & PostgresLoad): Run => ({ task: { by: 'postgres', ...load, ...span } })
  const raw = (load: Load): Run => ({ task: { by: 'postgres.raw', ...load, ...span } })
  const line = (name: string, unit: Line['unit'], figure: string): Line => ({
    name: `postgres.${name}`,
    unit,
    value: ({ columns }) => columns.millrace?.[figure],
  })
  const byBase = (name: string, figure: string): Line => ({
    name: `postgres.${name}`,
    unit: 'ratio',
    value: ({ columns: { millrace, base } }) => quotient(millrace, base, figure),
  })

  const rate = (name: string, load: Load, lines: Line[] = []): Case => ({
    server: 'postgres',
    rounds,
    runs: { raw: raw({ ...load, work: 'publish' }), millrace: of(load), rawShape: raw(load) },
    peerLoad: load,
    lines: [line(name, '/s', 'perSecond'), ...lines],
  })
  const shared = (ours: boolean, theirs: boolean): Run => ({ task: { by: 'postgres.shared', ours, theirs, ...span } })

  return [
    rate('publish', { ...usual, work: 'publish' }),
    rate('handle.norow', usual, [line('bytes', 'B', 'walBytes')]),
    rate('handle.row', { ...usual, work: 'row' }),
    {
      server: 'postgres',
      rounds,
      runs: { millrace: { task: { by: 'postgres.flow', steps: 3, inFlight: 100, ...span } } },
      peerFlows: { steps: 3, inFlight: 100 },
      lines: [
        { ...line('flow.3', '/s', 'perSecond'), peer: 'perSecond' },
        { ...line('flow.3.p50', 'ms', 'p50Ms'), peer: 'p50Ms' },
        { ...line('flow.3.p99', 'ms', 'p99Ms'), peer: 'p99Ms' },
      ],
    },
    {
      server: 'postgres',
      rounds,
      runs: { millrace: { task: { by: 'postgres.latency', perSecond: 100, warmMs, measureMs: scale.latencyMs[100] } } },
      lines: [line('latency.p50', 'ms', 'p50Ms'), line('latency.p99', 'ms', 'p99Ms')],
    },
    {
      server: 'postgres',
      rounds: 1,
      runs: { millrace: { task: { by: 'postgres.idle', measureMs: scale.latencyMs[1] / 4 } } },
      lines: [line('idle', '/s', 'perSecond')],
    },
    {
      server: 'postgres',
      rounds: relativeRounds,
      runs: { base: of(usual), millrace: of({ ...usual, open: scale.openTransactions }) },
      lines: [byBase('find.500', 'perSecond')],
    },
    {
      server: 'postgres',
      rounds: relativeRounds,
      runs: { base: shared(true, false), millrace: shared(true, true) },
      lines: [byBase('shared', 'perSecond')],
    },
    {
      server: 'postgres',
      rounds: relativeRounds,
      runs: { base: shared(false, true), millrace: shared(true, true) },
      lines: [byBase('shared.p99', 'p99Ms')],
    },
  ]
}
