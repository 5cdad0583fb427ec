// What may be done with a store that is one file, from beside: by a command, while no app or another process runs it.
import type { Attributes } from '../model/attributes.ts'
import type { Actor } from '../model/desk.ts'
import type { DecisionOrTakeBack, NewOperation, Operation, Selection } from '../model/desk-views.ts'
import type { FlowCount } from '../model/flow-views.ts'
import type { StreamInfo } from '../model/streams.ts'
import type { DeskReads } from './desk-reads.ts'
import type { FlowReads } from './flow-reads.ts'
import type { ProgressRow } from './progress.ts'

/** The process that has a file. */
export interface FileOwner {
  readonly pid: number
  readonly host: string
  /** ISO 8601. */
  readonly since: string
}

/** A message of a log, as it is shown. */
export interface LogRow {
  /** The topic or channel it is in. */
  readonly destination: string
  readonly kind: 'topic' | 'channel'
  readonly stream: number
  readonly position: number
  readonly id: string
  readonly type: string
  readonly version: number
  /** The publisher: `/app`, `/app/processor`, or the source of a message from another system. */
  readonly source: string
  /** When it was published, milliseconds since 1970. */
  readonly time: number
  readonly context: string | null
  readonly correlationId: string
  readonly causationId: string | null
  readonly traceparent: string | null
  /** Attributes of a message from another system; null for the app's own. */
  readonly attributes: Attributes | null
  /** The data as JSON. */
  readonly json: string
}

/** The place of a message. */
export interface LogPlace {
  readonly stream: number
  readonly position: number
}

/** A filter of messages; every field that is set must match. */
export interface LogFilter {
  /** Name of a topic or channel. */
  readonly destination?: string | undefined
  readonly type?: string | undefined
  readonly context?: string | undefined
  readonly correlation?: string | undefined
}

/** The facts of a file that `millrace doctor` reports. */
export interface FileFacts {
  readonly bytes: number
  readonly walBytes: number
  readonly walBytesMax: number
  readonly freeBytes: number
  readonly freeBytesMin: number
  readonly format: number
  /** The newest format that this version knows. */
  readonly formatKnown: number
  /** Whether the last process that used it stopped cleanly. */
  readonly clean: boolean
  /**
   * Set when it was left by an unclean stop and found without its -wal file, so that its newest messages may be
   * missing, and nobody has accepted that: the time of the newest message it has, milliseconds since 1970, 0 where it
   * has none.
   */
  readonly alone: number | undefined
  /** The findings of the integrity check; empty for a sound file. */
  readonly damage: readonly string[]
  readonly streams: readonly (StreamInfo & { /** The oldest position that is kept. */ readonly first: number })[]
  readonly progress: readonly ProgressRow[]
  readonly held: number
  readonly waiting: number
  readonly flows: readonly FlowCount[]
  /** The number of open questions of flows. */
  readonly questions: number
  /** Messages that are not in their logs yet. */
  readonly delayed: number
  /** Times that flows wait for. */
  readonly flowTimes: number
}

/** Reads a file and changes nothing, not even beside it where that can be avoided. */
export interface FileReader {
  readonly desk: DeskReads
  readonly flows: FlowReads
  streams(): StreamInfo[]
  progress(): ProgressRow[]
  /** The names of the types that the file has messages of, or had. */
  types(): string[]
  /**
   * Where the newest messages that fit are, oldest first: messages are of any size, so each is read by itself. Reads in
   * slices, so that others have their turn between them.
   */
  newest(count: number, filter: LogFilter): Promise<LogPlace[]>
  /** One message; undefined when it is not kept. */
  message(place: LogPlace): LogRow | undefined
  close(): void
}

/** Changes a file that no process has; it has the file until it is closed. */
export interface FileWriter {
  /**
   * Writes down an action on a message at the desk, which the app carries out when it starts.
   *
   * @throws `millrace/unknown-item`, `millrace/not-held`, `millrace/not-discarded`
   */
  addPending(item: number, action: DecisionOrTakeBack, actor: Actor): Promise<void>
  /** Makes an operation of all held messages that fit; the app carries it out when it starts. */
  select(operation: NewOperation, what: Selection): Promise<Operation>
  /** Ends an operation. Errors: `millrace/unknown-operation`, `millrace/operation-ended`. */
  abort(operation: number, actor: Actor): Promise<void>
  /**
   * Pauses or resumes a processor from the next start on.
   *
   * @throws `millrace/unknown-processor`
   */
  pause(processor: string, paused: boolean, actor: Actor): Promise<void>
  retire(processor: string, destination: string): Promise<void>
  close(): Promise<void>
}

/** The result of a restore. */
export interface Restored {
  /** Size of the file that is in place now. */
  readonly bytes: number
  /** The paths to which the earlier file, and the files beside it, were moved. */
  readonly aside: readonly string[]
  /** When the newest message of the copy came, milliseconds since 1970; 0 where it has none. */
  readonly newest: number
  /** Whether the copy says that it is whole. Where not, newer messages may be missing. */
  readonly whole: boolean
}

export interface StoreFile {
  readonly path: string
  exists(): boolean
  /** The process that has the file now; undefined when none has. */
  owner(): FileOwner | undefined
  /**
   * `running` says that a process has it, in this and what follows.
   *
   * @throws `millrace/no-app` when there is none, `millrace/foreign-file`, `millrace/foreign-wal`,
   *   `millrace/newer-file`, `millrace/corrupt-file`, `millrace/cannot-open`
   */
  read(running: boolean): FileReader
  /**
   * Takes the file; waits up to `waitMs`, default 3,000, while another process has it for a moment.
   *
   * @throws as `read`; `millrace/in-use`, `millrace/locked`
   */
  write(waitMs?: number): Promise<FileWriter>
  /** Looks at everything; `full` reads every index too. Errors as of `read`. */
  examine(full: boolean, running: boolean): FileFacts
  /**
   * Copies it as it is at one moment, beside the work under way, to a file that must not exist. The copy starts like a
   * file that was stopped cleanly. `running` says that an app of this process has it; otherwise it is owned until the
   * copy is made. When `signal` aborts, the copy is given up. Gives the size of the copy, bytes.
   *
   * @throws `millrace/backup-exists`, `millrace/backup-failed`, `millrace/disk-low`, `millrace/stopping` when aborted,
   *   and as of `write`
   */
  copyTo(path: string, running: boolean, signal?: AbortSignal): Promise<number>
  /**
   * Accepts a file that was found without its -wal file (`millrace/copy-without-wal`) as it is: from then on it is like
   * one that was stopped cleanly. Gives whether there was something to accept. Errors as of `write`.
   */
  accept(): Promise<boolean>
  /**
   * Puts a copy in its place. What is there, with what lies beside it, is moved aside under a dated name. A crash
   * leaves either the old file or the copy; the next start, or a second run, finishes what was cut off.
   *
   * @throws `millrace/no-app` when there is no such copy; `millrace/corrupt-file` when it is damaged;
   *   `millrace/foreign-file`, `millrace/newer-file`, `millrace/foreign-wal`; `millrace/in-use` while an app has the
   *   file; `millrace/disk-low`, `millrace/restore-failed`
   */
  restore(copy: string): Promise<Restored>
}
