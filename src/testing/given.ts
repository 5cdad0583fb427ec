// Tests one processor: one message, one attempt, its outcome.

import { nodeWorld } from '../adapters/node/world.ts'
import type { ProcessorSpec } from '../engine/spec.ts'
import { fault } from '../model/errors.ts'
import { dateMs } from '../model/kinds.ts'
import type { DataFor, MessageType } from '../model/message.ts'
import { suggest } from '../model/names.ts'
import { checkOptions } from '../model/options.ts'
import { shownValue } from '../model/people.ts'
import type { DeskPart } from '../parts/desk.ts'
import type { AnyMediator } from '../parts/mediator.ts'
import type { Processor } from '../parts/processor.ts'
import { specOf } from '../parts/wiring.ts'
import type { AttemptOptions, Circumstances } from './circumstances.ts'
import { type Case, caseOf } from './expected.ts'
import { type GivenMediator, givenMediator } from './given-flow.ts'
import { givenMessage } from './given-message.ts'
import { type GivenDesk, givenDesk } from './given-rule.ts'
import { type GivenType, givenType } from './given-type.ts'
import { type Outcome, tried } from './trial.ts'

/** A processor under test. */
export interface Given {
  /**
   * Makes a message for the processor, checked as `publish` and `send` do. Nothing runs at this point.
   *
   * @param type a type of its topic or channel
   * @param data the data
   * @param options its id, time and correlation id; the number of the `attempt`
   * @returns the case: `then(expected)` handles the message and compares, `await` returns the outcome
   * @throws `millrace/bad-option` when the type is not on its topic or channel; `millrace/missing-handler`,
   *   `millrace/bad-data`, `millrace/not-json`, `millrace/bad-context`, `millrace/too-large`, `millrace/unknown-option`
   *
   * @example
   * ```ts
   * const { reply } = await given(warehouse).when(TakeStock, { orderId: 'o-1', sku: 'sieve', quantity: 1 })
   * console.assert((reply as { left: number }).left === 999)
   * ```
   */
  when<T extends MessageType>(type: T, data: DataFor<T>, options?: AttemptOptions): Case
}

/**
 * Tests one part by itself, without a store: a processor, the rule of a desk, a mediator, or a type of message. It runs
 * once, as the engine runs it; nothing is repeated.
 *
 * - A processor: the message is decoded and frozen; `commit` runs after the handler has returned; published data are
 *   checked; a failed attempt leaves nothing; one that exceeds `timeoutMs` fails. An error of a promise that the
 *   handler forgot is left to the test runner.
 * - A desk: `given(desk).when({ type, data, error }).decides(retry())` asks its rule and checks the decision.
 * - A mediator: `given(mediator).when(Event, data).replies(Command, reply).then({ called: […] })` runs its function
 *   against a script of the results of its steps; waits pass at once.
 * - A type: `given(Event).upcasts(1, old)` reads stored data of an older version as the engine does.
 *
 * @param part a processor, a desk, a mediator, or a type of event or command
 * @param circumstances the answers to its statements, and the time
 * @returns the part under test
 * @throws `millrace/bad-option`, `millrace/unknown-option`
 *
 * @example
 * ```ts
 * await given(warehouse).when(TakeStock, { orderId: 'o-1', sku: 'sieve', quantity: 1 }).then({ reply: { left: 999 } })
 * await given(fulfilment)
 *   .when(OrderPlaced, { orderId: 'o-1', customer: 'ada', sku: 'sieve', quantity: 1 })
 *   .replies(TakeStock, { left: 999 })
 *   .replies(ChargeCard, { receipt: 'r-1' })
 *   .then({ state: 'completed', result: { receipt: 'r-1' } })
 * ```
 */
export function given<P extends Testable>(part: P, circumstances: Circumstances = {}): GivenPart<P> {
  return begun(part, circumstances) as never
}

type Testable = Processor | DeskPart | AnyMediator | MessageType

type GivenPart<P extends Testable> = P extends DeskPart
  ? GivenDesk
  : P extends AnyMediator
    ? GivenMediator<P>
    : P extends MessageType
      ? GivenType<P>
      : Given

const kinds = ['processor', 'desk', 'mediator', 'event', 'command']

function begun(part: Testable, circumstances: Circumstances) {
  const { kind, name } = (part ?? {}) as Partial<Testable>
  if (kind === undefined || !kinds.includes(kind)) {
    const what = kind === undefined ? typeof part : `${kind} "${name}"`
    throw fault('millrace/bad-option', `given takes a processor, a desk, a mediator or a type, not ${what}`)
  }
  if (part.kind === 'event' || part.kind === 'command') {
    checkOptions('given', circumstances, [])
    return givenType(part)
  }
  checkOptions('given', circumstances, ['query', 'now'])
  const { query = () => [] } = circumstances
  if (typeof query !== 'function') {
    throw fault('millrace/bad-option', 'given: query must be a function from a statement to its rows')
  }
  const world = nodeWorld(() => {})
  if (circumstances.now !== undefined) world.now = clock(circumstances.now)
  if (part.kind === 'desk') return givenDesk(part, query, () => world.now())
  if (part.kind === 'mediator') return givenMediator(part, world)
  const handled: Given = {
    when: (type, data, { attempt = 1, ...options } = {}) => {
      const spec = specOf(part)
      checkType(spec, type)
      const where = `given processor "${spec.name}"`
      checkAttempt(where, attempt)
      const message = givenMessage(where, { type, data, options }, world)
      let outcome: Promise<Outcome> | undefined
      const ask = () => {
        outcome ??= tried(spec, { message, attempt }, query, world)
        return outcome
      }
      return caseOf(spec, type, ask)
    },
  }
  return handled
}

function clock(now: number | Date): () => number {
  const ms = dateMs(now) ?? now
  if (typeof ms === 'number' && Number.isFinite(ms)) return () => ms
  const must = 'milliseconds since 1970 or a valid Date'
  throw fault('millrace/bad-option', `given: now is ${shownValue(now)}, but must be ${must}`)
}

function checkAttempt(where: string, attempt: unknown): void {
  if (Number.isSafeInteger(attempt) && (attempt as number) >= 1) return
  throw fault(
    'millrace/bad-option',
    `${where}: when: attempt is ${shownValue(attempt)}, but must be a whole number from 1`,
  )
}

function checkType({ name, handlers, destination }: ProcessorSpec, type: MessageType): void {
  if (!destination.types.includes(type)) {
    const names = destination.types.flatMap((known) => (handlers.has(known.name) ? known.name : []))
    const hint = names.includes(type?.name)
      ? '; it has another type of that name: import the one that is listed'
      : suggest(String(type?.name), names)
    const what = `"${type?.name}" is not on ${destination.kind} "${destination.name}"`
    throw fault('millrace/bad-option', `given processor "${name}": ${what}${hint}`)
  }
  if (!handlers.has(type.name)) {
    throw fault(
      'millrace/missing-handler',
      `given processor "${name}": it has no handler for "${type.name}" and passes it over`,
    )
  }
}
