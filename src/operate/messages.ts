// `app.messages`: the messages of an app, for people: lists, one message, its story.

import type { MessageFilter, MessagePage, MessagesFound, StoryOptions, StoryPage } from '../model/message-views.ts'
import type { Receipts } from '../model/receipts.ts'

/**
 * The messages that the topics and channels of an app keep. Nothing here delays the app: it reads with a thread and a
 * connection of its own, in slices. Where no index helps, a call looks at 100,000 messages at most and says how far it
 * came.
 */
export interface Messages {
  /**
   * Lists messages, the newest first unless `order` says otherwise. Pages lack and repeat nothing, whatever is published
   * between them.
   *
   * @param filter which messages, and which page
   * @returns a page; it may be empty and have a `next`, where a part was looked through in which nothing matches
   * @throws `millrace/bad-option`, `millrace/unknown-name`; `millrace/reader-ended` when it was given up and may be asked
   *   again
   *
   * @example
   * ```ts
   * await shop.publish(OrderPaid, { orderId: 'o-9', pence: 995 })
   * const { items, complete } = await shop.messages.list({ destination: 'orders', context: 'o-9' })
   * console.assert(items[0]!.type === 'order.paid' && complete)
   * ```
   */
  list(filter?: MessageFilter): Promise<MessagePage>
  /**
   * Finds the messages with an id, each with its data and what became of it at each processor.
   *
   * @param id the id, generated or given by the publisher
   * @returns one message mostly; an id is one per type and source. `complete` is false where a message with this id may be
   *   further than was looked
   * @throws `millrace/bad-option`, `millrace/reader-ended`
   *
   * @example
   * ```ts
   * const { id } = await shop.publish(OrderPaid, { orderId: 'o-10', pence: 995 })
   * const { items } = await shop.messages.show(id)
   * for (const { processor, state, item } of items[0]!.outcomes) console.log(processor, state, item)
   * ```
   */
  show(id: string): Promise<MessagesFound>
  /**
   * Lists the messages of the flow of a message: all that the first one has caused, directly or not. Each says by its
   * `causationId` what caused it, so that they are a tree.
   *
   * @param id the id of any message of the flow
   * @param options which page
   * @returns a page, the oldest first
   * @throws `millrace/bad-option`, `millrace/reader-ended`
   *
   * @example
   * ```ts
   * const { id } = await shop.publish(OrderPaid, { orderId: 'o-11', pence: 995 })
   * const story = await shop.messages.story(id)
   * for (const { type, causationId } of story.items) console.log(type, causationId)
   * ```
   */
  story(id: string, options?: StoryOptions): Promise<StoryPage>
  /**
   * Makes out the receipt of a message: where and when it was accepted, which processors have handled it, after which
   * failures, who repaired it and why, which messages it has caused, and how its request ended. It has what is on disk,
   * so it is the same after a crash, and no data but their hash.
   *
   * What is no longer kept is not in it: of a message that failed, the acts are there as long as the desk has it
   * (`deskRetainMs`, 30 days).
   *
   * @param id the id, generated or given by the publisher
   * @returns one receipt mostly; an id is one per type and source. `complete` is false where a message with this id may be
   *   further than was looked
   * @throws `millrace/bad-option`, `millrace/reader-ended`
   *
   * @example
   * ```ts
   * const { id } = await shop.publish(OrderPaid, { orderId: 'o-12', pence: 995 })
   * const [receipt] = (await shop.messages.receipt(id)).items
   * console.log(`accepted at ${new Date(receipt!.acceptedAt).toISOString()} as ${receipt!.destination}/${receipt!.position}`)
   * ```
   */
  receipt(id: string): Promise<Receipts>
}
