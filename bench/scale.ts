/** How much of everything a run does. */
export interface Scale {
  rounds: number
  /** Rounds of the cases whose figure is one rate by another, and so needs a steadier one. */
  relativeRounds: number
  /** Rounds of a case whose two runs hardly differ. */
  pairRounds: number
  warmMs: number
  measureMs: number
  /** Length of a latency run at 1, 100 and 1,000 events per second. */
  latencyMs: { 1: number; 100: number; 1000: number }
  /** Events that stand for the million in `history.1m`, `restart.1m`, `memory.*` and `desk.list.1m`. */
  millionEvents: number
  /** Lanes of `held.100k` and the length of the line of `drain.100k`. */
  manyLanes: number
  lineEvents: number
  /** Events of `history.10m`; null leaves it out. */
  tenMillionEvents: number | null
  /** Flows that wait in `flow.memory.100k`, that are gone on with in `flow.recover.10k`; steps of `flow.long`. */
  waitingFlows: number
  strandedFlows: number
  longSteps: number
  /** Listeners of `sse.10k`. */
  listeners: number
  /** Transactions that are open in `postgres.find.500`. */
  openTransactions: number
  /** Whether each measured run has a process of its own. */
  isolated: boolean
}

const standard: Scale = {
  rounds: 3,
  relativeRounds: 5,
  pairRounds: 9,
  warmMs: 500,
  measureMs: 1500,
  latencyMs: { 1: 20_000, 100: 8_000, 1000: 8_000 },
  millionEvents: 1_000_000,
  manyLanes: 100_000,
  lineEvents: 100_000,
  tenMillionEvents: null,
  waitingFlows: 100_000,
  strandedFlows: 10_000,
  longSteps: 10_000,
  listeners: 10_000,
  openTransactions: 500,
  isolated: true,
}

export type ScaleName = 'tiny' | 'quick' | 'standard' | 'full'

export const scales: Record<ScaleName, Scale> = {
  standard,
  full: { ...standard, tenMillionEvents: 10_000_000 },
  quick: {
    ...standard,
    rounds: 1,
    relativeRounds: 2,
    pairRounds: 2,
    warmMs: 150,
    measureMs: 400,
    latencyMs: { 1: 4_000, 100: 2_000, 1000: 2_000 },
    millionEvents: 100_000,
    lineEvents: 10_000,
    waitingFlows: 10_000,
    strandedFlows: 1_000,
    longSteps: 3_000,
    listeners: 1_000,
  },
  tiny: {
    rounds: 1,
    relativeRounds: 1,
    pairRounds: 1,
    warmMs: 10,
    measureMs: 30,
    latencyMs: { 1: 200, 100: 200, 1000: 200 },
    millionEvents: 2_000,
    manyLanes: 2_000,
    lineEvents: 100,
    tenMillionEvents: null,
    waitingFlows: 100,
    strandedFlows: 50,
    longSteps: 60,
    listeners: 50,
    openTransactions: 20,
    isolated: false,
  },
}
