// What may be said about an app, its start and its stop, and the checks of that.
import { checkLog, type Logger } from '../adapters/node/app-log.ts'
import type { AttemptEnd } from '../model/attempt-end.ts'
import { fault } from '../model/errors.ts'
import { checkName, checkWords } from '../model/names.ts'
import { type AppNumbers, appNumbers, checkOptions, limit, type Optional } from '../model/options.ts'
import type { Tx } from '../model/tx.ts'
import type { Part } from '../parts/part.ts'
import type { Broker } from '../seam/store.ts'
import type { World } from '../seam/world.ts'

/** Options of {@link app}. */
export interface AppOptions extends Optional<AppNumbers> {
  /** The name of the app, as of `event`. It is part of the `source` of its messages. */
  readonly name: string
  /**
   * The version of its code, 1 to 100 characters, such as a release or a commit. It is recorded with each failed attempt at
   * the desk, and with the end of a message that was held. Default: none.
   */
  readonly version?: string | undefined
  /** The broker that keeps its messages, for example `sqlite({ file })`. */
  readonly broker: Broker
  /**
   * The parts: topics, channels, processors, mediators, routes, gathers, schedules, desks. The topic or channel in `on`
   * of a part need not be listed.
   */
  readonly parts: readonly Part[]
  /**
   * Makes the app's own tables. It runs at each start in one transaction, before the first message is handled, so it
   * must be able to run again (`create table if not exists`). It follows the rules of `commit`: a statement that fails
   * fails the start.
   */
  readonly setup?: ((tx: Tx) => unknown) | undefined
  /**
   * True to index the causes and the words of messages, beside the file (`FILE-finder`), at an own pace: `messages.list`
   * then takes `text`, and a story is found at once. Secret fields are not indexed. Default false; `millrace start` and
   * `dev` index unless this says false.
   */
  readonly finder?: boolean | undefined
  /**
   * Whether spans and metrics are given to OpenTelemetry, where `@opentelemetry/api` is installed and an SDK is registered
   * before the app starts. Default true.
   */
  readonly telemetry?: boolean | undefined
  /**
   * Takes the lines for operators: a function of level, text and fields, such as {@link jsonLog}, or a logger that is called
   * as that of pino, `log.info(fields, text)`. Default: warnings and errors go to standard error.
   */
  readonly log?: World['log'] | Logger | undefined
}

const versionCharsMax = 100
const names = Object.keys(appNumbers) as readonly (keyof AppNumbers)[]

/** @throws `millrace/bad-name`, `millrace/bad-option`, `millrace/unknown-option` */
export function checkAppOptions(options: AppOptions): void {
  checkOptions('app', options, ['name', 'version', 'broker', 'parts', 'setup', 'finder', 'telemetry', 'log', ...names])
  const { name, broker, setup, finder, telemetry, log } = options
  checkName('app', name)
  checkWords(`app "${name}"`, 'version', options.version, versionCharsMax)
  const bad = (what: string) => fault('millrace/bad-option', `app "${name}": ${what}`)
  if (typeof broker?.create !== 'function') throw bad('broker must be a broker, such as sqlite({ file })')
  if (setup !== undefined && typeof setup !== 'function') throw bad('setup must be a function')
  if (finder !== undefined && typeof finder !== 'boolean') throw bad('finder must be true or false')
  if (telemetry !== undefined && typeof telemetry !== 'boolean') throw bad('telemetry must be true or false')
  checkLog(`app "${name}"`, log)
}

/**
 * The numbers of an app: each as given, or its default.
 *
 * @throws `millrace/bad-option`
 */
export function numbersOf({ name, ...options }: Pick<AppOptions, 'name'> & Optional<AppNumbers>): AppNumbers {
  const given = names.map((number) => [number, limit(`app "${name}"`, number, options[number])])
  return Object.fromEntries(given) as AppNumbers
}

/** Options of `app.start`. */
export interface StartOptions {
  /** A broker instead of that of the app: for tests, and for `--db`. */
  readonly broker?: Broker | undefined
  /** A log instead of that of the app, for this start: for tests, and for `--log`. */
  readonly log?: World['log'] | Logger | undefined
  /**
   * The names of the parts that run; what is published for the others waits. Default: all. Names of processors,
   * mediators, gathers, routes and schedules.
   */
  readonly only?: readonly string[] | undefined
  /**
   * True to end a process whose event loop is blocked (`blockedMs`). The last line on standard error names the functions
   * that ran. A message whose handler blocks again after restarts is held, and the others continue. Default false;
   * `millrace start` sets it.
   */
  readonly watchdog?: boolean | undefined
  /** True to open a socket beside the file, over which the command `millrace` reaches the running app. Default true. */
  readonly control?: boolean | undefined
  /**
   * Time for which the start waits while another process has the file, milliseconds, 0 to 86,400,000, default 5,000. So
   * a deployment may begin before the last process has ended. After it the start fails with `millrace/in-use`, which
   * names the process.
   */
  readonly waitMs?: number | undefined
  /**
   * Called when an attempt has ended, in the order of the commits: for looking and counting, not for work. What it throws
   * is only logged. An app without a `log` of its own then logs no failed attempts and held messages, which this is told.
   */
  readonly onAttempt?: ((end: AttemptEnd) => unknown) | undefined
  /** Whether the finder runs where the app does not say, default false; `millrace start` sets it. */
  readonly finder?: boolean | undefined
}

/** The names of the options of `app.start`. */
export const startOptions = [
  'broker',
  'log',
  'only',
  'watchdog',
  'control',
  'waitMs',
  'onAttempt',
  'finder',
] as const satisfies (keyof StartOptions)[]

/** Options of `app.stop`. */
export interface StopOptions {
  /**
   * Time for running handlers to end, milliseconds, 0 to 86,400,000, default 10,000. An attempt that has not ended then
   * is given up, nothing of it is kept, and the message is handled at the next start.
   */
  readonly graceMs?: number | undefined
}
