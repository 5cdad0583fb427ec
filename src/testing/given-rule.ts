// Tests one rule of a desk: one failure and its decision, judged by the engine without a store.
import { AssertionError, deepStrictEqual } from 'node:assert'
import { nodeWorld } from '../adapters/node/world.ts'
import { type Judged, Rules } from '../engine/desk/rules.ts'
import { encode, replaceData, type Stored } from '../model/codec.ts'
import type { Decision, DeskEntry } from '../model/desk.ts'
import { type ErrorRecord, fault, isMillraceError, recordError } from '../model/errors.ts'
import { isError } from '../model/kinds.ts'
import type { DataFor, DataOf, MessageType } from '../model/message.ts'
import { suggest } from '../model/names.ts'
import { checkOptions, limit } from '../model/options.ts'
import { statementOf } from '../model/sql.ts'
import type { Query } from '../model/tx.ts'
import type { DeskPart } from '../parts/desk.ts'
import type { Store } from '../seam/store.ts'
import type { World } from '../seam/world.ts'
import type { Circumstances } from './circumstances.ts'

/** A message that has used up its attempts or was refused. */
export interface FailedWith<T extends MessageType> {
  readonly type: T
  /** Its data. Data that do not fit the schema reach the rule as stored. */
  readonly data: DataFor<T>
  /** The error of its handler, or its record: code and message. */
  readonly error: Error | { readonly code: string; readonly message: string; readonly data?: unknown }
  /** The name of the processor at which it failed, default `processor`. */
  readonly processor?: string | undefined
  /** Its attempts so far, default 1. */
  readonly attempts?: number | undefined
  /** Earlier decisions of rules about it, default 0. */
  readonly decisions?: number | undefined
  /** Its id, default: a new one. */
  readonly id?: string | undefined
}

/** A failure at a desk. The rule is asked once, when its decision is first needed; `await` returns the decision. */
export interface RuleCase<T extends MessageType> extends PromiseLike<Decision<DataOf<T>>> {
  /**
   * Compares the decision as the engine would carry it out. A rule that throws, takes too long, or returns an
   * impossible decision results in `hold`, with the reason.
   *
   * @param decision the expected decision
   * @returns the decision
   * @throws `AssertionError` with the difference, with the error of the rule as `cause`
   *
   * @example
   * ```ts
   * const letterDesk = desk('letter-desk', { on: Letters, decide: { 'reminder.send': () => discard('too late') } })
   * const failure = { type: SendReminder, data: { orderId: 'o-1' }, error: new Error('no address') }
   * await given(letterDesk).when(failure).decides(discard('too late'))
   * ```
   */
  decides(decision: Decision<DataOf<T>>): Promise<Decision<DataOf<T>>>
}

/** A desk under test. */
export interface GivenDesk {
  /**
   * Makes a failure for the desk. Nothing runs at this point.
   *
   * @param failure the type and data of the message, the error, and what else the rule sees
   * @returns the case: `decides(decision)` asks the rule and compares, `await` returns the decision
   * @throws `millrace/bad-option` when the type is not on its topic or channel; `millrace/missing-handler` when it has
   *   no rule for the type; `millrace/unknown-option`
   *
   * @example
   * ```ts
   * const letterDesk = desk('letter-desk', { on: Letters, decide: { 'reminder.send': () => hold('look at it') } })
   * const failure = { type: SendReminder, data: { orderId: 'o-1' }, error: new Error('no address') }
   * const decision = await given(letterDesk).when(failure)
   * console.assert(decision.do === 'hold')
   * ```
   */
  when<T extends MessageType>(failure: FailedWith<T>): RuleCase<T>
}

const bytesMax = limit('given', 'messageBytesMax', undefined)
const known = ['type', 'data', 'error', 'processor', 'attempts', 'decisions', 'id'] as const

export function givenDesk(part: DeskPart, query: NonNullable<Circumstances['query']>, now: () => number): GivenDesk {
  const world = { ...nodeWorld(() => {}), now }
  return {
    when: <T extends MessageType>(failure: FailedWith<T>): RuleCase<T> => {
      checkFailure(part, failure)
      const entry = entryOf(failure, world)
      let asked: Promise<Asked> | undefined
      const ask = () => {
        asked ??= judged({ part, type: failure.type, entry, query: answering(query) }, world)
        return asked
      }
      const decision = async () => (await ask()).decision as Decision<DataOf<T>>
      return {
        // biome-ignore lint/suspicious/noThenProperty: to be awaited
        then: (decided, failed) => decision().then(decided, failed),
        decides: async (expected) => {
          const asked = await ask()
          compare(part, failure.type, asked, expected)
          return asked.decision as never
        },
      }
    },
  }
}

function checkFailure({ name, on, spec }: DeskPart, failure: FailedWith<MessageType>): void {
  const where = `given desk "${name}"`
  checkOptions(`${where}: when`, failure, known)
  const { type } = failure
  if (!on.types.includes(type)) {
    const names = on.types.map((one) => one.name)
    throw fault(
      'millrace/bad-option',
      `${where}: "${type?.name}" is not on ${on.kind} "${on.name}"${suggest(String(type?.name), names)}`,
    )
  }
  if (spec.rules.has(type.name)) return
  throw fault('millrace/missing-handler', `${where}: it has no rule for "${type.name}", which is held`)
}

function entryOf(
  { type, data, error, processor = 'processor', attempts = 1, decisions = 0, id }: FailedWith<MessageType>,
  world: World,
): DeskEntry {
  const at = world.now()
  const record: ErrorRecord = isError(error) ? recordError(error) : error
  return {
    id: 1,
    processor,
    message: stored(type, data, id ?? world.newId(), at),
    state: 'deciding',
    lane: null,
    place: 1,
    dueAt: 0,
    attempts,
    kills: 0,
    corrections: 0,
    revision: 0,
    failures: 1,
    decisions,
    error: record,
    tries: [],
    original: null,
    heldAt: at,
    resolvedAt: null,
  }
}

function stored(type: MessageType, data: unknown, id: string, time: number): Stored {
  const stamp = {
    stream: 1,
    id,
    ownId: false,
    source: '/given',
    time,
    correlationId: id,
    causationId: null,
    trace: null,
  }
  try {
    return encode(type, data, stamp, bytesMax)
  } catch (error) {
    if (!isMillraceError(error, 'millrace/bad-data')) throw error
    const anything = {
      ...type,
      schema: { '~standard': { version: 1, vendor: 'given', validate: (value: unknown) => ({ value }) } },
    }
    return encode({ ...anything, contextOf: undefined } as never, data, stamp, bytesMax)
  }
}

interface Asked {
  readonly decision: Decision
  /** The error that the rule threw, if any. */
  readonly thrown: unknown
}

/** What a rule is asked. */
interface Question {
  readonly part: DeskPart
  readonly type: MessageType
  readonly entry: DeskEntry
  readonly query: Query
}

/** Runs the engine's own rules on it, for a processor that only records the decision. */
function judged({ part: { spec }, type, entry, query }: Question, world: World): Promise<Asked> {
  return new Promise((resolve) => {
    let thrown: unknown
    const noting = (run: () => unknown) =>
      new Promise((done) => done(run())).catch((error: unknown) => {
        thrown = error
        throw error
      })
    const guard = (_owner: unknown, fn: (a: unknown, b: unknown) => unknown, a: unknown, b: unknown) =>
      noting(() => fn(a, b))
    const decideByRule = async (_item: number, decision: Decision) => {
      resolve({ decision: decision.do === 'resubmit' ? checked(type, entry, decision) : decision, thrown })
    }
    // Rules call no handler.
    const handlers = new Map([[type.name, { type, handle: () => {} }]])
    const consumer: Judged = { name: entry.processor, spec: { handlers }, decisions: { decideByRule } }
    const store = { desk: { entry: async () => entry }, query } as unknown as Store
    const rules = new Rules(spec, { world: { ...world, guard: guard as never }, store, maybeIdle: () => {} })
    rules.begin()
    rules.ask(consumer, entry.id)
  })
}

/** Checks the decision, with its data as they would be stored. */
function checked(type: MessageType, { message }: DeskEntry, decision: Decision & { do: 'resubmit' }): Decision {
  const unreadable = message.context === null && type.contextOf !== undefined
  const { json } = unreadable
    ? encode(type, decision.data, message, bytesMax)
    : replaceData(type, message, decision.data, bytesMax)
  return { ...decision, data: JSON.parse(json) }
}

function answering(query: NonNullable<Circumstances['query']>): Query {
  return async <Row extends object>(template: TemplateStringsArray, ...given: unknown[]) => {
    const { text, values } = statementOf(template, given)
    const statement = text.join('?').replace(/\s+/g, ' ').trim()
    const rows: unknown = await query(statement, values)
    if (Array.isArray(rows)) return rows.map((row) => ({ ...row })) as Row[]
    throw fault('millrace/bad-option', `given: query gave ${typeof rows} for \`${statement}\`, but must give rows`)
  }
}

function compare({ name }: DeskPart, type: MessageType, { decision, thrown }: Asked, expected: Decision): void {
  try {
    deepStrictEqual(decision, expected)
  } catch (difference) {
    const { message } = difference as Error
    const failed = thrown === undefined ? '' : `, as its rule failed: ${recordError(thrown).message}`
    const error = new AssertionError({
      message: `desk "${name}" decides about "${type.name}" to ${decision.do}, not to ${expected.do}${failed}\n${message}`,
      actual: decision,
      expected,
      operator: 'deepStrictEqual',
    })
    if (thrown !== undefined) error.cause = thrown
    throw error
  }
}
