import { fault } from './errors.ts'
import { suggest } from './names.ts'
import { shownValue } from './people.ts'

/** One row of the table of defaults: a number with its bounds; `what` ends with the unit. */
export interface Bound {
  readonly default: number
  readonly min: number
  readonly max: number
  readonly what: string
  /** True where fractions are allowed; else only whole numbers. */
  readonly fraction?: boolean | undefined
  /** True where leaving it out means no bound. */
  readonly optional?: boolean | undefined
}

const minute = 60_000
const day = 24 * 60 * minute
const MiB = 1024 * 1024

/** The numbers of an app: each is an option of `app`, with the default and the bounds of its row. */
export const appNumbers = {
  /** Size of the data of one message, reply or refusal as JSON, bytes, 100 to 100,000,000, default 1,000,000. */
  messageBytesMax: bound(
    1_000_000,
    100,
    100_000_000,
    'size of the data of one message, reply or refusal as JSON, bytes',
  ),
  /** Publishes that may wait for their acknowledgement, default 100,000. Beyond it: `millrace/too-many-pending`. */
  pendingMax: bound(100_000, 1, 10_000_000, 'publishes that wait for their acknowledgement at once'),
  /** Messages of one processor in memory at once, 1 to 16,384, default 4,096. */
  windowMessages: bound(4_096, 1, 16_384, 'messages of one processor in memory'),
  /** Size of the messages of one processor in memory at once, bytes, default 8 MiB. */
  windowBytes: bound(8 * MiB, 1_000, 1024 * MiB, 'size of the messages of one processor in memory, bytes'),
  /** Time for which ended requests are kept for `app.requestStatus`, milliseconds, default 7 days. */
  requestRetainMs: bound(7 * day, 0, 36_500 * day, 'time for which ended requests are kept, milliseconds'),
  /**
   * Time for which resolved messages stay at the desk, and failures on their topic, milliseconds, default 30 days. The
   * audit log is never shortened.
   */
  deskRetainMs: bound(
    30 * day,
    0,
    36_500 * day,
    'time for which resolved messages stay at the desk, and failures on their topic, milliseconds',
  ),
  /** Time in which a discard can be taken back, milliseconds, default 7 days. */
  takeBackMs: bound(7 * day, 0, 36_500 * day, 'time within which a discarded message can be taken back, milliseconds'),
  /**
   * Contexts of held lanes of one processor in memory, 100 to 10,000,000, default 100,000. More are looked up on disk.
   */
  heldContextsMax: bound(100_000, 100, 10_000_000, 'contexts of held lanes of one processor in memory'),
  /** Time for which ended flows are kept, milliseconds, default 7 days. */
  flowRetainMs: bound(7 * day, 0, 36_500 * day, 'time for which ended flows are kept, milliseconds'),
  /** Time for which events that flows may wait for are kept, milliseconds, default 7 days. */
  mailboxMs: bound(7 * day, 0, 36_500 * day, 'time for which events that flows may wait for are kept, milliseconds'),
  /**
   * Waiting flows in memory, 0 to 10,000,000, default 10,000. Others are rebuilt from their journals when they
   * continue.
   */
  hotFlowsMax: bound(10_000, 0, 10_000_000, 'waiting flows in memory'),
  /** Time for which handled commands of channels without `retain` are kept, milliseconds, default 7 days. */
  channelRetainMs: bound(7 * day, 0, 36_500 * day, 'time for which handled commands are kept, milliseconds'),
  /**
   * Time between two searches for messages that may be removed, milliseconds, default 60,000; up to 32 times as long
   * while there are none.
   */
  retainEveryMs: bound(
    minute,
    100,
    day,
    'time between searches for messages that may be removed, up to 32 times as long while there are none, milliseconds',
  ),
  /**
   * Time for which the event loop may be blocked before the watchdog ends the process, milliseconds, default 15,000.
   * See `watchdog` of `start`.
   */
  blockedMs: bound(
    15_000,
    100,
    day,
    'time for which a handler may block the event loop before the process is ended, milliseconds',
  ),
} as const satisfies Record<string, Bound>

/** The bounds of what the HTTP edge takes: each is an option of `gateway` and of `app.serve`. */
export const edgeNumbers = {
  /** Size of the body of one request, after it is inflated, bytes, 1,000 to 1 GiB, default 4 MiB. */
  bodyBytesMax: bound(4 * MiB, 1_000, 1024 * MiB, 'size of the body of a request over HTTP, inflated, bytes'),
  /** Events of one batch, 1 to 10,000, default 1,000. */
  batchMax: bound(1_000, 1, 10_000, 'events of one batch over HTTP'),
  /** Length of the path and query of a request, characters, 100 to 65,536, default 8,192. */
  urlCharsMax: bound(8_192, 100, 65_536, 'length of the path and query of a request over HTTP, characters'),
  /** Listeners to events at once, 1 to 1,000,000, default 10,000. */
  listenersMax: bound(10_000, 1, 1_000_000, 'listeners to events over HTTP at once'),
  /** Requests of one sender in a minute, 0 to 1,000,000,000, default 0: as many as they like. */
  requestsPerMinute: bound(0, 0, 1_000_000_000, 'requests of one sender over HTTP in a minute; 0 for no limit'),
  /** Bytes of the bodies of one sender in a minute, inflated, 0 to 1 TiB, default 0: as many as they like. */
  bytesPerMinute: bound(
    0,
    0,
    1024 * 1024 * MiB,
    'bytes of the bodies of one sender over HTTP in a minute; 0 for no limit',
  ),
} as const satisfies Record<string, Bound>

/** The numbers of an HTTP server: each is an option of `app.serve`. */
export const serverNumbers = {
  /** The TCP port, 0 to 65,535, default 7070; 0 takes a free one. */
  port: bound(7_070, 0, 65_535, 'TCP port of the HTTP server; 0 takes a free one'),
  /** Size of the headers of one request, bytes, 1,024 to 1 MiB, default 16 KiB. */
  headerBytesMax: bound(16 * 1024, 1_024, MiB, 'size of the headers of a request over HTTP, bytes'),
  /** Time for the headers of a request to come, milliseconds, default 10,000. */
  headersMs: bound(10_000, 100, 60 * minute, 'time for the headers of a request over HTTP to come, milliseconds'),
  /** Time for a whole request to come, milliseconds, default 60,000. */
  receiveMs: bound(minute, 100, day, 'time for a whole request over HTTP to come, milliseconds'),
} as const satisfies Record<string, Bound>

/**
 * The default and the bounds of every option that is a number. `docs/defaults.md` is the same table.
 *
 * @example
 * ```ts
 * const { default: attempts, min, max, what } = defaults.attempts
 * console.log(`${what}: ${attempts} (${min} to ${max})`)
 * ```
 */
export const defaults = {
  /** of a processor */
  concurrency: bound(16, 1, 10_000, 'handlers of one processor that run at once'),
  timeoutMs: bound(30_000, 1, day, 'time for one attempt of a handler, milliseconds'),
  lingerMs: bound(
    30_000,
    0,
    day,
    'longest wait for an attempt whose time is over, before the next one begins, milliseconds',
  ),
  attempts: bound(5, 1, 1_000, 'attempts before a message is held'),
  immediate: bound(0, 0, 100, 'further attempts made at once, before the first wait'),
  firstDelayMs: bound(200, 0, 30 * day, 'first wait between attempts, milliseconds'),
  maxDelayMs: bound(30_000, 0, 30 * day, 'longest wait between attempts, milliseconds'),
  factor: {
    ...bound(2, 1, 100, 'factor between one wait and the next; may be a fraction'),
    fraction: true,
  },
  jitter: { ...bound(0.5, 0, 1, 'random part of each wait; may be a fraction'), fraction: true },
  probeAfter: bound(
    20,
    2,
    10_000,
    'failed attempts in a row, across lanes, after which a processor tries one message at a time (probes)',
  ),
  probeFirstMs: bound(1_000, 1, day, 'wait after the first failed probe, milliseconds; doubles from then on'),
  probeEveryMs: bound(30_000, 1, day, 'longest wait between probes, milliseconds'),
  probeMaxMs: bound(15 * minute, 0, 30 * day, 'time after which probes count as attempts again, milliseconds'),

  /** of deliver */
  answerMs: bound(15_000, 10, 10 * minute, 'time for one request of `deliver`, as its `timeoutMs`, milliseconds'),

  /** of alerts */
  closedMs: bound(15 * minute, 0, 365 * day, 'time for which a lane is closed before an alert, milliseconds'),
  behindMs: bound(15 * minute, 0, 365 * day, 'time for which the oldest message waits before an alert, milliseconds'),
  questionMs: bound(60 * minute, 0, 365 * day, 'time for which a question waits before an alert, milliseconds'),
  calmMs: bound(minute, 0, day, 'time for which it has to be well before an alert ends, milliseconds'),

  /** of a command */
  deadlineMs: {
    ...bound(365 * day, 1, 365 * day, 'time within which a command is to be handled, milliseconds'),
    optional: true,
  },

  /** of a desk */
  decideMs: bound(30_000, 1, day, 'time for one decision of a rule, milliseconds'),
  decisionsMax: bound(5, 1, 1_000, 'decisions of a rule about one message before it is held for a person'),
  rulesAtOnce: bound(16, 1, 1_000, 'rules of one desk that decide at once'),

  /** of an app */
  ...appNumbers,
  entries: bound(10_000, 0, 10_000, 'entries of one call of publishMany'),
  commitQueriesMax: bound(100_000, 1, 100_000_000, 'statements of one commit function'),
  commitTurnsMax: bound(
    1_000,
    10,
    1_000_000,
    'turns of the event loop that a commit function may take without a call on tx',
  ),
  leaseMs: bound(5_000, 1_000, 600_000, 'time after which another process takes over, milliseconds'),
  commitMs: bound(10_000, 100, 600_000, 'time for one commit function on PostgreSQL, milliseconds'),
  flushFunctionsMax: bound(2_048, 1, 100_000, 'commit functions in one transaction'),
  flushMs: bound(10, 1, 10_000, 'time for the commit functions of one transaction, milliseconds'),
  flushBytes: bound(16 * MiB, 1_000, 1024 * MiB, 'size of the messages appended in one transaction, bytes'),
  pageBytes: bound(16 * MiB, 1_000, 1024 * MiB, 'size of the rows of one page of a list, bytes'),
  graceMs: bound(10_000, 0, day, 'time for handlers to end when the app stops, milliseconds'),
  waitMs: bound(5_000, 0, day, 'longest wait of a start while another process has the file, milliseconds'),
  requestMs: bound(30_000, 1, 30 * day, 'time for which a caller waits for a reply, milliseconds'),

  /** of a gather */
  count: bound(100_000, 1, 100_000, 'elements that make a batch; at most 1,000 with a condition'),
  bytes: bound(16 * MiB, 1, 256 * MiB, 'size of the data of the elements that make a batch, bytes'),
  afterMs: bound(365 * day, 1, 365 * day, 'time after the first element at which a batch is complete, milliseconds'),
  window: bound(1, 1, 1_000, 'newest elements that a condition without other bounds looks at'),

  /** of a schedule */
  scheduleGraceMs: bound(
    30_000,
    0,
    day,
    'longest delay with which a slot of a schedule still counts as on time, milliseconds',
  ),
  missedMax: bound(1_000, 1, 1_000_000, 'missed slots of a schedule that are published at once'),
  slotAttemptsMax: bound(20, 1, 1_000, 'attempts to compute the data of a slot before it is skipped'),

  /** of the HTTP edge */
  ...edgeNumbers,
  ...serverNumbers,

  /** of the SQLite broker */
  walBytesMax: bound(
    256 * MiB,
    MiB,
    64 * 1024 * MiB,
    'size of the part of the -wal file that is not in the database yet, above which health is red, bytes',
  ),
  checkpointBytes: bound(
    4 * MiB,
    64 * 1024,
    1024 * MiB,
    'growth of the -wal file after which a checkpoint begins, bytes',
  ),
  diskFreeMinBytes: bound(
    64 * MiB,
    0,
    Number.MAX_SAFE_INTEGER,
    'free disk space below which the app refuses to publish, bytes',
  ),
  lockedMs: bound(
    5_000,
    0,
    day,
    'longest wait of a write while another program holds the write lock of the file, milliseconds',
  ),
} as const satisfies Record<string, Bound>

function bound(value: number, min: number, max: number, what: string): Bound {
  return { default: value, min, max, what }
}

/** The name of an option that is a number. */
export type Limit = keyof typeof defaults

/** The numbers of an app, each as given or by default. */
export type AppNumbers = { readonly [Name in keyof typeof appNumbers]: number }

/** The bounds of what the HTTP edge takes, each as given or by default. */
export type EdgeNumbers = { readonly [Name in keyof typeof edgeNumbers]: number }

/** The numbers of an HTTP server, each as given or by default. */
export type ServerNumbers = { readonly [Name in keyof typeof serverNumbers]: number }

/** Makes every option optional; an undefined option counts as left out. */
export type Optional<Options> = { readonly [Name in keyof Options]?: Options[Name] | undefined }

/**
 * Returns the value of an option, or its default; refuses a value outside its bounds. `called` replaces the name in
 * errors where the option has another name.
 */
export function limit(where: string, name: Limit, value: unknown, called?: string): number {
  const { default: fallback, min, max, what, fraction = false }: Bound = defaults[name]
  if (value === undefined) return fallback
  const fits = fraction ? Number.isFinite(value) : Number.isSafeInteger(value)
  if (fits && (value as number) >= min && (value as number) <= max) return value as number
  const kind = fraction ? 'number' : 'whole number'
  throw fault(
    'millrace/bad-option',
    `${where}: ${called ?? name} is ${shownValue(value)}, but must be a ${kind} from ${min} to ${max}${called === undefined ? ` (${what})` : ''}`,
  )
}

/** Refuses unknown options and suggests the nearest known one. */
export function checkOptions(where: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw fault('millrace/bad-option', `${where}: options must be an object, not ${shownValue(options)}`)
  }
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue
    // Do not suggest an option that is already set.
    const missing = known.filter((other) => !Object.hasOwn(options, other))
    throw fault('millrace/unknown-option', `${where}: unknown option "${name}"${suggest(name, missing)}`)
  }
}
