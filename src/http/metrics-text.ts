// What is counted of an app as text for Prometheus, format 0.0.4: families, each with HELP, TYPE and its samples. Labels are
// names of the code only, of parts, topics and channels: what users send makes no series.
// https://prometheus.io/docs/instrumenting/exposition_formats/
import { type Histogram, histogramBoundsMs, type Metrics, type PartMetrics } from '../model/metrics.ts'
import type { Counts } from './counts.ts'

export const metricsType = 'text/plain; version=0.0.4; charset=utf-8'

/** An app as it is measured; `metrics` is undefined while it does not run. */
export interface Measured {
  readonly health: 'green' | 'red'
  readonly metrics: Metrics | undefined
  readonly edge: Readonly<Counts>
}

const unencoded = 'millrace_ce_header_unencoded_total'

type Labels = Readonly<Record<string, string>>
type Sample = readonly [suffix: string, labels: Labels, value: number]

interface Family {
  readonly type: 'gauge' | 'counter' | 'histogram'
  readonly help: string
  readonly samples: (part: PartMetrics, labels: Labels) => readonly Sample[]
}

const one =
  (read: (part: PartMetrics) => number): Family['samples'] =>
  (part, labels) => [['', labels, read(part)]]

const histogram =
  (of: (part: PartMetrics) => Histogram): Family['samples'] =>
  (part, labels) => {
    const { buckets, count, sumMs } = of(part)
    let below = 0
    const bounded = histogramBoundsMs.map((ms, at): Sample => {
      below += buckets[at]!
      return ['_bucket', { ...labels, le: String(ms / 1_000) }, below]
    })
    return [
      ...bounded,
      ['_bucket', { ...labels, le: '+Inf' }, count],
      ['_sum', labels, sumMs / 1_000],
      ['_count', labels, count],
    ]
  }

const families: Readonly<Record<string, Family>> = {
  millrace_lag: {
    type: 'gauge',
    help: 'Messages of its topic or channel that a processor has not done.',
    samples: one(({ lag }) => lag),
  },
  millrace_held: {
    type: 'gauge',
    help: 'Messages of a processor that are held at the desk.',
    samples: one(({ held }) => held),
  },
  millrace_handled_total: {
    type: 'counter',
    help: 'Attempts that ended well: their commit is on disk.',
    samples: one(({ counts }) => counts.handled),
  },
  millrace_failed_total: {
    type: 'counter',
    help: 'Attempts that failed, for whatever reason.',
    samples: one(({ counts }) => counts.failed),
  },
  millrace_refused_total: {
    type: 'counter',
    help: 'Attempts in which the handler refused the message.',
    samples: one(({ counts }) => counts.refused),
  },
  millrace_attempt_seconds: {
    type: 'histogram',
    help: 'Time from the beginning of an attempt to its end.',
    samples: histogram(({ counts }) => counts.attempt),
  },
  millrace_critical_time_seconds: {
    type: 'histogram',
    help: 'Time from when a message was published, or was due, until it is handled.',
    samples: histogram(({ counts }) => counts.critical),
  },
}

/** Returns the text. Of an app that does not run there is nothing of parts. */
export function metricsText({ health, metrics, edge }: Measured): string {
  const lines = [
    ...headOf('millrace_up', 'gauge', 'Whether the app runs.'),
    sampleOf('millrace_up', {}, metrics === undefined ? 0 : 1),
    ...headOf('millrace_healthy', 'gauge', 'Whether the app works as it should, as /health tells.'),
    sampleOf('millrace_healthy', {}, health === 'green' ? 1 : 0),
    ...headOf(
      unencoded,
      'counter',
      'Headers of CloudEvents with a percent that is no encoding: it is taken as it stands.',
    ),
    sampleOf(unencoded, {}, edge.headersUnencoded),
  ]
  const parts = metrics?.parts ?? []
  for (const [name, { type, help, samples }] of parts.length === 0 ? [] : Object.entries(families)) {
    lines.push(...headOf(name, type, help))
    for (const part of parts) {
      const labels = { processor: part.name, part: part.part.name, on: part.on }
      for (const [suffix, all, value] of samples(part, labels)) lines.push(sampleOf(name + suffix, all, value))
    }
  }
  return `${lines.join('\n')}\n`
}

const headOf = (name: string, type: Family['type'], help: string) => [
  `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`,
  `# TYPE ${name} ${type}`,
]

function sampleOf(name: string, labels: Labels, value: number): string {
  const all = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`)
  return `${name}${all.length === 0 ? '' : `{${all.join(',')}}`} ${value}`
}

const escaped = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
