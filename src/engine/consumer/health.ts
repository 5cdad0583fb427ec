// How a processor looks to people.
import type { ProcessorSpec } from '../spec.ts'
import type { Status } from './status.ts'

export interface Looked {
  readonly spec: Pick<ProcessorSpec, 'name' | 'destination' | 'concurrency'>
  readonly status: Status
  readonly progress: { readonly low: number }
  readonly reader: { readonly head: number; readonly messages: number; readonly isBehind: boolean }
  readonly attempts: { readonly taken: number; readonly stuck: boolean }
  readonly desk: { readonly tried: number }
  readonly probing: { readonly active: boolean }
  readonly deadlines: { readonly overdue: number }
}

export function stateOf(looked: Looked) {
  const { spec, progress, reader, attempts, desk } = looked
  return {
    name: spec.name,
    destination: spec.destination.name,
    position: progress.low,
    head: reader.head,
    lag: Math.max(0, reader.head - progress.low),
    running: attempts.taken,
    concurrency: spec.concurrency,
    tried: desk.tried,
    inMemory: reader.messages,
    state: stateName(looked),
  }
}

function stateName({ status, reader, attempts, probing }: Looked): 'paused' | 'stuck' | 'probing' | 'behind' | 'live' {
  if (status === 'paused') return 'paused'
  if (attempts.stuck) return 'stuck'
  if (probing.active) return 'probing'
  return reader.isBehind ? 'behind' : 'live'
}

/** The reasons why a processor is not healthy. */
export function reasonsOf({ spec: { name }, attempts, deadlines, probing }: Looked): string[] {
  const reasons: string[] = []
  if (attempts.stuck) reasons.push(`processor "${name}" is stuck: all its attempts outlived their time`)
  const late = deadlines.overdue
  if (late > 0) reasons.push(`processor "${name}" is late: ${late} commands have passed their deadline`)
  if (probing.active) reasons.push(`processor "${name}" is probing: its last attempts have all failed`)
  return reasons
}
