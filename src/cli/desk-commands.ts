// The commands below `millrace desk`.
import type { Command } from 'commander'
import { actor } from './actor-options.ts'
import type { Add } from './add.ts'
import { wholeNumber } from './call.ts'
import { addClaims } from './claim-commands.ts'
import { deskAudit, deskGroups, deskLine, deskList } from './commands/desk.ts'
import { deskDiscard, deskRelease, deskResubmit, deskTakeBack } from './commands/desk-act.ts'
import { deskShow } from './commands/desk-show.ts'
import { deskRun } from './commands/operations.ts'
import { deskAbort, deskOperations } from './commands/operations-shown.ts'
import { deskPreview } from './commands/preview.ts'
import { addEdits } from './edit-commands.ts'

const idMax = Number.MAX_SAFE_INTEGER

export function addDesk(desk: Command, add: Add): void {
  filters(
    add(desk, {
      name: 'list',
      usage: '[app.ts]',
      text: 'show the messages at the desk',
      run: deskList,
      examples: ['desk list app.ts --processor stock'],
    }),
  )
    .option(
      '--state <names>',
      'held (default), deciding, trying, line, handled, discarded, reset; or all: every unresolved state',
      (text) => text.split(','),
    )
    .option('--after <id>', 'only messages after this one', wholeNumber('--after', 0, idMax))
    .option('--limit <n>', 'the most rows (default 100)', wholeNumber('--limit', 1, 1_000_000))
  add(desk, {
    name: 'show',
    usage: '[app.ts] ID',
    text: 'show one message: error, attempts, line behind it, history, data',
    run: deskShow,
    examples: ['desk show app.ts 3', 'desk show app.ts 3 --data > order.json   # to correct it'],
  }).option('--data', 'print only its data')
  add(desk, {
    name: 'line',
    usage: '[app.ts] ID',
    text: 'show the line behind a message, in order',
    run: deskLine,
    examples: ['desk line app.ts 3'],
  })
    .option('--after <place>', 'only messages after this place', wholeNumber('--after', 0, idMax))
    .option('--limit <n>', 'the most rows (default 100)', wholeNumber('--limit', 1, 1_000_000))
  add(desk, {
    name: 'groups',
    usage: '[app.ts]',
    text: 'count held messages by processor, error or type',
    run: deskGroups,
    examples: ['desk groups app.ts --by error'],
  })
    .option('--by <what>', 'processor, error, type, or all of them (default)')
    .option('--processor <name>', 'only of this processor')
    .option('--limit <n>', 'the most groups, largest first (default 1,000)', wholeNumber('--limit', 1, 1_000_000))

  repair(
    selection(
      add(desk, {
        name: 'release',
        usage: '[app.ts] (ID... | --all --name NAME)',
        text: 'release held messages, then the lines behind them',
        run: deskRelease,
        examples: [
          'desk release app.ts 3 5 --reason "supplier is back"',
          'desk release app.ts --all --name back --group 4 --one-first',
        ],
      }),
    ).option('--one-first', 'with --all: one first, and the others only when it is handled'),
  )
  repair(
    selection(
      add(desk, {
        name: 'resubmit',
        usage: '[app.ts] (ID | --all --name NAME)',
        text: 'correct the data of messages, held or in line',
        run: deskResubmit,
        examples: [
          'desk resubmit app.ts 3 --data-file order.json --reason "new sign"',
          'desk resubmit app.ts --all --name a --change a.json --reason sign',
        ],
      }),
    )
      .option('--change <file>', 'the changes of the data, of each with --all: a file, or JSON (JSON Patch)')
      .option('--one-first', 'with --all: one first, and the others only when it is handled')
      .option('--data <json>', 'the corrected data; without it and --data-file from standard input')
      .option('--data-file <file>', 'a file with the corrected data'),
  )
  repair(
    selection(
      add(desk, {
        name: 'discard',
        usage: '[app.ts] (ID... | --all --name NAME)',
        text: 'discard messages, held or in line; their lines continue',
        run: deskDiscard,
        examples: [
          'desk discard app.ts 3 --reason "entered twice, see o-17"',
          'desk discard app.ts --all --name tests --group 4 --reason "tests"',
        ],
      }),
    ),
  )
  repair(
    add(desk, {
      name: 'take-back',
      usage: '[app.ts] ID...',
      text: 'take back a discard: the message joins the end of its lane',
      run: deskTakeBack,
      examples: ['desk take-back app.ts 3'],
    }),
  )

  actor(
    add(desk, {
      name: 'run',
      usage: '[app.ts] ID | NAME',
      text: 'run an operation that is prepared or has stopped',
      run: deskRun,
      examples: ['desk run app.ts supplier-back --per-second 5 --stop-after 3'],
    })
      .option('--per-second <n>', 'at most so many lanes a second', wholeNumber('--per-second', 1, 1_000))
      .option('--stop-after <n>', 'stop at so many failures', wholeNumber('--stop-after', 1, 10_000))
      .option('--no-wait', 'do not wait for its end'),
  )
  add(desk, {
    name: 'preview',
    usage: '[app.ts] ID | NAME',
    text: 'show what the change of an operation makes of its messages',
    run: deskPreview,
    examples: ['desk preview app.ts signs'],
  })
    .option('--after <id>', 'only messages after this one', wholeNumber('--after', 0, idMax))
    .option('--limit <n>', 'the most messages (default 20)', wholeNumber('--limit', 1, 100))
  addClaims(desk, add)
  addEdits(desk, add)

  add(desk, {
    name: 'operations',
    usage: '[app.ts] [ID | NAME]',
    text: 'show operations on many messages and their progress',
    run: deskOperations,
    examples: ['desk operations app.ts'],
  })
    .option('--after <id>', 'only operations after this one', wholeNumber('--after', 0, idMax))
    .option('--limit <n>', 'the most rows (default 100)', wholeNumber('--limit', 1, 1_000_000))
  actor(
    add(desk, {
      name: 'abort',
      usage: '[app.ts] ID | NAME',
      text: 'abort an operation; its finished work stays',
      run: deskAbort,
      examples: ['desk abort app.ts supplier-back'],
    }),
  )
  add(desk, {
    name: 'audit',
    usage: '[app.ts]',
    text: 'show who did what, when and why, the newest first',
    run: deskAudit,
    examples: ['desk audit app.ts --item 3', 'desk audit app.ts --refused'],
  })
    .option('--item <id>', 'only about this message', wholeNumber('--item', 0, idMax))
    .option('--group <id>', 'only about this group', wholeNumber('--group', 0, idMax))
    .option('--refused', 'only requests over HTTP that were refused')
    .option('--before <line>', 'only lines before this one', wholeNumber('--before', 1, idMax))
    .option('--limit <n>', 'the most rows (default 100)', wholeNumber('--limit', 1, 1_000_000))
}

function filters(command: Command): Command {
  return command
    .option('--processor <name>', 'only of this processor')
    .option('--type <name>', 'only of this type')
    .option('--context <value>', 'only of this context')
    .option('--group <id>', 'only messages of this group (see desk groups)', wholeNumber('--group', 0, idMax))
}

function selection(command: Command): Command {
  return filters(
    command
      .option('--all', 'all that are held now and fit, as an operation')
      .option('--name <name>', 'with --all: the name of the operation'),
  )
    .option('--failed-in <version>', 'with --all: whose last attempt was made by this version of the app')
    .option('--prepare', 'with --all: only select; nothing is done until desk run')
    .option('--per-second <n>', 'with --all: at most so many lanes a second', wholeNumber('--per-second', 1, 1_000))
    .option('--stop-after <n>', 'with --all: stop at so many failures', wholeNumber('--stop-after', 1, 10_000))
    .option('--no-wait', 'with --all: do not wait for its end')
}

/** Options of an action on one message. */
function repair(command: Command): Command {
  return actor(command).option(
    '--revision <n>',
    'only if nobody has acted on it since this revision (see desk show)',
    wholeNumber('--revision', 0, idMax),
  )
}
