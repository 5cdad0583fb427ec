// The message of a part under test.
import { decode, type Stored } from '../model/codec.ts'
import type { MessageType } from '../model/message.ts'
import { checkOptions } from '../model/options.ts'
import type { World } from '../seam/world.ts'
import type { WhenOptions } from './circumstances.ts'
import { origin, stored } from './trial.ts'

/** What a test says of a message. */
export interface Told {
  readonly type: MessageType
  readonly data: unknown
  readonly options: WhenOptions
}

/** Makes a message, checked as `publish` and `send` do; `where` begins the texts of errors. */
export function givenMessage(where: string, { type, data, options }: Told, world: World): Stored {
  checkOptions(`${where}: when`, options, ['id', 'time', 'correlationId'])
  const { id = world.newId(), time = world.now(), correlationId = id } = options
  const ownId = options.id !== undefined
  const message = stored(type, data, { id, ownId, source: origin, time, correlationId, causationId: null })
  // The result is kept with the message, as if it came from memory; decoding now reports data that cannot be read.
  decode(type, message)
  return message
}
