import type { Failure as AnyFailure, DeskSpec } from '../engine/spec.ts'
import type { Decision } from '../model/desk.ts'
import { checkHelp, type Help } from '../model/help.ts'
import type { DataOf, Destination, Message, MessageType } from '../model/message.ts'
import { limit } from '../model/options.ts'
import { checkByType, checkOnDestination, checkPart, checkTable } from './check.ts'

/** The argument of a rule: a message that has used up its attempts or was refused, with the error. */
export interface Failure<T extends MessageType> extends Omit<AnyFailure, 'message'> {
  /** The message as its handler gets it; with the data as stored where these no longer fit their schema. */
  readonly message: Message<T>
}

/** Decides about one failed message. It runs beside the processors, so it may read rows and take its time. */
export type Rule<T extends MessageType> = (failure: Failure<T>) => Decision<DataOf<T>> | Promise<Decision<DataOf<T>>>

type Named<T extends MessageType, Name> = Extract<T, { readonly name: Name }>

/** Options of {@link desk}. */
export interface DeskOptions<T extends MessageType> {
  /** The topic or channel of its failed messages. */
  readonly on: Destination<T>
  /** A rule per type, each optional. A message of a type without a rule is held. Default: no rules. */
  readonly decide?: { readonly [Name in T['name']]?: Rule<Named<T, Name>> } | undefined
  /**
   * Help for operators, by the code of an error, or by the name of a message type for its other errors: shown with each
   * message and each group at the desk. Where the error of a message has no help, that of its causes is shown.
   */
  readonly help?: Readonly<Record<string, Help>> | undefined
  /** Time for one decision, milliseconds, 1 to 86,400,000, default 30,000. After it the message is held. */
  readonly decideMs?: number | undefined
  /** Decisions about one message, 1 to 1,000, default 5. When it fails again after these, it is held. */
  readonly decisionsMax?: number | undefined
  /** Rules deciding at once, 1 to 1,000, default 16. */
  readonly rulesAtOnce?: number | undefined
}

const known = ['on', 'decide', 'help', 'decideMs', 'decisionsMax', 'rulesAtOnce']

/** A desk as a part of an app. */
export interface DeskPart {
  readonly kind: 'desk'
  readonly name: string
  readonly on: Destination
  /** Help by the code of an error or the name of a message type. */
  readonly help: Readonly<Record<string, Help>>
  readonly spec: DeskSpec
}

/**
 * Declares rules for the desk of a topic or channel, the dead-letter queue that keeps order. A rule decides when a
 * message has used up its attempts or was refused, for any of its processors. It returns `retry()`, `resubmit(data,
 * note)`, `hold(reason)` or `discard(reason)`. Each decision is in the audit log. A rule that throws, takes too long or
 * has decided too often leaves the message to a person, with the reason. After a crash a rule may be asked again about
 * the same failure; its decision is carried out once. Later messages of the context wait; other contexts are handled.
 *
 * `help` tells the people who repair messages what an error means and what to do, in words and by a link. It changes
 * nothing that runs.
 *
 * @param name a name as of `event`, unique in the app
 * @param options the topic or channel, a rule per type with their bounds, and help
 * @returns the desk, a part of an app
 * @throws `millrace/bad-name`, `millrace/bad-option`, `millrace/unknown-option`, `millrace/unknown-handler`
 *
 * @example
 * ```ts
 * const orderDesk = desk('order-desk', {
 *   on: Orders,
 *   decide: {
 *     'order.placed': ({ message, error }) =>
 *       /no article/.test(error.message)
 *         ? resubmit({ ...message.data, sku: message.data.sku.trim() }, 'without spaces')
 *         : hold('look at it'),
 *   },
 *   help: {
 *     OUT_OF_STOCK: { text: 'Order more of the article, then release.', url: 'https://wiki.example/stock' },
 *   },
 * })
 * ```
 */
export function desk<T extends MessageType>(name: string, options: DeskOptions<T>): DeskPart {
  const where = checkPart('desk', name, options, known)
  const { on, decide = {} } = options
  checkOnDestination(where, on)
  checkTable(where, { option: 'decide', one: 'rule' }, decide)
  checkByType(where, 'rule', on, decide)
  const help = checkHelp(where, options.help)
  const rules = new Map(Object.entries(decide).filter(([, rule]) => rule !== undefined)) as Map<string, never>
  const spec = {
    name,
    rules,
    decideMs: limit(where, 'decideMs', options.decideMs),
    decisionsMax: limit(where, 'decisionsMax', options.decisionsMax),
    rulesAtOnce: limit(where, 'rulesAtOnce', options.rulesAtOnce),
  }
  return Object.freeze({ kind: 'desk', name, on, help, spec })
}
