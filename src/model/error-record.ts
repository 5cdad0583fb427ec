// The record of an error, for programs and people: at the desk, in journals, in the topic of failures. Plain JSON of
// bounded size for any thrown value of any realm. Texts are shortened; data are kept whole or left out.
import { isError } from './kinds.ts'
import { forPeople, read } from './people.ts'

/** The parts of an error that its record changes or leaves out. */
export type LostPart = 'message' | 'stack' | 'data' | 'cause' | 'errors'

/** The record of an error, kept beside a held message: plain JSON for any thrown value. */
export interface ErrorRecord {
  /** The `code` of the error where it is a text, else its name; `thrown` for a value that is not an error. */
  readonly code: string
  /** Its name, such as `TypeError`, where it differs from the code. */
  readonly name?: string | undefined
  readonly message: string
  readonly stack?: string | undefined
  /** Its `data` as JSON returns them; a text where they are not JSON. */
  readonly data?: unknown
  readonly cause?: ErrorRecord | undefined
  /** The errors of an `AggregateError`. */
  readonly errors?: readonly ErrorRecord[] | undefined
  /**
   * The parts that differ from the error. A message or stack of more than 20,000 characters is shortened. Data beyond
   * `messageBytesMax`, a cause or errors beyond 32 records or in a circle are left out. Data that are not JSON become a
   * text.
   */
  readonly lost?: readonly LostPart[] | undefined
}

const recordsMax = 32
const textMax = 20_000
const dataMaxDefault = 1_000_000

/** Records any thrown value, also a string or `undefined`. Keeps its data up to `dataMax` characters of JSON. */
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
      return { code: 'thrown', message: 'a thrown value that cannot be shown' }
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

  /**
   * Returns the message of an error. Without one (as in Node.js's failed connections) it joins those of its inner
   * errors.
   */
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
      // It has a circle, a bigint or a getter that throws.
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
