// The facets of the state of a store.
import type { State, StateNeeds } from './state.ts'

/** What a facet answers that is not built yet. */
const missing = (name: string): never => {
  throw new Error(`${name} is not built yet on PostgreSQL`)
}

/** Reads that find nothing where nothing can be written. */
const empty: readonly string[] = [
  ...['heads', 'lanes', 'list', 'open', 'paused', 'concurrencies', 'untold', 'withdrawn', 'underWay'],
  ...['underWayByMediator', 'waiting', 'due', 'asleep', 'rows', 'heldGroups', 'kept', 'processors', 'expire'],
]

/** A facet none of whose methods is built yet. */
const unbuilt = <Facet extends object>(name: string): Facet =>
  new Proxy((() => {}) as unknown as Facet, {
    get: (_, method) =>
      method === 'then'
        ? undefined
        : method === 'expire'
          ? async () => undefined
          : unbuilt(`${name}.${String(method)}`),
    apply: async () => {
      if (empty.includes(name.split('.').at(-1)!)) return []
      return name.includes('forget') ? 0 : missing(name)
    },
  })

export function stateTables(_: StateNeeds): State {
  return {
    facets: {
      desk: unbuilt('desk'),
      deskReads: unbuilt('deskReads'),
      operations: unbuilt('operations'),
      pendingActions: unbuilt('pendingActions'),
      processors: unbuilt('processors'),
      flows: unbuilt('flows'),
      flowReads: unbuilt('flowReads'),
      messageReads: unbuilt('messageReads'),
      finder: unbuilt('finder'),
      requests: unbuilt('requests'),
      schedules: unbuilt('schedules'),
      alerts: unbuilt('alerts'),
    },
    timers: {
      cancel: async () => missing('cancel'),
      keep: async () => missing('keep'),
      write: async () => missing('timers'),
      pending: async () => undefined,
      nextDue: async () => undefined,
    },
    desk: { write: async () => missing('desk'), lastNumber: async () => 0 },
    requests: {
      conflicts: async () => missing('requests'),
      ask: async () => missing('requests'),
      write: async () => missing('requests'),
    },
    flows: {
      write: async () => missing('flows'),
      found: async () => ({ last: { flow: 0, entry: 0, mail: 0 }, nextDue: null }),
    },
    names: { schedules: async () => [], rename: async () => missing('rename') },
    gathers: () => unbuilt('gathers'),
    takeBack: async () => missing('takeBack'),
  }
}
