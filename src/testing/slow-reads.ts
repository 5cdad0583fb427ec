// Reads of the store that take time, as those of a store elsewhere do: their answers may be old when they arrive, and
// of two the second may answer first.
import type { FlowStore } from '../seam/flows.ts'
import type { Store } from '../seam/store.ts'

/** The facets whose reads take time: all of their methods, or those that are named. */
const slowOf: { readonly [F in keyof Store]?: 'all' | readonly (keyof Store[F])[] } = {
  desk: ['headOf', 'line', 'entry', 'askedEntry'],
  deskReads: 'all',
  flowReads: 'all',
  operations: ['list', 'open', 'outcome', 'refused', 'remaining', 'selected', 'firstSelected'],
  pendingActions: ['list'],
  processors: ['paused'],
  progress: ['rows'],
  requests: ['row'],
  schedules: 'all',
}

function slowFlows({ rows, times, mail, takeUp }: FlowStore, pause: () => Promise<void>): FlowStore {
  const ofRows = ['row', 'stateOf', 'journal', 'startedBy', 'hasOnce', 'next', 'hasEnd']
  return {
    rows: slow(rows, ofRows, pause),
    times: slow(times, 'all', pause),
    mail: slow(mail, ['next', 'underWay'], pause),
    takeUp: slow(takeUp, 'all', pause),
  }
}

/** Lets every read of a store answer later. `pause` takes that time, before the read and after it. */
export function withSlowReads(store: Store, pause: () => Promise<void>): Store {
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (name === 'flows') return slowFlows(value as FlowStore, pause)
      if (Object.hasOwn(slowOf, name)) return slow(value as object, slowOf[name as keyof typeof slowOf]!, pause)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

function slow<T extends object>(facet: T, reads: 'all' | readonly string[], pause: () => Promise<void>): T {
  return new Proxy(facet, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name)
      if (typeof method !== 'function') return method
      if (reads !== 'all' && !reads.includes(String(name))) return method.bind(target)
      return async (...given: unknown[]) => {
        await pause()
        try {
          return await method.apply(target, given)
        } finally {
          await pause()
        }
      }
    },
  })
}
