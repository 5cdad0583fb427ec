import { LineWriter } from '../control/lines.ts'
import { isMillraceError } from '../index.ts'
import { safe, safeJson, safeLines } from './print.ts'

/** A wrong use of the command: exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

const columnsDefault = 80
const columnsMin = 40
const colours = { red: 31, green: 32, yellow: 33, dim: 2, bold: 1 }
export type Colour = keyof typeof colours

export interface OutputOptions {
  /** True to write results and errors as JSON. */
  readonly json: boolean
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
  /** Aborted when nobody reads the results. */
  readonly closed: AbortSignal
}

/** The output of a command: results go to standard output, the rest to standard error. */
export class Output {
  readonly json: boolean
  /** Aborts when the reader closes the results. */
  readonly closed: AbortSignal
  private readonly stdout: NodeJS.WriteStream
  private readonly stderr: NodeJS.WriteStream
  private readonly writer: LineWriter

  constructor({ json, stdout, stderr, closed }: OutputOptions) {
    this.json = json
    this.stdout = stdout
    this.stderr = stderr
    this.closed = closed
    this.writer = new LineWriter(stdout)
  }

  /** The columns of the terminal; 80 where the output is not a terminal. */
  get columns(): number {
    return this.stdout.isTTY ? Math.max(columnsMin, this.stdout.columns) : columnsDefault
  }

  get isTerminal(): boolean {
    return this.stdout.isTTY === true
  }

  /** Writes one line. The promise resolves when there is room for more, or the reader has closed the results. */
  line(text: string): Promise<void> | undefined {
    return this.closed.aborted ? undefined : this.writer.write(text)
  }

  /** Writes lines as fast as they are read. */
  async lines(texts: Iterable<string>): Promise<void> {
    for (const text of texts) {
      if (this.closed.aborted) return
      await this.line(text)
    }
  }

  /** Writes one object as JSON on its own line. */
  object(value: unknown): Promise<void> | undefined {
    return this.line(safeJson(JSON.stringify(value)))
  }

  /** Writes a remark to standard error; it is not a result. */
  note(text: string): void {
    this.stderr.write(`millrace: ${text}\n`)
  }

  /** Shows progress on a terminal, in place of the last progress; undefined clears it. */
  progress(text: string | undefined): void {
    if (this.stderr.isTTY) this.stderr.write(`\r\u001b[K${text ?? ''}`)
  }

  colour(colour: Colour, text: string): string {
    return hasColours(this.stdout) ? `\u001b[${colours[colour]}m${text}\u001b[0m` : text
  }

  error(error: unknown): void {
    this.stderr.write(`${this.json ? safeJson(JSON.stringify({ error: errorObject(error) })) : errorText(error)}\n`)
  }
}

function hasColours(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY === true && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb'
}

/** The message of an error, or the text of any other thrown value, even one that cannot be read. */
export function textOf(error: unknown): string {
  try {
    return String(Error.isError(error) ? error.message : error)
  } catch {
    return 'a thrown value that cannot be shown'
  }
}

/** Shows an expected error by its message and help; shows an unexpected one with its stack. */
export function errorText(error: unknown): string {
  if (isMillraceError(error)) {
    const { message, help, code } = error
    const [first, ...more] = safeLines(message)
    // A message with indented lines says what to do itself.
    if (message.includes('\n  ')) return [`millrace: ${first} (${code})`, ...more].join('\n')
    // A message that ends with a question mark is a sentence of its own.
    const goesOn = message.endsWith('?') ? ` ${help}` : `; ${help.charAt(0).toLowerCase()}${help.slice(1)}`
    return `millrace: ${safe(message)}${goesOn.replace(/\.$/, '')} (${code})`
  }
  if (!Error.isError(error)) return `millrace: ${safe(textOf(error))}`
  if (error instanceof UsageError || typeof (error as { code?: unknown }).code === 'string') {
    return `millrace: ${safe(error.message)}`
  }
  return `millrace: unexpected: ${error.stack ?? error.message}`
}

export function errorObject(error: unknown): { code: string; message: string; help?: string } {
  const message = textOf(error)
  if (isMillraceError(error)) return { code: error.code, message, help: error.help }
  if (!Error.isError(error)) return { code: 'unexpected', message }
  if (error instanceof UsageError) return { code: 'usage', message }
  const { code } = error as { code?: unknown }
  return { code: typeof code === 'string' ? code : 'unexpected', message }
}
