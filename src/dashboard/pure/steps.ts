// The steps of a flow in words, and as bars on a line of time.
import type { FlowStep } from '../../operate/flows.ts'

const kindWords: Readonly<Record<string, string>> = {
  call: 'the reply to the command',
  send: 'the command',
  publish: 'the event',
  wait: 'the event',
  sleep: 'a time',
  ask: 'an answer to',
  flow: 'the flow of',
  continue: 'continues as a flow of',
  value: 'a value of its code',
  version: 'a version of its code',
  'no return': 'its point of no return',
}

/** "the reply to the command charge", "an answer to Approve the order?". */
export function stepText({ kind, what }: Pick<FlowStep, 'kind' | 'what'>): string {
  const word = kindWords[kind] ?? kind
  return what === '' ? word : `${word} ${what}`
}

/** The steps that have not ended. */
export function waitsFor(steps: readonly FlowStep[]): FlowStep[] {
  return steps.filter(({ state }) => state === 'running')
}

/** Where a step is between two times, in hundredths. A step that took no time is still to be seen. */
export function barOf(
  { beganAt, endedAt }: Pick<FlowStep, 'beganAt' | 'endedAt'>,
  from: number,
  to: number,
): { readonly x: number; readonly width: number } {
  const whole = Math.max(1, to - from)
  const at = (time: number) => Math.min(100, Math.max(0, ((time - from) / whole) * 100))
  const width = Math.max(1, at(endedAt ?? to) - at(beganAt))
  return { x: Math.min(at(beganAt), 100 - width), width }
}
