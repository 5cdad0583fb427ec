/** Work that is the same for everybody who is measured. */
export interface Load {
  /** `publish` only; `handle` and acknowledge too; `row`: handle, and each handler writes one row. */
  work: 'publish' | 'handle' | 'row'
  inFlight: number
  contexts: number
  /** Processors on the topic, each of which handles every event. */
  processors: number
  /** The share of the events whose first attempt fails; none when it is left out. */
  failing?: number
  /** With an index of the causes and words of all messages, made beside the work. */
  finder?: boolean
  /** False for `app({ telemetry: false })`. */
  telemetry?: boolean
  /** So many dashboards that are open beside the work. */
  dashboards?: number
}

/** Calls of `publishMany` with so many entries each, so many of them at once. */
export interface ManyLoad {
  entries: number
  inFlight: number
}

/** What is at the desk: so many held messages, each the head of a lane of its own, of so many processors. */
export interface Held {
  held: number
  processors: number
}

/** Flows of so many commands, one after the other or all at once, with so many flows at once. */
export interface FlowLoad {
  steps: number
  wide?: boolean
  inFlight: number
}

/** Other work in the database during a run. */
export interface PostgresLoad {
  /** Transactions that have written and stay open. */
  open?: number
}

/** How long a measured run warms up, which is not counted, and how long it publishes after that. */
export interface Span {
  warmMs: number
  measureMs: number
}

/** One measured run, a value that travels to a child process as JSON. */
export type Task =
  | ({ by: 'raw' | 'millrace' | 'plainjob' } & Load & Span)
  | ({ by: 'bullmq'; port: number } & Load & Span)
  | ({ by: 'latency'; perSecond: number } & Span)
  | ({ by: 'hold' } & Held)
  | ({ by: 'desk' } & Held)
  | { by: 'drain'; events: number; msPerEvent: number }
  | { by: 'fill'; events: number }
  | { by: 'strand'; events: number }
  | ({ by: 'flow' | 'chain' | 'openworkflow' } & FlowLoad & Span)
  | ({ by: 'restate'; program: string } & FlowLoad & Span)
  | ({ by: 'request'; inFlight: number } & Span)
  | ({ by: 'route'; routed: boolean; inFlight: number } & Span)
  | { by: 'flows.wait' | 'flows.strand' | 'flows.recover'; flows: number }
  | { by: 'flow.long'; steps: number }
  | ({ by: 'publish.many' } & ManyLoad & Span)
  | ({ by: 'deliver'; inFlight: number } & Span)
  | ({ by: 'edge.events'; server: 'millrace' | 'hono'; inFlight: number } & Span)
  | ({ by: 'edge.requests' } & Span)
  | { by: 'edge.listeners'; listeners: number }
  | { by: 'deploy' }
  | ({ by: 'cpu'; threads: number } & Span)
  | { by: 'restart' }
  | ({ by: 'postgres' | 'postgres.raw' | 'pg-boss' | 'graphile-worker' } & Load & PostgresLoad & Span)
  | ({ by: 'postgres.flow' | 'dbos' } & FlowLoad & Span)
  | ({ by: 'postgres.latency'; perSecond: number } & Span)
  | ({ by: 'postgres.shared'; ours: boolean; theirs: boolean } & Span)
  | { by: 'postgres.idle'; measureMs: number }
  | { by: 'timers'; events: number }

/** What a run found, by name; the unit is in the name. */
export type Figures = Record<string, number>
