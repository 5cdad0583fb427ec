// An app that runs until its process is asked to end: the one place that decides how, and with which exit status.
//
//   starting ──started──→ running ──a signal──→ stopping ──all is closed──→ stopped: 130 or 143
//      ├──a signal──→ stopping      └──stop()──→ stopped: 0
//      └──the start fails──→ rejects
//
// - A second signal ends the process at once, in every state.
// - A process that has stopped has the rest of `graceMs` to end by itself. Then it is ended: a timer or a socket that the
//   program left open does not keep it.
// - An app whose files are gone stays as it is until a signal: a new process would start on other files.
import { aborted, type Interrupted, interruptible } from '../control/signals.ts'
import { observer } from '../engine/kit/observer.ts'
import { fault, isMillraceError } from '../model/errors.ts'
import { checkOptions, limit } from '../model/options.ts'
import type { World } from '../seam/world.ts'
import { type StartOptions, type StopOptions, startOptions } from './options.ts'

/** What an app reports that runs until a signal. */
export type RunState = 'running' | 'stopping' | 'stopped'

/** Options of `app.run`. */
export interface RunOptions extends StartOptions, StopOptions {
  /**
   * Called with `'running'` when the app has started, with `'stopping'` when a signal begins to stop it, and with
   * `'stopped'` when all is closed. What it throws is only logged.
   */
  readonly report?: ((state: RunState) => unknown) | undefined
}

/** What {@link App} has for a program that is an app. */
export interface Running {
  /**
   * Runs the app until the process is asked to end: starts it, waits for SIGTERM or SIGINT (Ctrl-C), and stops it. It is
   * the last line of a program that is an app; `millrace start` is the same for an app file.
   *
   * A signal lets running handlers end within `graceMs`; a second one ends the process at once. After that the program
   * may close its own things. What it leaves open does not keep the process: it ends when `graceMs` is over, at the
   * earliest a second later. When a start fails, this rejects, and the process ends with status 1 unless the error is
   * caught. An app whose files were moved or replaced keeps the process, with red health, until a signal.
   *
   * @param options those of `start` and `stop`, and `report`
   * @returns the exit status, when the app has stopped: 130 after SIGINT, 143 after SIGTERM, which is then that of the
   *   process too (`process.exitCode`); 0 when the program has called `stop` itself
   * @throws as `start`; `millrace/bad-option`
   *
   * @example only compiled: it runs until a signal
   * ```ts
   * const status = await shop.run({ graceMs: 5_000, report: (state) => console.log(`the shop is ${state}`) })
   * console.log(`ends with status ${status}`)
   * ```
   */
  run(options?: RunOptions): Promise<number>
}

/** The app, as `run` needs it. */
export interface Runnable {
  readonly world: World
  /** Starts; calls `ended` when the app has stopped after that, whoever asked for it. */
  start(options: StartOptions, ended: () => void): Promise<void>
  stop(options: StopOptions): Promise<void>
}

/** The least time that a process has to end by itself after its app has stopped, milliseconds. */
const ownEndMs = 1_000

/** @returns the exit status */
export async function runUntilSignal(app: Runnable, options: RunOptions): Promise<number> {
  checkOptions('run', options, [...startOptions, 'graceMs', 'report'])
  const { graceMs: grace, report = () => {}, ...start } = options
  const graceMs = limit('run', 'graceMs', grace)
  if (typeof report !== 'function') throw fault('millrace/bad-option', 'run: report must be a function')
  const told = observer<RunState>(app.world, 'the function "report" given to run', report)
  const interrupted = interruptible()
  // Between two openings of a failed store nothing else would keep the process alive.
  const alive = setInterval(() => {}, 2 ** 30)
  let ownEndAt = 0
  const { signal } = interrupted
  signal.addEventListener('abort', () => {
    ownEndAt = performance.now() + graceMs
  })
  try {
    const ended = Promise.withResolvers<void>()
    if (await starts(app, { ...start, graceMs, ended: ended.resolve }, signal)) {
      told('running')
      await Promise.race([ended.promise, aborted(signal)])
      if (signal.aborted) told('stopping')
    }
    if (signal.aborted) await app.stop({ graceMs })
    told('stopped')
    return endOf(interrupted, Math.max(ownEndMs, ownEndAt - performance.now()))
  } finally {
    clearInterval(alive)
    interrupted.end()
  }
}

interface Starting extends StartOptions {
  readonly graceMs: number
  readonly ended: () => void
}

/** Starts the app; returns false when a signal ended the start. */
async function starts(app: Runnable, { graceMs, ended, ...options }: Starting, signal: AbortSignal): Promise<boolean> {
  // The start reports that it was stopped.
  const stop = () => void app.stop({ graceMs }).catch(() => {})
  signal.addEventListener('abort', stop, { once: true })
  try {
    await app.start(options, ended)
    return true
  } catch (error) {
    if (signal.aborted && isMillraceError(error, 'millrace/stopping')) return false
    throw error
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/** Leaves the exit status to the process, which ends by itself or after `ownEndMs`. */
function endOf(interrupted: Interrupted, ownEndMs: number): number {
  const status = interrupted.status()
  if (status === undefined) return 0
  process.exitCode = status
  setTimeout(() => process.exit(status), ownEndMs).unref()
  return status
}
