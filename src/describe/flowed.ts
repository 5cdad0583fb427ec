// What has flowed: which part has published which types, and which processors have handled something. It comes from what
// a store keeps beside its messages, so it costs the same however many there are.
import type { OfflineReader, PublishedBy } from '../seam/offline.ts'
import type { Topology, TopologyEdge, TopologyNode } from './topology.ts'

/** What a store tells about the way of its messages. */
export interface Flowed {
  /** Each type with a source that has published it. */
  readonly published: readonly PublishedBy[]
  /** Processors that have finished at least one message, each with its topic or channel. */
  readonly handled: readonly { readonly processor: string; readonly destination: string }[]
}

/** Reads it from a store. */
export async function flowedIn(reader: Pick<OfflineReader, 'streams' | 'progress' | 'published'>): Promise<Flowed> {
  const streams = new Map((await reader.streams()).map(({ id, name }) => [id, name]))
  const handled = (await reader.progress()).flatMap(({ processor, stream, low, done }) => {
    const destination = streams.get(stream)
    return destination === undefined || (low === 0 && done === null) ? [] : [{ processor, destination }]
  })
  return { published: await reader.published(), handled }
}

const between = '\n'
const keyOf = (from: string, to: string) => `${from}${between}${to}`

/** The parts of a mediator and of a gather run under names of their own: `NAME.due` is of `NAME`. */
const partOf = (processor: string) => processor.replace(/\.[^.]*$/, '')

/**
 * Says of each edge whether it has flowed, and adds those that have flowed without being declared: what the app itself
 * publishes, what comes from other systems, what earlier code published. Types that no topic or channel has are left out.
 */
export function withFlowed(
  { app, nodes, edges }: Topology,
  homes: ReadonlyMap<string, string>,
  flowed: Flowed,
): Topology {
  const parts = new Map(
    nodes.filter(({ kind }) => kind !== 'topic' && kind !== 'channel').map((node) => [node.name, node.id]),
  )
  const added = new Map<string, TopologyNode>()
  const seen = new Map<string, Set<string>>()
  for (const { type, source } of flowed.published) {
    const to = homes.get(type)
    if (to === undefined) continue
    const from = senderOf(app, source, parts, added)
    const key = keyOf(from, to)
    seen.set(key, (seen.get(key) ?? new Set()).add(type))
  }
  const handled = new Set(flowed.handled.map(({ processor, destination }) => `${destination} ${processor}`))
  const names = new Map(nodes.map(({ id, name }) => [id, name]))
  const marked = edges.map((edge): TopologyEdge => {
    if (edge.does === 'publishes' || edge.does === 'sends') {
      const types = seen.get(keyOf(edge.from, edge.to))
      const found = edge.types.some((type) => types?.has(type))
      for (const type of edge.types) types?.delete(type)
      return { ...edge, flowed: found }
    }
    if (edge.does !== 'handles') return edge
    return { ...edge, flowed: handled.has(`${names.get(edge.from)} ${names.get(edge.to)}`) }
  })
  for (const [key, types] of seen) {
    if (types.size === 0) continue
    const [from, to] = key.split(between) as [string, string]
    const does = to.startsWith('channel:') ? 'sends' : 'publishes'
    marked.push({ from, to, does, types: [...types].sort(), declared: false, flowed: true })
  }
  return { app, nodes: [...nodes, ...added.values()], edges: marked }
}

/** The node of a source: `/app` is the app itself, `/app/part` one of its parts, all else another system. */
function senderOf(
  app: string,
  source: string,
  parts: ReadonlyMap<string, string>,
  added: Map<string, TopologyNode>,
): string {
  const add = (kind: 'app' | 'elsewhere' | 'processor', name: string) => {
    const id = `${kind}:${name}`
    added.set(id, { id, kind, name, owner: null })
    return id
  }
  if (source === `/${app}`) return add('app', app)
  if (!source.startsWith(`/${app}/`)) return add('elsewhere', 'other systems')
  const name = source.slice(app.length + 2)
  return parts.get(name) ?? parts.get(partOf(name)) ?? add('processor', name)
}
