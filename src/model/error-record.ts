// What is kept of an error for programs and people: at the desk, in journals, in the topic of failures. Plain JSON of
// bounded size, whatever was thrown, from whichever realm. Texts are shortened, data never: they are whole or absent.
import { isError } from './kinds.ts'
import { forPeople, read } from './people.ts'

/** The parts of an error that are not in its record as they were. */
export type LostPart = 'message' | 'stack' | 'data' | 'cause' | 'errors'

/** The record of an error that is kept beside a held message: plain JSON, for anything that can be thrown. */
export interface ErrorRecord {
  /** The `code` of the error where that is a text, else its name; `thrown` for a value that is no error. */
  readonly code: string
  /** Its name, such as `TypeError`, where that is not the code. */
  readonly name?: string | undefined
  readonly message: string
  readonly stack?: string | undefined
  /** Its `data`, as JSON gives them back; a text where they are not JSON. */
  readonly data?: unknown
  readonly cause?: ErrorRecord | undefined
  /** The errors of an `AggregateError`. */
  readonly errors?: readonly ErrorRecord[] | undefined
  /**
   * The parts that were changed: a message or a stack of more than 20,000 characters is shortened; data beyond
   * `messageBytesMax`, a cause and errors beyond 32 records or in a circle are left out; data that are not JSON are a text.
   */
  readonly lost?: readonly LostPart[] | undefined
}

const recordsMax = 32
const textMax = 20_000
const dataMaxDefault = 1_000_000

/** Anything that can be thrown, a string or `undefined` too; its data, where they are not larger. */
export function recordError(error: unknown, dataMax = dataMaxDefault): ErrorRecord {
  return new Recorder(dataMax).record(error)
}

class Recorder {
  private left = recordsMax
  private dataLeft: number
  private readonly around = new Set<unknown>()

  constructor(dataMax: number) {
    this.dataLeft = dataMax
  }

  record(error: unknown): ErrorRecord {
    this.left--
    try {
      return isError(error)
        ? this.recordOf(error)
        : { code: 'thrown', ...this.text('message', `thrown: ${forPeople(error, textMax)}`) }
    } catch {
      return { code: 'thrown', message: 'thrown: something that cannot be looked at' }
    }
  }

  private recordOf(error: Error): ErrorRecord {
    this.around.add(error)
    try {
      const code = read(error, 'code')
      const name = textIn(error, 'name', 'Error')
      const stack = read(error, 'stack')
      const parts = [
        this.text('message', this.messageOf(error)),
        typeof stack === 'string' ? this.text('stack', stack) : {},
        this.data(read(error, 'data')),
        this.cause(error),
        this.errors(error),
      ]
      const lost = parts.flatMap((part) => part.lost ?? [])
      const record = Object.assign({}, ...parts) as Omit<ErrorRecord, 'code'>
      const known = typeof code === 'string' && code !== name ? { code, name } : { code: name }
      return lost.length === 0 ? { ...known, ...record } : { ...known, ...record, lost }
    } finally {
      this.around.delete(error)
    }
  }

  /** An error without a message, as Node.js makes of connections that fail, says what it holds. */
  private messageOf(error: Error): string {
    const message = textIn(error, 'message', '')
    const errors = read(error, 'errors')
    if (message !== '' || !Array.isArray(errors)) return message
    return errors
      .slice(0, recordsMax)
      .map((one) => (isError(one) ? textIn(one, 'message', '') : forPeople(one, 200)))
      .join('; ')
  }

  private text<Part extends 'message' | 'stack'>(
    part: Part,
    text: string,
  ): Partial<ErrorRecord> & Record<Part, string> {
    const whole = { [part]: text } as Record<Part, string>
    if (text.length <= textMax) return whole
    return { ...whole, [part]: forPeople(text, textMax), lost: [part] }
  }

  private data(data: unknown): Partial<ErrorRecord> {
    if (data === undefined) return {}
    let json: string | undefined
    try {
      json = JSON.stringify(data)
    } catch {
      // A circle, a bigint, a getter that throws.
    }
    if (json === undefined) return { data: forPeople(data, textMax), lost: ['data'] }
    this.dataLeft -= json.length
    return this.dataLeft < 0 ? { lost: ['data'] } : { data: JSON.parse(json) }
  }

  private cause(error: Error): Partial<ErrorRecord> {
    const cause = read(error, 'cause')
    if (cause === undefined) return {}
    return this.hasRoomFor(cause) ? { cause: this.record(cause) } : { lost: ['cause'] }
  }

  private errors(error: Error): Partial<ErrorRecord> {
    const errors = read(error, 'errors')
    if (!Array.isArray(errors)) return {}
    const records: ErrorRecord[] = []
    for (const one of errors) {
      if (!this.hasRoomFor(one)) return { errors: records, lost: ['errors'] }
      records.push(this.record(one))
    }
    return { errors: records }
  }

  private hasRoomFor(error: unknown): boolean {
    return this.left > 0 && !this.around.has(error)
  }
}

function textIn(error: Error, name: 'name' | 'message', otherwise: string): string {
  const value = read(error, name)
  if (typeof value === 'string') return value === '' ? otherwise : value
  return value === undefined ? otherwise : forPeople(value)
}
