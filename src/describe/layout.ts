// Where the nodes and edges of a topology are drawn. Dagre lays them out in layers, from left to right; the same topology
// always gives the same places.
import { graphlib, layout } from '@dagrejs/dagre'
import { typesShownOf } from './drawn.ts'
import type { Topology, TopologyEdge, TopologyNode } from './topology.ts'

/** Estimated, since no font is at hand: the mean width of a letter at 13 pixels. */
const charWidth = 7.6
const smallCharWidth = 5.9
export const lineHeight = 14
const nodeHeight = 44
const margin = 16

export interface Point {
  readonly x: number
  readonly y: number
}

/** A node, with its upper left corner. */
export interface PlacedNode extends Point {
  readonly node: TopologyNode
  readonly width: number
  readonly height: number
}

/** An edge, with the middle of its label. */
export interface PlacedEdge extends Point {
  readonly edge: TopologyEdge
  readonly points: readonly Point[]
}

/** A topology with its places, in pixels. */
export interface Placed {
  readonly width: number
  readonly height: number
  readonly nodes: readonly PlacedNode[]
  readonly edges: readonly PlacedEdge[]
}

export function placed({ nodes, edges }: Pick<Topology, 'nodes' | 'edges'>): Placed {
  const graph = new graphlib.Graph({ multigraph: true })
  graph.setGraph({ rankdir: 'LR', nodesep: 28, ranksep: 64, edgesep: 16, marginx: margin, marginy: margin })
  graph.setDefaultEdgeLabel(() => ({}))
  for (const { id, name, kind } of nodes) {
    const chars = Math.max(name.length, kind.length)
    graph.setNode(id, { width: Math.max(96, chars * charWidth + 28), height: nodeHeight })
  }
  edges.forEach((edge, at) => {
    const lines = typesShownOf(edge)
    const width = Math.max(0, ...lines.map((line) => line.length)) * smallCharWidth
    graph.setEdge(edge.from, edge.to, { width, height: lines.length * lineHeight, labelpos: 'c' }, String(at))
  })
  layout(graph)
  const { width = 0, height = 0 } = graph.graph()
  // Without a node the layout has no size.
  const size = (one: number) => Math.ceil(Math.max(one, 2 * margin))
  return {
    width: size(width),
    height: size(height),
    nodes: nodes.map((node) => {
      const { x, y, width, height } = graph.node(node.id) as Point & { width: number; height: number }
      return { node, x: x - width / 2, y: y - height / 2, width, height }
    }),
    edges: edges.map((edge, at) => {
      const { points, x, y } = graph.edge({ v: edge.from, w: edge.to, name: String(at) }) as unknown as PlacedEdge
      return { edge, points, x, y }
    }),
  }
}

/** A soft line through points, as the `d` of a path. */
export function curve([first, ...points]: readonly Point[]): string {
  if (first === undefined) return ''
  const to = ({ x, y }: Point) => `${round(x)} ${round(y)}`
  const between = (a: Point, b: Point) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 })
  let path = `M${to(first)}`
  points.forEach((point, at) => {
    const next = points[at + 1]
    path += next === undefined ? `L${to(point)}` : `Q${to(point)} ${to(between(point, next))}`
  })
  return path
}

export const round = (n: number) => Math.round(n * 10) / 10

/**
 * Cuts the part of a topology around a node.
 *
 * @param hops how many edges away a node may be, in either direction
 * @returns the nodes and edges in their order; none where there is no such node
 */
export function around({ nodes, edges }: Topology, id: string, hops: number): Pick<Topology, 'nodes' | 'edges'> {
  const near = new Map<string, string[]>(nodes.map((node) => [node.id, []]))
  for (const { from, to } of edges) {
    near.get(from)?.push(to)
    near.get(to)?.push(from)
  }
  const kept = new Set(near.has(id) ? [id] : [])
  let newest = [...kept]
  for (let hop = 0; hop < hops; hop++) {
    newest = newest.flatMap((one) => near.get(one)!).filter((one) => !kept.has(one))
    for (const one of newest) kept.add(one)
  }
  return {
    nodes: nodes.filter((node) => kept.has(node.id)),
    edges: edges.filter(({ from, to }) => kept.has(from) && kept.has(to)),
  }
}
