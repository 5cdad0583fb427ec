// The command `millrace`: reads the arguments, runs one command, returns the exit status.
import { readFileSync } from 'node:fs'
import { Command, CommanderError, Option } from 'commander'
import { defaults } from '../index.ts'
import { commandLine } from '../operate/command-line.ts'
import type { CommandWords, Run } from './add.ts'
import { addAlerts } from './alert-command.ts'
import { type Call, span, splitWords, wholeNumber } from './call.ts'
import { asyncapi } from './commands/asyncapi.ts'
import { dev, devGraceDefault, devProcess } from './commands/dev.ts'
import { graph, graphFormats } from './commands/graph.ts'
import { init } from './commands/init.ts'
import { publish } from './commands/publish.ts'
import { simulate } from './commands/simulate.ts'
import { type StartWords, start } from './commands/start.ts'
import { tail, tailLastMax } from './commands/tail.ts'
import { addDesk } from './desk-commands.ts'
import { addFlows } from './flow-commands.ts'
import { addMessages } from './message-commands.ts'
import { Output, UsageError } from './output.ts'
import { addProcessors } from './processor-commands.ts'
import { addSchedules } from './schedule-commands.ts'
import { addStore } from './store-commands.ts'
import { addTokens } from './token-commands.ts'
import { atFolder, exampleText, exitText, folderText, helped, helpFor, usageText } from './usage.ts'

const status = { ok: 0, failed: 1, usage: 2 }
const waitMsDefault = 3_000
/** The time that `start` waits for a file that another process has, milliseconds. */
const startWaitMsDefault = 5_000
const startWaitMsMax = 86_400_000
const { default: graceDefault, min: graceMin, max: graceMax } = defaults.graceMs

interface Common {
  readonly db?: string | undefined
  readonly json?: boolean | undefined
  readonly waitMs?: number | undefined
}

/**
 * Runs one command.
 *
 * @returns the exit status: 0 done, 1 failed, 2 used wrongly, 130 and 143 ended by Ctrl-C and SIGTERM
 */
export async function main(argv: readonly string[]): Promise<number> {
  const closed = new AbortController()
  const onClosed = () => closed.abort()
  process.stdout.on('error', onClosed)
  process.stderr.on('error', onClosed)
  const { stdout, stderr } = process
  const output = ({ json }: { readonly json: boolean }) => new Output({ json, stdout, stderr, closed: closed.signal })
  let result = status.ok
  const program = commands(argv, (run, { db, json = false, waitMs = waitMsDefault, ...options }, words) => {
    const call: Call = { ...splitWords(words), db, waitMs, out: output({ json }) }
    return run(call, options as never)
      .catch(atFolder(words, argv))
      .then((code) => {
        result = code
      })
  })
  try {
    await program.parseAsync(helped(argv), { from: 'user' })
    return result
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? status.ok : status.usage
    if (error instanceof UsageError) {
      output({ json: argv.includes('--json') }).error(new UsageError(`${error.message}; see ${helpFor(program, argv)}`))
      return status.usage
    }
    output({ json: argv.includes('--json') }).error(error)
    return status.failed
  } finally {
    process.stdout.off('error', onClosed)
    process.stderr.off('error', onClosed)
  }
}

type Invoke = (run: Run<never>, options: Common, words: readonly string[]) => Promise<void>

function commands(argv: readonly string[], invoke: Invoke): Command {
  const program = new Command(commandLine())
    .description('Runs and operates apps of Millrace.')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command...]', 'print help of a command')
    .configureHelp({ subcommandTerm: (command) => command.name() })
    .exitOverride()
    .configureOutput({
      getOutHelpWidth: () => Math.min(process.stdout.columns ?? 80, 100),
      getErrHelpWidth: () => Math.min(process.stderr.columns ?? 80, 100),
      outputError: (text, write) => write(`${usageText(text, helpFor(program, argv))}\n`),
    })
    .addHelpText('after', exitText)

  addPlain(program, {
    name: 'init',
    usage: '[FOLDER]',
    text: 'write a new app, with a test, where no file of it is',
    run: init,
    examples: ['init shop'],
  })
  addRunning(
    {
      name: 'start',
      usage: 'app.ts',
      text: 'run an app until Ctrl-C or SIGTERM',
      run: start,
      examples: ['start app.ts --only stock,labels'],
    },
    graceDefault,
  )
    .option('--no-watchdog', 'do not end a process whose event loop a handler blocks')
    .option('--no-control', 'open no control socket: no command reaches the app')
    .addOption(new Option('--log <form>', 'write the log as lines of JSON on standard error').choices(['json']))
  const watching = {
    name: 'dev',
    usage: 'app.ts',
    text: 'run an app, again when a file changes, and print what it handles',
    run: dev,
    examples: ['dev app.ts'],
  }
  addRunning(watching, devGraceDefault)
  addRunning({ ...watching, name: 'dev-process', run: devProcess, hidden: true }, devGraceDefault)
  add(program, {
    name: 'publish',
    usage: '[app.ts] [TYPE] [DATA]',
    text: 'publish an event or send a command; without DATA one per line of standard input',
    run: publish,
    examples: [
      'publish app.ts order.placed \'{ "orderId": "o-1" }\' --id o-1',
      'publish app.ts order.placed < orders.jsonl   # each line is data',
      'publish --db shop.db < messages.jsonl   # each line is { "type", "data", "id"? }',
    ],
  })
    .option('--id <id>', 'the id; publishing again with the same id adds nothing')
    .option('--at <time>', 'keep it until this time: 2026-12-01T08:00:00Z')
    .option('--delay <span>', 'keep it for this long: 90s, 15min, 2h, 3d', span('--delay'))
  add(program, {
    name: 'tail',
    usage: '[app.ts]',
    text: 'show messages as they are accepted',
    run: tail,
    examples: [
      'tail app.ts --topic orders --last 10',
      'tail --db shop.db --last 100 --json   # CloudEvents; of a stopped app too',
    ],
  })
    .option('--topic <name>', 'only messages of this topic or channel')
    .option('--type <name>', 'only messages of this type')
    .option('--context <value>', 'only messages of this context')
    .option('--correlation <id>', 'only messages of this flow')
    .option(
      '--last <n>',
      `first show so many of the newest, at most ${tailLastMax}`,
      wholeNumber('--last', 0, tailLastMax),
    )
    .option('--no-follow', 'end after the newest, do not follow')

  addDesk(group(program, 'desk', 'the dead-letter queue: see, release, correct or discard failed messages'), add)
  addProcessors(
    group(program, 'processors', 'the event processors: see, set, pause, resume, reset or retire them'),
    add,
  )
  addFlows(group(program, 'flows', 'the flows of mediators (sagas, workflows): see, answer, end or resume them'), add)
  addSchedules(group(program, 'schedules', 'what time will bring: schedules, and messages that come later'), add)
  addTokens(group(program, 'tokens', 'who may use the HTTP server: make, list and revoke tokens'), add)
  addMessages(group(program, 'messages', 'the messages that are kept: list them, show one, follow its story'), add)

  addAlerts(program, add)
  add(program, {
    name: 'graph',
    usage: 'app.ts',
    text: 'draw the parts of an app, and what flows between them',
    run: graph,
    examples: ['graph app.ts > app.mmd', 'graph app.ts --format svg > app.svg'],
  })
    .addOption(
      new Option('--format <format>', 'mermaid, dot (Graphviz), svg or json (default mermaid)').choices(graphFormats),
    )
    .option('--declared', 'draw only what the code declares, and read no file')
  addPlain(program, {
    name: 'asyncapi',
    usage: 'app.ts',
    text: 'describe the app as an AsyncAPI 3 document',
    run: asyncapi,
    examples: ['asyncapi app.ts > asyncapi.json'],
  })
  addPlain(program, {
    name: 'simulate',
    usage: 'app.ts',
    text: 'test the app under many seeds, with faults: the `simulation` that its file exports',
    run: simulate,
    examples: ['simulate app.ts --seeds 1000', 'simulate app.ts --seed 7   # repeats one run exactly'],
  })
    .option('--seeds <n>', 'the number of seeds, from seed 1 (default 100)', wholeNumber('--seeds', 1, 1_000_000_000))
    .option('--seed <n>', 'run only this seed', wholeNumber('--seed', 0, Number.MAX_SAFE_INTEGER))
  addStore(program, add)
  return program

  function group(parent: Command, name: string, text: string): Command {
    return parent.command(name).description(text).helpCommand(false)
  }

  function withDatabase(command: Command): Command {
    return command.option('--db <file>', 'the database, if not the one that the app file names')
  }

  /** Adds a command that runs an app. */
  function addRunning(words: CommandWords<StartWords>, graceMs: number): Command {
    return withDatabase(addPlain(program, words))
      .option(
        '--wait-ms <ms>',
        'wait for a process that still has the file',
        wholeNumber('--wait-ms', 0, startWaitMsMax),
        startWaitMsDefault,
      )
      .option(
        '--only <names>',
        'run only these processors, by name, separated by commas',
        (text, before: string[] = []) => [...before, ...text.split(',').filter((name) => name !== '')],
      )
      .option(
        '--grace <ms>',
        `time for running handlers when it stops (default ${graceMs})`,
        wholeNumber('--grace', graceMin, graceMax),
      )
      .option(
        '--port <n>',
        `the port of its HTTP server on 127.0.0.1; 0 takes a free one (default ${defaults.port.default}, or MILLRACE_PORT)`,
        wholeNumber('--port', defaults.port.min, defaults.port.max),
      )
      .option('--no-http', 'serve no HTTP')
      .option('--open', 'let everybody on this machine do everything over HTTP, without a token')
  }

  /** Adds a command that works on the file of an app, which may be running. */
  function add<Options>(parent: Command, words: CommandWords<Options>): Command {
    return withDatabase(addPlain(parent, words)).option(
      '--wait-ms <ms>',
      'wait for a running app to answer',
      wholeNumber('--wait-ms', 1, 600_000),
      waitMsDefault,
    )
  }

  function addPlain<Options>(
    parent: Command,
    { name, usage, text, run, examples, hidden = false }: CommandWords<Options>,
  ): Command {
    const isDefault = parent !== program && name === 'list'
    const command = parent.command(name, { isDefault, hidden }).description(text).usage(`${usage} [options]`)
    const shown = examples.map(exampleText).join('\n')
    return command
      .argument('[words...]')
      .option('--json', 'print JSON, one object on a line')
      .addHelpText('after', `\nExample${examples.length > 1 ? 's' : ''}:\n${shown}`)
      .action((words: string[], options: Common) => {
        if (isDefault) refuseUnknown(parent, name, words)
        return invoke(run as Run<never>, options, words)
      })
  }
}

/** Refuses a word in the place of a command that is neither a command nor an app file. */
function refuseUnknown(group: Command, name: string, words: readonly string[]): void {
  const [typed] = group.args
  if (typed === undefined || typed === name || !words.includes(typed)) return
  const folder = folderText([typed])
  if (folder !== undefined) throw new UsageError(folder)
  if (splitWords([typed]).appFile === undefined) (group as Command & { unknownCommand(): never }).unknownCommand()
}

function version(): string {
  const file = new URL('../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
