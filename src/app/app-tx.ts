// The `tx` of `app.transaction`.
import type { Collect } from '../engine/commit/transaction.ts'
import { fault } from '../model/errors.ts'
import { type Command, checkVerb, type DataFor, type Event, type MessageType, type Verb } from '../model/message.ts'
import type { PublishOptions } from '../model/publish.ts'
import type { Tx } from '../model/tx.ts'

/** A transaction with the caller's own rows, which may publish, send and cancel. */
export interface AppTx extends Tx {
  /**
   * Collects an event, which leaves with the rows or not at all: a transactional outbox.
   *
   * @param type an event on a topic of the app
   * @param data its data, checked at once
   * @param options as of `app.publish`
   * @returns the id of the event: the one that was given, or a new one
   * @throws as `app.publish`; `millrace/tx-closed` after the function has ended. An id that was published before with
   *   other data fails the transaction with `millrace/id-conflict`
   *
   * @example
   * ```ts
   * await shop.transaction(async (tx) => {
   *   await tx.query`insert into orders values (${'o-7'}, ${'sieve'}, 2)`
   *   tx.publish(OrderPlaced, { orderId: 'o-7', customer: 'dora', sku: 'sieve', quantity: 2 })
   * })
   * ```
   */
  publish<E extends Event>(type: E, data: DataFor<E>, options?: PublishOptions): string
  /**
   * Collects a command, which leaves with the rows or not at all. Nobody waits for a reply.
   *
   * @param type a command on a channel of the app
   * @param data its data, checked at once
   * @param options as of `app.publish`
   * @returns the id of the command: the one that was given, or a new one
   * @throws as `publish`
   *
   * @example
   * ```ts
   * await shop.transaction(async (tx) => {
   *   await tx.query`delete from orders where id = ${'o-7'}`
   *   tx.send(GiveBackStock, { orderId: 'o-7', sku: 'sieve', quantity: 2 })
   * })
   * ```
   */
  send<C extends Command>(type: C, data: DataFor<C>, options?: PublishOptions): string
  /**
   * Takes back a delayed message or a request, with the rows or not at all. Unlike `app.cancel` it does not tell
   * whether there was one. A message that the function has collected under that id before does not leave, and one that
   * it collects afterwards does: `cancel` and then `publish` moves a delayed message.
   *
   * @param type the type of the message
   * @param id the id of the message
   * @throws `millrace/type-without-topic`, `millrace/bad-id`, `millrace/tx-closed`
   *
   * @example
   * ```ts
   * await shop.transaction(async (tx) => {
   *   await tx.query`delete from orders where id = ${'o-7'}`
   *   tx.cancel(SendReminder, 'remind o-7')
   * })
   * ```
   */
  cancel(type: MessageType, id: string): void
  /**
   * Runs a function in a savepoint of its own, as {@link Tx.attempt}. The `tx` inside publishes too: what it has collected
   * is dropped when the function fails.
   *
   * @param fn reads and writes rows by its own `tx`, and may publish, send and cancel
   * @returns what `fn` returns
   * @throws as `Tx.attempt`
   *
   * @example
   * ```ts
   * await shop.transaction(async (tx) => {
   *   const order = { orderId: 'o-11', customer: 'gus', sku: 'sieve', quantity: 1 }
   *   const inserted = tx.attempt(async (inner) => {
   *     await inner.query`insert into orders values (${order.orderId}, ${order.sku}, ${order.quantity})`
   *     inner.publish(OrderPlaced, order)
   *   })
   *   await inserted.catch(() => {}) // the order is there already
   * })
   * ```
   */
  attempt<Result>(fn: (tx: AppTx) => Result | Promise<Result>): Promise<Result>
}

/**
 * Adds to a `tx` what publishes.
 *
 * @param check throws where the app does not know a type
 */
export function appTx(tx: Tx, collect: Collect, check: (type: MessageType) => void): AppTx {
  const put = (verb: Verb) => (type: MessageType, data: unknown, options?: PublishOptions) => {
    check(type)
    checkVerb('tx', verb, type)
    return collect.put(type, data, options)
  }
  return {
    query: tx.query,
    get client() {
      return tx.client
    },
    publish: put('publish'),
    send: put('send'),
    cancel: (type, id) => {
      check(type)
      collect.cancel(type, id)
    },
    attempt: (fn) => tx.attempt(typeof fn === 'function' ? (inner) => attempted(fn, inner, collect, check) : fn),
  }
}

/** Runs the function of an attempt; what it keeps of its `tx` publishes nothing once it has ended. */
async function attempted<Result>(
  fn: (tx: AppTx) => Result | Promise<Result>,
  tx: Tx,
  collect: Collect,
  check: (type: MessageType) => void,
): Promise<Result> {
  let ended = false
  const checkOpen = () => {
    if (!ended) return
    throw fault('millrace/tx-closed', 'tx was used to publish, send or cancel after its attempt had ended')
  }
  const inner: Collect = {
    put: (...message) => {
      checkOpen()
      return collect.put(...message)
    },
    cancel: (...message) => {
      checkOpen()
      collect.cancel(...message)
    },
  }
  try {
    return await fn(appTx(tx, inner, check))
  } finally {
    ended = true
  }
}
