// Puts messages into their envelopes: the id, the source, what caused them, when they are due.
import { encode, type Stamp, type Stored } from '../model/codec.ts'
import { checkElsewhere, type Elsewhere } from '../model/elsewhere.ts'
import { fault } from '../model/errors.ts'
import type { Event, MessageType } from '../model/message.ts'
import { checkId, type PublishOptions, publishOptions } from '../model/publish.ts'
import { dueOf } from '../model/time.ts'
import type { World } from '../seam/world.ts'
import type { ScheduleSpec } from './spec.ts'

/** What goes into a message besides its type and data: a stamp whose stream and due time are still to be set. */
export type Origin = { -readonly [Key in keyof Stamp]: Stamp[Key] }

/** A part that handles a message. */
export interface Handling {
  readonly part: string
  readonly cause: Stored
}

export interface EnvelopesOptions {
  readonly app: string
  readonly world: Pick<World, 'now' | 'newId'>
  readonly streamOf: ReadonlyMap<MessageType, number>
  /** Largest data of a message, bytes of JSON. */
  readonly bytesMax: number
}

export class Envelopes {
  private readonly app: string
  private readonly world: Pick<World, 'now' | 'newId'>
  private readonly streamOf: ReadonlyMap<MessageType, number>
  private readonly bytesMax: number
  /** By part. */
  private readonly sources = new Map<string, string>()

  constructor({ app, world, streamOf, bytesMax }: EnvelopesOptions) {
    this.app = app
    this.world = world
    this.streamOf = streamOf
    this.bytesMax = bytesMax
  }

  readonly fresh = (type: MessageType, data: unknown, options: PublishOptions | undefined): Stored =>
    this.encode(type, data, this.fromOutside(ownIdIn(options)), options)

  /** A message that another system has made: its source and id stay. */
  elsewhere(type: MessageType, data: unknown, from: Elsewhere): Stored {
    const { source, id, traceparent = null, attributes } = checkElsewhere(`${type.kind} "${type.name}"`, from)
    return this.encode(type, data, { ...this.fromOutside(id), source, traceparent, attributes })
  }

  readonly slot = ({ name, publishes }: ScheduleSpec, data: unknown, id: string): Stored =>
    this.encode(publishes, data, this.fromOutside(id, name))

  /** Of a processor that handles a message. */
  from(type: MessageType, data: unknown, { part, cause }: Handling, options: PublishOptions | undefined): Stored {
    return this.encode(type, data, this.causedBy(cause, part, ownIdIn(options)), options)
  }

  /** An event about a failed message: as large as that is. */
  failure(type: Event, data: unknown, cause: Stored, processor: string): Stored {
    return encode(type, data, this.placed(type, this.causedBy(cause, processor)), Number.POSITIVE_INFINITY)
  }

  /** No message of the app has caused it. */
  fromOutside(ownId: string | undefined, part = ''): Origin {
    return this.named(part, ownId)
  }

  causedBy(cause: Stored, part: string, ownId?: string): Origin {
    return this.named(part, ownId, cause)
  }

  /** Caused by a message, under an id that follows from what caused it: nobody else gives it. */
  derivedFrom(cause: Stored, part: string, id: string): Origin {
    return this.origin(part, id, this.world.now(), cause)
  }

  /** Under the id that its publisher gave, or a new one. */
  private named(part: string, ownId: string | undefined, cause?: Stored): Origin {
    const time = this.world.now()
    const origin = this.origin(part, ownId ?? this.world.newId(time), time, cause)
    origin.ownId = ownId !== undefined
    return origin
  }

  private origin(part: string, id: string, time: number, cause: Stored | undefined): Origin {
    return {
      stream: 0,
      id,
      ownId: false,
      source: this.sourceOf(part),
      time,
      due: 0,
      correlationId: cause === undefined ? id : cause.correlationId,
      causationId: cause === undefined ? null : cause.id,
      traceparent: cause === undefined ? null : cause.traceparent,
      attributes: null,
    }
  }

  encode(type: MessageType, data: unknown, origin: Origin, options?: PublishOptions): Stored {
    return encode(type, data, this.placed(type, origin, options), this.bytesMax)
  }

  /** With its stream, and when it is due. */
  private placed(type: MessageType, origin: Origin, options?: PublishOptions): Origin {
    const stream = this.streamOf.get(type)
    if (stream === undefined) {
      throw fault('millrace/type-without-topic', `${type?.kind} "${type?.name}" is on no topic or channel of the app`)
    }
    origin.stream = stream
    if (options !== undefined) origin.due = dueOf(`${type.kind} "${type.name}"`, options, origin.time, publishOptions)
    return origin
  }

  /** Where messages of a part of the app come from: `/app/part`; of the app itself with an empty part. */
  private sourceOf(part: string): string {
    let source = this.sources.get(part)
    if (source === undefined) {
      source = part === '' ? `/${this.app}` : `/${this.app}/${part}`
      this.sources.set(part, source)
    }
    return source
  }
}

/** The id that the options name. Errors: `millrace/bad-id`. */
function ownIdIn(options: PublishOptions | undefined): string | undefined {
  const id = options?.id
  if (id !== undefined) checkId(id)
  return id
}
