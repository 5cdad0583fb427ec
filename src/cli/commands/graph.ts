import { dotOf, mermaidOf } from '../../describe/drawn.ts'
import { flowedIn, withFlowed } from '../../describe/flowed.ts'
import { homesOf, type Topology, topologyOf } from '../../describe/topology.ts'
import { type Call, locate, reach, takeWords } from '../call.ts'
import { UsageError } from '../output.ts'

export const graphFormats = ['mermaid', 'dot', 'svg', 'json'] as const
type Format = (typeof graphFormats)[number]

interface Words {
  readonly format?: Format | undefined
  readonly declared?: boolean | undefined
}

/** Draws the parts of an app: what its code declares, and what has flowed in its store, where there is one. */
export async function graph(call: Call, { format, declared = false }: Words): Promise<number> {
  takeWords(call, [], 0)
  const { out } = call
  if (out.json && format !== undefined && format !== 'json')
    throw new UsageError('--json and --format do not go together')
  const topology = await found(call, { declared })
  const text = await drawn(topology, out.json ? 'json' : (format ?? 'mermaid'))
  await out.lines(text.trimEnd().split('\n'))
  return 0
}

async function drawn(topology: Topology, format: Format): Promise<string> {
  switch (format) {
    case 'mermaid':
      return mermaidOf(topology)
    case 'dot':
      return dotOf(topology)
    case 'json':
      return `${JSON.stringify(topology)}\n`
    // Loaded here, because only this format needs a layout.
    case 'svg':
      return (await import('../../describe/svg.ts')).svgOf(topology)
  }
}

async function found(call: Call, { declared }: { readonly declared: boolean }): Promise<Topology> {
  const { app, store } = await locate(call)
  if (app === undefined) throw new UsageError('name the app file (app.ts)')
  const topology = topologyOf(app)
  if (declared || !(await store.exists())) return topology
  const running = await reach(store, call.waitMs)
  running?.close()
  const reader = await store.read(running === undefined ? 'stopped' : 'running')
  try {
    return withFlowed(topology, homesOf(app), await flowedIn(reader))
  } finally {
    await reader.close()
  }
}
