// Reads of the store that take time, as those of a store elsewhere do: what they give may be old when it arrives, and
// of two the second may answer first.
import type { FlowStore } from '../seam/flows.ts'
import type { Store } from '../seam/store.ts'

/** Lets every read of a store answer later. `pause` gives how much later, before the read and after it. */
export function withSlowReads(store: Store, pause: () => Promise<void>): Store {
  const deskReads = { value: slow(store.deskReads, pause) }
  const flowReads = { value: slow(store.flowReads, pause) }
  // The tables of the flows come with the opening of the store.
  const flowsOf = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(store), 'flows')!.get!
  const flows = { get: () => slow(flowsOf.call(store) as FlowStore, pause, promised) }
  return Object.defineProperties(store, { deskReads, flowReads, flows })
}

/** The reads of the engine that are promises. */
const promised: readonly PropertyKey[] = ['asleep', 'takeUp', 'underWayByMediator', 'withdrawn']

function slow<T extends object>(facet: T, pause: () => Promise<void>, names?: readonly PropertyKey[]): T {
  return new Proxy(facet, {
    get(target, name) {
      const read: unknown = Reflect.get(target, name)
      if (typeof read !== 'function') return read
      if (names !== undefined && !names.includes(name)) return read.bind(target)
      return async (...given: unknown[]) => {
        await pause()
        try {
          return await read.apply(target, given)
        } finally {
          await pause()
        }
      }
    },
  })
}
