// The parts of one processor that meet at the desk, fitted together: lanes, writes, failures, recovery, decisions.
import type { Stored } from '../../model/codec.ts'
import type { DeskEntry } from '../../model/desk.ts'
import { inBrief } from '../../model/people.ts'
import { actsRead } from '../../model/repairs.ts'
import type { Job } from '../commit/writes.ts'
import type { ProcessorSpec } from '../spec.ts'
import type { Attempt, AttemptHost } from './attempt.ts'
import type { Attempts } from './attempts.ts'
import { Decisions } from './decisions.ts'
import { Delivery } from './delivery.ts'
import { type DeskLane, DeskLanes } from './desk-lanes.ts'
import { DeskWrites } from './desk-writes.ts'
import { Failing } from './failing.ts'
import type { ConsumerHost } from './host.ts'
import { Lanes } from './lanes.ts'
import { type Marked, Recovery } from './recovery.ts'

export interface DeskSideHost {
  readonly run: ConsumerHost
  readonly spec: ProcessorSpec
  readonly stream: number
  readonly processor: AttemptHost
  readonly marked: Marked
  isDone(position: number): boolean
  isPaused(): boolean
  /** A message counts in the window, or leaves it. */
  entered(message: Stored): void
  left(message: Stored): void
  ready(next: Delivery | DeskLane): void
  pump(): void
  /** Writes the end of a message. */
  finish(delivery: Delivery, more: Job): void
  attempts(): Pick<Attempts, 'outlives' | 'whenGone'>
  askRule(item: number): void
}

/** How long the head of a lane may hold others back before its lane is parked at the desk, milliseconds. */
const parkAfterMs = 1_000

export class DeskSide {
  readonly writes: DeskWrites
  readonly desk: DeskLanes
  readonly lanes: Lanes
  readonly failing: Failing
  readonly recovery: Recovery
  readonly decisions: Decisions
  private readonly host: DeskSideHost

  constructor(host: DeskSideHost) {
    this.host = host
    const { run, spec, stream } = host
    const { world, store, committer, limits } = run
    const { name } = spec
    const shared = this.shared()
    const key = (lane: string) => ({ processor: name, stream, lane })
    this.writes = new DeskWrites({
      ...shared,
      follower: host.processor,
      write: (job) => committer.write(job),
      left: (message) => host.left(message),
      resolved: (entry, outcome) => run.resolved(spec, entry, outcome),
    })
    const { writes } = this
    const desk = new DeskLanes({
      ...shared,
      writes,
      inLine: (message) => run.callers.inLine(message),
      line: (context, after, limit) => store.desk.line(key(context), after, limit),
      cannotRead: (context, error) =>
        world.log('error', `cannot read the line of "${context}"`, { error: inBrief(error) }),
    })
    this.desk = desk
    const lanes = new Lanes({
      ...shared,
      desk,
      writes,
      headOf: (context) => store.desk.headOf(key(context)),
      cannotAsk: (context, error) =>
        world.log('error', `cannot look for "${context}" at the desk`, { error: inBrief(error) }),
    })
    this.lanes = lanes
    const failing = new Failing({
      ...shared,
      desk,
      lanes,
      writes,
      finish: (delivery, more) => host.finish(delivery, more),
      outlives: (item, gone) => host.attempts().outlives(item, gone),
      whenGone: (item, then) => host.attempts().whenGone(item, then),
      survived: (delivery) => this.recovery.survived(delivery),
      failed: (entry) => run.failed(spec, entry),
    })
    this.failing = failing
    const recoveryHost = {
      ...shared,
      desk,
      lanes,
      writes,
      isPaused: () => host.isPaused(),
      heads: (take: Parameters<typeof store.desk.heads>[2]) => store.desk.heads(name, stream, take),
      contexts: (take: (context: string) => void) => store.desk.lanes(name, stream, take),
      messageAt: async (position: number) =>
        (await store.log.read(stream, position - 1, 1, Number.POSITIVE_INFINITY))[0],
      isDone: (position: number) => host.isDone(position),
      entered: (message: Stored) => host.entered(message),
      hold: (...what: Parameters<Failing['hold']>) => failing.hold(...what),
    }
    this.recovery = new Recovery(recoveryHost, host.marked)
    this.decisions = new Decisions({
      ...shared,
      limits,
      writes,
      written: (job) => committer.written(job),
      asked: (id) => store.desk.askedEntry(id),
      isMine: ({ processor, message }) => processor === name && message.stream === stream,
      resume: (entry) => desk.resume(entry),
      requeue: (entry, lane) =>
        host.attempts().whenGone(entry.id, () => this.requeue(new Delivery(entry.message, entry), lane)),
      advance: (entry, lane) => host.attempts().whenGone(entry.id, () => this.advance(lane)),
      logHeld: (entry) => failing.logHeld(entry),
      settled: (message, decision) =>
        run.telemetry?.decided(
          { message, processor: name, destination: spec.destination.name },
          settlements[decision.do],
        ),
      isWithdrawn: (id) => run.withdrawals.has(id),
      pins: desk,
      claimOn: (item) => store.desk.claims.of(item, world.now()),
      acts: (item) => store.deskReads.audit({ item, limit: actsRead }),
    })
  }

  /** Lanes whose head runs for long go to the desk, so that they do not hold back those behind them in the stream. */
  park(oldest: Attempt | undefined, now: number): void {
    for (let one = oldest; one !== undefined; one = one.after) {
      const { delivery } = one
      if (delivery.entry === undefined && now - delivery.headSince >= parkAfterMs)
        this.lanes.moveToDesk(delivery, { state: 'trying' })
    }
  }

  /** The needs that several parts have. */
  private shared() {
    const { run, spec, ready, pump, askRule } = this.host
    const { world, store, limits, deskNumbers, watching, appVersion, counters } = run
    const { windowMessages, heldContextsMax, messageBytesMax } = limits
    return {
      spec,
      name: spec.name,
      world,
      windowMessages,
      heldContextsMax,
      messageBytesMax,
      appVersion,
      watching,
      counters,
      ready,
      pump,
      askRule,
      now: () => world.now(),
      after: (ms: number, fn: () => void) => void world.after(ms, fn),
      nextNumber: () => deskNumbers.next(),
      entry: (item: number) => store.desk.entry(item),
      notHandled: (item: number) => run.ended(item, 'not handled'),
      held: (entry: DeskEntry) => run.callers.held(entry),
      maybeIdle: () => run.maybeIdle(),
    }
  }

  private requeue(delivery: Delivery, lane: DeskLane | undefined): void {
    if (lane === undefined) this.lanes.queue(delivery)
    else this.host.ready(lane)
    this.host.pump()
  }

  private advance(lane: DeskLane): void {
    this.desk.advance(lane)
    this.host.pump()
    this.host.run.maybeIdle()
  }
}

/** Decisions, as operators call them. */
const settlements = {
  retry: 'release',
  resubmit: 'resubmit',
  change: 'resubmit',
  hold: 'hold',
  discard: 'discard',
} as const
