// One processor by itself: one message, one attempt, what came of it. The attempt is made by the engine's own consumer,
// so every rule of `commit`, `publish`, replies and refusals is the engine's; only the store behind it is missing.
import { AssertionError, deepStrictEqual } from 'node:assert'
import { nodeWorld } from '../adapters/node/world.ts'
import { settle } from '../adapters/sqlite/user-code.ts'
import type { Attempt } from '../engine/attempt.ts'
import type { Committer } from '../engine/committer.ts'
import { Consumer } from '../engine/consumer.ts'
import type { Delivery } from '../engine/delivery.ts'
import type { ProcessorSpec } from '../engine/spec.ts'
import { Tail } from '../engine/stream.ts'
import type { Surroundings } from '../engine/surroundings.ts'
import { decode, encode, type Stored } from '../model/codec.ts'
import { fault, isMillraceError, recordError } from '../model/errors.ts'
import type { Command, DataFor, Event, MessageType } from '../model/message.ts'
import { suggest } from '../model/names.ts'
import { checkOptions, limit } from '../model/options.ts'
import { isRefused, type Refused } from '../model/refused.ts'
import { type Delay, dueOf } from '../model/time.ts'
import { checkValues, type Query, type Tx, type Value } from '../model/tx.ts'
import type { Processor } from '../parts/processor.ts'
import { specOf } from '../parts/wiring.ts'
import type { Store } from '../seam/store.ts'
import type { World } from '../seam/world.ts'

export interface Circumstances {
  /**
   * Answers each statement of `tx.query` and `read`: gets its text, with `?` for each value and white space collapsed,
   * and the values; gives the rows, or throws what the database would say. Default: no rows. In a commit function it
   * may be a promise, but wait for no timer, file or network, as on SQLite.
   */
  readonly query?: (text: string, values: readonly Value[]) => readonly object[] | Promise<readonly object[]>
  /** What `now()` gives, and when the message was published: milliseconds since 1970 or a date. Default: the clock. */
  readonly now?: number | Date
}

export interface WhenOptions {
  /** Default: a new one, as when nobody gives it. */
  readonly id?: string
  /** When it was published, milliseconds since 1970; default: now. */
  readonly time?: number
  /** The id of the initiating event of its flow; default: its own id. */
  readonly correlationId?: string
}

/** One statement that the handler made. */
export interface Asked {
  /** With `?` for each value, white space collapsed. */
  readonly text: string
  readonly values: readonly Value[]
}

/** What came of one attempt. */
export interface Outcome {
  /**
   * What left with the commit, as who is on its topic gets it: decoded and frozen, of a delayed one with the delay as it
   * was given. Empty when the attempt failed.
   */
  readonly published: readonly (readonly [type: Event, data: unknown, delay?: Delay])[]
  readonly sent: readonly (readonly [command: Command, data: unknown, delay?: Delay])[]
  /** Of a command: the reply as its schema gives it. */
  readonly reply: unknown
  /** What the handler or its commit function refused with. */
  readonly refused: Refused | undefined
  /** Why the attempt failed otherwise. */
  readonly error: unknown
  /** The statements of `read` and `tx.query`, in order, also those of an attempt that failed. */
  readonly queries: readonly Asked[]
  /** Whether the handler used `commit` and its function went through. */
  readonly committed: boolean
}

/** What is expected of an attempt. Only what is named is compared, each list as a whole and in order. */
export interface Expected {
  readonly published?: readonly (readonly [type: Event, data: unknown, delay?: Delay])[]
  readonly sent?: readonly (readonly [command: Command, data: unknown, delay?: Delay])[]
  readonly reply?: unknown
  /** `true`: refused, whatever the reason; a pattern: for the reason; anything else: the data of the refusal. */
  readonly refused?: unknown
  /** A pattern for the message of the error, or its code. */
  readonly fails?: RegExp | string
  /** A pattern for each statement, or its text with `?` for each value; white space does not matter. */
  readonly queries?: readonly (RegExp | string)[]
}

/**
 * A message at a processor. It is handled once, when it is first asked what came of it: with `then(expected)`, or by
 * awaiting it, which gives the {@link Outcome}.
 */
export interface Case {
  /**
   * Compares what came of it with what is expected, strictly. An attempt that failed or was refused where neither was
   * expected fails the comparison, with its error as `cause`.
   *
   * @throws `AssertionError` with the difference; `millrace/undeclared` where a type is expected that the processor
   *   does not publish or send; `millrace/unknown-option`, `millrace/bad-option`
   */
  then(this: Comparing, expected: Expected): Promise<Outcome>
  then<A = Outcome, B = never>(
    ended?: ((outcome: Outcome) => A | PromiseLike<A>) | null,
    failed?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B>
  // biome-ignore lint/suspicious/noExplicitAny: see Comparing
  readonly _comparing?: any
}

/**
 * Only for the compiler: a case is assignable to it, but no subtype of it, because of the `any`. So `then(expected)` can
 * be called, and `await` looks at the other `then` only.
 */
export interface Comparing {
  readonly _comparing?: 'then(expected)'
}

/** A processor under test. */
export interface Given {
  /**
   * A message for it, checked and made as `publish` and `send` do. Nothing runs yet.
   *
   * @throws `millrace/bad-option` where the type is not on its topic or channel, `millrace/missing-handler`,
   *   `millrace/bad-data`, `millrace/not-json`, `millrace/bad-context`, `millrace/too-large`, `millrace/unknown-option`
   */
  when<T extends MessageType>(type: T, data: DataFor<T>, options?: WhenOptions): Case
}

/**
 * Tests one processor without any store: `given(stock).when(TakeStock, { … }).then({ reply: { left: 3 } })`. The
 * handler runs once, as the engine runs it: the message is decoded and frozen, `commit` runs after the handler has
 * returned, what is published is checked and declared, what fails leaves nothing, what outlives `timeoutMs` has
 * failed. No attempt is repeated. What is thrown by a promise that the handler forgot is left to the test runner.
 *
 * @param part a processor
 * @param circumstances what its statements find, and what time it is
 * @throws `millrace/bad-option`, `millrace/unknown-option`
 */
export function given(part: Processor, circumstances: Circumstances = {}): Given {
  const { kind, name } = (part ?? {}) as Partial<Processor>
  if (kind !== 'processor') {
    const what = kind === undefined ? typeof part : `${kind} "${name}"`
    throw fault('millrace/bad-option', `given takes a processor, not ${what}`)
  }
  checkOptions('given', circumstances, ['query', 'now'])
  const { query = () => [] } = circumstances
  if (typeof query !== 'function') {
    throw fault('millrace/bad-option', 'given: query must be a function from a statement to its rows')
  }
  const now = clock(circumstances.now)
  return {
    when: (type, data, options = {}) => {
      const spec = specOf(part)
      const world = { ...nodeWorld(() => {}), now, guard: direct }
      const message = messageOf(spec, type, data, options, world)
      let outcome: Promise<Outcome> | undefined
      const ask = () => {
        outcome ??= new Trial(spec, message, query, world).outcome
        return outcome
      }
      return caseOf(spec, type, ask)
    },
  }
}

/** Nobody is told what is thrown late: it goes where the test runner looks for it. */
const direct: World['guard'] = (_owner, fn, a, b) => fn(a, b)

function clock(now: unknown): () => number {
  if (now === undefined) return () => Date.now()
  const ms = now instanceof Date ? now.getTime() : now
  if (typeof ms === 'number' && Number.isFinite(ms)) return () => ms
  throw fault(
    'millrace/bad-option',
    `given: now is ${String(now)}, but must be milliseconds since 1970 or a valid Date`,
  )
}

function messageOf(spec: ProcessorSpec, type: MessageType, data: unknown, options: WhenOptions, world: World): Stored {
  const { name, source, handlers } = spec
  if (!source.types.includes(type)) {
    const names = source.types.map((known) => known.name)
    const hint = names.includes(type?.name)
      ? '; it has another type of that name: import the one that is listed'
      : suggest(String(type?.name), names)
    const what = `"${type?.name}" is not on ${source.kind} "${source.name}"`
    throw fault('millrace/bad-option', `given processor "${name}": ${what}${hint}`)
  }
  if (!handlers.has(type.name)) {
    throw fault(
      'millrace/missing-handler',
      `given processor "${name}": it has no handler for "${type.name}" and passes it over`,
    )
  }
  checkOptions(`given processor "${name}": when`, options, ['id', 'time', 'correlationId'])
  const { id = world.newId(), time = world.now() } = options
  const message = stored(type, data, {
    id,
    ownId: options.id !== undefined,
    source: `/${appName}`,
    time,
    correlationId: options.correlationId ?? id,
    causationId: null,
  })
  message.position = 1
  // Kept with the message, as when it comes from memory; what does not survive being read is told here.
  decode(type, message)
  return message
}

type Origin = Pick<Stored, 'id' | 'ownId' | 'source' | 'time' | 'correlationId' | 'causationId'>

const appName = 'given'
const stream = 1
const bytesMax = limit('given', 'messageBytesMax', undefined)
const turnsMax = limit('given', 'commitTurnsMax', undefined)
const queriesMax = limit('given', 'commitQueriesMax', undefined)
/** Only parts that are no processors of users write them. */
const noTables = undefined as never

function stored(type: MessageType, data: unknown, origin: Origin): Stored {
  return encode(type, data, { ...origin, stream, traceparent: null }, bytesMax)
}

/** Makes one attempt: what fails is told, not tried again. */
class Once extends Consumer {
  private readonly told: (error: unknown) => void

  constructor(spec: ProcessorSpec, tail: Tail, around: Surroundings, told: (error: unknown) => void) {
    const nothingYet = { processor: spec.name, stream, epoch: 1, low: 0, done: null, marks: [] }
    super(spec, nothingYet, tail, true, around)
    this.told = told
  }

  override failed(_delivery: Delivery, error: unknown): void {
    this.told(error)
  }
}

/** One message on its way through one processor, with a store that only answers. */
class Trial {
  readonly outcome: Promise<Outcome>
  private readonly answer: NonNullable<Circumstances['query']>
  private readonly world: World
  private readonly consumer: Once
  private readonly queries: Asked[] = []
  private readonly types = new Map<Stored, { readonly type: MessageType; readonly delay: Delay | undefined }>()
  private readonly resolve: (outcome: Outcome) => void
  private deadline: NodeJS.Timeout | undefined
  /** The statement whose answer is a promise that has not settled. */
  private waiting: string | undefined

  constructor(spec: ProcessorSpec, message: Stored, answer: NonNullable<Circumstances['query']>, world: World) {
    const { promise, resolve } = Promise.withResolvers<Outcome>()
    this.outcome = promise
    this.resolve = resolve
    this.answer = answer
    this.world = world
    const tail = new Tail(0)
    this.consumer = new Once(spec, tail, this.surroundings(), (error) => this.failed(error))
    tail.push(message)
    this.consumer.pull()
  }

  /** What a consumer needs for one message that comes from memory and is attempted once. */
  private surroundings(): Surroundings {
    const none = Number.MAX_SAFE_INTEGER
    return {
      world: this.world,
      store: { query: this.query } as Store,
      committer: { finish: (attempt: Attempt) => this.world.soon(() => this.finish(attempt)) } as Committer,
      limits: {
        messageBytesMax: bytesMax,
        pendingMax: none,
        windowMessages: 1,
        windowBytes: none,
        flushBytes: none,
        channelRetainMs: none,
        retainEveryMs: none,
        requestRetainMs: none,
        deskRetainMs: none,
        takeBackMs: none,
        heldContextsMax: none,
      },
      encode: (type, data, processor, cause, delay) => {
        const time = this.world.now()
        if (delay !== undefined) dueOf(`${type.kind} "${type.name}"`, delay, time)
        const message = stored(type, data, {
          id: this.world.newId(),
          ownId: false,
          source: `/${appName}/${processor}`,
          time,
          correlationId: cause.correlationId,
          causationId: cause.id,
        })
        this.types.set(message, { type, delay })
        return message
      },
      failed: () => [],
      resolved: () => [],
      judge: () => {},
      ended: () => {},
      watch: () => this.watch(),
      maybeIdle: () => {},
    }
  }

  /** Keeps the process alive until the attempt ends or its time is over. */
  private watch(): void {
    clearTimeout(this.deadline)
    this.deadline = setTimeout(() => {
      this.consumer.tick()
      if (this.consumer.active) this.watch()
    }, this.consumer.spec.timeoutMs)
  }

  private readonly query: Query = async <Row extends object>(text: TemplateStringsArray, ...values: Value[]) => {
    if (!Array.isArray(text?.raw)) throw fault('millrace/bad-value', 'query is a tag: write query`select …`')
    checkValues(values)
    const statement = collapsed(text.join('?'))
    this.queries.push({ text: statement, values })
    this.waiting = statement
    let rows: unknown
    try {
      rows = await this.answer(statement, values)
    } finally {
      this.waiting = undefined
    }
    if (!Array.isArray(rows)) {
      throw fault('millrace/bad-option', `given: query gave ${typeof rows} for \`${statement}\`, but must give rows`)
    }
    return rows.map((row) => ({ ...row })) as Row[]
  }

  private finish(attempt: Attempt): void {
    if (attempt.fn === undefined) {
      this.wentWell(attempt, attempt.reply)
      return
    }
    const tx = new AnsweredTx(this.query)
    this.waiting = undefined
    settle((given) => attempt.run(given, noTables), tx, turnsMax).then(
      (value) => {
        tx.close()
        this.wentWell(attempt, value)
      },
      (error: unknown) => {
        tx.close()
        this.failed(
          this.waiting !== undefined && isMillraceError(error, 'millrace/commit-waited') ? this.slow() : error,
        )
      },
    )
  }

  private slow() {
    return fault(
      'millrace/bad-option',
      `given: the answer to \`${this.waiting}\` waited for something outside; in a commit function it has to be there`,
    )
  }

  private wentWell(attempt: Attempt, value: unknown): void {
    const left = attempt.outgoing.map((message) => {
      const { type, delay } = this.types.get(message)!
      const { data } = decode(type, message)
      return { type, pair: delay === undefined ? ([type, data] as const) : ([type, data, delay] as const) }
    })
    const of = <T extends MessageType>(kind: T['kind']) =>
      left.filter(({ type }) => type.kind === kind).map(({ pair }) => pair) as unknown as (readonly [T, unknown])[]
    this.end({
      published: of<Event>('event'),
      sent: of<Command>('command'),
      reply: attempt.handler.type.kind === 'command' ? value : undefined,
      refused: undefined,
      error: undefined,
      queries: this.queries,
      committed: attempt.fn !== undefined,
    })
  }

  private failed(thrown: unknown): void {
    const error = thrown ?? new Error(`thrown: ${String(thrown)}`)
    this.end({
      published: [],
      sent: [],
      reply: undefined,
      ...(isRefused(error) ? { refused: error, error: undefined } : { refused: undefined, error }),
      queries: this.queries,
      committed: false,
    })
  }

  private end(outcome: Outcome): void {
    clearTimeout(this.deadline)
    this.resolve(Object.freeze(outcome))
  }
}

/** The `tx` of a commit function, which asks `given`. */
class AnsweredTx implements Tx {
  calls = 0
  readonly query: Query
  private open = true

  constructor(query: Query) {
    this.query = async (text, ...values) => {
      if (!this.open) throw fault('millrace/tx-closed', 'tx was used after its function had ended')
      if (++this.calls > queriesMax) {
        throw fault('millrace/too-many-queries', `the function made more than ${queriesMax} statements`)
      }
      return query(text, ...values)
    }
  }

  get client(): unknown {
    throw fault('millrace/bad-option', 'given has no tx.client: it answers tx.query; start the app for query builders')
  }

  close(): void {
    this.open = false
  }
}

function collapsed(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}

// ── what is expected ─────────────────────────────────────────────────────────────────────────────────────────────

const expectations = ['published', 'sent', 'reply', 'refused', 'fails', 'queries']

function caseOf(spec: ProcessorSpec, type: MessageType, ask: () => Promise<Outcome>): Case {
  const who = `processor "${spec.name}"`
  const what = `${type.kind} "${type.name}"`
  const compare = async (expected: Expected): Promise<Outcome> => {
    checkExpected(who, spec, expected)
    const outcome = await ask()
    checkEnd(who, what, outcome, expected)
    checkNamed(outcome, expected)
    return outcome
  }
  const then = (first: unknown, failed?: (error: unknown) => unknown) => {
    if (first === undefined || first === null || typeof first === 'function') {
      return ask().then(first as (outcome: Outcome) => unknown, failed)
    }
    return compare(first)
  }
  return { then } as Case
}

function checkExpected(who: string, spec: ProcessorSpec, expected: Expected): void {
  const where = `${who}: then`
  checkOptions(where, expected, expectations)
  const { published = [], sent = [], queries = [], fails, refused } = expected
  for (const [name, list] of Object.entries({ published, sent, queries })) {
    if (!Array.isArray(list)) throw fault('millrace/bad-option', `${where}: ${name} must be a list`)
  }
  for (const [name, kind, list] of [
    ['published', 'event', published],
    ['sent', 'command', sent],
  ] as const) {
    list.forEach((pair, index) => {
      const type: MessageType | undefined = pair?.[0]
      if (type?.kind !== kind) {
        throw fault('millrace/bad-option', `${where}: entry ${index} of ${name} must be a list of ${kind} and data`)
      }
      if (spec.declared.has(type)) return
      const option = kind === 'event' ? 'publishes' : 'sends'
      throw fault('millrace/undeclared', `${where}: "${type.name}" is expected, but not in the ${option} of ${who}`)
    })
  }
  if (fails !== undefined && typeof fails !== 'string' && !(fails instanceof RegExp)) {
    throw fault('millrace/bad-option', `${where}: fails must be a pattern for the message or a code`)
  }
  if (fails !== undefined && refused !== undefined) {
    throw fault('millrace/bad-option', `${where}: an attempt fails or is refused, name one of them`)
  }
}

/** Whether it ended the way that is expected: well, refused or failed. */
function checkEnd(who: string, what: string, { refused, error }: Outcome, expected: Expected): void {
  const wanted = expected.fails !== undefined ? 'failed' : expected.refused !== undefined ? 'refused' : 'handled'
  const ended = error !== undefined ? 'failed' : refused !== undefined ? 'refused' : 'handled'
  if (ended === wanted) return
  const cause = error ?? refused
  const why = cause === undefined ? '' : `: ${recordError(cause).message}`
  const instead = wanted === 'handled' ? '' : `, but it should have ${wanted === 'failed' ? 'failed' : 'refused it'}`
  const did = ended === 'failed' ? `${who} failed at ${what}` : `${who} ${ended} ${what}`
  throw caused(new AssertionError({ message: `${did}${instead}${why}`, actual: ended, expected: wanted }), cause)
}

/** Everything that is named at once, so that the difference says what it is about. */
function checkNamed(outcome: Outcome, expected: Expected): void {
  const { refused, error } = outcome
  const actual: Record<string, unknown> = {}
  const wanted: Record<string, unknown> = {}
  const put = (name: string, is: unknown, should: unknown) => {
    actual[name] = is
    wanted[name] = should
  }
  for (const name of ['published', 'sent'] as const) {
    if (expected[name] !== undefined) put(name, named(outcome[name]), named(expected[name]))
  }
  if ('reply' in expected) put('reply', outcome.reply, expected.reply)
  if (refused !== undefined && expected.refused !== true) {
    const is = expected.refused instanceof RegExp ? matched(refused.message, expected.refused) : refused.data
    put('refused', is, expected.refused)
  }
  if (expected.fails !== undefined) {
    const { code, message } = recordError(error)
    put('fails', typeof expected.fails === 'string' ? code : matched(message, expected.fails), expected.fails)
  }
  if (expected.queries !== undefined) {
    const should = expected.queries.map((query) => (typeof query === 'string' ? collapsed(query) : query))
    const is = outcome.queries.map(({ text }, index) => matched(text, should[index]))
    put('queries', is, should)
  }
  try {
    deepStrictEqual(actual, wanted)
  } catch (difference) {
    throw caused(difference as Error, error ?? refused)
  }
}

function named(pairs: readonly (readonly [MessageType, unknown, Delay?])[]): unknown[] {
  return pairs.map(([type, ...rest]) => [type.name, ...rest])
}

/** The pattern itself where the text fits it, so that the two are equal. */
function matched(text: string, pattern: RegExp | string | undefined): unknown {
  return pattern instanceof RegExp && text.search(pattern) >= 0 ? pattern : text
}

function caused(error: Error, cause: unknown): Error {
  if (cause !== undefined) error.cause = cause
  return error
}
