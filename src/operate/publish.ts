import { fault } from '../model/errors.ts'
import type { Command, Destination, Event } from '../model/message.ts'
import { suggest } from '../model/names.ts'
import type { Accepted, PublishOptions } from '../model/publish.ts'
import type { Part } from '../parts/part.ts'
import { destinationsOf, typesOf } from './rows.ts'

/** An app as the publishing by name needs it. */
export interface Publishes {
  readonly name: string
  readonly parts: readonly Part[]
  publish(type: Event, data: unknown, options?: PublishOptions): Promise<Accepted>
  send(type: Command, data: unknown, options?: PublishOptions): Promise<Accepted>
}

/** Publishes an event or sends a command by the name of its type: for callers who have no code of the app. */
export type PublishByName = (type: string, data: unknown, options?: PublishOptions) => Promise<Accepted>

/** Errors as of `app.publish`; an unknown name is `millrace/type-without-topic` with a suggestion. */
export function publishByName(app: Publishes): PublishByName {
  const types = typesOf(app.parts)
  return async (name, data, options = {}) => {
    const found = types.get(name)
    if (found === undefined) {
      const place = destinationsOf(app.parts).find((one) => one.name === name)
      const hint = place === undefined ? suggest(name, types.keys()) : typesText(place)
      throw fault('millrace/type-without-topic', `app "${app.name}" has no type "${name}"${hint}`)
    }
    const { type } = found
    const given = Object.values(options).some((option) => option !== undefined) ? options : undefined
    return type.kind === 'event' ? app.publish(type, data, given) : app.send(type, data, given)
  }
}

function typesText({ kind, name, types }: Destination): string {
  return `; "${name}" is a ${kind}, with ${types.map((type) => `"${type.name}"`).join(', ') || 'no type'}`
}
