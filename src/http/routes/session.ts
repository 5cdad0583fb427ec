import { fault } from '../../model/errors.ts'
import { permissionsOf, type Who } from '../../model/permissions.ts'
import { sessionHeader } from '../access/access.ts'
import type { Call, Group } from '../route.ts'

const me = { fields: { name: 'text', roles: 'list', may: 'list' }, needs: ['name', 'roles', 'may'] } as const

const described = (who: Who) => ({ name: who.name, roles: who.grants.map(({ role }) => role), may: permissionsOf(who) })

/** @throws `millrace/unknown-route` where a function of the user's decides: there are no sessions */
function ownOf({ own }: Call) {
  if (own === undefined) throw fault('millrace/unknown-route', 'this server has no sessions: its access is a function')
  return own
}

const isHttps = ({ request }: Call) =>
  new URL(request.url).protocol === 'https:' || request.headers.get('x-forwarded-proto') === 'https'

/** Who asks, and the sessions of browsers. */
export const sessionRoutes: Group = {
  mounted: false,
  routes: [
    {
      method: 'GET',
      path: '/api/me',
      may: 'anyone signed in',
      does: 'Tells who asks, and what they may do.',
      answers: { 200: { is: 'The name, the roles, and the permissions.', body: me } },
      run: ({ who }) => ({ status: 200, json: described(who!), headers: { 'cache-control': 'no-store' } }),
    },
    {
      method: 'POST',
      path: '/api/session',
      may: 'anyone',
      does: 'Begins the session of a browser, with a code that is used once, or with a token.',
      body: { fields: { code: 'text' }, needs: ['code'] },
      answers: { 200: { is: 'Who is signed in; the cookie carries the session.', body: me } },
      run: async (call) => {
        const { code } = call.given as { readonly code: string }
        const { session, who } = await ownOf(call).begin(call.request, code, call.from)
        const cookie = sessionHeader(session, { https: isHttps(call) })
        return { status: 200, json: described(who), headers: { 'set-cookie': cookie, 'cache-control': 'no-store' } }
      },
    },
    {
      method: 'DELETE',
      path: '/api/session',
      may: 'anyone signed in',
      does: 'Ends the session.',
      answers: { 204: { is: 'It has ended.' } },
      run: (call) => {
        ownOf(call).end(call.request)
        return { status: 204, headers: { 'cache-control': 'no-store' } }
      },
    },
  ],
}
