// Waits in tests of a running app: until the system is quiet, or for one message. Nothing polls and nothing sleeps; a
// bound ends each wait.

import type { App } from '../app/app.ts'
import { decode, type Stored } from '../model/codec.ts'
import { fault, isMillraceError } from '../model/errors.ts'
import { failures } from '../model/failures.ts'
import type { Message, MessageType } from '../model/message.ts'
import { checkOptions } from '../model/options.ts'
import { shownValue } from '../model/people.ts'
import { checkKnown, wire } from '../parts/wiring.ts'

/** Options of {@link quiet}. */
export interface QuietOptions {
  /** Time to wait, milliseconds, 1 to 86,400,000, default 10,000. */
  readonly timeoutMs?: number | undefined
}

/** Options of {@link nextOf}. */
export interface NextOptions<T extends MessageType> extends QuietOptions {
  /** Selects among the messages of the type. Default: the first one. */
  readonly where?: ((message: Message<T>) => boolean) | undefined
  /** Causes the message. It is awaited, and the app counts as idle only after it ends. */
  readonly during?: (() => unknown) | undefined
}

const timeoutMsDefault = 10_000
const timeoutMsMax = 86_400_000
/** The most messages at the desk, and the most others, that an error shows. */
const shownMax = 3
const shownCharsMax = 200

/**
 * Waits until every accepted message has been handled or is held at the desk, as `app.idle()`, but with a limit and an
 * error that names what still runs. For tests of a running app.
 *
 * @param app the running app
 * @param options `timeoutMs`: default 10,000
 * @throws `millrace/not-quiet` after `timeoutMs`, naming what runs or lags; `millrace/not-started`;
 *   `millrace/bad-option`, `millrace/unknown-option`
 *
 * @example
 * ```ts
 * await shop.publish(OrderPlaced, { orderId: 'o-8', customer: 'emil', sku: 'sieve', quantity: 1 })
 * await quiet(shop, { timeoutMs: 5_000 })
 * ```
 */
export async function quiet(app: App, options: QuietOptions = {}): Promise<void> {
  checkOptions('quiet', options, ['timeoutMs'])
  const timeoutMs = bound('quiet', options.timeoutMs)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const deadline = setTimeout(() => {
    const what = `app "${app.name}" is not quiet after ${timeoutMs} ms`
    underWay(app).then((why) => reject(fault('millrace/not-quiet', `${what}: ${why}`)), reject)
  }, timeoutMs)
  app.idle().then(resolve, reject)
  try {
    await promise
  } finally {
    clearTimeout(deadline)
  }
}

/**
 * Waits for the first message of a type that is accepted after the call. It resolves once the message is on disk,
 * before it is handled. It rejects as soon as the app is idle without it, and tells what came instead. Nothing polls.
 *
 * The app counts as idle without the message:
 * - with `during`: only after `during` has ended, so that everything it publishes counts;
 * - without: only after some message was accepted since the call. A test that publishes more than once, with time
 *   between, needs `during`.
 *
 * @param app the running app
 * @param type the type of the message
 * @param options `where` selects; `during` causes the message; `timeoutMs`: default 10,000
 * @returns the message
 * @throws `millrace/not-seen` when the app is idle without it, or after `timeoutMs`; `millrace/type-without-topic`;
 *   `millrace/bad-data` when the message does not fit its schema; `millrace/not-started`; `millrace/bad-option`,
 *   `millrace/unknown-option`; errors of `where` and `during`
 *
 * @example
 * ```ts
 * const take = await nextOf(shop, TakeStock, {
 *   during: () => shop.publish(OrderPlaced, { orderId: 'o-8', customer: 'emil', sku: 'sieve', quantity: 1 }),
 * })
 * console.assert(take.data.orderId === 'o-8')
 * ```
 */
export function nextOf<T extends MessageType>(app: App, type: T, options: NextOptions<T> = {}): Promise<Message<T>> {
  const next = wait(app, type, options)
  // A caller that awaits it later, after publishing, gets its error then.
  next.catch(() => {})
  return next
}

async function wait<T extends MessageType>(app: App, type: T, options: NextOptions<T>): Promise<Message<T>> {
  checkOptions('nextOf', options, ['where', 'during', 'timeoutMs'])
  const { where = () => true, during } = options
  for (const [name, fn] of Object.entries({ where, during })) {
    if (fn === undefined || typeof fn === 'function') continue
    throw fault('millrace/bad-option', `nextOf: ${name} must be a function`)
  }
  const timeoutMs = bound('nextOf', options.timeoutMs)
  checkKnown(`nextOf: app "${app.name}"`, type, wire(app.name, app.parts).destinationOf)

  const { promise, resolve, reject } = Promise.withResolvers<Message<T>>()
  const came = new Came(type)
  let over = false
  const missing = (when: string) => {
    if (over) return
    const what = `no ${type.kind} "${type.name}"${options.where === undefined ? '' : ' that fits'} came ${when}`
    atDesk(app).then((held) => reject(fault('millrace/not-seen', `${what}; ${came}${held}`)), reject)
  }
  const whenQuiet = () => app.idle().then(() => missing(`before app "${app.name}" was quiet`), reject)
  const endTail = app.tail((stored) => {
    // No error may reach the engine.
    try {
      if (stored.type === type.name) {
        const message = decode(type, stored) as Message<T>
        if (where(message)) {
          endTail()
          resolve(message)
          return
        }
      }
      // Held messages are reported in any case.
      if (failures.types.some(({ name }) => name === stored.type)) return
      if (came.add(stored) === 1 && during === undefined) whenQuiet()
    } catch (error) {
      reject(error)
    }
  })
  const deadline = setTimeout(() => missing(`within ${timeoutMs} ms`), timeoutMs)
  try {
    if (during !== undefined) {
      await Promise.race([(async () => during())(), failureOf(promise)])
      whenQuiet()
    }
    return await promise
  } finally {
    over = true
    endTail()
    clearTimeout(deadline)
  }
}

/** Rejects as the promise does; never resolves. */
function failureOf(promise: Promise<unknown>): Promise<never> {
  return new Promise((_, reject) => void promise.catch(reject))
}

/** Counts the messages that came instead of the awaited one, without keeping them. */
class Came {
  private readonly type: MessageType
  private readonly counts = new Map<string, number>()
  private readonly unfit: string[] = []
  private total = 0

  constructor(type: MessageType) {
    this.type = type
  }

  add({ type, json }: Stored): number {
    this.counts.set(type, (this.counts.get(type) ?? 0) + 1)
    if (type === this.type.name && this.unfit.length < shownMax) this.unfit.push(shorten(json))
    return ++this.total
  }

  toString(): string {
    if (this.total === 0) return 'nothing was accepted since the call'
    const list = [...this.counts].map(([name, count]) => {
      const data = name === this.type.name ? ` that did not fit (${this.unfit.join(', ')}${this.more(count)})` : ''
      return `${count} "${name}"${data}`
    })
    return `what came instead: ${list.join(', ')}`
  }

  private more(count: number): string {
    return count > shownMax ? ', …' : ''
  }
}

function shorten(text: string): string {
  return text.length > shownCharsMax ? `${text.slice(0, shownCharsMax)}…` : text
}

/** Explains why the app is not quiet. */
async function underWay(app: App): Promise<string> {
  const rows = await app.processors.list()
  const busy = rows
    .filter(({ state, lag, running }) => state !== 'off' && state !== 'gone' && (lag > 0 || running > 0))
    .map(({ name, on, lag, running, state }) => {
      const stuck = state === 'stuck' ? ', stuck' : ''
      return `processor "${name}" runs ${running} and has ${lag} of "${on}" not done${stuck}`
    })
  const why = [...busy, ...app.health().reasons]
  return why.length === 0 ? 'something is being written, or is tried from the desk' : why.join('; ')
}

/** Describes the held messages, as the end of a sentence: often they are the reason why a message does not come. */
async function atDesk(app: App): Promise<string> {
  try {
    const { held } = await app.desk.counts()
    if (held === 0) return ''
    const rows = await app.desk.list({ states: ['held'], limit: shownMax })
    const list = rows.map(({ processor, message, error }) => `"${message.type}" by "${processor}": ${error?.message}`)
    return `; at the desk ${held} held: ${shorten(list.join(', '))}`
  } catch (error) {
    if (isMillraceError(error)) return ''
    throw error
  }
}

function bound(where: string, timeoutMs: unknown = timeoutMsDefault): number {
  if (Number.isSafeInteger(timeoutMs) && (timeoutMs as number) >= 1 && (timeoutMs as number) <= timeoutMsMax) {
    return timeoutMs as number
  }
  throw fault(
    'millrace/bad-option',
    `${where}: timeoutMs is ${shownValue(timeoutMs)}, but must be a whole number from 1 to ${timeoutMsMax}`,
  )
}
