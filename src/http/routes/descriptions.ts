// What an app says of itself to programs and people that have not read its code.
import { asyncApiOf } from '../../describe/asyncapi.ts'
import { flowedIn, withFlowed } from '../../describe/flowed.ts'
import { homesOf, openDestinations, type Topology, topologyOf } from '../../describe/topology.ts'
import { fault } from '../../model/errors.ts'
import { jsonSchemaOf } from '../../model/json-schema.ts'
import type { Edge } from '../../operate/edge.ts'
import type { Answer, Call, Group } from '../route.ts'

/** Fit for other systems: what they may send and receive. */
export const descriptionRoutes: Group = {
  mounted: true,
  routes: [
    {
      method: 'GET',
      path: '/asyncapi.json',
      may: 'see',
      does: 'Describes the topics, channels, messages and parts, as AsyncAPI 3.',
      answers: { 200: { is: 'The document.', body: 'any' } },
      run: ({ app }) => ({ status: 200, json: asyncApiOf(app).document }),
    },
    {
      method: 'GET',
      path: '/schemas/{type}/{version}',
      may: 'see',
      does: 'Gives the JSON Schema (2020-12) of the data of a type; only of the version that the app has now.',
      answers: {
        200: { is: 'The schema; `true` where it cannot be told.', type: 'application/schema+json', body: 'any' },
      },
      place: (call) => placesOf(call).map(({ name }) => name),
      run: schema,
    },
  ],
}

export const topologyRoutes: Group = {
  mounted: false,
  routes: [
    {
      method: 'GET',
      path: '/api/topology',
      may: 'see',
      does: 'Tells the parts, and what is declared to flow and has flowed between them.',
      answers: {
        200: {
          is: 'Nodes and edges. `flowed` is null where nobody has looked.',
          body: { fields: { app: 'text', nodes: 'list', edges: 'list' }, needs: ['app', 'nodes', 'edges'] },
        },
      },
      run: async (call) => ({ status: 200, json: await topology(call), headers: { 'cache-control': 'no-store' } }),
    },
    {
      method: 'GET',
      path: '/api/topology.svg',
      may: 'see',
      does: 'Draws the same, for light and dark.',
      answers: { 200: { is: 'The picture.', type: 'image/svg+xml' } },
      run: async (call) => {
        const headers = {
          'content-type': 'image/svg+xml',
          'cache-control': 'no-store',
          'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
        }
        return { status: 200, body: await drawn(call.edge, await topology(call)), headers }
      },
    },
  ],
}

/** The topic or channel that has the type, if there is one. */
const placesOf = ({ app, params }: Call) =>
  openDestinations(app.parts).filter(({ types }) => types.some(({ name }) => name === params['type']))

function schema(call: Call): Answer {
  const { app, params } = call
  const { type: name, version } = params as { readonly type: string; readonly version: string }
  const type = placesOf(call)[0]?.types.find((one) => one.name === name)
  if (type === undefined) throw fault('millrace/unknown-name', `app "${app.name}" has no type "${name.slice(0, 100)}"`)
  if (version !== String(type.version)) {
    const what = `"${name}" has version ${type.version} now, not "${version.slice(0, 100)}"`
    throw fault('millrace/unknown-name', what)
  }
  const headers = { 'content-type': 'application/schema+json' }
  return { status: 200, headers, json: jsonSchemaOf(type.schema, 'draft-2020-12').schema }
}

function isRunning(edge: Edge): boolean {
  try {
    edge.intake()
    return true
  } catch {
    return false
  }
}

/** What is declared; and what has flowed, where the app runs on a store that can be read beside it. */
async function topology({ app, edge }: Call): Promise<Topology> {
  const declared = topologyOf(app)
  const offline = isRunning(edge) ? edge.offline() : undefined
  if (offline === undefined) return declared
  const reader = await offline.read('running')
  try {
    return withFlowed(declared, homesOf(app), await flowedIn(reader))
  } finally {
    await reader.close()
  }
}

/** The last picture of each app: to lay out a large one takes a second. */
const pictures = new WeakMap<Edge, { readonly of: string; readonly svg: string }>()

async function drawn(edge: Edge, topology: Topology): Promise<string> {
  const of = JSON.stringify(topology)
  const last = pictures.get(edge)
  if (last?.of === of) return last.svg
  // Loaded here, because only this route needs a layout.
  const { svgOf } = await import('../../describe/svg.ts')
  const svg = svgOf(topology)
  pictures.set(edge, { of, svg })
  return svg
}
