// Makes the envelopes of messages: id, source, causes and due time.
import { encode, type Stamp, type Stored } from '../model/codec.ts'
import { checkElsewhere, type Elsewhere } from '../model/elsewhere.ts'
import { fault } from '../model/errors.ts'
import { checkIsType, type Destination, type Event, type MessageType } from '../model/message.ts'
import { checkId, type PublishOptions, publishOptions } from '../model/publish.ts'
import { dueOf } from '../model/time.ts'
import { carriedBy } from '../model/trace.ts'
import type { Prompted, Telemetry } from '../seam/telemetry.ts'
import type { World } from '../seam/world.ts'
import type { ScheduleSpec } from './spec.ts'

/** All of a message besides its type and data: a stamp whose stream and due time are not set yet. */
export type Origin = { -readonly [Key in keyof Stamp]: Stamp[Key] }

/** A part of the app, and the message that it handles. */
export interface Handling {
  readonly part: string
  readonly cause: Stored
}

/** The source of messages that come from an app itself, and from none of its parts. */
export const appSource = (app: string): string => `/${app}`

export interface EnvelopesOptions {
  readonly app: string
  readonly world: Pick<World, 'now' | 'newId'>
  readonly streamOf: ReadonlyMap<MessageType, number>
  /** Size of the data of one message as JSON, bytes. */
  readonly bytesMax: number
  readonly telemetry?: Telemetry | undefined
  /** The streams of the store. */
  readonly streams?: ReadonlyMap<number, Pick<Destination, 'kind' | 'name'>> | undefined
}

export class Envelopes {
  private readonly app: string
  private readonly world: Pick<World, 'now' | 'newId'>
  private readonly streamOf: ReadonlyMap<MessageType, number>
  private readonly bytesMax: number
  private readonly telemetry: Telemetry | undefined
  private readonly streams: EnvelopesOptions['streams']
  /** By part. */
  private readonly sources = new Map<string, string>()

  constructor({ app, world, streamOf, bytesMax, telemetry, streams }: EnvelopesOptions) {
    this.telemetry = telemetry
    this.streams = streams
    this.app = app
    this.world = world
    this.streamOf = streamOf
    this.bytesMax = bytesMax
  }

  readonly fresh = (
    type: MessageType,
    data: unknown,
    options: PublishOptions | undefined,
    trace: string | null = null,
  ): Stored => {
    const origin = this.fromOutside(ownIdIn(options))
    origin.trace = trace
    return this.encode(type, data, origin, options)
  }

  /** Encodes a message that another system has made; it keeps its source and id. */
  elsewhere(type: MessageType, data: unknown, from: Elsewhere, of: 'one' | 'many' = 'one'): Stored {
    const { source, id, traceparent: trace = null, attributes } = checkElsewhere(`${type.kind} "${type.name}"`, from)
    const origin = { ...this.fromOutside(id), source, trace, attributes }
    return of === 'one' ? this.encode(type, data, origin) : this.ofMany(type, data, origin)
  }

  /** Encodes the event of a schedule; without an id it gets a new one. */
  readonly slot = ({ name, publishes }: ScheduleSpec, data: unknown, id: string | undefined): Stored =>
    this.encode(publishes, data, this.fromOutside(id, name))

  /** Encodes what a processor publishes or sends while it handles a message. */
  from(type: MessageType, data: unknown, { part, cause }: Handling, options: PublishOptions | undefined): Stored {
    return this.encode(type, data, this.causedBy(cause, part, ownIdIn(options)), options)
  }

  /** Encodes an event about a failed message, whatever the size of that. */
  failure(type: Event, data: unknown, cause: Stored, processor: string): Stored {
    const origin = this.placed(type, this.causedBy(cause, processor))
    return this.traced(encode(type, data, origin, Number.POSITIVE_INFINITY), 'cause')
  }

  /** Encodes an event about the app itself. */
  alert(type: Event, data: unknown, part: string): Stored {
    return encode(type, data, this.placed(type, this.fromOutside(undefined, part)), Number.POSITIVE_INFINITY)
  }

  /** The origin of a message that no message of the app has caused. */
  fromOutside(ownId: string | undefined, part = ''): Origin {
    return this.named(part, ownId)
  }

  private causedBy(cause: Stored, part: string, ownId?: string): Origin {
    return this.named(part, ownId, cause)
  }

  /** The origin of a message whose id follows from the message that caused it: no publisher gives that id. */
  derivedFrom(cause: Stored, part: string, id: string): Origin {
    return this.origin(part, id, this.world.now(), cause)
  }

  /** An origin with the id that the publisher gave, or a new one. */
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
      trace: cause === undefined ? null : carriedBy(cause),
      attributes: null,
    }
  }

  /** Encodes a message that is on no topic or channel: it starts a flow, and no log has it. */
  unplaced(type: MessageType, data: unknown, origin: Origin): Stored {
    return encode(type, data, origin, this.bytesMax)
  }

  encode(type: MessageType, data: unknown, origin: Origin, options?: PublishOptions): Stored {
    return this.traced(encode(type, data, this.placed(type, origin, options), this.bytesMax), 'caller')
  }

  /** The same for code that continues long after it began: a flow. */
  follow(type: MessageType, data: unknown, origin: Origin, options?: PublishOptions): Stored {
    return this.traced(encode(type, data, this.placed(type, origin, options), this.bytesMax), 'cause')
  }

  /** The same for one of many messages that are sent together. */
  ofMany(type: MessageType, data: unknown, origin: Origin): Stored {
    return this.traced(encode(type, data, this.placed(type, origin), this.bytesMax), 'batch')
  }

  private traced(message: Stored, prompted: Prompted): Stored {
    const { telemetry } = this
    if (telemetry !== undefined) message.trace = telemetry.made(message, this.streams!.get(message.stream)!, prompted)
    return message
  }

  /** Sets the stream and the due time. */
  private placed(type: MessageType, origin: Origin, options?: PublishOptions): Origin {
    const stream = this.streamOf.get(type)
    if (stream === undefined) {
      checkIsType('publish or send', type)
      throw fault('millrace/type-without-topic', `${type.kind} "${type.name}" is on no topic or channel of the app`)
    }
    origin.stream = stream
    if (options !== undefined) origin.due = dueOf(`${type.kind} "${type.name}"`, options, origin.time, publishOptions)
    return origin
  }

  /** The source of messages of a part: `/app/part`. An empty part is the app itself: `/app`. */
  private sourceOf(part: string): string {
    let source = this.sources.get(part)
    if (source === undefined) {
      source = part === '' ? appSource(this.app) : `${appSource(this.app)}/${part}`
      this.sources.set(part, source)
    }
    return source
  }
}

/**
 * The id that the options give.
 *
 * @throws `millrace/bad-id`
 */
function ownIdIn(options: PublishOptions | undefined): string | undefined {
  const id = options?.id
  if (id !== undefined) checkId(id)
  return id
}
