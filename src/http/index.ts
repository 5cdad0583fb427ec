// The exports of `millrace/http`: an app over HTTP. An app that does not use it loads none of it.

export type { AlertEnd, AlertEnded, AlertKind, AlertRaised, Finding } from '../model/alerts.ts'
export type { Grant, Permission, Role, Who } from '../model/permissions.ts'
export type { Hook, HookRequest, HookVerdict } from '../parts/hook.ts'
export type { Asks } from './access/asks.ts'
export { type AlertConditions, type AlertsOptions, alerts } from './alerts.ts'
export { type DeliverOptions, deliver } from './deliver.ts'
export type { EventForm } from './deliver-event.ts'
export { type Gateway, type GatewayOptions, gateway } from './gateway.ts'
export { type HookOptions, hook } from './hook.ts'
export type { Served } from './served.ts'
export {
  type GithubOptions,
  github,
  type Secrets,
  type SignedRequest,
  type StandardWebhooksOptions,
  standardWebhooks,
  type Verified,
  type Verifier,
} from './webhooks.ts'
