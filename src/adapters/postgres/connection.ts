// One connection to the server.
//
//   open ──a write gets no answer in time, the socket ends, a prepared statement is spoilt──→ broken ──→ ended
//     └──end──→ ended
//
// Broken is for ever: another connection takes its place. All that was sent and is not answered rejects.
import pg from 'pg'
import { fault, isMillraceError, type MillraceError } from '../../model/errors.ts'
import type { Timer, World } from '../../seam/world.ts'
import { planOurs } from './plans.ts'
import type { SqlValue, Statements } from './statements.ts'
import { ourTypes, valueFor } from './values.ts'

/** The options of a connection. */
export interface Connecting {
  readonly url: string
  readonly world: World
  /** The time after which a server that gives no answer counts as away, milliseconds. */
  readonly silentMs: number
  /** Shown to the administrators of the server. */
  readonly application: string
}

/** The answer to a statement, as the client gives it. */
export interface Answer {
  readonly rows: readonly unknown[]
  readonly rowCount: number | null
  readonly command: string
}

/** A statement, as the client takes it. */
export interface Sent {
  readonly text: string
  readonly name?: string | undefined
  readonly values?: readonly unknown[] | undefined
  readonly types?: object | undefined
  readonly queryMode?: 'extended' | undefined
  readonly rowMode?: 'array' | undefined
}

/** Names of prepared statements, alike on each connection. */
const names = new Map<string, string>()
const namesMax = 2_000

function nameOf(text: string): string | undefined {
  let name = names.get(text)
  if (name === undefined && names.size < namesMax) {
    name = `millrace_${names.size + 1}`
    names.set(text, name)
  }
  return name
}

/** A statement that the connection has prepared is gone: somebody has deallocated it, or made another of its name. */
const spoilt = ['26000', '42P05']

export class Connection implements Statements {
  /** Why nothing more can be sent, where that is so. */
  why: MillraceError | undefined
  /** The first statement of ours that failed since `forget`. */
  private failure: unknown
  private readonly client: pg.Client
  private readonly options: Connecting
  private readonly onEnd = Promise.withResolvers<void>()
  private pending = 0
  private lastAnswer = 0
  private watch: Timer | undefined

  private constructor(client: pg.Client, options: Connecting) {
    this.client = client
    this.options = options
    client.on('error', (error) => this.broke(error))
    client.on('end', () => {
      this.broke(new Error('the server has closed the connection'))
      this.onEnd.resolve()
    })
  }

  /** @throws `millrace/server-away`, `millrace/cannot-open` */
  static async open(options: Connecting): Promise<Connection> {
    const { url, silentMs, application } = options
    const client = new pg.Client({
      connectionString: url,
      pipeline: true,
      keepAlive: true,
      connectionTimeoutMillis: silentMs,
      application_name: application,
    })
    const connection = new Connection(client, options)
    try {
      await client.connect()
    } catch (error) {
      throw connectFault(url, error)
    }
    connection.words(planOurs).catch(() => {})
    return connection
  }

  get isOpen(): boolean {
    return this.why === undefined
  }

  /** `idle`, in a transaction, or in one that failed; right only when all that was sent has succeeded. */
  get state(): 'idle' | 'open' | 'failed' {
    const status = this.client.getTransactionStatus()
    return status === 'T' ? 'open' : status === 'E' ? 'failed' : 'idle'
  }

  async all<Row extends object>(text: string, values: readonly SqlValue[] = []): Promise<Row[]> {
    return (await this.ours(text, values)).rows as Row[]
  }

  async run(text: string, values: readonly SqlValue[] = []): Promise<number> {
    return (await this.ours(text, values)).rowCount ?? 0
  }

  /** The first statement of ours that failed, and forgets it. */
  takeFailure(): unknown {
    const { failure } = this
    this.failure = undefined
    return failure
  }

  /** Sends words without values, which may be several statements; for transactions. */
  words(text: string): Promise<Answer> {
    return this.handled(this.send({ text }))
  }

  /** Sends a statement as it is. */
  send(sent: Sent): Promise<Answer> {
    const { why, client } = this
    if (why !== undefined) return Promise.reject(why)
    if (this.pending++ === 0) this.lastAnswer = this.options.world.elapsed()
    this.watch ??= this.watchIn(this.options.silentMs)
    return client.query(sent as pg.QueryConfig).then(
      (answer) => {
        this.answered()
        return (Array.isArray(answer) ? answer.at(-1) : answer) as Answer
      },
      (error: unknown) => {
        this.answered()
        throw this.why ?? error
      },
    )
  }

  /** Says goodbye; resolves when the connection is closed. */
  async end(): Promise<void> {
    this.watch?.cancel()
    if (this.isOpen) {
      this.why = fault('millrace/not-started', 'the connection is closed')
      await this.client.end().catch(() => {})
      return
    }
    await this.onEnd.promise
  }

  /** Cuts it off. All that waits for an answer rejects. */
  cut(why: MillraceError): void {
    if (this.why !== undefined) return
    this.why = why
    this.watch?.cancel()
    socketOf(this.client).destroy()
  }

  private ours(text: string, values: readonly SqlValue[]): Promise<Answer> {
    const sent = { text, name: nameOf(text), values: values.map(valueFor), types: ourTypes }
    return this.handled(this.send(sent))
  }

  /** A statement that nobody awaits fails its transaction all the same. */
  private handled(answer: Promise<Answer>): Promise<Answer> {
    answer.catch((error: unknown) => {
      this.failure ??= error
      if (spoilt.includes(codeOf(error) ?? '')) this.cut(awayFault('a prepared statement is gone', error))
    })
    return answer
  }

  private answered(): void {
    this.pending--
    this.lastAnswer = this.options.world.elapsed()
  }

  private watchIn(ms: number): Timer {
    const { world, silentMs } = this.options
    return world.after(ms, () => {
      this.watch = undefined
      if (this.pending === 0) return
      const silent = world.elapsed() - this.lastAnswer
      if (silent < silentMs) this.watch = this.watchIn(silentMs - silent)
      else this.cut(awayFault(`no answer for ${Math.round(silent)} ms`))
    })
  }

  private broke(error: unknown): void {
    this.why ??= awayFault(textOf(error), error)
    this.watch?.cancel()
  }
}

/** The socket of a client, which has no way of its own to cut it off. */
function socketOf(client: pg.Client): { destroy(): void } {
  return (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream
}

/** The SQLSTATE of an error of the server. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || isMillraceError(error)) return undefined
  const { code } = error as { code?: unknown }
  return typeof code === 'string' ? code : undefined
}

export const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

export function awayFault(text: string, cause?: unknown): MillraceError {
  return fault('millrace/server-away', `the connection to the server is lost: ${text}`, { cause })
}

/** Refusals of the server that no later try changes. */
const refusals = ['28', '3D', '42', '0L', '0P']

function connectFault(url: string, error: unknown): MillraceError {
  const where = shownUrl(url)
  const code = codeOf(error) ?? ''
  const text = textOf(error) || code
  if (refusals.some((kind) => code.length === 5 && code.startsWith(kind))) {
    return fault('millrace/cannot-open', `cannot open ${where}: ${text}`, { cause: error })
  }
  return fault('millrace/server-away', `no server answers at ${where}: ${text}`, { cause: error })
}

/** A URL for people: without its password. */
export function shownUrl(url: string): string {
  try {
    const shown = new URL(url)
    if (shown.password !== '') shown.password = '***'
    for (const name of [...shown.searchParams.keys()]) {
      if (/password/i.test(name)) shown.searchParams.set(name, '***')
    }
    return shown.href
  } catch {
    return url.replace(/:[^:@/]*@/, ':***@')
  }
}
