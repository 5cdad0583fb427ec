// Events out: as a stream of server-sent events, or as pages. Both are safe: they move no position of the app. The cursor is
// a position of the topic, and opaque to clients.
import type { Stored } from '../../model/codec.ts'
import { fault } from '../../model/errors.ts'
import { failures } from '../../model/failures.ts'
import type { Destination } from '../../model/message.ts'
import { isAllowed } from '../../model/permissions.ts'
import { masked } from '../../model/secrets.ts'
import { eventJson } from '../../operate/cloudevent.ts'
import { destinationsOf } from '../../operate/rows.ts'
import { Listeners, type Wanted } from '../listeners.ts'
import type { Answer, Call, Group } from '../route.ts'
import { destinationIn } from '../topics.ts'

const stream = 'text/event-stream'
const batch = 'application/cloudevents-batch+json'

export const eventOutRoutes: Group = {
  mounted: true,
  routes: [
    {
      method: 'GET',
      path: '/events/{topic}',
      may: 'see-data',
      does: 'Gives events of a topic: a stream from now on, or after a cursor; or a page, where that is accepted.',
      query: { fields: { after: 'text', type: 'list', context: 'list', limit: 'count' } },
      headers: { 'Last-Event-ID': { is: 'The cursor of a stream, where the query has no `after`.' } },
      answers: { 200: { is: 'The events. `Link` has the next page.', type: `${stream}, ${batch}` } },
      run: (call) => (wantsPage(call.request.headers) ? page(call) : listen(call)),
    },
  ],
}

const wantsPage = (headers: Headers) => {
  const accept = headers.get('accept') ?? ''
  return !accept.includes(stream) && /cloudevents-batch|application\/json/.test(accept)
}

/** By the parts of an app. */
const listenersOf = new WeakMap<object, Listeners>()

async function listen(call: Call): Promise<Answer> {
  const { app, edge, request, ending, limits, query } = call
  if (query['limit'] !== undefined) throw fault('millrace/bad-option', 'limit is for pages: a stream has no end')
  const wanted = wantedOf(call, 'now')
  const headers = { 'content-type': stream, 'cache-control': 'no-store', 'x-accel-buffering': 'no' }
  if (request.method === 'HEAD') return { status: 200, headers }
  let all = listenersOf.get(app)
  if (all === undefined) {
    const topicOf = [...destinationsOf(app.parts), failures].flatMap(({ name, types }) =>
      types.map((type): [string, string] => [type.name, name]),
    )
    all = new Listeners(app, edge, new Map(topicOf))
    listenersOf.set(app, all)
  }
  const listener = all.add(wanted, limits.listenersMax)
  listener.endWith([ending, request.signal])
  return { status: 200, headers, body: listener.stream() }
}

const limitDefault = 100
const limitMax = 1_000
/** Size of the events of a page, characters. */
const pageChars = 4 * 1024 * 1024

async function page(call: Call): Promise<Answer> {
  const { edge, query, params } = call
  const limit = Math.min((query['limit'] as number | undefined) ?? limitDefault, limitMax)
  const wanted = wantedOf(call, 'beginning')
  const events: string[] = []
  let chars = 0
  let { after } = wanted
  // At most so many are looked at: who wants few of many comes again.
  for (let looked = 0; events.length < limit && chars < pageChars && looked < limitMax; ) {
    const messages = await edge.log().after(wanted.topic, after, Math.min(limit, limitMax - looked))
    if (messages.length === 0) break
    looked += messages.length
    for (const message of messages) {
      if (events.length >= limit || chars >= pageChars) break
      after = message.position
      if (!wanted.fits(message)) continue
      const json = wanted.json(message)
      chars += json.length
      events.push(json)
    }
  }
  const next = new URLSearchParams({ after: String(after) })
  if (query['limit'] !== undefined) next.set('limit', String(limit))
  for (const name of ['type', 'context']) for (const one of listIn(query, name)) next.append(name, one)
  const link = `<${call.basePath}/events/${encodeURIComponent(params['topic']!)}?${next}>; rel="next"`
  const headers = { 'content-type': batch, 'cache-control': 'no-store', link }
  return { status: 200, headers, body: `[${events.join(',')}]` }
}

function wantedOf(call: Call, from: 'now' | 'beginning'): Wanted {
  const { app, edge, params, query, request, who } = call
  const topic = destinationIn(app, 'topic', params['topic']!)
  const head = edge.log().head(topic.name)
  const given = (query['after'] as string | undefined) ?? request.headers.get('last-event-id') ?? from
  const after = given === 'now' ? head : given === 'beginning' ? 0 : /^\d{1,15}$/.test(given) ? Number(given) : -1
  if (after < 0 || after > head) {
    const what = `after is "${given.slice(0, 50)}", but must be a cursor of this topic, beginning or now`
    throw fault('millrace/bad-position', what)
  }
  const types = listIn(query, 'type')
  const strange = types.find((name) => !isTypeOf(topic, name))
  if (strange !== undefined) {
    throw fault('millrace/unknown-name', `topic "${topic.name}" has no type "${strange.slice(0, 100)}"`)
  }
  const contexts = listIn(query, 'context')
  const fits = ({ type, context }: Stored) =>
    (types.length === 0 || types.includes(type)) && (contexts.length === 0 || contexts.includes(context ?? ''))
  const sees = who !== undefined && isAllowed(who, 'see-secret', [topic.name])
  return { topic: topic.name, after, fits, ...(sees ? whole : hiding(topic)) }
}

const isTypeOf = ({ types, retired }: Destination, name: string) =>
  types.some((type) => type.name === name) || retired.includes(name)

const whole: Pick<Wanted, 'json' | 'frames'> = {
  json: (message) => eventJson(message, message.json),
  frames: new WeakMap(),
}

/** By topic: what those see who may not see its secrets. */
const hidden = new WeakMap<Destination, Pick<Wanted, 'json' | 'frames'>>()

function hiding(topic: Destination): Pick<Wanted, 'json' | 'frames'> {
  let found = hidden.get(topic)
  if (found === undefined) {
    const secrets = new Map(topic.types.map(({ name, secret }) => [name, secret]))
    const json = (message: Stored) => eventJson(message, masked(message.json, secrets.get(message.type) ?? []))
    found = { json, frames: new WeakMap() }
    hidden.set(topic, found)
  }
  return found
}

function listIn(query: Call['query'], name: string): readonly string[] {
  return (query[name] as readonly string[] | undefined) ?? []
}
