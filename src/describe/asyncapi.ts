// The app as an AsyncAPI 3 document: its topics and channels with their messages, what each part receives and sends, and
// the reply of each command that has one. https://www.asyncapi.com/docs/reference/specification/v3.0.0

import { jsonSchemaOf, placedAt } from '../model/json-schema.ts'
import type { Command, Destination, MessageType } from '../model/message.ts'
import { type Described, openDestinations, topologyOf } from './topology.ts'

export interface AsyncApi {
  readonly document: Readonly<Record<string, unknown>>
  /** One line for each schema that is described as `true`, with the reason. */
  readonly warnings: readonly string[]
}

const draft = 'application/schema+json;version=draft-07'

const ref = (path: string) => ({ $ref: `#/${path}` })

/** Describes an app. An app without a version has `0.0.0`, since the document needs one. */
export function asyncApiOf(app: Described): AsyncApi {
  const destinations = openDestinations(app.parts)
  const warnings: string[] = []
  const schemas: Record<string, unknown> = {}
  const messages: Record<string, unknown> = {}

  const addMessage = (
    name: string,
    schema: MessageType['schema'] | undefined,
    more: Readonly<Record<string, unknown>>,
  ) => {
    const said = schema === undefined ? { schema: { type: 'null' } } : jsonSchemaOf(schema, 'draft-07')
    if ('why' in said && said.why !== undefined)
      warnings.push(`${name}: its data are described as anything: ${said.why}`)
    schemas[name] = { schemaFormat: draft, schema: placedAt(said.schema, `#/components/schemas/${name}/schema`) }
    messages[name] = { name, contentType: 'application/json', payload: ref(`components/schemas/${name}`), ...more }
  }
  for (const type of destinations.flatMap(({ types }) => types)) {
    addMessage(type.name, type.schema, {
      ...(type.title === undefined ? {} : { title: type.title }),
      headers: ref('components/schemas/attributes'),
      correlationId: ref('components/correlationIds/flow'),
      'x-version': type.version,
      'x-in-order': type.contextOf !== undefined,
    })
    if (type.kind === 'command') addReplies(type, addMessage)
  }
  schemas.attributes = attributes
  const operations: Record<string, unknown> = {}
  for (const operation of operationsOf(app, destinations)) operations[operation.name] = operation.what
  return {
    warnings,
    document: {
      asyncapi: '3.0.0',
      info: { title: app.name, version: app.version ?? '0.0.0' },
      defaultContentType: 'application/json',
      channels: channelsOf(destinations),
      operations,
      components: {
        messages,
        schemas,
        correlationIds: { flow: { description: 'The flow', location: '$message.header#/correlationid' } },
      },
    },
  }
}

const replyOf = ({ name }: Command) => `${name}.reply`
const refusalOf = ({ name }: Command) => `${name}.refusal`
const repliesOf = ({ name }: Destination) => `${name}.replies`

const endsOf = (command: Command) => [replyOf(command), ...(command.refusal === undefined ? [] : [refusalOf(command)])]

function addReplies(
  command: Command,
  add: (name: string, schema: Command['reply'], more: Readonly<Record<string, unknown>>) => void,
): void {
  add(replyOf(command), command.reply, { title: `Reply to ${command.name}` })
  if (command.refusal !== undefined) add(refusalOf(command), command.refusal, { title: `Refusal of ${command.name}` })
}

function channelsOf(destinations: readonly Destination[]) {
  const named = (names: readonly string[]) =>
    Object.fromEntries(names.map((name) => [name, ref(`components/messages/${name}`)]))
  const channels: Record<string, unknown> = {}
  for (const one of destinations) {
    const description =
      one.kind === 'topic' ? 'Topic: each processor gets each event.' : 'Channel: one processor gets each command.'
    channels[one.name] = { address: one.name, description, messages: named(one.types.map(({ name }) => name)) }
    const commands = one.types.filter((type) => type.kind === 'command')
    if (commands.length > 0) {
      channels[repliesOf(one)] = {
        address: null,
        description: `Replies and refusals of the commands of ${one.name}, each to who asked.`,
        messages: named(commands.flatMap(endsOf)),
      }
    }
  }
  return channels
}

/** What each part receives and sends, from the topology: `handles`, `waits` are received, `publishes`, `sends` are sent. */
function operationsOf(app: Described, destinations: readonly Destination[]) {
  const { nodes, edges } = topologyOf(app)
  const names = new Map(nodes.map((node) => [node.id, node.name]))
  const byName = new Map(destinations.map((one) => [one.name, one]))
  return edges.flatMap(({ from, to, does, types }) => {
    if (does === 'starts' || does === 'repairs' || types.length === 0) return []
    const action = does === 'publishes' || does === 'sends' ? 'send' : 'receive'
    const [part, channel] = action === 'send' ? [names.get(from)!, names.get(to)!] : [names.get(to)!, names.get(from)!]
    const what = {
      action,
      channel: ref(`channels/${channel}`),
      messages: types.map((name) => ref(`channels/${channel}/messages/${name}`)),
      ...replyTo(byName.get(channel)!, types),
    }
    return [{ name: `${part}.${does}.${channel}`, what }]
  })
}

function replyTo(destination: Destination, types: readonly string[]) {
  const commands = destination.types.filter(
    (type): type is Command => type.kind === 'command' && types.includes(type.name),
  )
  if (commands.length === 0) return {}
  const channel = repliesOf(destination)
  const messages = commands.flatMap(endsOf).map((name) => ref(`channels/${channel}/messages/${name}`))
  return { reply: { channel: ref(`channels/${channel}`), messages } }
}

/** The attributes of CloudEvents 1.0 that a message has besides its data. */
const text = (description: string) => ({ type: 'string', description })
const attributes = {
  type: 'object',
  required: ['id', 'source', 'type', 'specversion'],
  properties: {
    specversion: { type: 'string', const: '1.0' },
    id: text('Unique together with the source'),
    source: text('The app and part that published it'),
    type: text('The name of the type'),
    time: { type: 'string', format: 'date-time' },
    dataschema: text('The schema of its data, with the version'),
    partitionkey: text('The context: messages of one context are handled in order'),
    correlationid: text('The flow'),
    causationid: text('The id of the message that caused it'),
    traceparent: text('The trace'),
  },
}
