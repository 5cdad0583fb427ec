// The one table of all errors of Millrace. docs/errors.md is the same table in prose, and a test compares the two.
import { commandLine } from './command-line.ts'

type Class = 'ConfigurationError' | 'DataError' | 'StateError' | 'StoreError' | 'HandlerError' | 'AccessError'
interface Row {
  /** The `name` of the error: the kind of the problem. */
  readonly class: Class
  /** True where the same call may succeed later without a change by its caller. */
  readonly retryable: boolean
  readonly help: string
}

/**
 * Every error that Millrace raises: class, whether the same call may succeed later, and what to do. The page of errors
 * (`docs/errors.md`) is the same table.
 *
 * @example
 * ```ts
 * const { class: kind, retryable, help } = errors['millrace/disk-full']
 * console.log(kind, retryable, help) // StoreError true Make room on the disk; …
 * ```
 */
export const errors = {
  'millrace/bad-option': row(
    'ConfigurationError',
    false,
    'Correct the option; the table of defaults has the bounds of each number.',
  ),
  'millrace/unknown-option': row('ConfigurationError', false, 'Remove or correct the option.'),
  'millrace/bad-name': row(
    'ConfigurationError',
    false,
    'Names begin with a letter and continue with letters, digits, ".", "_" or "-", at most 100 of them.',
  ),
  'millrace/bad-step': row(
    'ConfigurationError',
    false,
    'Give the step a name of 1 to 1,024 characters that does not begin with "undo ".',
  ),
  'millrace/duplicate-name': row('ConfigurationError', false, 'Give each part, topic, channel and type its own name.'),
  'millrace/type-on-two-topics': row(
    'ConfigurationError',
    false,
    'List each type on exactly one topic or channel; publish it there and subscribe to that.',
  ),
  'millrace/unknown-handler': row('ConfigurationError', false, 'Handle only types of the topic or channel in `on`.'),
  'millrace/missing-handler': row('ConfigurationError', false, 'Handle every command of the channel.'),
  'millrace/channel-unserved': row('ConfigurationError', false, 'Add the processor that serves the channel.'),
  'millrace/channel-served-twice': row('ConfigurationError', false, 'Keep one of the processors of the channel.'),
  'millrace/two-desks': row('ConfigurationError', false, 'Keep one desk per topic or channel, with all its rules.'),
  'millrace/type-without-topic': row(
    'ConfigurationError',
    false,
    'List the type on a topic (events) or channel (commands), and list that in the parts of the app.',
  ),
  'millrace/wrong-verb': row('ConfigurationError', false, 'Publish events, send commands.'),
  'millrace/undeclared': row(
    'ConfigurationError',
    false,
    'Name the type or part in `publishes`, `sends`, `waits` or `starts` of the part.',
  ),
  'millrace/old-node': row('ConfigurationError', false, 'Run the app with Node.js 24.15 or later.'),
  'millrace/unknown-part': row('ConfigurationError', false, 'Name a part of the app, and start the app with it.'),
  'millrace/renamed-or-new': row(
    'ConfigurationError',
    false,
    'Give the part `renamedFrom` or `startAt`, or retire the part that is gone.',
  ),
  'millrace/both-names-known': row(
    'ConfigurationError',
    false,
    'Stop the app and retire the name whose progress does not count.',
  ),

  'millrace/bad-data': row('DataError', false, 'Correct the data so that it fits the schema of its type.'),
  'millrace/async-schema': row('DataError', false, 'Use a schema that checks synchronously and does not throw.'),
  'millrace/not-json': row('DataError', false, 'Use only strings, finite numbers, booleans, null, lists and objects.'),
  'millrace/bad-context': row(
    'DataError',
    false,
    'Let `context` return a non-empty string of at most 1,024 characters.',
  ),
  'millrace/context-changed': row(
    'DataError',
    false,
    'Keep the context of the message; publish data of another context as a new message.',
  ),
  'millrace/change-does-not-fit': row(
    'DataError',
    false,
    'Look at the data of the message, and correct the change; nothing was changed.',
  ),
  'millrace/masked': row(
    'DataError',
    false,
    'Send only what is different, as a change list (`desk.change`): the secrets stay as they are stored.',
  ),
  'millrace/bad-id': row('DataError', false, 'Give `id` as a non-empty string of at most 255 characters.'),
  'millrace/bad-attributes': row(
    'DataError',
    false,
    'Give a source, and attributes whose names are lower-case letters and digits and whose values are strings, numbers or booleans, together at most 8 KiB.',
  ),
  'millrace/bad-time': row(
    'DataError',
    false,
    'Give `at` as a Date or milliseconds since 1970, or `delayMs` as milliseconds from now: one of them, at most 100 years ahead.',
  ),
  'millrace/too-large': row('DataError', false, 'Keep large data elsewhere and publish a reference to it.'),
  'millrace/id-conflict': row('DataError', false, 'Use another id for other data.'),
  'millrace/unknown-type': row(
    'DataError',
    false,
    'Declare the type again, or list its name in `retired` of its topic or channel; then release the message.',
  ),
  'millrace/newer-version': row('DataError', false, 'Deploy code that knows this version, then release the message.'),
  'millrace/no-upcast': row('DataError', false, 'Add an upcast from this version, then release the message.'),
  'millrace/bad-event': row(
    'DataError',
    false,
    'Send an event as of CloudEvents 1.0: binary, structured, as a batch, or its data as plain JSON with `?type=`.',
  ),
  'millrace/bad-value': row(
    'DataError',
    false,
    'Bind only strings, finite numbers, bigints, booleans, null and Uint8Array, and an array by `list`; convert any other value first.',
  ),

  'millrace/two-statements': row('DataError', false, 'Run each statement by a query of its own.'),

  'millrace/not-started': row('StateError', false, 'Call `start` first.'),
  'millrace/already-started': row('StateError', false, 'Call `stop` before you start the app again.'),
  'millrace/stopping': row('StateError', true, 'Call again after the app has started again.'),
  'millrace/too-many-pending': row('StateError', true, 'Wait for the acknowledgement of earlier publishes.'),
  'millrace/request-timed-out': row(
    'StateError',
    true,
    'The command may still be handled: fetch its result with `app.requestStatus`, or request it again with the same `id`.',
  ),
  'millrace/request-held': row(
    'StateError',
    false,
    'Release, correct or discard the message at the desk; then fetch the end with `app.requestStatus`, or request it again with the same `id`.',
  ),
  'millrace/request-discarded': row(
    'StateError',
    false,
    'A rule or a person discarded the command: look for the reason at the desk, then request it again.',
  ),
  'millrace/request-withdrawn': row(
    'StateError',
    false,
    'The request was cancelled; request it again if it is still wanted.',
  ),
  'millrace/not-delivered': row(
    'HandlerError',
    true,
    'Look at its answers: `app.processors.deliveries` has the newest. While the other side is away, nothing comes to the desk.',
  ),
  'millrace/not-public': row(
    'ConfigurationError',
    false,
    'Use https and a host with a public address; where another one is meant, name it in `allow` of `deliver`.',
  ),
  'millrace/withdrawn': row(
    'HandlerError',
    false,
    'The caller no longer waits for the command; the attempt is rolled back.',
  ),
  'millrace/step-timed-out': row(
    'StateError',
    true,
    'Catch the error in the mediator, or let the flow fail and undo its steps.',
  ),
  'millrace/flow-cancelled': row('StateError', false, 'A person cancelled the flow; its steps are undone.'),
  'millrace/flow-mismatch': row(
    'StateError',
    false,
    'Keep the old code in `versions`, or guard the new code by `flow.version`; then resume the flow, or stop it.',
  ),
  'millrace/flow-waits-outside': row(
    'StateError',
    false,
    'A mediator may wait only through `flow`: move calls, reads and timers into a processor, then resume the flow.',
  ),
  'millrace/flow-paused': row('StateError', false, 'A person paused the flow and has to resume it.'),
  'millrace/flow-stopped': row('StateError', false, 'A person stopped the flow; its steps are not undone.'),
  'millrace/flow-busy': row(
    'StateError',
    false,
    'Look at the state of the flow; it decides which actions are possible.',
  ),
  'millrace/past-no-return': row(
    'StateError',
    false,
    'The flow can only continue: resume it where it is stuck, or stop it.',
  ),
  'millrace/not-asked': row('StateError', false, 'List the questions: they show the open ones, with their names.'),
  'millrace/step-undone': row('StateError', false, 'Run the flow again from its beginning, or from before that step.'),
  'millrace/unknown-step': row('StateError', false, 'Look at the flow for the names of its steps.'),
  'millrace/subflow-failed': row(
    'StateError',
    false,
    'Catch the error in the mediator, or let the flow fail and undo its steps.',
  ),
  'millrace/step-cancelled': row(
    'StateError',
    false,
    'The step was withdrawn: its branch lost a race, or it was still open in the flow that runs again.',
  ),
  'millrace/unknown-flow': row('StateError', false, 'List the flows for their numbers.'),
  'millrace/flow-ended': row(
    'StateError',
    false,
    'A flow that has ended does not change; look at it, or run it again.',
  ),
  'millrace/unknown-item': row('StateError', false, 'List the desk for the numbers of its messages.'),
  'millrace/not-held': row(
    'StateError',
    false,
    'Only a held message can be released; one in line too can be resubmitted or discarded; look at its state.',
  ),
  'millrace/not-discarded': row('StateError', false, 'Only a discarded message can be taken back.'),
  'millrace/claimed': row(
    'StateError',
    false,
    'Ask the person who works on the message; who must act now takes the claim over, on record.',
  ),
  'millrace/no-trial': row(
    'StateError',
    false,
    'A processor tries messages if it says `trial: true` and is not paused; say it if its handlers only read outside `commit`.',
  ),
  'millrace/trial-busy': row('StateError', true, 'Try again in a moment: one message is tried at a time.'),
  'millrace/trial-too-long': row(
    'HandlerError',
    false,
    'A trial keeps all that is written waiting, so its commit function is short; release the message to see it run.',
  ),
  'millrace/no-test': row(
    'StateError',
    false,
    'Write a test of the mediator, route or gather by `given` of millrace/testing.',
  ),
  'millrace/unknown-group': row('StateError', false, 'List the groups of the desk for their numbers.'),
  'millrace/stale-revision': row(
    'StateError',
    false,
    'Look at the message again, then decide with its new revision: somebody has acted on it.',
  ),
  'millrace/too-late': row('StateError', false, 'The message cannot be taken back; publish its data as a new message.'),
  'millrace/nothing-selected': row(
    'StateError',
    false,
    'List the desk with the same filter: it matches no held message.',
  ),
  'millrace/unknown-operation': row('StateError', false, 'List the operations for their numbers.'),
  'millrace/operation-ended': row(
    'StateError',
    false,
    'An operation that has ended is neither run nor aborted; look at its result, and select anew what is still held.',
  ),
  'millrace/already-running': row(
    'StateError',
    false,
    'Only an operation that is prepared or stopped can be run; look at its state.',
  ),
  'millrace/no-finder': row(
    'StateError',
    false,
    'Start the app with `app({ finder: true })`, or by the command; it then indexes what its topics and channels keep.',
  ),
  'millrace/unknown-message': row(
    'StateError',
    false,
    `Look for it with \`${commandLine('messages list')}\`; retention removes messages, and a delayed one is not there yet.`,
  ),
  'millrace/unknown-processor': row('StateError', false, 'List the processors for their names.'),
  'millrace/unknown-schedule': row('StateError', false, 'List the schedules for their names.'),
  'millrace/processor-in-use': row('StateError', false, 'Remove the processor from the app before you retire it.'),
  'millrace/on-channel': row(
    'StateError',
    false,
    'Only processors of topics are reset. Release or discard what is at the desk, or send commands anew.',
  ),
  'millrace/sends-again': row(
    'StateError',
    false,
    'Where all of it is to be published and sent again, say `againToTheWorld` (`--again-to-the-world`).',
  ),
  'millrace/bad-position': row(
    'StateError',
    false,
    'Give a position that the topic keeps, the next one, a date, `beginning` or `now`.',
  ),
  'millrace/processor-has-held': row(
    'StateError',
    false,
    'Resolve its messages at the desk first, or retire it with force.',
  ),
  'millrace/no-app': row(
    'StateError',
    false,
    'Name an app file, or a database, that exists; an app makes its database at its first start.',
  ),
  'millrace/bad-app': row('StateError', false, 'Make the file load and `export default app({ … })`.'),
  'millrace/not-running': row(
    'StateError',
    true,
    'Start the app; or name its file, if the command works without a running app.',
  ),
  'millrace/no-answer': row(
    'StateError',
    true,
    'Wait until the process has started or answers again; a command never bypasses it.',
  ),
  'millrace/no-file': row('StateError', false, 'Use a broker that keeps its messages in a file.'),
  'millrace/no-publish-in': row(
    'ConfigurationError',
    false,
    'Publish in a function of `app.transaction`, or use a broker in the database of the transaction: `postgres`.',
  ),
  'millrace/disconnected': row(
    'StateError',
    true,
    'Check whether the app still runs; publish again with the same ids.',
  ),
  'millrace/other-protocol': row('StateError', false, 'Use the command of the Millrace version that the app runs.'),
  'millrace/bad-request': row('StateError', false, 'Correct the request; the guide to the command line has examples.'),

  'millrace/unknown-route': row('StateError', false, 'Look at the paths that the app serves, and at its `basePath`.'),
  'millrace/page-not-built': row(
    'StateError',
    true,
    'Run `npm ci` in the clone, so that the page can be built; the routes of /api need no page.',
  ),
  'millrace/wrong-method': row('StateError', false, 'Use one of the methods in the header `Allow` of the answer.'),
  'millrace/wrong-media-type': row(
    'StateError',
    false,
    'Send a media type and an encoding that the route takes: JSON as UTF-8, plain or gzip.',
  ),
  'millrace/refused': row(
    'StateError',
    false,
    'The processor refuses the command: `detail` says why, and `data` has what its type says about it.',
  ),
  'millrace/unknown-request': row(
    'StateError',
    false,
    'Look at the id; the end of a request is kept for `requestRetainMs`.',
  ),
  'millrace/bad-signature': row(
    'AccessError',
    false,
    'Sign the body as it is sent, with the secret of the hook and the time of now.',
  ),
  'millrace/too-many-listeners': row('StateError', true, 'Wait until other listeners are gone, or read pages.'),
  'millrace/unexpected': row(
    'StateError',
    false,
    'Look in the log of the app for the id that the answer has: this is a fault of the app or of Millrace.',
  ),
  'millrace/port-in-use': row(
    'StateError',
    true,
    'End the program that has the port, or name another: `--port 0` takes a free one.',
  ),

  'millrace/answer-too-large': row(
    'StateError',
    false,
    'Ask for fewer rows at once, or stop the app and read its file.',
  ),
  'millrace/too-many-connections': row('StateError', true, 'Wait until other commands end, or end some of them.'),
  'millrace/unknown-name': row('StateError', false, 'Name a type, topic or channel of the app or of its file.'),
  'millrace/no-check': row(
    'ConfigurationError',
    false,
    'Give `always`, `eventually` or both; a run without a check shows nothing.',
  ),
  'millrace/simulation-failed': row('StateError', false, 'Run the command in the message to repeat the same run.'),
  'millrace/simulation-stalled': row(
    'StateError',
    false,
    'Read the end of the trace: it shows the last events before the run stalled.',
  ),
  'millrace/not-quiet': row(
    'StateError',
    true,
    'Look at the processors that the message names; wait longer, or let their handlers end.',
  ),
  'millrace/not-seen': row('StateError', false, 'Look at the desk and at the messages that came instead.'),
  'millrace/not-deterministic': row(
    'StateError',
    false,
    'Take time from `now` and chance from outside; put timers and I/O behind a client that a test can replace.',
  ),

  'millrace/in-use': row(
    'StoreError',
    true,
    'Stop the process that has the file, or use another file. Within one process start one app per file, also after a reload of modules.',
  ),
  'millrace/locked': row(
    'StoreError',
    true,
    'End the transaction of the other program (a SQLite shell, a GUI, a script); the work resumes by itself.',
  ),
  'millrace/ownership-lost': row(
    'StoreError',
    true,
    'Find the other process that has taken over the store, and run one of the two; the app takes the store up again once it is free.',
  ),
  'millrace/server-away': row(
    'StoreError',
    true,
    'Look whether the database server runs and can be reached; the work resumes by itself.',
  ),
  'millrace/connection-lost-in-commit': row(
    'StoreError',
    true,
    'Find the statement of the function at which the server ends the connection, or the wait that is too long for it.',
  ),
  'millrace/moved-database': row(
    'StoreError',
    false,
    `The database was restored or copied to another cluster. Start on the cluster where it was written; to go on here, where nothing else runs on a copy of it, call \`${commandLine('move --db URL --here')}\` first.`,
  ),
  'millrace/data-moved': row(
    'StoreError',
    false,
    `Start the app where its data are now. To start here again, as of the move, call \`${commandLine('move --db STORE --back')}\`: what was handled there since is handled a second time.`,
  ),
  'millrace/target-not-empty': row(
    'StoreError',
    false,
    'Name a file that does not exist, or a database in which no app has run. To move into a database once more, drop its schema `millrace` first.',
  ),
  'millrace/no-move': row('StoreError', false, 'Name a file, or the URL of a PostgreSQL database.'),
  'millrace/foreign-file': row(
    'StoreError',
    false,
    `Name a file that Millrace created, or one that does not exist yet. To take up a database that has tables of its own, copy it by \`${commandLine('backup --db FILE --to COPY')}\`, then start with \`sqlite({ file, adopt: true })\`.`,
  ),
  'millrace/name-taken': row(
    'StoreError',
    false,
    'Give it another name, by the program that has made it, and start again.',
  ),
  'millrace/foreign-wal': row(
    'StoreError',
    false,
    `To start on a copy, put it in place with \`${commandLine('restore COPY --db FILE')}\`, which moves the present file and its -wal aside. Otherwise put back the file to which the -wal belongs.`,
  ),
  'millrace/newer-file': row('StoreError', false, 'Run the version of Millrace that wrote the file, or a later one.'),
  'millrace/corrupt-file': row(
    'StoreError',
    false,
    'Restore the file from a backup; keep the damaged one for analysis.',
  ),
  'millrace/network-file-system': row('StoreError', false, 'Put the file on a local disk.'),
  'millrace/cannot-open': row('StoreError', true, 'Create the folder and let this user write to it.'),
  'millrace/read-only': row('StoreError', true, 'Let this user write to the file and its folder.'),
  'millrace/checking': row('StoreError', true, 'Wait until the check ends; the app works during it.'),
  'millrace/copy-without-wal': row(
    'StoreError',
    false,
    `Restore a whole copy with \`${commandLine('restore')}\`. If you know that this file is whole, or good enough, accept it with \`${commandLine('doctor --accept')}\`. Make copies with \`app.backup(path)\` or \`${commandLine('backup')}\`.`,
  ),
  'millrace/backup-exists': row('StoreError', false, 'Name a file that does not exist yet.'),
  'millrace/backup-failed': row(
    'StoreError',
    true,
    'Check the disk and the folder of the copy. The original is unchanged, and no part of the copy is left.',
  ),
  'millrace/hard-linked': row(
    'StoreError',
    false,
    `Remove the other names of the file, or use a copy of it: \`cp --remove-destination\`, \`${commandLine('backup')}\`.`,
  ),
  'millrace/restore-failed': row(
    'StoreError',
    true,
    `Check the copy and the disk, then run \`${commandLine('restore')}\` again.`,
  ),
  'millrace/restore-unfinished': row(
    'StoreError',
    true,
    `Start the app, or run \`${commandLine('restore')}\` again: either finishes the restore.`,
  ),
  'millrace/disk-full': row('StoreError', true, 'Make room on the disk; the work resumes by itself.'),
  'millrace/disk-low': row('StoreError', true, 'Make room on the disk, or lower `diskFreeMinBytes`.'),
  'millrace/disk-failed': row('StoreError', true, 'Check the disk; the app opens the store again by itself.'),
  'millrace/files-replaced': row(
    'StoreError',
    false,
    `Stop the app; put the files back, or put a copy in place with \`${commandLine('restore')}\`; then start the app. Copy the file of a running app only with \`app.backup\` or \`${commandLine('backup')}\`.`,
  ),
  'millrace/sync-failed': row(
    'StoreError',
    true,
    'The message may or may not be on disk: publish it again with the same `id`.',
  ),
  'millrace/reader-ended': row(
    'StoreError',
    true,
    'The list, search or story was given up, and nothing else is affected. Ask again, with a narrower filter where it happens again.',
  ),

  'millrace/threads-missing': row(
    'StoreError',
    false,
    'Let the process start worker threads. If a bundler has changed millrace, leave it out of the bundle: `--external:millrace`.',
  ),

  'millrace/data-is-frozen': row(
    'HandlerError',
    false,
    'All processors share the data of a message: change a copy, `structuredClone(data)`.',
  ),
  'millrace/deadline-passed': row(
    'HandlerError',
    false,
    'Release the command if it is still wanted, otherwise discard it; find out why its processor was late.',
  ),
  'millrace/timed-out': row('HandlerError', true, 'End the handler when `signal` aborts, or raise `timeoutMs`.'),
  'millrace/stopped': row(
    'HandlerError',
    true,
    'The app was stopped, or the processor reset, during the attempt; the message is tried again.',
  ),
  'millrace/commit-twice': row('HandlerError', false, 'Call `commit` once and do everything in its function.'),
  'millrace/commit-not-returned': row('HandlerError', false, 'Return the value of `commit` from the handler.'),
  'millrace/commit-waited': row(
    'HandlerError',
    false,
    'Await only `tx` in the function of a commit, of `app.transaction` or `setup`; do timers, files and calls to other systems before it.',
  ),
  'millrace/too-many-queries': row('HandlerError', false, 'Do less in one commit, or raise `commitQueriesMax`.'),
  'millrace/statement-failed': row(
    'HandlerError',
    false,
    'A failed statement fails its function, even when its error is caught. Run a statement that may fail inside `tx.attempt(async (tx) => …)` and catch the error of the attempt.',
  ),
  'millrace/attempt-open': row(
    'HandlerError',
    false,
    'Await `tx.attempt` before the next call on the outer `tx`; inside the attempt use the `tx` of its function.',
  ),
  'millrace/denied': row(
    'HandlerError',
    false,
    'Leave transactions, savepoints, attached files, pragmas and tables that begin with millrace_ to Millrace.',
  ),
  'millrace/other-broker': row(
    'HandlerError',
    false,
    'Call `sqlite.client` in an app whose broker is `sqlite`; on another broker, use `tx.client` as that broker describes it.',
  ),
  'millrace/transaction-ended': row('HandlerError', false, 'Do not use OR ROLLBACK or RAISE(ROLLBACK).'),
  'millrace/tx-closed': row('HandlerError', false, 'Use `tx` only while its function runs.'),
  'millrace/after-end': row('HandlerError', false, 'Publish and send before the handler returns, or in its commit.'),
  'millrace/returned-value': row(
    'HandlerError',
    false,
    'Return nothing, or the value of `commit`, from a topic handler.',
  ),
  'millrace/late-error': row('HandlerError', false, 'Await every promise and catch errors in callbacks.'),
  'millrace/killed-the-process': row(
    'HandlerError',
    false,
    'Find out why this message ends or blocks the process, correct that, then release the message.',
  ),

  'millrace/key-reused': row('DataError', false, 'Give each act an `Idempotency-Key` of its own.'),
  'millrace/key-under-way': row('StateError', true, 'Wait for the answer, then send the same request again.'),
  'millrace/revision-missing': row('AccessError', false, 'Read the message first, and send its `ETag` as `If-Match`.'),
  'millrace/not-signed-in': row(
    'AccessError',
    false,
    'Send the token as `Authorization: Bearer …`: that of FILE-token beside the file of the app, or one that you were given.',
  ),
  'millrace/bad-access': row(
    'ConfigurationError',
    false,
    'Let `access` return `{ name, grants }`, each grant with one of the roles, or undefined for an unknown sender.',
  ),
  'millrace/token-exists': row('StateError', false, 'Revoke the token of that name first, or give another name.'),
  'millrace/unknown-token': row('StateError', false, 'Look at the names with `tokens`.'),
  'millrace/not-allowed': row('AccessError', false, 'Ask who runs the app for a role that allows it.'),
  'millrace/wrong-host': row('AccessError', false, 'Use an address of this server, or name the host in `hosts`.'),
  'millrace/cross-site': row('AccessError', false, 'Send it from a page of this server, or with a token.'),
  'millrace/too-many-requests': row('AccessError', true, 'Wait as long as `Retry-After` says, and send less at once.'),
  'millrace/too-many-logins': row('AccessError', true, 'Wait a minute, and use a token that counts.'),
  'millrace/sign-in-unreachable': row(
    'AccessError',
    true,
    'Look whether the sign-in service can be reached from here.',
  ),
} as const satisfies Record<string, Row>

function row(kind: Class, retryable: boolean, help: string): Row {
  return { class: kind, retryable, help }
}

/** The code of an error of Millrace. */
export type ErrorCode = keyof typeof errors

/** Tests for a code of the table; names that every object has do not count. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errors, code)
}

const brand = Symbol.for('millrace.error')

/**
 * An error of Millrace: `code` names it, `retryable` tells whether the same call may succeed later, `help` says what to
 * do. Recognise it by {@link isMillraceError} and its code, not by `instanceof`: two copies of the package may be
 * loaded.
 *
 * @example
 * ```ts
 * const error = new MillraceError('millrace/disk-full', 'the disk is full')
 * console.assert(error.name === 'StoreError' && error.retryable)
 * ```
 */
export class MillraceError extends Error {
  readonly code: ErrorCode
  readonly retryable: boolean
  readonly help: string
  /** Facts about this case, plain JSON. */
  readonly data: unknown

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; data?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    const { class: kind, retryable, help } = errors[code]
    this.name = kind
    this.code = code
    this.retryable = retryable
    this.help = help
    this.data = options.data
    Object.defineProperty(this, brand, { value: true })
  }
}

/**
 * Tells whether a caught value is an error of Millrace, and narrows its type.
 *
 * @param error anything that was caught; it never throws
 * @param code the code that it must have; default: any
 * @returns true for an error of Millrace, and of that code where one is given
 *
 * @example
 * ```ts
 * try {
 *   await shop.publish(OrderPlaced, { orderId: 'o-1', customer: 'ada', sku: 'sieve', quantity: 7 }, { id: 'o-1' })
 * } catch (error) {
 *   if (!isMillraceError(error, 'millrace/id-conflict')) throw error
 *   console.log(error.help)
 * }
 * ```
 */
export function isMillraceError(error: unknown, code?: ErrorCode): error is MillraceError {
  try {
    if (typeof error !== 'object' || error === null || !(brand in error)) return false
    return code === undefined || (error as unknown as MillraceError).code === code
  } catch {
    // Anything can be thrown, a proxy that refuses to be looked at too.
    return false
  }
}

export function fault(code: ErrorCode, message: string, options?: { cause?: unknown; data?: unknown }): MillraceError {
  return new MillraceError(code, message, options)
}

/** Words an error as a reason of health, where nobody catches it. */
export function reasonOf({ message, help, code }: MillraceError): string {
  return `${message}; ${help.charAt(0).toLowerCase()}${help.slice(1)} (${code})`
}

export { type ErrorRecord, type LostPart, recordError } from './error-record.ts'
