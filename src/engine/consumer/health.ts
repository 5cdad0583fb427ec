// How a processor looks to people.
import type { Counts } from '../../model/metrics.ts'
import type { ProcessorSpec } from '../spec.ts'
import type { Status } from './status.ts'

export interface Looked {
  readonly spec: Pick<ProcessorSpec, 'name' | 'part' | 'destination' | 'concurrency'>
  readonly status: Status
  readonly progress: { readonly low: number }
  readonly reader: { readonly head: number; readonly messages: number; readonly isBehind: boolean }
  readonly attempts: { readonly taken: number; readonly stuck: boolean }
  readonly side: {
    readonly desk: { readonly tried: number }
    readonly failing: { readonly probing: { readonly active: boolean; readonly next?: number | undefined } }
  }
  readonly deadlines: { readonly overdue: number }
  readonly counters: { readonly values: Counts }
}

export function stateOf(looked: Looked) {
  const { spec, progress, reader, attempts, side } = looked
  return {
    name: spec.name,
    part: spec.part,
    destination: spec.destination.name,
    position: progress.low,
    head: reader.head,
    lag: Math.max(0, reader.head - progress.low),
    running: attempts.taken,
    concurrency: spec.concurrency,
    tried: side.desk.tried,
    inMemory: reader.messages,
    state: stateName(looked),
    counts: looked.counters.values,
  }
}

function stateName({ status, reader, attempts, side }: Looked): 'paused' | 'stuck' | 'probing' | 'behind' | 'live' {
  if (status === 'paused') return 'paused'
  if (attempts.stuck) return 'stuck'
  if (side.failing.probing.active) return 'probing'
  return reader.isBehind ? 'behind' : 'live'
}

/** The reasons why a processor is not healthy. */
export function reasonsOf({ spec: { name }, attempts, deadlines, side }: Looked): string[] {
  const reasons: string[] = []
  if (attempts.stuck) reasons.push(`processor "${name}" is stuck: all its attempts outlived their time`)
  const late = deadlines.overdue
  if (late > 0) reasons.push(`processor "${name}" is late: ${late} commands have passed their deadline`)
  if (side.failing.probing.active) reasons.push(`processor "${name}" is probing: its last attempts have all failed`)
  return reasons
}
