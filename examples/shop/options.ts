import { fileURLToPath } from 'node:url'
import { Command, CommanderError, InvalidArgumentError } from 'commander'

export type Options = {
  from: string
  db: string
  json: boolean
  /** Keep serving after the input is handled. */
  stay: boolean
  port: number | undefined
  /** Invoices per second; as fast as it goes when undefined. */
  rate: number | undefined
  /** Stop reading after so many invoices; undefined reads to the end. */
  pauseAt: number | undefined
  /** Say yes to all that a person is asked. */
  approveAll: boolean
}

export const sampleFile = fileURLToPath(new URL('./sample.csv', import.meta.url))

/**
 * Reads the command line. Gives the exit status instead when there is nothing to run: 0 after `--help`, 1 after
 * options that are wrong (what is wrong is then on standard error).
 */
export function readOptions(args: string[], terminal: boolean, print?: Print): Options | { status: number } {
  const command = new Command('npm start --')
    .description('Reads invoices from a CSV file, books and fulfils each exactly once, and prints the figures.')
    .option('--from <file>', 'CSV file to read (default: the sample that comes with the example)', nonEmpty)
    .option('--db <file>', 'database file; running again on it adds nothing', nonEmpty, './shop.db')
    .option('--json', 'print the summary as one JSON object, the last line of standard output', false)
    .option('--stay', 'keep serving afterwards (default without --from when the output is a terminal)')
    .option(
      '--port <n>',
      'serve over HTTP on this port; 0 takes a free one (default with --stay: 7070)',
      integer(0, 65_535),
    )
    .option('--rate <n>', 'invoices per second, from 0.001 (default: as fast as it goes)', rate)
    .option('--pause-at <n>', 'stop reading after n invoices', integer(0, Number.MAX_SAFE_INTEGER))
    .option('--approve-all', 'say yes to all that a person is asked, also by an earlier run', false)
    .showHelpAfterError('(npm start -- --help lists the options)')
    .exitOverride()
  if (print) command.configureOutput(print)
  try {
    const { from, stay, ...rest } = command.parse(args, { from: 'user' }).opts()
    return { ...(rest as Options), from: from ?? sampleFile, stay: stay ?? (from === undefined && terminal) }
  } catch (error) {
    if (error instanceof CommanderError) return { status: error.exitCode }
    throw error
  }
}

/** Where commander's texts go; its default is standard output and standard error. */
type Print = { writeOut: (text: string) => void; writeErr: (text: string) => void }

function nonEmpty(text: string): string {
  if (text === '') throw new InvalidArgumentError('Give the path of a file.')
  return text
}

const integer =
  (min: number, max: number) =>
  (text: string): number => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
    if (!(value >= min && value <= max)) throw new InvalidArgumentError(`Give an integer from ${min} to ${max}.`)
    return value
  }

function rate(text: string): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= 0.001)) throw new InvalidArgumentError('Give a number from 0.001, such as 100 or 0.5.')
  return value
}
