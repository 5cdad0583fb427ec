// Publishing in transactions that users have opened: the app checks and encodes a message, the broker writes it.
import { Envelopes } from '../engine/envelopes.ts'
import { fault } from '../model/errors.ts'
import type { MessageType } from '../model/message.ts'
import { checkOptions } from '../model/options.ts'
import type { Accepted } from '../model/publish.ts'
import { type Joined, type PublishInOptions, runnerOf } from '../model/publish-in.ts'
import { checkKnown, type Wiring } from '../parts/wiring.ts'
import type { Broker } from '../seam/store.ts'
import type { World } from '../seam/world.ts'

/** The app, as this needs it. It may be stopped. */
export interface PublishInHost {
  readonly app: string
  readonly world: Pick<World, 'now' | 'newId'>
  readonly broker: Broker
  readonly wiring: Pick<Wiring, 'destinationOf'>
  /** Size of the data of one message as JSON, bytes. */
  readonly bytesMax: number
}

export async function publishIn(
  host: PublishInHost,
  client: Joined,
  type: MessageType,
  { data, options = {} }: { readonly data: unknown; readonly options: PublishInOptions | undefined },
): Promise<Accepted> {
  const { app, world, broker, wiring, bytesMax } = host
  const { destinationOf } = wiring
  const where = `app "${app}": publishIn`
  if (broker.joins === undefined) {
    throw fault(
      'millrace/no-publish-in',
      `${where} needs a broker in the database of the transaction, not ${broker.name}`,
    )
  }
  checkKnown(where, type, destinationOf)
  checkOptions(where, options, ['id'])
  const run = runnerOf(client)
  // The database knows its streams by their names.
  const streamOf = new Map([[type, 0]])
  const message = new Envelopes({ app, world, streamOf, bytesMax }).fresh(type, data, options)
  return broker.joins.publish(run, message, destinationOf.get(type)!.name)
}
