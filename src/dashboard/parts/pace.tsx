// How fast an operation acts, and when it stops.
import { type Signal, useSignal } from '@preact/signals'

export interface Pace {
  readonly perSecond: Signal<string>
  readonly stopAfter: Signal<string>
}

export function usePace(): Pace {
  return { perSecond: useSignal(''), stopAfter: useSignal('') }
}

/** As an operation takes it. */
export function paceOf({ perSecond, stopAfter }: Pace) {
  const number = (text: string) => (text.trim() === '' ? undefined : Number(text))
  return { perSecond: number(perSecond.value), stopAfter: number(stopAfter.value) }
}

export function PaceFields({ pace: { perSecond, stopAfter } }: { readonly pace: Pace }) {
  return (
    <>
      <label for="pace">
        At most so many lines a second <span class="muted">(optional)</span>
      </label>
      <input
        id="pace"
        type="number"
        min="1"
        max="1000"
        value={perSecond.value}
        onInput={(event) => (perSecond.value = event.currentTarget.value)}
      />
      <label for="stop">
        Stop after so many failures <span class="muted">(optional)</span>
      </label>
      <input
        id="stop"
        type="number"
        min="1"
        max="10000"
        value={stopAfter.value}
        onInput={(event) => (stopAfter.value = event.currentTarget.value)}
      />
    </>
  )
}
