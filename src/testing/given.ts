// One processor by itself: one message, one attempt, what came of it.
import { nodeWorld } from '../adapters/node/world.ts'
import type { ProcessorSpec } from '../engine/spec.ts'
import { decode, type Stored } from '../model/codec.ts'
import { fault } from '../model/errors.ts'
import { dateMs } from '../model/kinds.ts'
import type { DataFor, MessageType } from '../model/message.ts'
import { suggest } from '../model/names.ts'
import { checkOptions } from '../model/options.ts'
import type { DeskPart } from '../parts/desk.ts'
import type { AnyMediator } from '../parts/mediator.ts'
import type { Processor } from '../parts/processor.ts'
import { specOf } from '../parts/wiring.ts'
import type { World } from '../seam/world.ts'
import { type Case, caseOf } from './expected.ts'
import { type GivenMediator, givenMediator } from './given-flow.ts'
import { type GivenDesk, givenDesk } from './given-rule.ts'
import { type Answer, type Outcome, origin, stored, tried } from './trial.ts'

export interface Circumstances {
  /**
   * Answers each statement of `tx.query` and `read`: gets its text, with `?` for each value and white space collapsed,
   * and the values; gives the rows, or throws what the database would say. Default: no rows. In a commit function it
   * may be a promise, but wait for no timer, file or network, as on SQLite.
   */
  readonly query?: Answer | undefined
  /** What `now()` gives, and when the message was published: milliseconds since 1970 or a date. Default: the clock. */
  readonly now?: number | Date | undefined
}

export interface WhenOptions {
  /** Default: a new one, as when nobody gives it. */
  readonly id?: string | undefined
  /** When it was published, milliseconds since 1970; default: now. */
  readonly time?: number | undefined
  /** The id of the initiating event of its flow; default: its own id. */
  readonly correlationId?: string | undefined
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
 * A desk in the same way: `given(orderDesk).when({ type: OrderPlaced, data, error }).decides(retry())`. Its rule is
 * asked as the engine asks it, and what it decides is checked as there.
 *
 * A mediator too: `given(fulfilment).when(OrderPlaced, { … }).replies(TakeStock, { left: 3 }).then({ called: […] })`.
 * Its function runs once, as the engine runs it, by a script of what its steps come to; times pass at once.
 *
 * @param part a processor, a desk or a mediator
 * @param circumstances what its statements find, and what time it is
 * @throws `millrace/bad-option`, `millrace/unknown-option`
 */
export function given<P extends Processor | DeskPart | AnyMediator>(
  part: P,
  circumstances: Circumstances = {},
): P extends DeskPart ? GivenDesk : P extends AnyMediator ? GivenMediator<P> : Given {
  return begun(part, circumstances) as never
}

function begun(part: Processor | DeskPart | AnyMediator, circumstances: Circumstances) {
  const { kind, name } = (part ?? {}) as Partial<Processor | DeskPart | AnyMediator>
  if (kind !== 'processor' && kind !== 'desk' && kind !== 'mediator') {
    const what = kind === undefined ? typeof part : `${kind} "${name}"`
    throw fault('millrace/bad-option', `given takes a processor, a desk or a mediator, not ${what}`)
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
    when: (type, data, options = {}) => {
      const spec = specOf(part)
      const message = messageOf(spec, type, data, options, world)
      let outcome: Promise<Outcome> | undefined
      const ask = () => {
        outcome ??= tried(spec, message, query, world)
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
  throw fault('millrace/bad-option', `given: now is ${String(now)}, but must be ${must}`)
}

function messageOf(spec: ProcessorSpec, type: MessageType, data: unknown, options: WhenOptions, world: World): Stored {
  const { name, handlers, source } = spec
  if (!source.types.includes(type)) {
    const names = source.types.flatMap((known) => (handlers.has(known.name) ? known.name : []))
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
  const { id = world.newId(), time = world.now(), correlationId = id } = options
  const ownId = options.id !== undefined
  const message = stored(type, data, { id, ownId, source: origin, time, correlationId, causationId: null })
  // Kept with the message, as when it comes from memory; what does not survive being read is told here.
  decode(type, message)
  return message
}
