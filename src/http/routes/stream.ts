// What happens in an app, for pages that are open: numbers once a second, and the names of what has changed.
import { Live } from '../live/live.ts'
import type { Answer, Call, Group } from '../route.ts'

export const streamRoutes: Group = {
  mounted: false,
  routes: [
    {
      method: 'GET',
      path: '/api/stream',
      may: 'see',
      does: 'Tells what happens: a `pulse` with the counters each second; `desk`, `question` and `operation` name what has changed; after `reset` a client reads everything anew.',
      headers: { 'Last-Event-ID': { is: 'The id of the last event that the client has; it is told what came since.' } },
      answers: { 200: { is: 'The events.', type: 'text/event-stream' } },
      run: watch,
    },
  ],
}

/** By app. */
const lives = new WeakMap<object, Live>()

function watch({ app, edge, request, ending, limits }: Call): Answer {
  const headers = { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' }
  if (request.method === 'HEAD') return { status: 200, headers }
  const live = lives.get(app) ?? new Live(app, edge)
  lives.set(app, live)
  const viewer = live.add(request.headers.get('last-event-id') ?? undefined, limits.listenersMax)
  viewer.endWith([ending, request.signal])
  return { status: 200, headers, body: viewer.stream() }
}
