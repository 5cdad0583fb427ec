// All data of a store, as rows that every kind of store has alike: so they move from one kind to another.
//
// A stream has the number that it has in SQLite: that of its name. A flag is 0 or 1, and a time is in milliseconds since
// 1970. What a store makes anew from the rest is not among them: who has which id, and the index of the finder.

export type MovedValue = string | number | Uint8Array | null
export type MovedRow = Readonly<Record<string, MovedValue>>

const message = ['time', 'context', 'correlation', 'causation', 'trace', 'own_id', 'data', 'attributes']
const kind = ['type', 'version', 'source']

/** The tables with their columns, in the order in which they move. */
export const movedTables = {
  streams: ['id', 'kind', 'name'],
  kinds: ['id', ...kind],
  // In the order of streams and positions.
  log: ['stream', 'position', 'id', 'kind', ...message],
  // In the order in which they are due.
  timers: ['due', 'stream', ...kind, 'message_id', ...message],
  progress: ['processor', 'stream', 'epoch', 'generation', 'low', 'done'],
  marks: ['processor', 'stream', 'position'],
  key_names: ['processor', 'name'],
  paused: ['processor', 'at', 'who', 'why'],
  concurrency: ['processor', 'most'],
  desk: [
    ...[
      'id',
      'processor',
      'stream',
      'state',
      'lane',
      'place',
      'due_at',
      'attempts',
      'kills',
      'corrections',
      'revision',
    ],
    ...['failures', 'decisions', 'group_id', 'error', 'tries', 'held_at', 'resolved_at', 'position', 'message_id'],
    ...[...kind, 'time', 'context', 'correlation', 'causation', 'trace', 'data', 'original', 'asked', 'attributes'],
    ...['claimed_by', 'claimed_at', 'claimed_until'],
  ],
  desk_groups: [
    ...['id', 'processor', 'stream', 'type', 'fingerprint', 'held', 'first_at', 'last_at', 'snoozed_until'],
    ...['snoozed_count', 'snoozed_by', 'snoozed_at', 'snoozed_why'],
  ],
  audit: ['id', 'at', 'who', 'action', 'item', 'group_id', 'subject', 'why', 'detail'],
  pending_actions: ['item', 'action', 'at', 'who', 'why'],
  operations: [
    ...['id', 'name', 'action', 'who', 'why', 'change', 'one_first', 'state', 'total', 'done', 'refused', 'lanes'],
    ...['failures', 'per_second', 'next_at', 'stop_after', 'expires_at', 'started_at', 'ended_at'],
  ],
  selected: ['operation', 'item', 'lane', 'error', 'done', 'under_way'],
  tokens: ['name', 'hash', 'grants', 'at', 'who', 'expires_at'],
  alerts: ['watch', 'alert', 'data'],
  requests: ['id', 'type', 'state', 'item', 'outcome', 'asked_at', 'ended_at'],
  flows: [
    ...['id', 'mediator', 'version', 'context', 'state', 'message', 'once', 'parent_flow', 'parent_n', 'rerun_of'],
    ...['continues', 'mail_after', 'error', 'result', 'started_at', 'ended_at'],
  ],
  journal: ['flow', 'n', 'of_n', 'kind', 'step', 'what', 'data', 'at'],
  flow_timers: ['due', 'flow', 'n'],
  questions: ['flow', 'step', 'n', 'mediator', 'title', 'to_whom', 'escalated', 'asked_at', 'due_at'],
  mail: ['n', 'mediator', 'context', 'type', 'message', 'at'],
  withdrawn: ['id'],
  gathers: ['gather', 'context', 'count', 'bytes', 'armed', 'timer', 'condition'],
  // In the order in which they came.
  gathered: ['gather', 'context', 'type', 'version', 'data'],
  schedules: ['schedule', 'cron', 'time_zone', 'seen', 'gone', 'skipped', 'skipped_at'],
  slots: ['schedule', 'due'],
  // The highest numbers that each kind of row has had, and whether the last stop was clean.
  facts: ['fact', 'value'],
} as const satisfies Readonly<Record<string, readonly string[]>>

export type MovedTable = keyof typeof movedTables
/** The facts of a store. */
export type MovedFact = 'desk' | 'flows' | 'entries' | 'mails' | 'clean'

/** A store that is left. Nobody else has it until it is closed. */
export interface Leaving {
  readonly where: string
  /** The rows of a table, some at a time. */
  slices(table: MovedTable): AsyncIterable<readonly MovedRow[]> | Iterable<readonly MovedRow[]>
  /** Writes down where the data go: from then on no app starts on it, and nobody publishes to it. */
  mark(to: string): Promise<void>
  /** Takes the mark away. */
  unmark(): Promise<void>
  close(): Promise<void>
}

/** A store that data move into. It is openable when they are committed, and not before. */
export interface Entering {
  readonly where: string
  write(table: MovedTable, rows: readonly MovedRow[]): Promise<void>
  commit(): Promise<void>
  /** Gives up what is not committed. */
  close(): Promise<void>
}

/** How data move out of a store and into it. */
export interface Moves {
  /**
   * Takes a store whose app is stopped.
   *
   * @throws the errors of `Offline.write`
   */
  leave(): Promise<Leaving>
  /**
   * Makes a store, or takes one that has no data.
   *
   * @throws `millrace/target-not-empty`; the errors of an app that opens it
   */
  enter(): Promise<Entering>
  /**
   * Takes the mark of a move away, so that apps start on the store again.
   *
   * @returns where the data went; undefined where there was no mark
   */
  takeBack(): Promise<string | undefined>
  /**
   * Lets an app start on a database that was restored or copied to another cluster. Only where a store has such.
   *
   * @returns false where it is at home: nothing is changed
   * @throws `millrace/no-app`; the errors of the server
   */
  settle?(): Promise<boolean>
}
