// Makes the handlers and rules of a simulated process fail or take their time.
import { ownerNow } from '../../adapters/node/late-errors.ts'
import { Attempt } from '../../engine/consumer/attempt.ts'
import { Branch } from '../../engine/flow/branches.ts'
import type { Failure } from '../../engine/spec.ts'
import { defaults } from '../../model/options.ts'
import type { FaultPlan, HandlerFault } from '../faults.ts'
import type { Life } from '../scheduler.ts'
import type { Trace } from '../trace.ts'
import type { Calls, Named } from './calls.ts'
import { Died, injected } from './death.ts'

/** About the longest time of a slow rule, but for those that take too long, milliseconds. */
const ruleMs = defaults.decideMs.default

/** What the interference needs of its process. */
export interface InterferenceHost {
  readonly life: Life
  readonly faults: FaultPlan
  readonly trace: Trace
  readonly calls: Calls
  /** The engine calls a handler. */
  called(processor: string): void
  /** Resolves after so many milliseconds, if the process still lives. */
  pause(ms: number): Promise<void>
}

/** A call of a user's function. */
interface Call {
  readonly owner: object
  /** The name of its owner. */
  readonly who: string
  /** What it does, in the trace. */
  readonly does: string
  readonly processor: string
  readonly message: Named
}

/** How a call is made. */
interface Making {
  /** About how long it may take, milliseconds. */
  readonly timeMs: number
  readonly call: () => unknown
  /** Whether the engine still waits for it. */
  readonly isWanted: () => boolean
}

export class Interference {
  private readonly host: InterferenceHost
  /** Attempts whose next read takes its time. */
  private readonly slow = new WeakSet<object>()

  constructor(host: InterferenceHost) {
    this.host = host
  }

  /** Makes the call of a user's function for its owner; `given` is its first argument. */
  guarded(owner: object, given: unknown, call: () => unknown): unknown {
    if (owner instanceof Branch) {
      this.host.calls.name(owner, `mediator "${owner.mediator}"`)
      return call()
    }
    return owner instanceof Attempt ? this.handle(owner, call) : this.judge(owner, given as Failure, call)
  }

  /** How long the read takes that the code of the present owner begins; undefined where it is as quick as any. */
  slowReadMs(): number | undefined {
    const attempt = ownerNow()
    if (!(attempt instanceof Attempt && this.slow.delete(attempt))) return undefined
    return this.host.faults.slowMs(attempt.processor.spec.timeoutMs)
  }

  private handle(attempt: Attempt, call: () => unknown): unknown {
    const { processor, delivery } = attempt
    const { name, spec } = processor
    this.host.called(name)
    const fault = this.draw({
      owner: attempt,
      who: `processor "${name}"`,
      does: `${name} handles`,
      processor: name,
      message: delivery.message,
    })
    if (fault === 'slowInside') {
      this.slow.add(attempt)
      return call()
    }
    // Once the engine has given it up, a handler that begins would be one that nobody called.
    return this.make(fault, { timeMs: spec.timeoutMs, call, isWanted: () => attempt.state === 'running' })
  }

  /** Calls the rule of a desk. */
  private judge(owner: object, { processor, message }: Failure, call: () => unknown): unknown {
    const fault = this.draw({
      owner,
      who: `the rule for processor "${processor}"`,
      does: `rule for ${processor} judges`,
      processor,
      message,
    })
    // One that the engine has given up is not called: a rule begins at once, or not at all.
    return this.make(fault === 'slowBefore' ? 'slowAfter' : fault, { timeMs: ruleMs, call, isWanted: () => true })
  }

  /** Draws the fault of a call, and notes the call. */
  private draw({ owner, who, does, processor, message }: Call): HandlerFault | undefined {
    const { life, faults, trace, calls } = this.host
    if (!life.alive) throw new Died()
    const fault = faults.handler()
    calls.name(owner, who)
    if (fault !== undefined) calls.interfere(processor, message)
    trace.add(`${does} ${message.type} ${message.id}${fault === undefined ? '' : `, ${told[fault]}`}`)
    return fault
  }

  private make(fault: HandlerFault | undefined, { timeMs, call, isWanted }: Making): unknown {
    const pause = () => this.host.pause(this.host.faults.slowMs(timeMs))
    switch (fault) {
      case 'failsBefore':
        throw new Error(injected)
      case 'failsAfter':
        return Promise.resolve(call()).then(() => {
          throw new Error(injected)
        })
      case 'slowBefore':
        return pause().then(() => {
          if (!isWanted()) throw new Error(injected)
          return call()
        })
      case 'slowAfter':
        return Promise.resolve(call()).then((result) => pause().then(() => result))
      default:
        return call()
    }
  }
}

/** A fault, as the trace tells it. */
const told: Readonly<Record<HandlerFault, string>> = {
  failsBefore: 'fails at once',
  failsAfter: 'fails at its end',
  slowBefore: 'begins late',
  slowInside: 'reads slowly',
  slowAfter: 'ends late',
}
