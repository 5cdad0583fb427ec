// One attempt of a handler at one message, with a store that only answers. The attempt is the engine's own, so every
// rule of `commit`, `publish`, replies and refusals is the engine's.
import { settle } from '../adapters/sqlite/user-tx.ts'
import { Attempt, type AttemptHost } from '../engine/consumer/attempt.ts'
import { Delivery } from '../engine/consumer/delivery.ts'
import { Exchanges } from '../engine/consumer/exchanges.ts'
import { HandlerContext } from '../engine/consumer/handler-context.ts'
import type { ProcessorSpec } from '../engine/spec.ts'
import { decode, encode, refusalOf, type Stamp, type Stored } from '../model/codec.ts'
import { fault, isMillraceError } from '../model/errors.ts'
import { toldOfFrozen } from '../model/frozen.ts'
import type { Command, Event, MessageType } from '../model/message.ts'
import { defaults, limit } from '../model/options.ts'
import { inBrief } from '../model/people.ts'
import { checkId, type PublishOptions, publishOptions } from '../model/publish.ts'
import { isRefused, type Refused } from '../model/refused.ts'
import type { Sent } from '../model/sending.ts'
import { statementOf } from '../model/sql.ts'
import { dueOf } from '../model/time.ts'
import type { Query, Tx } from '../model/tx.ts'
import type { Value } from '../model/value.ts'
import type { CommitTx, OwnTables } from '../seam/commit.ts'
import { TxScope } from '../seam/tx-scope.ts'
import type { World } from '../seam/world.ts'

/** A statement that the handler ran. */
export interface Asked {
  /** The text with `?` for each value, white space collapsed. */
  readonly text: string
  readonly values: readonly Value[]
}

/** The outcome of one attempt. */
export interface Outcome {
  /**
   * The events published by the commit, as processors get them: decoded and frozen, with `id` and delay where these
   * were given. Empty when the attempt failed.
   */
  readonly published: readonly (readonly [type: Event, data: unknown, options?: PublishOptions])[]
  /** The commands sent by the commit, in the same form. */
  readonly sent: readonly (readonly [command: Command, data: unknown, options?: PublishOptions])[]
  /** The cancelled messages, in order. A message that the attempt published under that id before is not published. */
  readonly cancelled: readonly (readonly [type: MessageType, id: string])[]
  /** The reply of a command, with the output type of its schema. */
  readonly reply: unknown
  /** The refusal of the handler or its commit function. */
  readonly refused: Refused | undefined
  /** The error of an attempt that failed in any other way. */
  readonly error: unknown
  /** The statements of `read` and `tx.query`, in order, also those of an attempt that failed. */
  readonly queries: readonly Asked[]
  /** True where the handler used `commit` and its function succeeded. */
  readonly committed: boolean
}

/** Answers statements: takes the text and values, returns rows. */
export type Answer = (text: string, values: readonly Value[]) => readonly object[] | Promise<readonly object[]>

/** The options of outgoing messages, as given. */
const given = new WeakMap<Stored, PublishOptions>()
/** Tables without content: there is no store to take anything back from, and only internal parts gather. */
const noTables: OwnTables = { gathers: undefined as never, takeBack: async () => undefined }

const noStore = (): never => {
  throw new Error('an attempt of a test has no store')
}

/** The source of the messages. */
export const origin = '/given'
const bytesMax = limit('given', 'messageBytesMax', undefined)
const turnsMax = limit('given', 'commitTurnsMax', undefined)
const queriesMax = limit('given', 'commitQueriesMax', undefined)

/** Makes a message as the store would return it. */
export function stored(type: MessageType, data: unknown, stamp: Omit<Stamp, 'stream' | 'trace'>): Stored {
  const message = encode(type, data, { ...stamp, stream: 1, trace: null }, bytesMax)
  message.position = 1
  return message
}

/** A message, and the number of the attempt at it. */
interface Tried {
  readonly message: Stored
  readonly attempt: number
}

/** Makes one attempt; a failure is reported, not retried. */
export async function tried(spec: ProcessorSpec, told: Tried, answer: Answer, world: World): Promise<Outcome> {
  const statements = new Statements(answer)
  const { message } = told
  const attempt = attemptAt(spec, told, statements.query, world)
  const ended = { queries: statements.asked, committed: false, reply: undefined, refused: undefined, error: undefined }
  try {
    await handled(attempt)
    // As in the engine, commit functions run in their own turn.
    await new Promise<void>((turn) => world.soon(turn))
    const committed = attempt.fn !== undefined
    const value = committed ? await inCommit(attempt, statements) : attempt.reply
    const reply = attempt.handler.type.kind === 'command' ? value : undefined
    return Object.freeze({ ...ended, ...leaving(attempt), reply, committed })
  } catch (thrown) {
    const { name } = attempt.processor
    const why = unfit(attempt, thrown) ?? toldOfFrozen(`processor "${name}"`, thrown, message.decoded)
    const error = why ?? new Error(`thrown: ${inBrief(thrown)}`)
    return Object.freeze({
      ...ended,
      published: [],
      sent: [],
      cancelled: [],
      ...(isRefused(error) ? { refused: error } : { error }),
    })
  }
}

/** The reason why a refusal cannot reach the asker; undefined where it can. */
function unfit({ handler }: Attempt, thrown: unknown): unknown {
  try {
    if (isRefused(thrown)) refusalOf(handler.type, thrown, bytesMax)
    return undefined
  } catch (error) {
    return error
  }
}

/** A single attempt reaches no other system. */
const nowhere = async (): Promise<Sent> => ({ is: 'not sent', code: 'ENETUNREACH', why: 'given(…) has no network' })

/** Makes an attempt of the engine, with a processor that writes nothing. */
function attemptAt(
  spec: ProcessorSpec,
  { message, attempt }: Tried,
  read: Query,
  { now, log, newId, elapsed, bind, callback }: World,
): Attempt {
  const made: AttemptHost['encode'] = (type, data, { id: causationId, correlationId }, options) => {
    const stamp = { source: `${origin}/${spec.name}`, time: now(), correlationId, causationId }
    if (options !== undefined) dueOf(`${type.kind} "${type.name}"`, options, stamp.time, publishOptions)
    const ownId = options?.id
    if (ownId !== undefined) checkId(ownId)
    const message = stored(type, data, { ...stamp, id: ownId ?? newId(), ownId: ownId !== undefined })
    if (options !== undefined) given.set(message, options)
    return message
  }
  const processor: AttemptHost = {
    name: spec.name,
    keyName: spec.name,
    spec,
    generation: 0,
    read,
    now,
    log,
    bind,
    callback,
    encode: made,
    replyBytesMax: defaults.messageBytesMax.default,
    late: (_attempt, error) => {
      log('error', `processor "${spec.name}" threw after its attempt had ended`, { error: inBrief(error) })
    },
    flows: {},
    exchanges: new Exchanges({ app: spec.name, world: { now, elapsed, newId, send: nowhere }, pause: () => {} }),
    progress: { save: noStore, restore: noStore, done: noStore, row: noStore },
    pull: noStore,
    replied: noStore,
    deskEnd: noStore,
    committed: noStore,
    commitFailed: noStore,
  }
  const delivery = new Delivery(message, undefined)
  delivery.attempts = attempt - 1
  return new Attempt(processor, delivery, spec.handlers.get(message.type)!, elapsed())
}

/** Runs the handler for at most its time. */
async function handled(attempt: Attempt): Promise<void> {
  const { handler, delivery, processor } = attempt
  const { timeoutMs } = processor.spec
  const expired = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    const what = `an attempt of processor "${processor.name}" took longer than ${timeoutMs} ms`
    const error = fault('millrace/timed-out', what)
    attempt.abort(error)
    expired.reject(error)
  }, timeoutMs)
  try {
    const result = handler.handle(decode(handler.type, delivery.message), new HandlerContext(attempt))
    attempt.checkResult(await Promise.race([result, expired.promise]))
  } finally {
    clearTimeout(timer)
    if (attempt.state === 'running') attempt.state = 'ended'
  }
}

/** Runs the commit function and returns its value. */
async function inCommit(attempt: Attempt, statements: Statements): Promise<unknown> {
  const scope = new TxScope({ label: attempt.label, queriesMax })
  statements.waiting = undefined
  try {
    return await settle(() => attempt.run(txOf(scope, statements, attempt), noTables), scope, attempt.label, turnsMax)
  } catch (error) {
    const { waiting } = statements
    if (waiting === undefined || !isMillraceError(error, 'millrace/commit-waited')) throw error
    const what = `the answer to \`${waiting}\` waited for something outside`
    throw fault('millrace/bad-option', `given: ${what}; in a commit function it has to be there`)
  } finally {
    scope.close()
  }
}

/** Makes a tx without rows to roll back; only collected messages can be taken back. */
function txOf(scope: TxScope, statements: Statements, attempt: Attempt): CommitTx {
  const host = {
    savepoint: () => ({ release: () => {}, rollBack: attempt.savepoint() }),
    txOf: (inner: TxScope): Tx => txOf(inner, statements, attempt),
  }
  return {
    query: (text, ...values) => scope.later(() => statements.query(text, ...values)),
    get client(): unknown {
      const why = 'it answers tx.query; start the app for query builders'
      throw fault('millrace/bad-option', `given has no tx.client: ${why}`)
    },
    attempt: (fn) => scope.attempt(fn, host),
    returned: () => scope.returned(),
  }
}

function leaving({ outgoing, cancels, processor }: Attempt): Pick<Outcome, 'published' | 'sent' | 'cancelled'> {
  const types = new Map([...processor.spec.declared].map((type) => [type.name, type]))
  const pairs = outgoing.map((message) => {
    const type = types.get(message.type)!
    const { data } = decode(type, message)
    const options = given.get(message)
    return options === undefined ? ([type, data] as const) : ([type, data, options] as const)
  })
  const of = (kind: MessageType['kind']) => pairs.filter(([type]) => type.kind === kind) as never
  const cancelled = cancels.map(({ type, id }) => [types.get(type)!, id] as const)
  return { published: of('event'), sent: of('command'), cancelled }
}

/** Records the statements of the handler and answers them. */
class Statements {
  readonly asked: Asked[] = []
  /** The statement whose answer is a pending promise. */
  waiting: string | undefined
  private readonly answer: Answer

  constructor(answer: Answer) {
    this.answer = answer
  }

  readonly query: Query = async <Row extends object>(template: TemplateStringsArray, ...given: unknown[]) => {
    const { text, values } = statementOf(template, given)
    const statement = collapsed(text.join('?'))
    this.asked.push({ text: statement, values })
    this.waiting = statement
    let rows: unknown
    try {
      rows = await this.answer(statement, values)
    } finally {
      this.waiting = undefined
    }
    if (Array.isArray(rows)) return rows.map((row) => ({ ...row })) as Row[]
    throw fault('millrace/bad-option', `given: query gave ${typeof rows} for \`${statement}\`, but must give rows`)
  }
}

export const collapsed = (text: string): string => text.replace(/\s+/g, ' ').trim()
