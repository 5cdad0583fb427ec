import type { Telemetry } from '../../seam/telemetry.ts'
import type { ProcessorSpec } from '../spec.ts'
import type { AttemptHost } from './attempt.ts'
import type { Attempts } from './attempts.ts'
import { type Delivery, endOf } from './delivery.ts'
import type { DeskWrites } from './desk-writes.ts'
import { Exchanges } from './exchanges.ts'
import type { Failing } from './failing.ts'
import type { ConsumerHost } from './host.ts'
import type { Progress } from './progress.ts'

export interface AttemptHostParts {
  readonly spec: ProcessorSpec
  readonly progress: Progress
  /** The name in its idempotency keys. */
  readonly keyName: string
  readonly generation: number
  readonly run: Pick<
    ConsumerHost,
    | 'world'
    | 'store'
    | 'committer'
    | 'flows'
    | 'limits'
    | 'app'
    | 'pause'
    | 'watching'
    | 'encode'
    | 'counters'
    | 'telemetry'
  >
  attempts(): Pick<Attempts, 'late'>
  writes(): Pick<DeskWrites, 'requestEnd' | 'ending'>
  failing(): Pick<Failing, 'probing' | 'failed'>
  pull(): void
  committed(delivery: Delivery): void
}

/** Fits the parts of a processor to what its attempts, and the commits of these, need. */
export function attemptHostOf({ spec, progress, keyName, generation, run, ...parts }: AttemptHostParts): AttemptHost {
  const { world, store, committer, flows, limits, watching, counters, telemetry } = run
  const { name } = spec
  const settledAndCommitted = (delivery: Delivery) => {
    committer.settled()
    delivery.span?.settled('acknowledge')
    counters.handled(delivery.startedAt, delivery.message.time)
    parts.committed(delivery)
  }
  const toldAndCommitted = (delivery: Delivery) => {
    watching!.told(endOf(name, delivery, { outcome: 'handled', attempt: delivery.attempts + 1 }))
    settledAndCommitted(delivery)
  }
  return {
    name,
    keyName,
    spec,
    progress,
    generation,
    flows,
    exchanges: new Exchanges({ app: run.app, world, pause: (reason) => run.pause(name, reason) }),
    read: store.query,
    replyBytesMax: limits.messageBytesMax,
    now: () => world.now(),
    log: (level, text, fields) => world.log(level, text, fields),
    pull: parts.pull,
    encode: (type, data, cause, options) => run.encode(type, data, { part: name, cause }, options),
    traced: telemetry === undefined ? undefined : tracing(telemetry, spec),
    bind: (fn) => world.bind(fn),
    callback: (attempt, fn) => world.callback(attempt, fn),
    late: (attempt, error) => parts.attempts().late(attempt, error),
    replied: (message, reply, trace) => parts.writes().requestEnd(message, 'replied', reply, trace),
    deskEnd: ({ entry }) => parts.writes().ending(entry!),
    committed: watching === undefined ? settledAndCommitted : toldAndCommitted,
    commitFailed: (delivery, error) => {
      committer.settled()
      delivery.span?.failed(error)
      // Its processor begins anew: the message has its turn there.
      if (committer.isClosed) return
      parts.failing().probing.takeBack()
      parts.failing().failed(delivery, error)
    },
  }
}

/** The handler of each attempt runs within its span. */
function tracing(telemetry: Telemetry, { name: processor, destination }: ProcessorSpec): AttemptHost['traced'] {
  return (delivery, { type, handle }) => {
    const of = { message: delivery.message, processor, destination: destination.name }
    const span = telemetry.attempt(of, type, delivery.attempts + 1)
    delivery.span = span
    return (message, context) => span.within(() => handle(message, context))
  }
}
