import type { Stored } from '../model/codec.ts'
import type { MessageType } from '../model/message.ts'
import type { Metrics } from '../model/metrics.ts'
import type { RequestState } from '../model/requests.ts'
import type { Desk } from '../operate/desk.ts'
import type { FlowDesk } from '../operate/flows.ts'
import type { Messages } from '../operate/messages.ts'
import type { Processors } from '../operate/processors.ts'
import type { Publishes } from '../operate/publish.ts'
import type { Schedules } from '../operate/schedules.ts'
import type { Tokens } from '../operate/tokens.ts'

/** An app, as an HTTP edge serves it: every app that {@link app} makes is one. */
export interface Served extends Publishes {
  /** Its version; undefined where it says none. */
  readonly version: string | undefined
  readonly desk: Desk
  readonly processors: Processors
  readonly flows: FlowDesk
  readonly messages: Messages
  readonly schedules: Schedules
  readonly tokens: Tokens
  health(): { readonly status: 'green' | 'red'; readonly reasons: readonly string[] }
  metrics(): Promise<Metrics>
  requestStatus(id: string): Promise<Requested | undefined>
  tail(accepting: (message: Stored) => void): () => void
  cancel(type: MessageType, id: string): Promise<boolean>
}

/** The state of a request, as the app tells it. */
export interface Requested {
  readonly id: string
  readonly command: string
  readonly state: RequestState
  readonly reply?: unknown
  readonly refusal?: { readonly message: string; readonly data?: unknown } | undefined
  readonly reason?: string | undefined
}
