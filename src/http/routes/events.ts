// Events in. The answer comes when all that was accepted is on disk, never before.
//
//   plain JSON and ?type=            ─→ the app's own event; its id is that of Idempotency-Key
//   ce-… headers, or an event as JSON ─→ the event of another system, known by source and id
//   a batch of these                 ─→ all or none; with Prefer: handling=lenient each by itself
import { fault, isMillraceError, type MillraceError } from '../../model/errors.ts'
import { mediaType } from '../../model/media-type.ts'
import type { Event } from '../../model/message.ts'
import { misfitsOf } from '../../model/misfits.ts'
import type { Accepted } from '../../model/publish.ts'
import { traceIn } from '../../model/trace.ts'
import type { Arriving } from '../../operate/edge.ts'
import { jsonOf, textOf } from '../body.ts'
import { binary, hasAttributes, type Incoming, structured } from '../cloudevents.ts'
import { countsOf } from '../counts.ts'
import { idempotencyKey, otherCharset, preferences } from '../media.ts'
import { partsOf, withParts } from '../misfits.ts'
import { answerOfError } from '../problem.ts'
import type { Answer, Call, Group } from '../route.ts'
import { destinationIn, typeIn } from '../topics.ts'

const one = 'application/cloudevents+json'
const batch = 'application/cloudevents-batch+json'

export const eventRoutes: Group = {
  mounted: true,
  routes: [
    {
      method: 'POST',
      path: '/events/{topic}',
      may: 'send',
      does: 'Publishes events: CloudEvents, binary, structured or as a batch, or data as plain JSON with `type`.',
      query: { fields: { type: 'text' } },
      headers: {
        'Idempotency-Key': { is: 'The id of an event that is sent as plain JSON. Default: a new one.' },
        Prefer: { is: '`handling=lenient`: of a batch, each event by itself.' },
      },
      takes: [one, batch, 'application/json', '*/*'],
      answers: {
        202: { is: 'All of them are on disk.', body: { fields: { accepted: 'list' }, needs: ['accepted'] } },
        207: {
          is: 'Some of a lenient batch are on disk; `onDisk` of each is true, false, or null for unknown.',
          body: { fields: { results: 'list' }, needs: ['results'] },
        },
        409: { is: 'An event with this id was accepted before, with other data.', type: 'application/problem+json' },
        422: { is: 'The data do not fit their type.', type: 'application/problem+json' },
      },
      run: publish,
    },
  ],
}

async function publish(call: Call): Promise<Answer> {
  const { headers } = call.request
  const contentType = headers.get('content-type')
  const media = mediaType(contentType)
  const charset = otherCharset(contentType)
  if (charset !== undefined && (media.endsWith('json') || media.startsWith('application/cloudevents'))) {
    throw fault('millrace/wrong-media-type', `the charset "${charset.slice(0, 50)}" is not taken: JSON is UTF-8`)
  }
  if (media === batch) return publishBatch(call)
  if (media === one) return publishEvent(call, structured(await call.body.json()))
  if (media.startsWith('application/cloudevents')) {
    throw fault('millrace/wrong-media-type', `${media} is not taken: send ${one} or ${batch}`)
  }
  if (hasAttributes(headers)) {
    const counts = countsOf(call.app)
    const unencoded = () => void counts.headersUnencoded++
    return publishEvent(call, binary(headers, await call.body.bytes(), unencoded))
  }
  return publishData(call, media)
}

/** The data of an event of the app's own. */
async function publishData(call: Call, media: string): Promise<Answer> {
  const { app, edge, query, params, request } = call
  const name = query['type'] as string | undefined
  if (media !== 'application/json' && media !== '') {
    const what = `${media.slice(0, 100)} without ce- headers is not taken: send application/json with ?type=`
    throw fault('millrace/wrong-media-type', what)
  }
  if (name === undefined) {
    throw fault(
      'millrace/bad-event',
      'the request has neither ce- headers nor ?type=, the name of the type of its data',
    )
  }
  const type = typeIn(destinationIn(app, 'topic', params['topic']!), name) as Event
  const data = await call.body.json()
  const { headers } = request
  const id = idempotencyKey(headers)
  try {
    const options = id === undefined ? undefined : { id }
    return accepted([await edge.intake().publish(type, data, options, traceIn(headers))])
  } catch (error) {
    throw withParts(error, (found) => partsOf(found, { type, data }, '', ''))
  }
}

async function publishEvent(call: Call, incoming: Incoming): Promise<Answer> {
  const { type, data, from } = arriving(call, incoming)
  try {
    return accepted([await call.edge.intake().takeIn(type, data, from)])
  } catch (error) {
    throw withParts(error, (found) => partsOf(found, { type, data }, ''))
  }
}

function arriving({ app, params }: Call, { type, data, from }: Incoming): Arriving {
  return { type: typeIn(destinationIn(app, 'topic', params['topic']!), type), data, from }
}

async function publishBatch(call: Call): Promise<Answer> {
  const { batchMax } = call.limits
  const values = jsonOf(textOf(await call.body.bytes()))
  if (!Array.isArray(values)) throw fault('millrace/bad-event', 'a batch is a list of events', { data: { errors: [] } })
  if (values.length > batchMax) {
    throw fault('millrace/too-large', `the batch has ${values.length} events, but may have ${batchMax} (batchMax)`)
  }
  // A topic that is not there is about the request, not about one event.
  destinationIn(call.app, 'topic', call.params['topic']!)
  const events = values.map((value) => attempt(() => arriving(call, structured(value))))
  if (preferences(call.request.headers.get('prefer')).get('handling') === 'lenient') return leniently(call, events)
  const wrong = events.flatMap((event, index) => (isMillraceError(event) ? [[event, index] as const] : []))
  if (wrong.length > 0) {
    const parts = wrong.flatMap(([error, index]) => partsOf(error, undefined, `/${index}`))
    throw withParts(wrong[0]![0], () => parts)
  }
  const all = events as Arriving[]
  try {
    return accepted(await call.edge.intake().takeInMany(all))
  } catch (error) {
    if (!isMillraceError(error)) throw error
    const { entry } = (error.data ?? {}) as { readonly entry?: number | undefined }
    if (entry === undefined) throw error
    // Of the other events only what their schemas say is told.
    const parts = all.flatMap((event, index) => {
      if (index === entry) return partsOf(error, event, `/${index}`)
      return error.code === 'millrace/bad-data' ? misfitsOf(event, `/${index}/data`) : []
    })
    throw withParts(error, () => parts)
  }
}

/**
 * Each event by itself; 207 where one is refused, or fails in a way that nobody expects. `onDisk` says of each what the
 * sender can rely on: true, false, or null where it may be there. To send that one again adds nothing if it is.
 */
async function leniently(call: Call, events: readonly (Arriving | MillraceError)[]): Promise<Answer> {
  const results = await Promise.all(
    events.map(async (event, index) => {
      const pointer = `/${index}`
      try {
        if (isMillraceError(event)) throw event
        const { type, data, from } = event
        return { pointer, status: 202, onDisk: true, ...(await call.edge.intake().takeIn(type, data, from)) }
      } catch (error) {
        const { json, status } = answerOfError(error, call.edge)
        const { code, detail, retryable } = json as { code: string; detail: string; retryable: boolean }
        const wrong = { pointer, status, onDisk: status < 500 ? false : null, code, detail, retryable }
        if (!isMillraceError(error) || status === 500) return wrong
        return { ...wrong, errors: partsOf(error, isMillraceError(event) ? undefined : event, pointer) }
      }
    }),
  )
  const headers = { 'preference-applied': 'handling=lenient' }
  if (results.some(({ status }) => status !== 202)) return { status: 207, json: { results }, headers }
  const all = results.map(({ pointer: _, status: __, onDisk: ___, ...one }) => one) as Accepted[]
  return { ...accepted(all), headers }
}

function attempt<T>(fn: () => T): T | MillraceError {
  try {
    return fn()
  } catch (error) {
    if (isMillraceError(error)) return error
    throw error
  }
}

const accepted = (all: readonly Accepted[]): Answer => ({ status: 202, json: { accepted: all } })
