// What an app is made of and what is declared to flow between its parts: the source of every picture and of AsyncAPI.
import type { HelpTable } from '../model/help.ts'
import type { Destination, MessageType } from '../model/message.ts'
import type { Part } from '../parts/part.ts'
import { destinationsOf } from '../parts/processors.ts'

/** An app as it is described. */
export interface Described {
  readonly name: string
  /** Its version; undefined where the app says none. */
  readonly version: string | undefined
  readonly parts: readonly Part[]
}

export type NodeKind =
  | 'topic'
  | 'channel'
  | 'processor'
  | 'mediator'
  | 'route'
  | 'gather'
  | 'schedule'
  | 'hook'
  | 'desk'
  /** What publishes from outside of the parts: the app itself, and other systems. */
  | 'app'
  | 'elsewhere'

/** A topic, channel or part. */
export interface TopologyNode {
  /** Unique in the topology: `topic:orders`. */
  readonly id: string
  readonly kind: NodeKind
  readonly name: string
  readonly owner: string | null
  /** Of a desk that has help: what it says, by error code or message type. */
  readonly help?: HelpTable | undefined
}

/**
 * What flows from one node to another. `publishes` and `sends` lead to a topic or channel; `handles`, `waits` and
 * `repairs` lead from one; `starts` leads to a mediator.
 */
export interface TopologyEdge {
  readonly from: string
  readonly to: string
  readonly does: 'publishes' | 'sends' | 'handles' | 'waits' | 'repairs' | 'starts'
  /** The names of the types that flow, in order. */
  readonly types: readonly string[]
  /** True where the code declares it. */
  readonly declared: boolean
  /** True where messages of it are in the log; null where nobody has looked. */
  readonly flowed: boolean | null
}

export interface Topology {
  readonly app: string
  readonly nodes: readonly TopologyNode[]
  readonly edges: readonly TopologyEdge[]
}

/** The declared topology of an app. Nodes and edges come in the order of the parts. */
export function topologyOf({ name: app, parts }: Pick<Described, 'name' | 'parts'>): Topology {
  const destinations = openDestinations(parts)
  const homes = new Map<MessageType, Destination>()
  for (const one of destinations) for (const type of one.types) homes.set(type, one)
  const nodes = new Map<string, TopologyNode>()
  const edges: TopologyEdge[] = []
  const nodeOf = (kind: NodeKind, { name, owner = null }: { name: string; owner?: string | null | undefined }) => {
    const id = `${kind}:${name}`
    if (!nodes.has(id)) nodes.set(id, { id, kind, name, owner: owner ?? null })
    return id
  }
  const home = (one: Destination) => nodeOf(one.kind, { name: one.name })
  for (const one of destinations) home(one)

  const flow = (from: string, to: string, does: TopologyEdge['does'], types: readonly { readonly name: string }[]) => {
    edges.push({ from, to, does, types: types.map((type) => type.name).sort(), declared: true, flowed: null })
  }
  /** To, or from, the home of each type. */
  const each = (part: string, does: TopologyEdge['does'], types: readonly MessageType[]) => {
    for (const [destination, own] of groupBy(types, (type) => homes.get(type))) {
      if (destination === undefined) continue
      if (does === 'waits') flow(home(destination), part, does, own)
      else flow(part, home(destination), does, own)
    }
  }
  for (const part of parts) {
    switch (part.kind) {
      case 'topic':
      case 'channel':
        break
      case 'processor': {
        const id = nodeOf('processor', part)
        flow(
          home(part.on),
          id,
          'handles',
          part.on.types.filter(({ name }) => Object.hasOwn(part.handle, name)),
        )
        each(id, 'publishes', part.publishes)
        each(id, 'sends', part.sends)
        break
      }
      case 'mediator': {
        const id = nodeOf('mediator', part)
        if (part.on !== undefined) flow(home(part.on), id, 'handles', [part.spec.startedBy])
        each(id, 'waits', part.waits)
        each(id, 'publishes', part.publishes)
        each(id, 'sends', part.sends)
        for (const other of part.starts) flow(id, nodeOf('mediator', other), 'starts', [other.spec.startedBy])
        break
      }
      case 'route': {
        const id = nodeOf('route', { name: part.name, owner: part.processor.owner })
        flow(
          home(part.on),
          id,
          'handles',
          part.on.types.filter(({ name }) => Object.hasOwn(part.processor.handle, name)),
        )
        each(id, 'sends', part.processor.sends)
        for (const other of part.starts) flow(id, nodeOf('mediator', other), 'starts', [other.spec.startedBy])
        break
      }
      case 'gather': {
        const id = nodeOf('gather', { name: part.name, owner: part.processors[0]?.owner })
        flow(home(part.on), id, 'handles', part.of)
        each(id, 'publishes', [part.publishes])
        break
      }
      case 'schedule':
        each(nodeOf('schedule', part), 'publishes', [part.publishes])
        break
      case 'hook':
        each(nodeOf('hook', part), 'publishes', [part.publishes])
        break
      case 'desk': {
        const id = nodeOf('desk', part)
        if (Object.keys(part.help).length > 0) nodes.set(id, { ...nodes.get(id)!, help: part.help })
        flow(home(part.on), id, 'repairs', part.on.types)
        break
      }
    }
  }
  return { app, nodes: [...nodes.values()], edges }
}

/** The topics and channels of an app, without the channels in which gathers keep their times. */
export function openDestinations(parts: readonly Part[]): Destination[] {
  return destinationsOf(parts.map((part) => (part.kind === 'gather' ? part.on : part)))
}

/** The node of the topic or channel of each type, by its name. */
export function homesOf({ parts }: Pick<Described, 'parts'>): Map<string, string> {
  return new Map(
    openDestinations(parts).flatMap(({ kind, name, types }) => types.map((type) => [type.name, `${kind}:${name}`])),
  )
}

function groupBy<T, K>(all: readonly T[], keyOf: (one: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>()
  for (const one of all) {
    const key = keyOf(one)
    groups.set(key, [...(groups.get(key) ?? []), one])
  }
  return groups
}
