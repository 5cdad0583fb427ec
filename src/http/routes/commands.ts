// Commands in, and what becomes of them. A command is a request: its end is kept under its id.
//
//   POST ─on disk─→ 202 ─Prefer: wait─→ replied: 200 · refused: 422 · discarded, withdrawn: 409 · else 202 with its state
//
// A held command is no error: a person decides about it, and its state says so.
import { fault } from '../../model/errors.ts'
import { mediaType } from '../../model/media-type.ts'
import type { Command } from '../../model/message.ts'
import { isAllowed } from '../../model/permissions.ts'
import { checkId } from '../../model/publish.ts'
import { traceIn } from '../../model/trace.ts'
import type { Fields } from '../../operate/fields.ts'
import { destinationsOf } from '../../operate/rows.ts'
import { hideIn } from '../masks.ts'
import { idempotencyKey, otherCharset, preferences } from '../media.ts'
import { partsOf, withParts } from '../misfits.ts'
import { problemOf } from '../problem.ts'
import { hasEnded, watchRequest } from '../request-watch.ts'
import type { Answer, Call, Group } from '../route.ts'
import type { Requested } from '../served.ts'
import { destinationIn, typeIn } from '../topics.ts'

/** The longest wait of a request, seconds. */
const waitMax = 60

const states = ['waiting', 'held', 'replied', 'refused', 'discarded', 'withdrawn']
const fields: Fields['fields'] = {
  id: 'text',
  command: 'text',
  state: { oneOf: states },
  reply: 'any',
  refusal: 'any',
  reason: 'text',
  item: 'count',
  behind: 'count',
  askedAt: 'number',
  endedAt: 'number',
}
const status: Fields = { fields, needs: ['id', 'command', 'state', 'askedAt'] }
const problem = 'application/problem+json'
const stream = 'text/event-stream'

export const commandRoutes: Group = {
  mounted: true,
  routes: [
    {
      method: 'POST',
      path: '/commands/{channel}/{type}',
      may: 'send',
      does: 'Sends a command; `Idempotency-Key` is its id, and `Prefer: wait=5` waits so many seconds for its end.',
      headers: { 'Idempotency-Key': { is: 'The id of the command. Default: a new one.' }, Prefer: { is: '`wait=5`' } },
      takes: ['application/json'],
      answers: {
        200: { is: 'The reply.', body: 'any' },
        202: {
          is: 'The command is on disk; `Location` has its state.',
          body: { fields, needs: ['id'] },
        },
        204: { is: 'It is handled; its type has no reply.' },
        409: { is: 'It was discarded or withdrawn, or its id has other data.', type: problem },
        422: { is: 'The processor refuses it, or its data do not fit.', type: problem },
      },
      run: send,
    },
    {
      method: 'GET',
      path: '/requests/{id}',
      may: 'send',
      does: 'Tells the state of a request; `Prefer: wait=30` waits so many seconds for its end, `Accept: text/event-stream` tells each change.',
      headers: {
        Prefer: { is: '`wait=30`' },
        'Last-Event-ID': { is: 'The id of the last event that the client has.' },
      },
      answers: {
        200: { is: 'It has ended; or the events.', type: `application/json, ${stream}`, body: status },
        202: { is: 'It has not ended.', body: status },
        204: { is: 'It has ended, and the client has had its last event: browsers come no more.' },
      },
      run: look,
    },
    {
      method: 'DELETE',
      path: '/requests/{id}',
      may: 'send',
      does: 'Takes back a request that has not ended: it is never handled after that.',
      answers: { 200: { is: 'It is taken back.', body: status } },
      run: withdraw,
    },
  ],
}

async function send(call: Call): Promise<Answer> {
  const { app, edge, params, request, body } = call
  const { headers } = request
  const type = typeIn(destinationIn(app, 'channel', params['channel']!), params['type']!) as Command
  const contentType = headers.get('content-type')
  if (mediaType(contentType) !== 'application/json' || otherCharset(contentType) !== undefined) {
    throw fault('millrace/wrong-media-type', 'the data of a command are application/json, as UTF-8')
  }
  const data = await body.json()
  const id = idempotencyKey(headers) ?? edge.world.newId()
  checkId(id)
  try {
    await edge.intake().ask(type, data, id, traceIn(headers))
  } catch (error) {
    throw withParts(error, (found) => partsOf(found, { type, data }, '', ''))
  }
  const location = { location: `${call.basePath}/requests/${encodeURIComponent(id)}` }
  const seconds = waitOf(headers)
  if (seconds === undefined) return { status: 202, json: { id }, headers: location }
  const applied = { ...location, 'preference-applied': `wait=${seconds}` }
  // The command is on disk: what ends the wait, even the end of the app, does not change that.
  const found = await settled(call, id, seconds).catch(() => undefined)
  if (found === undefined || !hasEnded(found)) return { status: 202, json: found ?? { id }, headers: applied }
  const answer = type.reply === undefined && found.state === 'replied' ? { status: 204 } : endOf(found)
  return { ...answer, headers: { ...(answer as Answer).headers, ...applied } }
}

async function look(call: Call): Promise<Answer> {
  const { headers } = call.request
  if (headers.get('accept')?.includes(stream)) return listen(call)
  const seconds = waitOf(headers)
  const found = await settled(call, call.params['id']!, seconds ?? 0)
  if (found === undefined) throw unknown(call)
  const applied: Record<string, string> = seconds === undefined ? {} : { 'preference-applied': `wait=${seconds}` }
  return {
    status: hasEnded(found) ? 200 : 202,
    json: shownTo(call, found),
    headers: { 'cache-control': 'no-store', ...applied },
  }
}

async function listen(call: Call): Promise<Answer> {
  const { app, params, request } = call
  const id = params['id']!
  const found = await app.requestStatus(id)
  if (found === undefined) throw unknown(call)
  if (hasEnded(found) && request.headers.get('last-event-id') === found.state) return { status: 204 }
  const headers = { 'content-type': stream, 'cache-control': 'no-store', 'x-accel-buffering': 'no' }
  if (request.method === 'HEAD') return { status: 200, headers }
  return { status: 200, headers, body: watchRequest(call, id, (now) => shownTo(call, now)) }
}

async function withdraw(call: Call): Promise<Answer> {
  const { app, params } = call
  const id = params['id']!
  const found = await app.requestStatus(id)
  if (found === undefined) throw unknown(call)
  const type = destinationsOf(app.parts)
    .flatMap(({ types }) => types)
    .find(({ name }) => name === found.command)
  if (type === undefined || !(await app.cancel(type, id))) {
    throw fault('millrace/too-late', `request "${id}" has ended: it is ${found.state}`)
  }
  return { status: 200, json: shownTo(call, (await app.requestStatus(id)) ?? found) }
}

/**
 * A request as others may see it, who know its id: secret fields are hidden. The answer to a sender that waits has the
 * reply as it is.
 */
function shownTo({ app, who }: Call, found: Requested): unknown {
  return who !== undefined && isAllowed(who, 'see-secret') ? found : hideIn(app.parts)(found)
}

/** What answers a client that has waited for the end. */
function endOf({ id, command, state, reply, refusal, reason }: Requested): Answer {
  switch (state) {
    case 'replied':
      return { status: 200, json: reply }
    case 'refused':
      return refused(id, refusal)
    case 'withdrawn':
      return problemOf(fault('millrace/request-withdrawn', `"${command}" was ${reason}`, { data: { id } }))
    default:
      return problemOf(fault('millrace/request-discarded', `"${command}" was discarded: ${reason}`, { data: { id } }))
  }
}

/** The data of a refusal are those of its type, whatever their names. */
function refused(id: string, refusal: Requested['refusal']): Answer {
  const answer = problemOf(fault('millrace/refused', refusal?.message ?? 'refused', { data: { id } }))
  return { ...answer, json: { ...(answer.json as object), data: refusal?.data ?? null, id } }
}

/** The request once it has ended, is held, or the time is over; undefined where there is none. */
async function settled(call: Call, id: string, seconds: number): Promise<Requested | undefined> {
  const { app, edge, ending, request } = call
  let changed = Promise.withResolvers<void>()
  let over = seconds === 0
  const wake = () => changed.resolve()
  const end = () => {
    over = true
    wake()
  }
  const timer = over ? undefined : edge.world.after(seconds * 1_000, end)
  const unwatch = over ? () => {} : edge.intake().watchRequest(id, wake)
  for (const signal of [ending, request.signal]) signal.addEventListener('abort', end)
  try {
    for (;;) {
      const found = await app.requestStatus(id)
      if (found === undefined || hasEnded(found) || found.state === 'held') return found
      if (over || ending.aborted || request.signal.aborted) return found
      await changed.promise
      changed = Promise.withResolvers()
    }
  } finally {
    timer?.cancel()
    unwatch()
    for (const signal of [ending, request.signal]) signal.removeEventListener('abort', end)
  }
}

/** Seconds that the client would wait, at most a minute. */
function waitOf(headers: Headers): number | undefined {
  const wait = preferences(headers.get('prefer')).get('wait')
  return wait !== undefined && /^\d{1,9}$/.test(wait) ? Math.min(Number(wait), waitMax) : undefined
}

const unknown = ({ params }: Call) =>
  fault('millrace/unknown-request', `there is no request "${params['id']!.slice(0, 300)}"`)
