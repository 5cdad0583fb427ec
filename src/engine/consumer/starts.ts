// A message whose turn has come and whose start is marked, where that is needed:
//
//   withdrawn, or of a retired type ──→ passed over
//   not to be decoded, or too late  ──→ unreadable: held
//   every other one                 ──→ its handler is called
import { decode, type Stored } from '../../model/codec.ts'
import type { Message } from '../../model/message.ts'
import { type HandlerSpec, type ProcessorSpec, unknownType } from '../spec.ts'
import type { Delivery } from './delivery.ts'

export interface StartsHost {
  readonly spec: Pick<ProcessorSpec, 'name' | 'destination' | 'handlers' | 'passedOver'>
  readonly deadlines: { check(message: Stored): void }
  elapsed(): number
  isWithdrawn(id: string): boolean
  passOver(delivery: Delivery): void
  unreadable(delivery: Delivery, error: unknown): void
  begin(delivery: Delivery, handler: HandlerSpec, message: Message, now: number): void
}

export class Starts {
  private readonly host: StartsHost

  constructor(host: StartsHost) {
    this.host = host
  }

  start(delivery: Delivery): void {
    const { host } = this
    const { spec } = host
    const { message } = delivery
    const now = host.elapsed()
    if (delivery.headSince === 0) delivery.headSince = now
    const handler = spec.handlers.get(message.type)
    const isWithdrawn = message.asked !== undefined && host.isWithdrawn(message.id)
    if (isWithdrawn || (handler === undefined && spec.passedOver.has(message.type))) {
      host.passOver(delivery)
      return
    }
    let decoded: Message
    try {
      if (handler === undefined) throw unknownType(spec, message.type)
      if (delivery.entry === undefined && delivery.attempts === 0) host.deadlines.check(message)
      decoded = decode(handler.type, message)
    } catch (error) {
      host.unreadable(delivery, error)
      return
    }
    host.begin(delivery, handler as HandlerSpec, decoded, now)
  }
}
