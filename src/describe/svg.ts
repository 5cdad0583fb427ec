// A topology as a picture: SVG, without scripts, for light and dark. Dagre lays it out in layers; the same topology
// always gives the same picture.
import { graphlib, layout } from '@dagrejs/dagre'
import { typesShownOf } from './drawn.ts'
import type { NodeKind, Topology } from './topology.ts'

/** Estimated, since no font is at hand: the mean width of a letter at 13 pixels. */
const charWidth = 7.6
const smallCharWidth = 5.9
const lineHeight = 14
const nodeHeight = 44
const margin = 16

interface Point {
  readonly x: number
  readonly y: number
}

/** Draws a topology. Owners are shown below the names. */
export function svgOf(topology: Topology): string {
  const graph = new graphlib.Graph({ multigraph: true })
  graph.setGraph({ rankdir: 'LR', nodesep: 28, ranksep: 64, edgesep: 16, marginx: margin, marginy: margin })
  graph.setDefaultEdgeLabel(() => ({}))
  for (const { id, name, kind } of topology.nodes) {
    const chars = Math.max(name.length, kind.length)
    graph.setNode(id, { width: Math.max(96, chars * charWidth + 28), height: nodeHeight })
  }
  topology.edges.forEach((edge, at) => {
    const lines = typesShownOf(edge)
    const width = Math.max(0, ...lines.map((line) => line.length)) * smallCharWidth
    graph.setEdge(edge.from, edge.to, { width, height: lines.length * lineHeight, labelpos: 'c' }, String(at))
  })
  layout(graph)
  const { width = 0, height = 0 } = graph.graph()
  // Without a node the layout has no size.
  const size = [width, height].map((one) => Math.ceil(Math.max(one, 2 * margin)))
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${size[0]}" height="${size[1]}" viewBox="0 0 ${size.join(' ')}" role="img">`,
    `<title>${escaped(`The parts of ${topology.app} and what flows between them`)}</title>`,
    `<style>${style}</style>`,
    '<defs><marker id="end" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" class="end"/></marker></defs>',
    `<rect class="ground" width="${size[0]}" height="${size[1]}"/>`,
  ]
  topology.edges.forEach((edge, at) => {
    const { points, x, y } = graph.edge({ v: edge.from, w: edge.to, name: String(at) }) as { points: Point[] } & Point
    const dashed = !edge.declared || edge.does === 'repairs' || edge.does === 'waits'
    lines.push(`<path class="edge${dashed ? ' dashed' : ''}" d="${curve(points)}" marker-end="url(#end)"/>`)
    typesShownOf(edge).forEach((type, row, all) => {
      const top = y + (row - (all.length - 1) / 2) * lineHeight + 4
      lines.push(`<text class="type" x="${round(x)}" y="${round(top)}">${escaped(type)}</text>`)
    })
  })
  for (const { id, kind, name, owner } of topology.nodes) {
    const node = graph.node(id) as Point & { width: number; height: number }
    const [left, top] = [node.x - node.width / 2, node.y - node.height / 2]
    const corner = corners[kind]
    lines.push(
      `<g class="${kind}">`,
      `<title>${escaped(`${kind} ${name}${owner === null ? '' : `, ${owner}`}`)}</title>`,
      `<rect x="${round(left)}" y="${round(top)}" width="${round(node.width)}" height="${node.height}" rx="${corner}"/>`,
      `<text class="name" x="${round(node.x)}" y="${round(node.y - 2)}">${escaped(name)}</text>`,
      `<text class="kind" x="${round(node.x)}" y="${round(node.y + 14)}">${kind}</text>`,
      '</g>',
    )
  }
  return `${[...lines, '</svg>'].join('\n')}\n`
}

/** Topics and channels are round, parts have corners. */
const corners: Readonly<Record<NodeKind, number>> = {
  topic: 22,
  channel: 22,
  processor: 4,
  mediator: 4,
  route: 4,
  gather: 4,
  schedule: 4,
  hook: 4,
  desk: 4,
  app: 0,
  elsewhere: 0,
}

const style = `
svg{color-scheme:light dark;font-family:system-ui,sans-serif}
.ground{fill:light-dark(#ffffff,#12151b)}
rect{fill:light-dark(#f6f7f9,#1a1e26);stroke:light-dark(#7d8696,#737d90)}
.ground{stroke:none}
.topic rect,.channel rect{fill:light-dark(#e8effb,#1c2a40);stroke:light-dark(#0b57c2,#84b4ff)}
.desk rect{stroke:light-dark(#7a3fa8,#cfa2f5)}
text{text-anchor:middle;fill:light-dark(#1b1f27,#e8ebf0)}
.name{font-size:13px}
.kind,.type{font-size:10px;fill:light-dark(#566070,#a3adbd)}
.type{paint-order:stroke;stroke:light-dark(#ffffff,#12151b);stroke-width:3px}
.edge{fill:none;stroke:light-dark(#7d8696,#737d90)}
.end{fill:light-dark(#7d8696,#737d90)}
.dashed{stroke-dasharray:4 3}
`

/** A soft line through the points. */
function curve([first, ...points]: readonly Point[]): string {
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

const round = (n: number) => Math.round(n * 10) / 10

const escaped = (text: string) => text.replace(/[<>&"']/g, (char) => `&#${char.codePointAt(0)};`)
