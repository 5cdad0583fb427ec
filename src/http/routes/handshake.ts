// The handshake of CloudEvents webhooks: a sender that would push events asks first whether it may, and how often. The
// answer says so for the origins that an option names; for others it is that of a plain OPTIONS.
// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/http-webhook.md#4-abuse-protection
import { fault } from '../../model/errors.ts'
import type { Answer, Call, Group } from '../route.ts'

export const handshakeRoutes: Group = {
  mounted: true,
  routes: [
    {
      method: 'OPTIONS',
      path: '/events/{topic}',
      may: 'anyone',
      does: 'Answers a system that asks whether it may send events as webhooks: CloudEvents, HTTP webhooks.',
      headers: {
        'WebHook-Request-Origin': { is: 'The name of that system: a host.' },
        'WebHook-Request-Rate': { is: 'The requests a minute that it would send.' },
      },
      answers: {
        200: { is: '`Allow`; and `WebHook-Allowed-Origin` and `-Rate` where `webhookOrigins` has its name.' },
      },
      run: answer,
    },
  ],
}

const allow = 'GET, HEAD, OPTIONS, POST'

function answer({ request, webhookOrigins, limits }: Call): Answer {
  const origin = request.headers.get('webhook-request-origin')
  const rate = request.headers.get('webhook-request-rate')
  if (rate !== null && rate !== '*' && !/^[1-9]\d{0,9}$/.test(rate)) {
    throw fault('millrace/bad-request', 'WebHook-Request-Rate must be a whole number of requests a minute, or *')
  }
  if (origin === null || !isAllowed(origin, webhookOrigins)) return { status: 200, headers: { allow } }
  const most = limits.requestsPerMinute
  const allowed = { 'webhook-allowed-origin': origin, 'webhook-allowed-rate': most === 0 ? '*' : String(most) }
  return { status: 200, headers: { allow, ...allowed } }
}

function isAllowed(origin: string, origins: readonly string[]): boolean {
  return /^[\x21-\x7e]{1,255}$/.test(origin) && (origins.includes('*') || origins.includes(origin.toLowerCase()))
}
