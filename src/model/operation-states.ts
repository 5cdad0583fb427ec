// The states of an operation on many held messages. Its selection is frozen when it is made.
//
//   prepared ──a person──→ running ──all dealt with──→ done
//      │                   │ ↑ ├─ so many failures ──→ stopped ──a person──→ running
//      │                   │ │ └─ one first ──→ trying ──it is handled──→ running
//      │                   │ │                    └─ it is held again, or was not possible ──→ failed
//      └─ its time is over ──→ expired
//   prepared, running, trying, stopped ──a person──→ aborted
//
// Invariants: nothing is done while it is prepared, stopped, or has ended. Each message is acted on at most once, and
// that is counted in the same commit. With `stopAfter` at most so many fail between two runs: no message begins where
// those that failed and those under way are that many. With `perSecond` at most so many lanes begin in each second, also
// across a restart: the time of the next one is in the commit that begins a lane.

/**
 * The state of an operation. `prepared`: waits to be run; `trying`: the first message has not ended; `stopped`: so many
 * failed, and it can be run again; `failed`: the first was held again, and the others were left as they are; `aborted`: a
 * person ended it; `expired`: it was prepared and not run in time.
 */
export type OperationState = 'prepared' | 'running' | 'trying' | 'stopped' | 'done' | 'failed' | 'aborted' | 'expired'

const arrows: Readonly<Record<OperationState, readonly OperationState[]>> = {
  prepared: ['running', 'aborted', 'expired'],
  running: ['trying', 'stopped', 'done', 'aborted'],
  trying: ['running', 'failed', 'aborted'],
  stopped: ['running', 'aborted'],
  done: [],
  failed: [],
  aborted: [],
  expired: [],
}

/** Whether an operation is carried out, or about to be. */
export const isUnderWay = (state: OperationState): boolean => state === 'running' || state === 'trying'

/** Whether an operation may change from one state to another. */
export const mayBecome = (from: OperationState, to: OperationState): boolean => arrows[from].includes(to)

/** Asserts that an operation may change so. A failure is a mistake of the engine itself. */
export function assertBecomes(from: OperationState, to: OperationState): void {
  if (!mayBecome(from, to)) throw new Error(`an operation is ${from} and cannot become ${to}`)
}
