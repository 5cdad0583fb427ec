// The processors that run: made from the plan, told of new messages, looked at by the clock.
//
//   closed (what may have killed the process runs alone) ──open──→ open (messages are taken) ──→ stopping ──→ ended
//      └──────────────────────stopTaking────────────────────────────────────────────────────────────┘
//
// Only an open one takes messages from the log. One that stops still ends attempts that take too long.
import type { Stored } from '../model/codec.ts'
import type { Actor } from '../model/desk.ts'
import { fault } from '../model/errors.ts'
import { suggest } from '../model/names.ts'
import type { Subscribed } from '../seam/progress.ts'
import type { Store } from '../seam/store.ts'
import type { Timer, World } from '../seam/world.ts'
import type { Committer } from './commit/committer.ts'
import type { Settled } from './commit/group.ts'
import type { RecentMessages } from './commit/recent-messages.ts'
import type { Consumer } from './consumer/consumer.ts'
import { reasonsOf, stateOf } from './consumer/health.ts'
import { type Line, newPart } from './part-changes.ts'
import type { Service } from './service.ts'
import type { ProcessorSpec } from './spec.ts'
import { type Position, type Streams, subscribe } from './streams.ts'

/** The engine, as the processors need it. */
export interface ConsumersHost {
  readonly world: Pick<World, 'now' | 'after'>
  readonly store: Pick<Store, 'progress' | 'processors' | 'log'>
  readonly committer: Pick<Committer, 'alone' | 'write'>
  readonly streams: Streams
  readonly specs: readonly ProcessorSpec[]
  make(spec: ProcessorSpec, subscribed: Subscribed, recent: RecentMessages): Consumer
  /** @throws `millrace/stopping` when the start is to end */
  checkStarting(): void
  /** Takes a line about a processor that is new. */
  warn(line: Line): void
  /** The store failed while a processor was resumed. */
  fail(error: unknown): void
}

type State = 'closed' | 'open' | 'stopping' | 'ended'

const transitions: Readonly<Record<State, readonly State[]>> = {
  closed: ['open', 'stopping'],
  open: ['stopping'],
  stopping: ['ended'],
  ended: [],
}

/** Deaths of the process, while a message ran alone, after which that message is held. */
const killsMax = 2
/** Time for which others wait for a message that runs alone, milliseconds. */
const aloneMs = 5_000
const tickMsMax = 250
const tickMsMin = 5

export class Consumers implements Service {
  private readonly host: ConsumersHost
  private readonly all: Consumer[] = []
  /** Those of mediators and routes. */
  private readonly ahead: Consumer[] = []
  private readonly byStream = new Map<number, Consumer[]>()
  private state: State = 'closed'
  private ticking: Timer | undefined
  private tickMs = tickMsMax

  constructor(host: ConsumersHost) {
    this.host = host
  }

  // ── their life ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Takes up the streams, and what is at the desk. */
  async takeUp(): Promise<void> {
    const { store, streams, specs } = this.host
    const paused = new Set((await store.processors.paused()).map(({ processor }) => processor))
    for (const spec of specs) {
      this.host.checkStarting()
      const stream = streams.of(spec.destination)
      const recent = streams.recent(stream)
      const subscribed = await subscribe(store, spec, stream)
      const line = newPart(spec, subscribed, recent.head)
      if (line !== undefined) this.host.warn(line)
      const consumer = this.host.make(spec, subscribed, recent)
      if (paused.has(spec.name)) consumer.pause()
      this.add(consumer, stream)
      await consumer.recovery.takeUp(subscribed.marks)
    }
  }

  private add(consumer: Consumer, stream: number): void {
    const { runsAhead, timeoutMs } = consumer.spec
    this.all.push(consumer)
    if (runsAhead) this.ahead.push(consumer)
    const others = this.byStream.get(stream)
    if (others === undefined) this.byStream.set(stream, [consumer])
    else others.push(consumer)
    this.tickMs = Math.max(tickMsMin, Math.min(this.tickMs, timeoutMs / 4))
  }

  /** Runs what may have killed the process, one message at a time. */
  async begin(): Promise<void> {
    for (const consumer of this.all) await consumer.recovery.run(killsMax, aloneMs)
  }

  /** Takes messages from the log from now on. */
  open(): void {
    if (this.state !== 'closed') return
    this.become('open')
    for (const consumer of this.all) consumer.pull()
  }

  /** Starts nothing more; attempts that run continue. */
  stopTaking(): void {
    if (this.state === 'closed' || this.state === 'open') this.become('stopping')
    for (const consumer of this.all) consumer.stopTaking()
  }

  /** Nothing counts of the attempts that still run. */
  abandon(): void {
    for (const consumer of this.all) consumer.abandon()
  }

  /** Abandons what still runs, and writes how far each processor is. */
  saveAll(): void {
    for (const consumer of this.all) {
      consumer.abandon()
      this.host.committer.write({ consumer: consumer.processor })
    }
  }

  end(): void {
    this.stopTaking()
    if (this.state !== 'ended') this.become('ended')
    this.ticking?.cancel()
  }

  /** The number of attempts that run and count. */
  get running(): number {
    let running = 0
    for (const consumer of this.all) running += consumer.runningNow
    return running
  }

  get idle(): boolean {
    return this.state !== 'closed' && this.all.every((consumer) => consumer.idle)
  }

  // ── messages ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Commits of processors are durable: they take what there is room for. */
  pull(committed: Settled['consumers']): void {
    if (this.state === 'open') for (const consumer of committed) consumer.pull()
  }

  /** Streams have new messages: their processors take what there is room for. */
  pullFrom(streams: ReadonlySet<number>): void {
    const pulls = this.state === 'open'
    for (const stream of streams) {
      if (pulls) for (const consumer of this.byStream.get(stream) ?? []) consumer.pull()
      this.trim(stream)
    }
  }

  /** Mediators and routes take what is committed before it is durable. Returns whether they took anything. */
  pullAhead(appended: readonly Stored[]): boolean {
    if (appended.length === 0 || this.state !== 'open') return false
    let took = false
    for (const consumer of this.ahead) if (consumer.pullAhead(appended)) took = true
    return took
  }

  /** Lets go of the messages in memory that every processor has passed. */
  private trim(stream: number): void {
    const recent = this.host.streams.recent(stream)
    let passed = recent.head
    for (const { position } of this.byStream.get(stream) ?? []) if (position < passed) passed = position
    recent.trim(passed)
  }

  // ── the clock ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** An attempt has begun: until none runs, each processor is looked at now and then. */
  readonly watch = (): void => {
    if (this.ticking !== undefined) return
    this.ticking = this.host.world.after(this.tickMs, () => {
      this.ticking = undefined
      let active = false
      for (const consumer of this.all) {
        if (consumer.tick()) active = true
      }
      if (active && this.state !== 'ended') this.watch()
    })
  }

  // ── one of them ────────────────────────────────────────────────────────────────────────────────────────────────

  named(name: string): Consumer | undefined {
    return this.all.find((consumer) => consumer.name === name)
  }

  /** The one that serves the commands of a type. */
  serving(type: string): Consumer | undefined {
    return this.all.find(({ spec }) => spec.destination.kind === 'channel' && spec.handlers.has(type))
  }

  // ── for people ─────────────────────────────────────────────────────────────────────────────────────────────────

  list() {
    return this.all.map((consumer) => stateOf(consumer.looked))
  }

  /** The position of each processor that the store knows, on each of its topics and channels. */
  async positions(): Promise<Position[]> {
    return this.host.streams.positions(await this.host.store.progress.rows())
  }

  /**
   * Starts nothing more of a processor until it is resumed; attempts that run end by themselves.
   *
   * @throws `millrace/unknown-processor`
   */
  pause(processor: string, actor: Actor): Promise<void> {
    return this.setPaused({ processor, actor, paused: true })
  }

  /** @throws `millrace/unknown-processor` */
  resume(processor: string, actor: Actor): Promise<void> {
    return this.setPaused({ processor, actor, paused: false })
  }

  /** Forgets a processor on a topic or channel. */
  retire(processor: string, destination: string): Promise<void> {
    return this.host.committer.alone(() => this.host.store.processors.retire(processor, destination))
  }

  health(): string[] {
    return this.all.flatMap((consumer) => reasonsOf(consumer.looked))
  }

  private async setPaused({ processor, actor, paused }: Pausing): Promise<void> {
    const { store, committer, world } = this.host
    const consumer = this.named(processor)
    // One after the other, in the order of the calls: the last counts, for what runs as it does on disk.
    await committer.alone(async () => {
      const known = (await store.progress.rows()).map((row) => row.processor)
      if (!known.includes(processor)) {
        const what = `the store knows no processor "${processor}"${suggest(processor, known)}`
        throw fault('millrace/unknown-processor', what)
      }
      const before = consumer?.isPaused
      if (paused) consumer?.pause()
      try {
        await store.processors[paused ? 'pause' : 'resume'](processor, actor, world.now())
      } catch (error) {
        if (before === false) consumer?.resume()
        throw error
      }
      if (!paused) consumer?.resume()
    })
    if (paused || consumer === undefined) return
    consumer.recovery.run(killsMax, aloneMs).then(() => consumer.pull(), this.host.fail)
  }

  private become(state: State): void {
    if (!transitions[this.state].includes(state)) throw new Error(`the processors go from ${this.state} to ${state}`)
    this.state = state
  }
}

interface Pausing {
  readonly processor: string
  readonly actor: Actor
  readonly paused: boolean
}
