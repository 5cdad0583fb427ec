import { fault } from '../model/errors.ts'
import type { DataFor, Event } from '../model/message.ts'
import { checkPart } from '../parts/check.ts'
import type { Hook, HookRequest } from '../parts/hook.ts'
import type { Verifier } from './webhooks.ts'

/** Options of {@link hook}. */
export interface HookOptions<E extends Event> {
  /** The check of the signature: {@link standardWebhooks}, {@link github}, or one of your own. */
  readonly verify: Verifier
  /** The event that it publishes, on a topic of the app. */
  readonly publishes: E
  /**
   * The data of the event, from the body as JSON and the headers; undefined where no event is to follow. It is called
   * again when the sender repeats the request, and must then give the same.
   */
  readonly data: (body: unknown, headers: Headers) => DataFor<E> | undefined
}

/**
 * Declares a way in for signed webhooks: `POST /hooks/NAME`. A request whose signature is right becomes an event, and is
 * answered with 202 once that is on disk. The id of the event is `NAME/ID`, with the id that the sender gives (`webhook-id`,
 * `X-GitHub-Delivery`), so that a repeated request adds nothing. Any other request is answered with 401.
 *
 * @param name a name as of `event`, unique in the app; the last part of the path
 * @param options the check, the event and its data
 * @returns the hook, a part of an app
 * @throws `millrace/bad-name`, `millrace/bad-option`, `millrace/unknown-option`
 *
 * @example
 * ```ts
 * const paid = hook('payments', {
 *   verify: standardWebhooks({ secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' }),
 *   publishes: OrderPaid,
 *   data: (body) => body as { orderId: string; pence: number },
 * })
 * console.assert(paid.name === 'payments')
 * ```
 */
export function hook<E extends Event>(name: string, options: HookOptions<E>): Hook {
  const where = checkPart('hook', name, options, ['verify', 'publishes', 'data'])
  const { verify: verifier, publishes, data } = options
  const bad = (what: string) => fault('millrace/bad-option', `${where}: ${what}`)
  if (typeof verifier?.verify !== 'function')
    throw bad('verify must be standardWebhooks({ secret }) or github({ secret })')
  if (publishes?.kind !== 'event') throw bad('publishes must be an event')
  if (typeof data !== 'function') throw bad('data must be a function from the body and the headers')
  return Object.freeze({
    kind: 'hook',
    name,
    publishes,
    verify: (request: HookRequest) => verifier.verify(request),
    data,
  })
}
