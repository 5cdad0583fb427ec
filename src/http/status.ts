// The one table of HTTP statuses. The class of an error says its status; the codes that are listed have another.
import { type ErrorCode, errors } from '../model/errors.ts'

const ofClass = {
  /** The declarations of the app do not fit together: nothing that a client can mend. */
  ConfigurationError: 500,
  DataError: 422,
  StateError: 409,
  StoreError: 503,
  HandlerError: 500,
  AccessError: 403,
} as const satisfies Record<(typeof errors)[ErrorCode]['class'], number>

const ofCode: Readonly<Partial<Record<ErrorCode, number>>> = {
  'millrace/bad-option': 400,
  'millrace/unknown-option': 400,
  'millrace/bad-request': 400,
  'millrace/bad-id': 400,
  'millrace/bad-attributes': 400,
  'millrace/bad-event': 400,
  'millrace/bad-time': 400,
  'millrace/bad-position': 400,
  'millrace/bad-value': 500,
  'millrace/two-statements': 500,
  'millrace/async-schema': 500,
  'millrace/unexpected': 500,
  'millrace/simulation-failed': 500,
  'millrace/simulation-stalled': 500,
  'millrace/not-deterministic': 500,
  'millrace/no-check': 500,
  'millrace/not-signed-in': 401,
  'millrace/bad-signature': 401,
  'millrace/refused': 422,
  'millrace/wrong-host': 421,
  'millrace/too-many-logins': 429,
  'millrace/sign-in-unreachable': 503,
  'millrace/unknown-route': 404,
  'millrace/page-not-built': 503,
  'millrace/type-without-topic': 422,
  'millrace/unknown-name': 404,
  'millrace/unknown-item': 404,
  'millrace/unknown-operation': 404,
  'millrace/unknown-processor': 404,
  'millrace/unknown-flow': 404,
  'millrace/unknown-step': 404,
  'millrace/unknown-part': 404,
  'millrace/unknown-request': 404,
  'millrace/wrong-method': 405,
  'millrace/wrong-verb': 409,
  'millrace/id-conflict': 409,
  'millrace/stale-revision': 412,
  'millrace/revision-missing': 428,
  'millrace/too-large': 413,
  'millrace/answer-too-large': 413,
  'millrace/wrong-media-type': 415,
  'millrace/not-started': 503,
  'millrace/stopping': 503,
  'millrace/too-many-pending': 503,
  'millrace/too-many-connections': 503,
  'millrace/too-many-listeners': 503,
  'millrace/no-answer': 503,
  'millrace/not-running': 503,
  'millrace/disconnected': 503,
  'millrace/backup-exists': 409,
  'millrace/stopped': 503,
  'millrace/withdrawn': 409,
  'millrace/deadline-passed': 409,
}

/** The status of an answer that is an error. */
export function statusOf(code: ErrorCode): number {
  return ofCode[code] ?? ofClass[errors[code].class]
}
