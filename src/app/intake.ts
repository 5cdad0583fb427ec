// The way in for messages that another system has made. An HTTP edge uses it.

import type { Elsewhere } from '../model/elsewhere.ts'
import { fault } from '../model/errors.ts'
import type { MessageType } from '../model/message.ts'
import type { Accepted } from '../model/publish.ts'

interface Intake {
  takeIn(type: MessageType, data: unknown, from: Elsewhere): Promise<Accepted>
}

/** Returns the intake of the run; throws while the app does not run. */
type IntakeOf = () => Intake

const intakes = new WeakMap<object, IntakeOf>()

/** Says how messages come into an app. */
export function openIntake(app: object, intake: IntakeOf): void {
  intakes.set(app, intake)
}

/**
 * Accepts a message that another system has made. Its identity is its source with its id: again with both it adds
 * nothing while the log keeps it, with other data it is a conflict.
 *
 * @returns its id once it is on disk, with `duplicate` where it was there before
 * @throws as `app.publish`; `millrace/bad-attributes`
 */
export async function takeIn(app: object, type: MessageType, data: unknown, from: Elsewhere): Promise<Accepted> {
  const intake = intakes.get(app)
  if (intake === undefined) throw fault('millrace/bad-option', 'messages are taken in by an app, made by app(…)')
  return intake().takeIn(type, data, from)
}
