// Tests one flow of a mediator: its function runs as in the engine, and a script gives the results of its steps.
import type { Stored } from '../model/codec.ts'
import { fault } from '../model/errors.ts'
import { outcomeOf } from '../model/flow.ts'
import type { Command, DataFor, DataOf, Event, ReplyOf } from '../model/message.ts'
import type { AnyMediator, Mediator, StartedBy } from '../parts/mediator.ts'
import type { World } from '../seam/world.ts'
import type { WhenOptions } from './circumstances.ts'
import type { Comparing } from './expected.ts'
import { compareFlow, type ExpectedFlow, type FlowOutcome } from './expected-flow.ts'
import { Script, scripted } from './flow-script.ts'
import { FlowTrial } from './flow-trial.ts'
import { givenMessage } from './given-message.ts'

type Value<T, D> = T | ((data: D, times: number) => T)

/**
 * A flow, and a script of the results of its steps. It runs when its outcome is first needed, by `then(expected)` or
 * `await`. Steps end one by one, in the order in which they began, where the script has a result for them. Where it has
 * none, the next wait passes at once. Commands without a reply end by themselves.
 */
export interface FlowCase {
  /**
   * Replies to the calls of a command, or to the call with a name.
   *
   * @param call the command, or the name of the step
   * @param reply the reply, or a function of the data and the number of earlier calls, which may throw
   * @returns the case, for further lines of the script
   *
   * @example
   * ```ts
   * await given(fulfilment)
   *   .when(OrderPlaced, { orderId: 'o-1', customer: 'ada', sku: 'sieve', quantity: 1 })
   *   .replies(TakeStock, ({ quantity }) => ({ left: 1_000 - quantity }))
   *   .replies('charge', { receipt: 'r-1' })
   *   .then({ result: { receipt: 'r-1' } })
   * ```
   */
  replies<C extends Command | string>(
    call: C,
    reply: C extends Command ? Value<ReplyOf<C>, DataOf<C>> : unknown,
  ): FlowCase
  /**
   * Refuses a call.
   *
   * @param type the command, or the name of the step
   * @param message the message of the refusal
   * @param data the data of the refusal
   * @returns the case, for further lines of the script
   *
   * @example
   * ```ts
   * await given(fulfilment)
   *   .when(OrderPlaced, { orderId: 'o-1', customer: 'ada', sku: 'sieve', quantity: 1 })
   *   .refuses(TakeStock, 'none left', { left: 0 })
   *   .then({ fails: /none left/ })
   * ```
   */
  refuses(type: Command | string, message: string, data?: unknown): FlowCase
  /**
   * Discards a call at the desk, as a rule or a person does. The command may have had effects.
   *
   * @param type the command, or the name of the step
   * @param reason the reason
   * @returns the case, for further lines of the script
   *
   * @example
   * ```ts
   * await given(fulfilment)
   *   .when(OrderPlaced, { orderId: 'o-1', customer: 'ada', sku: 'sieve', quantity: 1 })
   *   .replies(TakeStock, { left: 999 })
   *   .discards(ChargeCard, 'the card is unknown')
   *   .then({ state: 'compensated', undone: ['take stock'], fails: /the card is unknown/ })
   * ```
   */
  discards(type: Command | string, reason: string): FlowCase
  /**
   * Publishes an event that the flow may wait for. Several come in this order, each once.
   *
   * @param type an event in `waits`
   * @param data its data
   * @returns the case, for further lines of the script
   * @throws `millrace/undeclared`, `millrace/bad-data`
   *
   * @example
   * ```ts
   * const dunning = mediator('dunning', {
   *   startedBy: OrderPlaced,
   *   waits: [OrderPaid],
   *   run: async (_order, flow) => (await flow.wait('payment', OrderPaid, { timeoutMs: 86_400_000 }))?.data.pence,
   * })
   * await given(dunning)
   *   .when(OrderPlaced, { orderId: 'o-1', customer: 'ada', sku: 'sieve', quantity: 1 })
   *   .happens(OrderPaid, { orderId: 'o-1', pence: 995 })
   *   .then({ result: 995 })
   * ```
   */
  happens<E extends Event>(type: E, data: DataFor<E>): FlowCase
  /**
   * Answers a question.
   *
   * @param step the name of the question
   * @param answer the answer, checked against the schema of the question
   * @returns the case, for further lines of the script
   *
   * @example
   * ```ts
   * await given(fulfilment)
   *   .when(OrderPlaced, { orderId: 'o-1', customer: 'ada', sku: 'sieve', quantity: 500 })
   *   .answers('approve', { yes: true })
   *   .replies(TakeStock, { left: 500 })
   *   .replies(ChargeCard, { receipt: 'r-1' })
   *   .then({ state: 'completed' })
   * ```
   */
  answers(step: string, answer: unknown): FlowCase
  /**
   * Ends flows of another mediator, or the subflow with a name.
   *
   * @param mediator the mediator, or the name of the step
   * @param result the result, or a function that returns it or throws
   * @returns the case, for further lines of the script
   *
   * @example
   * ```ts
   * const parcels = mediator('parcels', {
   *   startedBy: OrderPlaced,
   *   starts: [delivery],
   *   run: ({ data: { orderId } }, flow) => flow.subflow('deliver', delivery, { orderId }),
   * })
   * await given(parcels)
   *   .when(OrderPlaced, { orderId: 'o-1', customer: 'ada', sku: 'sieve', quantity: 1 })
   *   .returns(delivery, { parcel: 'p-1' })
   *   .then({ result: { parcel: 'p-1' } })
   * ```
   */
  returns(mediator: AnyMediator | string, result: unknown): FlowCase
  /**
   * Cancels the flow when the script has no result for its steps, instead of letting time pass.
   *
   * @param reason the reason, for its audit log
   * @returns the case, for further lines of the script
   *
   * @example
   * ```ts
   * await given(fulfilment)
   *   .when(OrderPlaced, { orderId: 'o-1', customer: 'ada', sku: 'sieve', quantity: 1 })
   *   .replies(TakeStock, { left: 999 })
   *   .cancelled('the customer has called')
   *   .then({ state: 'compensated', undone: ['take stock'], fails: /the customer has called/ })
   * ```
   */
  cancelled(reason?: string): FlowCase
  /**
   * Compares the outcome with the expected one, strictly. A flow that ended in another way fails the comparison, with
   * its error as `cause`.
   *
   * @param expected the fields to compare
   * @returns the whole outcome
   * @throws `AssertionError` with the difference; `millrace/bad-option` when a step of the script never began, or a
   *   step waits for a result that the script lacks; `millrace/undeclared`, `millrace/unknown-option`
   *
   * @example
   * ```ts
   * await given(fulfilment)
   *   .when(OrderPlaced, { orderId: 'o-1', customer: 'ada', sku: 'sieve', quantity: 1 })
   *   .replies(TakeStock, { left: 999 })
   *   .replies(ChargeCard, { receipt: 'r-1' })
   *   .then({ steps: ['take stock', 'charge'], result: { receipt: 'r-1' } })
   * ```
   */
  then(this: Comparing, expected: ExpectedFlow): Promise<FlowOutcome>
  then<A = FlowOutcome, B = never>(
    ended?: ((outcome: FlowOutcome) => A | PromiseLike<A>) | null,
    failed?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B>
  // biome-ignore lint/suspicious/noExplicitAny: see Comparing
  readonly _comparing?: any | undefined
}

/** A mediator under test. */
export interface GivenMediator<M> {
  /**
   * Makes the event that starts a flow, checked as `publish` does. Nothing runs at this point.
   *
   * @param type the event that starts its flows
   * @param data its data
   * @param options its id, time and correlation id
   * @returns the case: its methods write the script, `then(expected)` runs the flow and compares
   * @throws `millrace/bad-option` when the type does not start its flows, `millrace/bad-data`,
   *   `millrace/unknown-option`
   *
   * @example
   * ```ts
   * const { state } = await given(fulfilment)
   *   .when(OrderPlaced, { orderId: 'o-1', customer: 'ada', sku: 'sieve', quantity: 1 })
   *   .replies(TakeStock, { left: 999 })
   *   .replies(ChargeCard, { receipt: 'r-1' })
   * console.assert(state === 'completed')
   * ```
   */
  when<E extends StartedBy<M>>(type: E, data: DataFor<E>, options?: WhenOptions): FlowCase
}

export function givenMediator(part: Mediator, world: World): GivenMediator<Mediator> {
  const where = `given mediator "${part.name}"`
  return {
    when: (type, data, options = {}) => {
      if (type !== part.spec.startedBy) {
        const what = `"${type?.name}" starts no flow of it; "${part.spec.startedBy.name}" does`
        throw fault('millrace/bad-option', `${where}: ${what}`)
      }
      const message = givenMessage(where, { type, data, options }, world)
      return caseOf(part, new Script(part), message, world)
    },
  }
}

function caseOf(part: Mediator, script: Script, message: Stored, world: World): FlowCase {
  let outcome: Promise<FlowOutcome> | undefined
  const ask = () => {
    outcome ??= new FlowTrial(part, script, message, world).end()
    return outcome
  }
  const writing = (write: () => void): FlowCase => {
    if (outcome !== undefined) {
      throw fault('millrace/bad-option', `given mediator "${part.name}": the flow has run; write the script before`)
    }
    write()
    return one
  }
  const one = {
    replies: (what: Command | string, reply: unknown) =>
      writing(() => script.put(what, 'sends', scripted(reply, typeof what === 'string' ? undefined : what))),
    refuses: (what: Command | string, text: string, data?: unknown) =>
      writing(() => script.put(what, 'sends', () => outcomeOf('refused', { message: text, data }))),
    discards: (what: Command | string, reason: string) =>
      writing(() => script.put(what, 'sends', () => outcomeOf('discarded', { message: reason }))),
    happens: (type: Event, data: unknown) =>
      writing(() => {
        script.happens(type, data)
      }),
    answers: (step: string, answer: unknown) =>
      writing(() => script.put(step, undefined, () => ({ ok: true, value: answer }))),
    returns: (what: AnyMediator | string, result: unknown) =>
      writing(() => script.put(what, 'starts', scripted(result))),
    cancelled: (reason = 'cancelled by a person') =>
      writing(() => {
        script.cancels = reason
      }),
    // biome-ignore lint/suspicious/noThenProperty: to be awaited
    then: (first: unknown, failed?: (error: unknown) => unknown) =>
      typeof (first ?? undefined) === 'object'
        ? compareFlow(part, ask, first as ExpectedFlow)
        : ask().then(first as never, failed),
  } as FlowCase
  return one
}
