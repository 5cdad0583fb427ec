// A topology as text for programs that draw: Mermaid and DOT (Graphviz).
import type { NodeKind, Topology, TopologyEdge, TopologyNode } from './topology.ts'

/** Begin and end of a node in Mermaid: its shape. */
const mermaidShapes: Readonly<Record<NodeKind, readonly [string, string]>> = {
  topic: ['([', '])'],
  channel: ['[[', ']]'],
  processor: ['[', ']'],
  mediator: ['{{', '}}'],
  route: ['{', '}'],
  gather: ['[/', '\\]'],
  schedule: ['((', '))'],
  hook: ['>', ']'],
  desk: ['[(', ')]'],
  app: ['>', ']'],
  elsewhere: ['>', ']'],
}

const dotShapes: Readonly<Record<NodeKind, string>> = {
  topic: 'cds',
  channel: 'rarrow',
  processor: 'box',
  mediator: 'hexagon',
  route: 'diamond',
  gather: 'invtrapezium',
  schedule: 'circle',
  hook: 'cds',
  desk: 'cylinder',
  app: 'component',
  elsewhere: 'component',
}

/** `repairs` and `waits` are not the way of a message, and an edge that only flowed is not declared: these are dashed. */
export const isSolid = ({ does, declared }: TopologyEdge) => declared && does !== 'repairs' && does !== 'waits'

/** The topology in the language of Mermaid: `flowchart LR`. */
export function mermaidOf({ nodes, edges }: Topology): string {
  const ids = idsOf(nodes)
  const escaped = (text: string) => text.replace(/[#"<>&]/g, (char) => `#${char.codePointAt(0)};`)
  const lines = ['flowchart LR']
  for (const { id, kind, name } of nodes) {
    const [begin, end] = mermaidShapes[kind]
    lines.push(`  ${ids.get(id)}${begin}"${escaped(name)}"${end}`)
  }
  for (const edge of edges) {
    const label = labelOf(edge, '<br>', escaped)
    const arrow = isSolid(edge) ? '-->' : '-.->'
    lines.push(`  ${ids.get(edge.from)} ${arrow}${label === '' ? '' : `|"${label}"|`} ${ids.get(edge.to)}`)
  }
  return `${lines.join('\n')}\n`
}

/** The topology in the language of Graphviz. */
export function dotOf({ app, nodes, edges }: Topology): string {
  const ids = idsOf(nodes)
  const quoted = (text: string) => `"${escapedDot(text)}"`
  const lines = [
    `digraph ${quoted(app)} {`,
    '  rankdir=LR',
    '  node [fontname="sans-serif"]',
    '  edge [fontname="sans-serif", fontsize=10]',
  ]
  for (const { id, kind, name } of nodes)
    lines.push(`  ${ids.get(id)} [shape=${dotShapes[kind]}, label=${quoted(name)}]`)
  for (const edge of edges) {
    const style = isSolid(edge) ? '' : ', style=dashed'
    lines.push(`  ${ids.get(edge.from)} -> ${ids.get(edge.to)} [label="${labelOf(edge, '\\n', escapedDot)}"${style}]`)
  }
  lines.push('}')
  return `${lines.join('\n')}\n`
}

const escapedDot = (text: string) => text.replace(/[\\"]/g, '\\$&')

const typesShown = 4

/** The types of an edge, the first few of them. */
export function typesShownOf({ does, types }: TopologyEdge): string[] {
  if (does === 'repairs') return []
  const shown = types.slice(0, typesShown)
  return types.length > shown.length ? [...shown, `and ${types.length - shown.length} more`] : shown
}

function labelOf(edge: TopologyEdge, between: string, escaped: (text: string) => string): string {
  return typesShownOf(edge).map(escaped).join(between)
}

function idsOf(nodes: readonly TopologyNode[]): Map<string, string> {
  return new Map(nodes.map(({ id }, at) => [id, `n${at + 1}`]))
}
