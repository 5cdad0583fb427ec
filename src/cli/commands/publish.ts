import { Lines } from '../../control/lines.ts'
import { lineBytesMax } from '../../control/protocol.ts'
import { interruptible } from '../../control/signals.ts'
import { isMillraceError, MillraceError, type PublishOptions, sqlite } from '../../index.ts'
import { type PublishByName, publishByName } from '../../operate/publish.ts'
import { type Call, locate, runningOr, takeWords } from '../call.ts'
import { errorObject, errorText, UsageError } from '../output.ts'
import { count } from '../print.ts'

export interface PublishWords {
  readonly id?: string | undefined
  /** A time in ISO 8601. */
  readonly at?: string | undefined
  readonly delay?: number | undefined
}

/** Reads the times of the command, or of a line. */
function timesOf({ at, delay }: PublishWords): PublishOptions {
  if (at !== undefined && delay !== undefined) throw new UsageError('--at and --delay do not go together')
  if (at === undefined) return { delayMs: delay }
  const ms = Date.parse(at)
  if (Number.isNaN(ms)) throw new UsageError(`--at is "${at}", but must be a time such as 2026-12-01T08:00:00Z`)
  return { at: ms }
}

/** Publishes one message, or one for each line of standard input. */
export async function publish(call: Call, { id, ...words }: PublishWords): Promise<number> {
  const [type, json] = takeWords(call, ['TYPE', 'DATA'], 0)
  if (json === undefined && id !== undefined) throw new UsageError('--id needs DATA; a line gives its own as "id"')
  if (json === undefined && process.stdin.isTTY) {
    throw new UsageError('name TYPE and DATA, or give lines of JSON on standard input')
  }
  const times = timesOf(words)
  const data = json === undefined ? undefined : parse('DATA', json)
  return withPublisher(call, async (publisher, told) => {
    if (json === undefined) return publishLines(call, { type, times, told }, publisher)
    const accepted = await publisher(type!, data, { id, ...times })
    if (call.out.json) call.out.object(accepted)
    else call.out.line(`${accepted.id}${accepted.duplicate ? ' (published before, with the same data)' : ''}`)
    told()
    return 0
  })
}

function parse(what: string, json: string): unknown {
  try {
    return JSON.parse(json)
  } catch (error) {
    throw new UsageError(`${what} is not JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** @param told called after messages were published, which says where they wait */
type Use = (publish: PublishByName, told: () => void) => Promise<number>

/** Publishes through the running app; without one, through the app's code, with no processor running. */
async function withPublisher(call: Call, use: Use): Promise<number> {
  const { app, store } = await locate(call)
  const stopped = async () => {
    if (app === undefined) {
      throw new MillraceError(
        'millrace/not-running',
        (await store.exists()) ? `no app runs with ${store.where}` : `there is no file ${store.where}`,
      )
    }
    const broker = call.db === undefined ? {} : { broker: sqlite({ file: call.db }) }
    await app.start({ only: [], waitMs: call.waitMs, ...broker })
    try {
      return await use(publishByName(app), () => {
        if (!call.out.json) call.out.note(`no app runs with ${store.where}: handled after its next start`)
      })
    } finally {
      await app.stop()
    }
  }
  return runningOr(
    store,
    call.waitMs,
    (client) =>
      use(
        (type, data, options) => client.publish(type, data, options),
        () => {},
      ),
    stopped,
  )
}

const inFlightMax = 1_000
const errorsShownMax = 20

interface ForLines {
  readonly type: string | undefined
  readonly times: PublishOptions
  readonly told: () => void
}

interface Line {
  readonly type: string
  readonly data: unknown
  readonly options: PublishOptions
}

/**
 * Publishes line by line, in order, many in flight. A refused line is reported by its number and the others continue.
 * An error of the app or its disk ends the command.
 */
async function publishLines({ out }: Call, { type, times, told }: ForLines, publish: PublishByName): Promise<number> {
  const counts = { published: 0, duplicates: 0, refused: 0 }
  const interrupted = interruptible()
  const flight = new Flight()
  let trouble: { readonly line: number; readonly error: unknown } | undefined

  const refuse = (line: number, error: unknown) => {
    counts.refused++
    if (out.json) out.object({ line, error: errorObject(error) })
    else if (counts.refused <= errorsShownMax) out.note(`line ${line}: ${errorText(error).replace(/^millrace: /, '')}`)
    else if (counts.refused === errorsShownMax + 1) out.note('further refused lines are only counted')
  }
  const send = (line: number, { type, data, options }: Line) =>
    publish(type, data, { ...times, ...options }).then(
      (accepted) => {
        counts.published++
        if (accepted.duplicate) counts.duplicates++
        return out.json ? out.object({ line, ...accepted }) : undefined
      },
      (error) => {
        if (isLineAtFault(error)) refuse(line, error)
        else trouble ??= { line, error }
      },
    )

  let number = 0
  try {
    for await (const text of linesOf(process.stdin, interrupted.signal)) {
      number++
      if (trouble !== undefined || interrupted.signal.aborted) break
      let line: Line | undefined
      try {
        line = readLine(text, type)
      } catch (error) {
        refuse(number, error)
      }
      if (line === undefined) continue
      const before = flight.room(inFlightMax)
      if (before !== undefined) await before
      flight.add(send(number, line))
    }
  } catch (error) {
    trouble ??= { line: number + 1, error }
  } finally {
    await flight.empty()
    interrupted.end()
  }
  if (out.json) out.object(counts)
  else out.line(summary(counts))
  if (counts.published > 0) told()
  if (trouble !== undefined) {
    out.note(`ended at line ${trouble.line}; ${count(counts.published, 'line')} published before and beside it`)
    out.error(trouble.error)
  }
  return interrupted.status() ?? (trouble === undefined && counts.refused === 0 ? 0 : 1)
}

function summary({
  published,
  duplicates,
  refused,
}: {
  published: number
  duplicates: number
  refused: number
}): string {
  const before = duplicates === 0 ? '' : ` (${duplicates} of them published before)`
  return `${published} published${before}, ${refused} refused`
}

/** Tells whether an error is about this one message, and not about the app or its disk. */
function isLineAtFault(error: unknown): boolean {
  return isMillraceError(error) && (error.name === 'DataError' || error.code === 'millrace/type-without-topic')
}

/** Counts pending promises, to bound their number. */
class Flight {
  private pending = 0
  private waiting: { readonly below: number; readonly go: () => void } | undefined

  add(promise: Promise<unknown>): void {
    this.pending++
    promise.finally(() => {
      this.pending--
      if (this.waiting === undefined || this.pending >= this.waiting.below) return
      const { go } = this.waiting
      this.waiting = undefined
      go()
    })
  }

  /** Waits for room; returns undefined when there is room at once. */
  room(max: number): Promise<void> | undefined {
    if (this.pending < max) return undefined
    return new Promise((go) => {
      this.waiting = { below: max, go }
    })
  }

  async empty(): Promise<void> {
    await this.room(1)
  }
}

async function* linesOf(input: NodeJS.ReadStream, signal: AbortSignal): AsyncGenerator<Buffer> {
  const lines = new Lines(lineBytesMax)
  const stop = () => void input.destroy()
  signal.addEventListener('abort', stop, { once: true })
  try {
    for await (const chunk of input) yield* lines.take(Buffer.from(chunk))
    const rest = lines.end()
    if (rest.length > 0) yield rest
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Parses a line; returns undefined for an empty one. */
function readLine(bytes: Buffer, type: string | undefined): Line | undefined {
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch {
    throw new UsageError('it is not UTF-8')
  }
  if (text.trim() === '') return undefined
  const value = parse('it', text)
  if (type !== undefined) return { type, data: value, options: {} }
  const line = value as { type?: unknown; data?: unknown; id?: string; at?: number; delayMs?: number } | null
  if (typeof line !== 'object' || typeof line?.type !== 'string' || !('data' in line)) {
    throw new UsageError('it must be { "type": …, "data": …, "id"?: … }, or name TYPE for all lines')
  }
  const unknown = Object.keys(line).find((key) => !lineFields.includes(key))
  if (unknown !== undefined) throw new UsageError(`it has "${unknown}", but only ${known} are known`)
  const { type: own, data, id, at, delayMs } = line
  const given = Object.entries({ id, at, delayMs }).filter(([, option]) => option !== undefined)
  return { type: own, data, options: Object.fromEntries(given) }
}

const lineFields = ['type', 'data', 'id', 'at', 'delayMs']
const known = lineFields.map((name) => `"${name}"`).join(', ')
