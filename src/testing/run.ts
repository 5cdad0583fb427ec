// One run of one seed: clients work under faults, the faults end, and the checks tell whether all is right.
import type { App } from '../app/app.ts'
import type { DeskRow } from '../model/desk-views.ts'
import { isMillraceError } from '../model/errors.ts'
import { type FaultCounts, FaultPlan, type Faults } from './faults.ts'
import { type Hidden, isWrong, notDeterministic, watchHidden } from './hidden.ts'
import { injected } from './machine/death.ts'
import { beginsAtDefaultMs, Machine } from './machine/machine.ts'
import type { Network } from './machine/network.ts'
import type { Watch } from './machine/watch.ts'
import { randomOf } from './random.ts'
import { type View, viewOf } from './view.ts'
import type { AcceptedMessage, Actions, Plan, WorkStep } from './workload.ts'

/** The state for a check. */
export interface CheckView extends View {
  /** The messages acknowledged to clients so far. */
  readonly accepted: readonly AcceptedMessage[]
}

/** A check of a simulation. It throws when its condition does not hold. */
export type Check = (view: CheckView) => unknown

export interface RunOptions {
  readonly make: () => App
  readonly seed: number
  readonly plan: Plan
  readonly faults: Faults
  readonly network?: Network | undefined
  readonly always: Readonly<Record<string, Check>>
  readonly eventually: Readonly<Record<string, Check>>
  readonly watch?: Watch | undefined
  /** Whether uses of time and chance that bypass the globals are recorded too, at some cost for each promise. */
  readonly deep?: boolean | undefined
}

export interface RunFailure {
  /** The failed check, `always "…"` or `eventually "…"`, or another problem. */
  readonly what: string
  readonly error: unknown
  readonly step: number
}

export interface RunResult {
  readonly trace: readonly string[]
  readonly steps: number
  readonly simulatedMs: number
  readonly starts: number
  readonly faults: FaultCounts
  readonly failure: RunFailure | undefined
  readonly hidden: readonly Hidden[]
}

const againMsMax = 500
const downMsMax = 3_000
const quietRoundsMax = 10_000
/** The failed publishes of one message, or failed starts in a row, after which the run counts as stalled. */
const triesMax = 300
const checkMsMax = 30_000

// Taken before any code can replace it.
const { setTimeout: realTimeout } = globalThis

class CheckFailed extends Error {
  readonly what: string

  constructor(what: string, cause: unknown) {
    super(what, { cause })
    this.what = what
  }
}

/** Waits for a check, which may read a file. The wait is bounded, since a check that never ends would stall the run. */
async function settles(result: unknown): Promise<void> {
  if (typeof (result as PromiseLike<unknown> | undefined)?.then !== 'function') return
  const late = Promise.withResolvers<never>()
  const timer = realTimeout(() => late.reject(new Error(`the check has not ended after ${checkMsMax} ms`)), checkMsMax)
  try {
    await Promise.race([result, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

export async function run(options: RunOptions): Promise<RunResult> {
  const { seed, plan } = options
  const random = randomOf(seed, 'run')
  const faults = new FaultPlan(options.faults, random.fork('faults'))
  const accepted: AcceptedMessage[] = []
  const known = new Set<string>()
  let started = false
  const check = async (name: string, all: Readonly<Record<string, Check>>) => {
    if (!started) return
    for (const [title, fn] of Object.entries(all)) {
      try {
        await settles(fn(view))
      } catch (error) {
        throw new CheckFailed(title === '' ? name : `${name} "${title}"`, error)
      }
    }
  }
  const machine = new Machine({
    make: options.make,
    seed,
    beginsAt: beginsAtDefaultMs,
    faults,
    network: options.network,
    watch: options.watch,
    check: () => check('always', options.always),
  })
  const view: CheckView = { ...viewOf(machine, seed), accepted }
  const hidden = watchHidden(machine.calls.nameOf, options)
  const { scheduler, trace } = machine
  const always = { alive: true }

  const pause = (ms: number) => new Promise<void>((resolve) => void scheduler.after(ms, always, resolve))
  let over = false
  let up = Promise.withResolvers<App>()
  /** Starts a process whenever none runs, as a supervisor does. */
  const supervise = async () => {
    let failed = 0
    while (!over) {
      if (machine.app === undefined) {
        const lives = await machine.begin().catch((error: unknown) => {
          if (!isMillraceError(error) || !error.retryable || ++failed === triesMax) throw error
          return false
        })
        if (lives && machine.app !== undefined) {
          started = true
          failed = 0
          up.resolve(machine.app)
          await machine.ends()
          up = Promise.withResolvers()
        }
      }
      await pause(random() * downMsMax)
    }
  }
  const running = () => up.promise

  const publish = async (step: WorkStep & { do: 'publish' | 'publish many' }) => {
    const { type } = step
    const messages = step.do === 'publish' ? [step] : step.entries
    const ids = messages.map(({ id }) => id).join(', ')
    const verb = step.do === 'publish many' ? 'publishMany' : type.kind === 'event' ? 'publish' : 'send'
    const call = (app: App): Promise<unknown> => {
      if (step.do === 'publish many') return app.publishMany(type as never, step.entries as never, step.delay)
      const { data, id, delay } = step
      return (app[verb] as App['publish'])(type as never, data as never, { id, ...delay })
    }
    for (let tries = 1; ; tries++) {
      const app = await running()
      const dies = machine.ends()
      const sent = call(app).then(
        () => 'accepted' as const,
        (error: unknown) => error,
      )
      trace.add(`client: ${verb} ${type.name} ${ids}`)
      const end = await Promise.race([sent, dies.then(() => 'died' as const)])
      if (end === 'accepted') {
        trace.add(`client: accepted ${type.name} ${ids}`)
        for (const { id, data } of messages) {
          options.watch?.accepted(type.name, id)
          const key = `${type.name} ${id}`
          if (!known.has(key)) accepted.push({ type: type.name, id, data })
          known.add(key)
        }
        return
      }
      if (end !== 'died' && !(isMillraceError(end) && (end.retryable || end.code === 'millrace/not-started'))) throw end
      if (tries === triesMax) {
        const cause = end === 'died' ? undefined : end
        const why = cause === undefined ? 'the process died each time' : cause.message
        throw new Error(`${verb} of ${type.name} ${ids} has not been accepted in ${tries} tries: ${why}`, { cause })
      }
      await pause(random() * againMsMax)
    }
  }

  let acts = 0
  const act = async ({ what, run }: WorkStep & { do: 'act' }) => {
    const app = await running()
    trace.add(`client: ${what}`)
    const actions: Actions = {
      ...view,
      random: random.fork(`${what} ${acts++}`),
      release: (id) => app.desk.release(id),
      cancel: (type, id) => app.cancel(type, id),
      request: (type, data, options) => app.request(type, data, options),
      desk: app.desk,
      processors: app.processors,
      flows: app.flows,
    }
    const done = (async () => run(actions))().catch((error: unknown) => {
      // The facts may have changed between the look and the action.
      if (!isMillraceError(error)) throw error
    })
    await Promise.race([done, machine.ends()])
  }

  const client = async (number: number) => {
    for (const { client, step } of plan.steps) {
      if (client !== number) continue
      await pause(random() * 20)
      if (step.do === 'wait') await pause(step.ms)
      else if (step.do === 'act') await act(step)
      else {
        await publish(step)
        if (faults.publishTwice()) await publish(step)
      }
    }
  }

  /** Held because of an injected fault, in the last attempt or before: a person would release it, once. */
  const byUs = ({ processor, message, error }: DeskRow) =>
    machine.calls.hasInterfered(processor, message) || error?.code === 'millrace/killed-the-process'

  /**
   * Tells whether an action was done. An action that the app refuses, or does not survive, is considered again later.
   */
  const done = (action: Promise<unknown>) => {
    const ended = action.then(
      () => true,
      (error: unknown) => {
        if (!isMillraceError(error)) throw error
        return false
      },
    )
    return Promise.race([ended, machine.ends().then(() => false)])
  }

  const resumeAll = async ({ processors }: App) => {
    for (const { name, state } of await processors.list()) if (state === 'paused') await processors.resume(name)
  }

  const untilQuiet = async () => {
    for (let round = 0; round < quietRoundsMax; round++) {
      const app = await running()
      if (!(await done(resumeAll(app)))) {
        await pause(random() * againMsMax)
        continue
      }
      await Promise.race([app.idle(), machine.ends()])
      if (machine.app === undefined) continue
      const failed = view.held().filter(byUs)
      if (failed.length === 0) {
        if ((await options.watch?.rested?.(app)) !== true) return
        await pause(random() * againMsMax)
      }
      for (const { id } of failed) await done(app.desk.release(id))
    }
    throw new Error(`the app is not quiet after ${quietRoundsMax} rounds of releasing what was ${injected}`)
  }

  let failure: RunFailure | undefined
  try {
    const broken = Promise.withResolvers<never>()
    supervise().catch(broken.reject)
    const clients = Promise.all(Array.from({ length: plan.clients }, (_, number) => client(number)))
    await scheduler.settled('the clients to end', Promise.race([clients, broken.promise]))
    await scheduler.settled('what comes after them', pause(random() * downMsMax))
    faults.heal()
    trace.add('healed')
    await scheduler.settled('the app to be quiet', Promise.race([untilQuiet(), broken.promise]))
    await check('always', options.always)
    await check('eventually', options.eventually)
  } catch (error) {
    const failed = error instanceof CheckFailed
    failure = { what: failed ? error.what : 'the run', error: failed ? error.cause : error, step: scheduler.steps }
  }
  over = true
  hidden.end()
  machine.dispose()
  const wrong = hidden.seen.filter(isWrong)
  if (wrong.length > 0) {
    failure = { what: 'the rules of a simulation', error: notDeterministic(wrong), step: scheduler.steps }
  }
  return {
    trace: trace.lines,
    steps: scheduler.steps,
    simulatedMs: scheduler.elapsed,
    starts: machine.starts,
    faults: faults.counts,
    failure,
    hidden: hidden.seen,
  }
}
