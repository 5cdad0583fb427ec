// A topology as a picture: SVG, without scripts, for light and dark.
import { isSolid, typesShownOf } from './drawn.ts'
import { curve, lineHeight, placed, round } from './layout.ts'
import type { NodeKind, Topology } from './topology.ts'

/** Draws a topology. A node's title names its owner. */
export function svgOf(topology: Topology): string {
  const { width, height, nodes, edges } = placed(topology)
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${escaped(`The parts of ${topology.app} and what flows between them`)}</title>`,
    `<style>${style}</style>`,
    '<defs><marker id="end" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" class="end"/></marker></defs>',
    `<rect class="ground" width="${width}" height="${height}"/>`,
  ]
  for (const { edge, points, x, y } of edges) {
    lines.push(`<path class="edge${isSolid(edge) ? '' : ' dashed'}" d="${curve(points)}" marker-end="url(#end)"/>`)
    typesShownOf(edge).forEach((type, row, all) => {
      const top = y + (row - (all.length - 1) / 2) * lineHeight + 4
      lines.push(`<text class="type" x="${round(x)}" y="${round(top)}">${escaped(type)}</text>`)
    })
  }
  for (const { node, x, y, width, height } of nodes) {
    const { kind, name, owner } = node
    const middle = round(x + width / 2)
    lines.push(
      `<g class="${kind}">`,
      `<title>${escaped(`${kind} ${name}${owner === null ? '' : `, ${owner}`}`)}</title>`,
      `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${height}" rx="${corners[kind]}"/>`,
      `<text class="name" x="${middle}" y="${round(y + height / 2 - 2)}">${escaped(name)}</text>`,
      `<text class="kind" x="${middle}" y="${round(y + height / 2 + 14)}">${kind}</text>`,
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

const escaped = (text: string) => text.replace(/[<>&"']/g, (char) => `&#${char.codePointAt(0)};`)
