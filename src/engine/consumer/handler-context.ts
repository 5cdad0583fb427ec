// The second argument of a handler.
import type { Message, MessageType } from '../../model/message.ts'
import { readFields } from '../../model/people.ts'
import type { PublishOptions } from '../../model/publish.ts'
import { fieldsWithout, secretsOf, textWithout } from '../../model/secrets.ts'
import type { Query } from '../../model/tx.ts'
import type { HandlerSpec, Handling } from '../spec.ts'
import type { Attempt } from './attempt.ts'

/** Makes a handler of a function that needs its attempt. */
export function withAttempt(handle: (message: Message, attempt: Attempt) => unknown): HandlerSpec['handle'] {
  return (message, context) => handle(message, HandlerContext.attemptOf(context))
}

/** Makes each part when it is asked for, so that destructuring works and an unused part costs nothing. */
export class HandlerContext implements Handling {
  readonly #attempt: Attempt
  /** Kept: the failed attempts of a message go on counting while an attempt whose time is over still runs. */
  readonly #number: number

  static attemptOf(context: Handling): Attempt {
    return (context as HandlerContext).#attempt
  }

  constructor(attempt: Attempt) {
    this.#attempt = attempt
    this.#number = attempt.delivery.attempts + 1
  }

  get commit() {
    return (fn: unknown) => this.#attempt.commit(fn)
  }

  get publish() {
    return (type: MessageType, data: unknown, options?: PublishOptions): string =>
      this.#attempt.collect('publish', type, data, options).id
  }

  get send() {
    return (type: MessageType, data: unknown, options?: PublishOptions): string =>
      this.#attempt.collect('send', type, data, options).id
  }

  get cancel() {
    return (type: MessageType, id: string): void => this.#attempt.cancel(type, id)
  }

  get read(): Query {
    return this.#attempt.processor.read
  }

  get signal(): AbortSignal {
    return this.#attempt.signal
  }

  /** The same for each attempt at this message by this processor, until its data are replaced or it is reset. */
  get idempotencyKey(): string {
    const { delivery, processor } = this.#attempt
    const { type, id, source, attributes } = delivery.message
    const { keyName, generation } = processor
    const corrections = delivery.entry?.corrections ?? 0
    const key = `${keyName}/${type}/${id}/${generation === 0 ? corrections : `${corrections}.${generation}`}`
    // The id of a message from elsewhere is one per source.
    return attributes === null ? key : `${key}/@${encodeURIComponent(source)}`
  }

  get attempt(): number {
    return this.#number
  }

  get now() {
    return this.#attempt.processor.now
  }

  get log() {
    const { delivery, processor, handler } = this.#attempt
    const { type, id, correlationId } = delivery.message
    const line = (level: 'info' | 'warn' | 'error') => (text: string, fields?: Readonly<Record<string, unknown>>) => {
      const secrets = secretsOf(handler.type, delivery.message)
      const about = fieldsWithout(secrets, { id, correlationId, ...readFields(fields) })
      processor.log(level, textWithout(secrets, text), { processor: processor.name, type, ...about })
    }
    return { info: line('info'), warn: line('warn'), error: line('error') }
  }
}
