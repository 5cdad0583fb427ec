import type { Stored } from '../../model/codec.ts'
import type { Appended } from '../../seam/log.ts'

/**
 * Gives messages the positions that the store has returned: the one place where they get one. Returns whether each of them
 * has one now.
 */
export function setPositions(messages: readonly Stored[], appended: readonly Appended[]): boolean {
  let all = true
  for (let index = 0; index < messages.length; index++) {
    const position = appended[index]!
    if (typeof position === 'number' && position > 0) messages[index]!.position = position
    else all = false
  }
  return all
}
