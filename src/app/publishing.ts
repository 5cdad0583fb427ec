import type { Command, DataFor, Event, MessageType } from '../model/message.ts'
import type { Accepted, PublishEntry, PublishOptions } from '../model/publish.ts'
import type { Joined, PublishInOptions } from '../model/publish-in.ts'
import type { Delay } from '../model/time.ts'

/** How messages come into an app. */
export interface Publishing {
  /**
   * Publishes an event. It resolves once the event is on disk, before it is handled; so what was acknowledged survives
   * a power cut. Events of one topic keep the order of the calls. With an `id`, publishing again adds nothing.
   *
   * A delayed event (`at`, `delayMs`) comes into its log once, whatever crashes, and never early; those that are due
   * together come in order of due time, then as they were accepted. Its `time` is when it comes there. What falls due
   * while the app is down comes at the next start.
   *
   * @param type an event on a topic of the app
   * @param data its data, checked against the schema
   * @param options `id`; `at` or `delayMs`
   * @returns the id, and `duplicate: true` when the id was published before with the same data
   * @throws `millrace/bad-data`, `millrace/not-json`, `millrace/bad-context`, `millrace/bad-id`, `millrace/bad-time`,
   *   `millrace/id-conflict`, `millrace/too-large`, `millrace/type-without-topic`, `millrace/wrong-verb`,
   *   `millrace/not-started`, `millrace/stopping`, `millrace/too-many-pending`, `millrace/disk-full`,
   *   `millrace/disk-low`, `millrace/disk-failed`, `millrace/files-replaced`, `millrace/locked`; `millrace/sync-failed`
   *   when it is unknown whether the event was kept: publish it again with the same `id`
   *
   * @example
   * ```ts
   * const placed = { orderId: 'o-8', customer: 'emil', sku: 'sieve', quantity: 1 }
   * await shop.publish(OrderPlaced, placed, { id: 'web/o-8' })
   * const { duplicate } = await shop.publish(OrderPlaced, placed, { id: 'web/o-8' })
   * console.assert(duplicate === true)
   * ```
   */
  publish<E extends Event>(type: E, data: DataFor<E>, options?: PublishOptions): Promise<Accepted>
  /**
   * Publishes events of one type together: all of them are accepted, by one transaction and one sync, or none is. In
   * their log they are neighbours, in the order of the list and behind what was published before. An entry with an
   * `id` that was published before with the same data, also in this list, adds nothing. In a handler or a transaction,
   * call `publish` once for each: that leaves with one commit too.
   *
   * @param type an event on a topic of the app
   * @param entries `{ data, id? }` for each event, at most 10,000, with at most 16 MiB of data as JSON
   * @param delay `at` or `delayMs`, for all of them
   * @returns a result for each entry, in order: the id, and `duplicate: true` as of `publish`
   * @throws as `publish`, for the first entry that is wrong: its index is in the message and in `data.entry`;
   *   `millrace/bad-option` where the list is too long, or is no list of entries; `millrace/too-large` where the data
   *   are too large together
   *
   * @example
   * ```ts
   * const placed = ['o-8', 'o-9'].map((orderId) => ({ orderId, customer: 'emil', sku: 'sieve', quantity: 1 }))
   * const accepted = await shop.publishMany(
   *   OrderPlaced,
   *   placed.map((data) => ({ data, id: `web/${data.orderId}` })),
   * )
   * console.assert(accepted[1]!.id === 'web/o-9')
   * ```
   */
  publishMany<E extends Event>(type: E, entries: readonly PublishEntry<E>[], delay?: Delay): Promise<Accepted[]>
  /**
   * Sends a command to its channel. It resolves once the command is on disk, before it is handled. Nobody waits for a
   * reply; for one use `request`. Order, `id` and delay are as of `publish`.
   *
   * @param type a command on a channel of the app
   * @param data its data, checked against the schema
   * @param options `id`; `at` or `delayMs`
   * @returns the id, and `duplicate: true` when the id was sent before with the same data
   * @throws as `publish`
   *
   * @example
   * ```ts
   * await shop.send(SendReminder, { orderId: 'o-8' }, { id: 'remind o-8', delayMs: 3 * 24 * 3_600_000 })
   * ```
   */
  send<C extends Command>(type: C, data: DataFor<C>, options?: PublishOptions): Promise<Accepted>
}

/** How messages come in by transactions that others have opened. */
export interface PublishingIn {
  /**
   * Publishes an event, or sends a command, in a transaction that is open on the database of the broker: the message exists
   * exactly if that transaction commits, and is handled after it. The app may run here, elsewhere or nowhere, but has been
   * started once with these types. Messages of one transaction keep their order; those of several come in the order in
   * which they commit.
   *
   * @param client a client of `pg`, on which the transaction is open; or a function that runs a statement in it and gives
   *   its rows, for any other library (the guide to rows has it for Drizzle, Knex, Kysely, Prisma and TypeORM)
   * @param type an event on a topic of the app, or a command on a channel
   * @param data its data, checked against the schema
   * @param options `id`, as of `publish`. A transaction that has used the same id and is open is waited for
   * @returns the id, and `duplicate: true` when the id was published before with the same data
   * @throws `millrace/no-publish-in` for a broker that takes messages from its app only; as `publish` for what is wrong with
   *   the message; `millrace/unknown-type` where the app has not been started with this version of the type;
   *   `millrace/bad-option`; what the statement throws. After an error of the statement the transaction cannot go on
   *
   * @example
   * ```ts
   * // `client` is one of `pg`, taken from a pool.
   * async function placeOrder(client: Joined & { query(text: string, values?: unknown[]): Promise<unknown> }) {
   *   await client.query('begin')
   *   await client.query('insert into my_orders values ($1, $2)', ['o-9', 'emil'])
   *   const placed = { orderId: 'o-9', customer: 'emil', sku: 'sieve', quantity: 1 }
   *   await shop.publishIn(client, OrderPlaced, placed, { id: 'web/o-9' })
   *   await client.query('commit')
   * }
   * console.assert(placeOrder.length === 1)
   * ```
   */
  publishIn<T extends MessageType>(
    client: Joined,
    type: T,
    data: DataFor<T>,
    options?: PublishInOptions,
  ): Promise<Accepted>
}
