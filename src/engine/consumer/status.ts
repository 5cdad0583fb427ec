// The status of a processor.
//
//   running ⇄ paused          running, paused ──the run ends──→ stopped
import { type Arrows, assertArrow } from '../kit/arrows.ts'

export type Status = 'running' | 'paused' | 'stopped'

const arrows: Arrows<Status> = {
  running: ['paused', 'stopped'],
  paused: ['running', 'stopped'],
  stopped: [],
}

/** @throws where the one does not follow from the other */
export function next(from: Status, to: Status): Status {
  assertArrow('the processor', arrows, from, to)
  return to
}
