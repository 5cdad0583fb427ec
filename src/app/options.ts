// What may be said about an app, its start and its stop, and the checks of that.
import { fault } from '../model/errors.ts'
import { checkName } from '../model/names.ts'
import { checkOptions, type Limit, limit, type Optional } from '../model/options.ts'
import type { Tx } from '../model/tx.ts'
import type { Part } from '../parts/part.ts'
import type { Broker } from '../seam/store.ts'
import type { World } from '../seam/world.ts'

/** Options of {@link app}. */
export interface AppOptions {
  /** The name of the app, as of `event`. It is part of the `source` of its messages. */
  readonly name: string
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
  /** Size of the data of one message, reply or refusal as JSON, bytes, 100 to 100,000,000, default 1,000,000. */
  readonly messageBytesMax?: number | undefined
  /** Publishes that may wait for their acknowledgement, default 100,000. Beyond it: `millrace/too-many-pending`. */
  readonly pendingMax?: number | undefined
  /** Messages of one processor in memory at once, 1 to 16,384, default 4,096. */
  readonly windowMessages?: number | undefined
  /** Size of the messages of one processor in memory at once, bytes, default 8 MiB. */
  readonly windowBytes?: number | undefined
  /** Time for which ended requests are kept for `app.operation`, milliseconds, default 7 days. */
  readonly requestRetainMs?: number | undefined
  /**
   * Time for which resolved messages stay at the desk, and failures on their topic, milliseconds, default 30 days. The
   * audit log is never shortened.
   */
  readonly deskRetainMs?: number | undefined
  /** Time in which a discard can be taken back, milliseconds, default 7 days. */
  readonly takeBackMs?: number | undefined
  /**
   * Contexts of held lanes of one processor in memory, 100 to 10,000,000, default 100,000. More are looked up on disk.
   */
  readonly heldContextsMax?: number | undefined
  /** Time for which ended flows are kept, milliseconds, default 7 days. */
  readonly flowRetainMs?: number | undefined
  /** Time for which events that flows may wait for are kept, milliseconds, default 7 days. */
  readonly mailboxMs?: number | undefined
  /**
   * Waiting flows in memory, 0 to 10,000,000, default 10,000. Others are rebuilt from their journals when they
   * continue.
   */
  readonly hotFlowsMax?: number | undefined
  /** Time for which handled commands of channels without `retain` are kept, milliseconds, default 7 days. */
  readonly channelRetainMs?: number | undefined
  /**
   * Time between two searches for messages that may be removed, milliseconds, default 60,000; up to 32 times as long
   * while there are none.
   */
  readonly retainEveryMs?: number | undefined
  /**
   * Time for which the event loop may be blocked before the watchdog ends the process, milliseconds, default 15,000.
   * See `watchdog` of `start`.
   */
  readonly blockedMs?: number | undefined
  /** Writes lines for operators. Default: warnings and errors go to standard error. */
  readonly log?: World['log'] | undefined
}

/** The options of an app that are numbers. */
const numbers = [
  'messageBytesMax',
  'pendingMax',
  'windowMessages',
  'windowBytes',
  'requestRetainMs',
  'deskRetainMs',
  'takeBackMs',
  'heldContextsMax',
  'channelRetainMs',
  'flowRetainMs',
  'mailboxMs',
  'hotFlowsMax',
  'retainEveryMs',
  'blockedMs',
] as const satisfies readonly Limit[]

/** The options of an app that are numbers, each as given or by default. */
export type Numbers = { readonly [Name in (typeof numbers)[number]]: number }

/** @throws `millrace/bad-name`, `millrace/bad-option`, `millrace/unknown-option` */
export function checkAppOptions(options: AppOptions): void {
  checkOptions('app', options, ['name', 'broker', 'parts', 'setup', 'log', ...numbers])
  const { name, broker, setup, log } = options
  checkName('app', name)
  const bad = (what: string) => fault('millrace/bad-option', `app "${name}": ${what}`)
  if (typeof broker?.create !== 'function') throw bad('broker must be a broker, such as sqlite({ file })')
  if (setup !== undefined && typeof setup !== 'function') throw bad('setup must be a function')
  if (log !== undefined && typeof log !== 'function') throw bad('log must be a function')
}

/**
 * The numbers of an app: each as given, or its default.
 *
 * @throws `millrace/bad-option`
 */
export function numbersOf({ name, ...options }: Pick<AppOptions, 'name'> & Optional<Numbers>): Numbers {
  const given = numbers.map((number) => [number, limit(`app "${name}"`, number, options[number])])
  return Object.fromEntries(given) as Numbers
}

/** Options of `app.start`. */
export interface StartOptions {
  /** A broker instead of that of the app: for tests, and for `--db`. */
  readonly broker?: Broker | undefined
  /**
   * The names of the parts that run; what is published for the others waits. Default: all. Names of processors,
   * mediators, gathers, routes and schedules.
   */
  readonly only?: readonly string[] | undefined
  /**
   * Whether a blocked event loop (`blockedMs`) ends the process. The last line on standard error names the functions
   * that ran. A message whose handler blocks again after restarts is held, and the others continue. Default false;
   * `millrace start` sets it.
   */
  readonly watchdog?: boolean | undefined
  /** Whether the command `millrace` can reach the running app, over a socket beside its file. Default true. */
  readonly control?: boolean | undefined
  /**
   * Time for which the start waits while another process has the file, milliseconds, 0 to 86,400,000, default 5,000. So
   * a deployment may begin before the last process has ended. After it the start fails with `millrace/in-use`, which
   * names the process.
   */
  readonly waitMs?: number | undefined
}

/** Options of `app.stop`. */
export interface StopOptions {
  /**
   * Time for running handlers to end, milliseconds, 0 to 86,400,000, default 10,000. An attempt that has not ended then
   * is given up, nothing of it is kept, and the message is handled at the next start.
   */
  readonly graceMs?: number | undefined
}
