import { postgresCases } from './postgres-cases.ts'
import type { Scale } from './scale.ts'
import type { Figures, FlowLoad, Load, Task } from './task.ts'

/** How much longer a route warms up, which has more code to be compiled than a publish. */
const routeWarms = 6

/** A run that leaves a log in its folder for the runs of a case; made once for all cases that name it. */
export interface Preparation {
  name: string
  task: Task
}

/** A run of a case: in an empty folder, on the prepared log itself, or on a copy of it as it was left. */
export interface Run {
  task: Task
  on?: 'prepared' | 'copy'
}

/** Who is measured in a case; `base` is Millrace under the usual circumstances. */
export type Column = 'millrace' | 'base' | 'raw' | 'rawShape'

/** What the runs of a case found: medians over its rounds. Who failed or was not run is missing. */
export interface Found {
  columns: Partial<Record<Column | 'prepared', Figures>>
  peers: ReadonlyMap<string, Figures>
}

/** A figure of a case; the value is undefined when the run it needs has failed. */
export interface Line {
  name: string
  unit: '/s' | 'ms' | 'MB' | 'B' | 'ratio' | 'count'
  value: (found: Found) => number | undefined
  /** The figure of the peers that it is compared with; for a rate `perSecond`, when nothing is said. */
  peer?: string
}

/** A case is a value: which runs it needs, interleaved in rounds, and which figures come out. */
export interface Case {
  /** The server that its runs and its peers need; none when it is left out. */
  server?: 'postgres'
  rounds: number
  prepare?: Preparation
  runs: Partial<Record<Column, Run>>
  /** What the peers do when they take part; those that conduct flows do `peerFlows`. */
  peerLoad?: Load
  peerFlows?: FlowLoad
  lines: Line[]
}

const usual: Load = { work: 'handle', inFlight: 1000, contexts: 1000, processors: 1 }

/** The table of all cases at a scale. */
export function casesAt(scale: Scale): Case[] {
  const { rounds, warmMs, measureMs } = scale
  const span = { warmMs, measureMs }
  const millrace = (load: Load): Run => ({ task: { by: 'millrace', ...load, ...span } })
  const raw = (load: Load): Run => ({ task: { by: 'raw', ...load, ...span } })

  const rate = (name: string, load: Load, withPeers = false): Case => ({
    rounds,
    runs: { raw: raw({ ...load, work: 'publish' }), millrace: millrace(load), rawShape: raw(load) },
    ...(withPeers && { peerLoad: load }),
    lines: [{ name, unit: '/s', value: ({ columns }) => columns.millrace?.['perSecond'] }],
  })

  const publishes: Load = { ...usual, work: 'publish' }
  const publishMany = (name: string, inFlight: number): Case => ({
    rounds,
    runs: {
      raw: raw(publishes),
      millrace: { task: { by: 'publish.many', entries: publishes.inFlight, inFlight, ...span } },
      rawShape: raw(publishes),
    },
    peerLoad: publishes,
    lines: [{ name, unit: '/s', value: ({ columns }) => columns.millrace?.['perSecond'] }],
  })

  const latency = (perSecond: 1 | 100 | 1000): Case => {
    const line = (suffix: string, figure: string): Line => ({
      name: `latency.${perSecond}.${suffix}`,
      unit: 'ms',
      value: ({ columns }) => columns.millrace?.[figure],
    })
    return {
      rounds: perSecond === 1 ? 1 : rounds,
      runs: { millrace: { task: { by: 'latency', perSecond, warmMs, measureMs: scale.latencyMs[perSecond] } } },
      lines: [
        line('p50', 'p50Ms'),
        line('p99', 'p99Ms'),
        ...(perSecond === 1000 ? [line('loop.p99', 'loopP99Ms')] : []),
      ],
    }
  }

  const relative = (name: string, changed: Run, prepare?: Preparation): Case => ({
    rounds: scale.relativeRounds,
    ...(prepare && { prepare }),
    runs: { base: millrace(usual), millrace: changed },
    lines: [{ name, unit: 'ratio', value: ({ columns }) => quotient(columns.millrace, columns.base, 'perSecond') }],
  })

  /** Two runs that hardly differ. */
  const paired = (name: string, base: Run, changed: Run): Case => ({
    rounds: scale.pairRounds,
    runs: { base, millrace: changed },
    lines: [{ name, unit: 'ratio', value: ({ columns }) => quotient(columns.millrace, columns.base, 'perSecond') }],
  })
  const otelOff = paired('otel.off', millrace({ ...usual, telemetry: false }), millrace(usual))

  // A dashboard is told once a second: the runs last some seconds.
  const longer = (load: Load): Run => ({ task: { by: 'millrace', ...load, warmMs, measureMs: 3 * measureMs } })
  const dashboards = paired('dashboard.cost', longer(usual), longer({ ...usual, dashboards: 3 }))

  const history = (suffix: string, prepare: Preparation): Case =>
    relative(`history.${suffix}`, { ...millrace(usual), on: 'prepared' }, prepare)

  const memory = (suffix: string, prepare: Preparation): Case => ({
    rounds: 0,
    prepare,
    runs: {},
    lines: [
      { name: `memory.peak${suffix}`, unit: 'MB', value: ({ columns }) => columns.prepared?.['peakMb'] },
      { name: `memory.growth${suffix}`, unit: 'ratio', value: ({ columns }) => columns.prepared?.['growth'] },
    ],
  })

  const deliver: Case = {
    rounds,
    runs: { millrace: { task: { by: 'deliver', inFlight: 64, ...span } } },
    lines: [{ name: 'deliver', unit: '/s', value: ({ columns }) => columns.millrace?.['perSecond'] }],
  }

  const cpu = (threads: number): Run => ({ task: { by: 'cpu', threads, ...span } })
  const scaleCpu: Case = {
    rounds: scale.relativeRounds,
    runs: { base: cpu(1), millrace: cpu(2) },
    lines: [
      {
        name: 'scale.cpu',
        unit: 'ratio',
        value: ({ columns }) => quotient(columns.millrace, columns.base, 'perSecond'),
      },
    ],
  }

  const held = (suffix: string, lanes: number): Case => {
    const prepare: Preparation = { name: `${lanes} held`, task: { by: 'hold', held: lanes, processors: 1 } }
    const rated = relative(`held.${suffix}`, { ...millrace(usual), on: 'prepared' }, prepare)
    const line = (figure: string, unit: Line['unit'], key: string): Line => ({
      name: `held.${suffix}.${figure}`,
      unit,
      value: ({ columns }) => columns.millrace?.[key],
    })
    return { ...rated, lines: [...rated.lines, line('start', 'ms', 'startedMs'), line('peak', 'MB', 'peakMb')] }
  }

  const many = { held: scale.millionEvents, processors: 4 }
  const deskLine = (suffix: string, figure: string, unit: Line['unit'] = 'ms'): Line => ({
    name: `desk.list.1m${suffix}`,
    unit,
    value: ({ columns }) => columns.millrace?.[figure],
  })
  const desk: Case = {
    rounds,
    prepare: { name: 'many held', task: { by: 'hold', ...many } },
    runs: { millrace: { task: { by: 'desk', ...many }, on: 'prepared' } },
    lines: [
      deskLine('', 'listP50Ms'),
      deskLine('.max', 'listMaxMs'),
      deskLine('.groups', 'groupsP50Ms'),
      deskLine('.groups.max', 'groupsMaxMs'),
      deskLine('.counts', 'countsP50Ms'),
      deskLine('.counts.max', 'countsMaxMs'),
      deskLine('.start', 'startedMs'),
      deskLine('.peak', 'peakMb', 'MB'),
    ],
  }

  const drain: Case = {
    rounds: 1,
    runs: {
      millrace: { task: { by: 'drain', events: scale.lineEvents, msPerEvent: 5 } },
      raw: raw({ ...usual, work: 'publish', inFlight: 1 }),
    },
    lines: [
      { name: 'drain.100k', unit: '/s', value: ({ columns }) => columns.millrace?.['perSecond'] },
      { name: 'drain.100k.time', unit: 'ms', value: ({ columns }) => columns.millrace?.['drainedMs'] },
    ],
  }

  /** The same task by a mediator and as a chain of processors that send each other on. */
  const flows = (name: string, load: FlowLoad, withPeers = true): Case => {
    const line = (suffix: string, unit: Line['unit'], figure: string): Line => ({
      name: `flow.${name}${suffix}`,
      unit,
      value: ({ columns }) => columns.millrace?.[figure],
      ...(withPeers && { peer: figure }),
    })
    const alone = load.inFlight === 1
    const main = alone ? line('', 'ms', 'p50Ms') : line('', '/s', 'perSecond')
    return {
      rounds,
      runs: { millrace: { task: { by: 'flow', ...load, ...span } } },
      ...(withPeers && { peerFlows: load }),
      lines: [
        main,
        ...(alone ? [] : [line('.p50', 'ms', 'p50Ms')]),
        line('.p99', 'ms', 'p99Ms'),
        { name: `flow.${name}.syncs`, unit: 'count', value: ({ columns }) => columns.millrace?.['syncsPerThousand'] },
      ],
    }
  }
  const manyFlows = ([1, 3, 9] as const).flatMap((steps) => [
    flows(`${steps}.seq`, { steps, inFlight: 1 }),
    flows(`${steps}.100`, { steps, inFlight: 100 }),
    flows(`${steps}.1000`, { steps, inFlight: 1_000 }),
  ])
  const chained: Case = {
    rounds: scale.relativeRounds,
    runs: {
      base: { task: { by: 'chain', steps: 3, inFlight: 100, ...span } },
      millrace: { task: { by: 'flow', steps: 3, inFlight: 100, ...span } },
    },
    lines: [
      {
        name: 'flow.chain',
        unit: 'ratio',
        value: ({ columns }) => quotient(columns.millrace, columns.base, 'perSecond'),
      },
      { name: 'flow.bytes', unit: 'B', value: ({ columns }) => columns.millrace?.['journalBytes'] },
      { name: 'flow.bytes.entries', unit: 'count', value: ({ columns }) => columns.millrace?.['journalEntries'] },
    ],
  }
  const figure = (name: string, unit: Line['unit'], key: string): Line => ({
    name,
    unit,
    value: ({ columns }) => columns.millrace?.[key],
  })
  const waitingFlows: Case = {
    rounds: 1,
    runs: { millrace: { task: { by: 'flows.wait', flows: scale.waitingFlows } } },
    lines: [figure('flow.memory.100k', 'B', 'bytesPerFlow'), figure('flow.memory.100k.peak', 'MB', 'peakMb')],
  }
  const recovered: Case = {
    rounds,
    prepare: { name: 'stranded flows', task: { by: 'flows.strand', flows: scale.strandedFlows } },
    runs: { millrace: { task: { by: 'flows.recover', flows: scale.strandedFlows }, on: 'copy' } },
    lines: [figure('flow.recover.10k', 'ms', 'recoveredMs'), figure('flow.recover.10k.start', 'ms', 'startedMs')],
  }
  const long: Case = {
    rounds,
    runs: { millrace: { task: { by: 'flow.long', steps: scale.longSteps } } },
    lines: [figure('flow.long', 'ratio', 'growth')],
  }
  const warmer = { ...span, warmMs: routeWarms * warmMs }
  const routed = (inFlight: number): Case => ({
    rounds: scale.relativeRounds,
    runs: {
      base: { task: { by: 'route', routed: false, inFlight, ...warmer } },
      millrace: { task: { by: 'route', routed: true, inFlight, ...warmer } },
    },
    lines: [
      {
        // What a route costs beside the publish of its event, by what a publish costs.
        name: 'route',
        unit: 'ratio',
        value: ({ columns: { millrace, base } }) => millrace && base && base['perSecond']! / millrace['perSecond']! - 1,
      },
      figure('route.rate', '/s', 'perSecond'),
    ],
  })
  const requests: Case = {
    rounds,
    runs: { millrace: { task: { by: 'request', inFlight: 1, ...span } } },
    lines: [figure('request.p50', 'ms', 'p50Ms'), figure('request.p99', 'ms', 'p99Ms')],
  }
  const requestsAtOnce: Case = {
    rounds,
    runs: { millrace: { task: { by: 'request', inFlight: 100, ...span } } },
    lines: [figure('request.100', '/s', 'perSecond'), figure('request.100.p99', 'ms', 'p99Ms')],
  }

  const edgeEvents = (server: 'millrace' | 'hono'): Run => ({
    task: { by: 'edge.events', server, inFlight: 64, ...warmer },
  })
  const gateway: Case = {
    rounds: scale.relativeRounds,
    runs: { base: edgeEvents('hono'), millrace: edgeEvents('millrace') },
    lines: [
      {
        name: 'gateway.202',
        unit: 'ratio',
        value: ({ columns }) => quotient(columns.millrace, columns.base, 'perSecond'),
      },
      figure('gateway.202.rate', '/s', 'perSecond'),
      figure('gateway.202.p50', 'ms', 'p50Ms'),
      figure('gateway.202.p99', 'ms', 'p99Ms'),
    ],
  }
  const requestsOverHttp: Case = {
    rounds,
    runs: { millrace: { task: { by: 'edge.requests', ...warmer } } },
    lines: [figure('request.http.p50', 'ms', 'p50Ms'), figure('request.http.p99', 'ms', 'p99Ms')],
  }
  const listeners: Case = {
    rounds: 1,
    runs: { millrace: { task: { by: 'edge.listeners', listeners: scale.listeners } } },
    lines: [
      figure('sse.10k', 'MB', 'growthMb'),
      figure('sse.10k.listener', 'B', 'bytesPerListener'),
      figure('sse.10k.reach', 'ms', 'reachMs'),
    ],
  }

  const filled = (events: number): Preparation => ({ name: `${events} handled`, task: { by: 'fill', events } })
  const million = filled(scale.millionEvents)
  const waiting: Preparation = { name: 'waiting', task: { by: 'strand', events: scale.millionEvents } }
  const tenMillion = scale.tenMillionEvents === null ? null : filled(scale.tenMillionEvents)

  return [
    rate('publish.1', { ...usual, work: 'publish', inFlight: 1 }),
    rate('publish.32', { ...usual, work: 'publish', inFlight: 32 }),
    rate('publish.1000', { ...usual, work: 'publish' }, true),
    deliver,
    publishMany('publish.many', 4),
    publishMany('publish.many.1', 1),
    rate('handle.norow.32', { ...usual, inFlight: 32 }),
    rate('handle.norow.1000', usual, true),
    rate('handle.row.1000', { ...usual, work: 'row' }, true),
    rate('handle.fanout10', { ...usual, processors: 10 }),
    latency(1),
    latency(100),
    latency(1000),
    scaleCpu,
    relative('finder.cost', millrace({ ...usual, finder: true })),
    otelOff,
    dashboards,
    relative('contexts.100k', millrace({ ...usual, contexts: 100_000 })),
    held('1k', 1_000),
    held('100k', scale.manyLanes),
    relative('retry.1pct', millrace({ ...usual, failing: 0.01 })),
    relative('retry.10pct', millrace({ ...usual, failing: 0.1 })),
    drain,
    desk,
    history('1m', million),
    memory('', million),
    {
      rounds,
      prepare: waiting,
      runs: { millrace: { task: { by: 'restart' }, on: 'copy' } },
      lines: [
        { name: 'restart.1m', unit: 'ms', value: ({ columns }) => columns.millrace?.['fromProcessMs'] },
        { name: 'restart.1m.start', unit: 'ms', value: ({ columns }) => columns.millrace?.['fromStartMs'] },
      ],
    },
    {
      rounds,
      runs: { millrace: { task: { by: 'deploy' } } },
      lines: [{ name: 'deploy.gap', unit: 'ms', value: ({ columns }) => columns.millrace?.['gapMs'] }],
    },
    {
      rounds: 1,
      runs: { millrace: { task: { by: 'timers', events: scale.millionEvents } } },
      lines: [
        { name: 'timers.1m', unit: 'MB', value: ({ columns }) => columns.millrace?.['growthMb'] },
        { name: 'timers.1m.set', unit: '/s', value: ({ columns }) => columns.millrace?.['setPerSecond'] },
        { name: 'timers.1m.fire', unit: '/s', value: ({ columns }) => columns.millrace?.['firePerSecond'] },
      ],
    },
    ...manyFlows,
    flows('wide1000', { steps: 1_000, wide: true, inFlight: 1 }, false),
    chained,
    long,
    waitingFlows,
    recovered,
    routed(1_000),
    requests,
    requestsAtOnce,
    gateway,
    requestsOverHttp,
    listeners,
    ...postgresCases(scale),
    ...(tenMillion ? [history('10m', tenMillion), memory('.10m', tenMillion)] : []),
  ]
}

export function quotient(above: Figures | undefined, below: Figures | undefined, figure: string): number | undefined {
  return above && below && above[figure]! / below[figure]!
}

/** Whether a name is the pattern or lies below it: `latency.1` takes `latency.1.p50`, and not `latency.100.p50`. */
export function isBelow(pattern: string): (line: Line) => boolean {
  return ({ name }) => name === pattern || name.startsWith(`${pattern}.`)
}

/** The cases that have a line below one of the patterns, with those lines alone; all when there is no pattern. */
export function only(cases: readonly Case[], patterns: readonly string[]): Case[] {
  if (patterns.length === 0) return [...cases]
  const wanted = (line: Line) => patterns.some((pattern) => isBelow(pattern)(line))
  return cases.map((each) => ({ ...each, lines: each.lines.filter(wanted) })).filter((each) => each.lines.length > 0)
}
