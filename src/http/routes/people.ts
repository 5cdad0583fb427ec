// What people see and do: every function of the desk, the processors, the flows and the messages has a route.
import { type CalledRoute, calledRoute } from '../called.ts'
import type { Group } from '../route.ts'

export const called = [
  get('/api/desk', 'desk.list', 'Lists messages at the desk, the oldest first.', { pagedBy: 'id' }),
  get('/api/desk/counts', 'desk.counts', 'Counts the messages at the desk.', { may: 'see' }),
  get('/api/desk/groups', 'desk.groups', 'Groups held messages that look alike.'),
  get('/api/desk/operations', 'desk.operations', 'Lists operations, the oldest first.', { may: 'see', pagedBy: 'id' }),
  get('/api/desk/operations/{operation}/outcome', 'desk.outcome', 'Counts what became of its messages.', {
    may: 'see',
  }),
  get('/api/desk/operations/{operation}/refused', 'desk.refused', 'Lists the messages that it could not act on.'),
  get('/api/desk/operations/{operation}/preview', 'desk.preview', 'Shows what its change makes of each message.', {
    pagedBy: 'id',
  }),
  post('/api/desk/operations/{operation}/abort', 'desk.abort', 'Ends an operation.', 'repair-many'),
  post(
    '/api/desk/operations/{operation}/run',
    'desk.run',
    'Lets an operation begin that is prepared or has stopped.',
    'repair-many',
  ),
  post('/api/desk/operations', 'desk.select', 'Begins an operation on all messages that match now.', 'repair-many'),
  get('/api/desk/{id}', 'desk.show', 'Shows one message at the desk; `ETag` is its revision.', { one: true }),
  get('/api/desk/{id}/line', 'desk.line', 'Lists the messages that wait behind it, in order.', { pagedBy: 'place' }),
  post('/api/desk/{id}/release', 'desk.release', 'Has it tried again as it is.', 'repair'),
  post('/api/desk/{id}/resubmit', 'desk.resubmit', 'Sends corrected data in its place.', 'repair'),
  get('/api/desk/{id}/form', 'desk.form', 'Tells the shape of its data, for a form.', { may: 'see' }),
  post('/api/desk/{id}/check', 'desk.check', 'Checks an edit as a repair does, and changes nothing.', 'repair'),
  post('/api/desk/{id}/change', 'desk.change', 'Sends its data with a change list, in its place.', 'repair'),
  post('/api/desk/{id}/try', 'desk.try', 'Tries it, and takes everything back.', 'repair'),
  post('/api/desk/{id}/test', 'desk.test', 'Makes a test of it, as a file.', 'repair'),
  post('/api/desk/{id}/discard', 'desk.discard', 'Gives it up, on record.', 'repair'),
  post('/api/desk/{id}/take-back', 'desk.takeBack', 'Takes its discard back.', 'repair'),
  post('/api/desk/{id}/claim', 'desk.claim', 'Says that you work on it; others see it at once.', 'repair'),
  post('/api/desk/{id}/unclaim', 'desk.unclaim', 'Gives the claim back.', 'repair'),
  post('/api/desk/{about}/notes', 'desk.note', 'Writes a note about a message.', 'repair'),
  {
    ...post('/api/desk/groups/{group}/notes', 'desk.note', 'Writes a note about a group.', 'repair-many'),
    wraps: { parameter: 'about', segment: 'group' },
  },
  post(
    '/api/desk/groups/{group}/snooze',
    'desk.snooze',
    'Keeps a group quiet; what is held stays held.',
    'repair-many',
  ),
  post('/api/desk/groups/{group}/wake', 'desk.wake', 'Ends that.', 'repair-many'),
  get('/api/audit', 'desk.audit', 'Lists the acts of people and rules, the newest first.', { pagedBy: 'id' }),
  get('/api/parts', 'processors.list', 'Lists the processors, with state, lag and what they hold.', { may: 'see' }),
  get('/api/alerts', 'processors.alerts', 'Lists the alerts that are raised, the first at the beginning.', {
    may: 'see',
  }),
  get('/api/series', 'processors.series', 'Tells how the processors did in the last hour, in samples.', { may: 'see' }),
  get('/api/endpoints', 'processors.endpoints', 'Lists the systems that parts deliver to, with their last answers.'),
  get('/api/parts/{name}/deliveries', 'processors.deliveries', 'Lists the newest requests of a part that delivers.'),
  post('/api/parts/{name}/pause', 'processors.pause', 'Starts nothing new; what it has to do waits.', 'run'),
  post('/api/parts/{name}/resume', 'processors.resume', 'Lets it go on.', 'run'),
  post('/api/parts/{name}/retire', 'processors.retire', 'Forgets a processor that the code no longer has.', 'run'),
  post('/api/parts/{name}/set', 'processors.set', 'Sets its concurrency.', 'run'),
  post('/api/parts/{name}/test', 'processors.test', 'Sends a test event to where it delivers.', 'run'),
  post('/api/parts/{name}/reset', 'processors.reset', 'Has it handle its messages again.', 'run'),
  get('/api/flows', 'flows.list', 'Lists flows, the oldest first.', { pagedBy: 'id' }),
  get('/api/flows/counts', 'flows.counts', 'Counts the flows by mediator and state.', { may: 'see' }),
  get('/api/flows/{id}', 'flows.show', 'Shows one flow with its steps.', { one: true }),
  get('/api/flows/{id}/form', 'flows.form', 'Tells the shape of the answer to a question, for a form.', { may: 'see' }),
  post('/api/flows/{id}/cancel', 'flows.cancel', 'Ends it, and has its steps undone.', 'run'),
  post('/api/flows/{id}/stop', 'flows.stop', 'Ends it without undoing.', 'run'),
  post('/api/flows/{id}/pause', 'flows.pause', 'Lets it begin nothing new.', 'run'),
  post('/api/flows/{id}/resume', 'flows.resume', 'Lets it go on.', 'run'),
  post('/api/flows/{id}/run-again', 'flows.runAgain', 'Begins it again, from a step or from the start.', 'run'),
  post('/api/flows/{id}/answer', 'flows.answer', 'Answers a question of it.', 'answer'),
  get('/api/questions', 'flows.questions', 'Lists the open questions of flows.', { pagedBy: 'id' }),
  get('/api/schedules', 'schedules.list', 'Lists the schedules, with what comes next.', { may: 'see' }),
  post('/api/schedules/{name}/fire', 'schedules.fire', 'Publishes its event once more, now.', 'run'),
  get('/api/delayed', 'schedules.delayed', 'Lists the messages that come later, the next first.', { pages: true }),
  get('/api/tokens', 'tokens.list', 'Lists the tokens of people and programs, without the tokens.', {
    may: 'settings',
  }),
  post('/api/tokens', 'tokens.make', 'Makes a token, which is shown this once.', 'settings'),
  post('/api/tokens/{name}/revoke', 'tokens.revoke', 'Ends a token.', 'settings'),
  get('/api/messages', 'messages.list', 'Lists messages of topics and channels, the newest first.', { pages: true }),
  get('/api/messages/{id}', 'messages.show', 'Finds a message by its id, with what became of it.'),
  get('/api/messages/{id}/receipt', 'messages.receipt', 'Makes out its receipt: what is on record about it.'),
  get('/api/messages/{id}/story', 'messages.story', 'Lists all messages of its flow.', { pages: true }),
] as const satisfies readonly CalledRoute[]

export const peopleRoutes: Group = { mounted: false, routes: called.map(calledRoute) }

/** A row keeps the texts of its path and its function as types: the client of the page is typed by them. */
interface Row<Method extends string, Path extends string, Calls extends string>
  extends Pick<CalledRoute, 'may' | 'does'> {
  readonly method: Method
  readonly path: Path
  readonly calls: Calls
}

type Reads = Partial<Pick<CalledRoute, 'may' | 'pagedBy' | 'pages' | 'one'>>

function get<const Path extends string, const Calls extends CalledRoute['calls'], const More extends Reads = object>(
  path: Path,
  calls: Calls,
  does: string,
  more?: More,
) {
  const row: Row<'GET', Path, Calls> = { method: 'GET', path, calls, may: more?.may ?? 'see-data', does }
  return { ...row, ...more } as typeof row & Omit<More, 'may'>
}

function post<const Path extends string, const Calls extends CalledRoute['calls']>(
  path: Path,
  calls: Calls,
  does: string,
  may: CalledRoute['may'],
): Row<'POST', Path, Calls> {
  return { method: 'POST', path, calls, may, does }
}
