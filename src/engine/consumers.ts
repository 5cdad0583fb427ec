// The processors that run: made from the plan, told of new messages, looked at by the clock.
//
//   closed (what may have killed the process runs alone) ──open──→ open (messages are taken) ──→ stopping ──→ ended
//      └──────────────────────stopTaking────────────────────────────────────────────────────────────┘
//
// Only an open one takes messages from the log. One that stops still ends attempts that take too long.
import type { Stored } from '../model/codec.ts'
import type { Actor } from '../model/desk.ts'
import type { Subscribed } from '../seam/progress.ts'
import type { Timer, World } from '../seam/world.ts'
import { Acts } from './acts.ts'
import type { Settled } from './commit/group.ts'
import type { RecentMessages } from './commit/recent-messages.ts'
import { Concurrencies } from './concurrencies.ts'
import type { Concurrency } from './consumer/concurrency.ts'
import type { Consumer } from './consumer/consumer.ts'
import { reasonsOf, stateOf } from './consumer/health.ts'
import { ConsumerLists } from './consumer-lists.ts'
import { type Line, newPart } from './part-changes.ts'
import { Pauses } from './pauses.ts'
import { Resets, type ResetsHost } from './resets.ts'
import type { Service } from './service.ts'
import type { ProcessorSpec } from './spec.ts'
import { type Position, type Streams, subscribe } from './streams.ts'

/** The engine, as the processors need it. */
export interface ConsumersHost {
  readonly world: Pick<World, 'now' | 'after'>
  readonly store: ResetsHost['store']
  readonly committer: ResetsHost['committer']
  readonly streams: Streams
  readonly specs: readonly ProcessorSpec[]
  make(spec: ProcessorSpec, subscribed: Subscribed, recent: RecentMessages, concurrency: Concurrency): Consumer
  /** @throws `millrace/stopping` when the start is to end */
  checkStarting(): void
  /** Makes the messages that tell that a failure was ended by a reset. */
  readonly told: ResetsHost['told']
  /** A message that an operation may wait for was ended by a reset. */
  ended(item: number): void
  /** Called when all may be done. */
  maybeIdle(): void
  /** Takes a line about a processor that is new. */
  warn(line: Line): void
  /** The store failed while a processor was resumed, or made anew. */
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
  readonly resets: Resets
  readonly concurrencies: Concurrencies
  readonly acts: Acts
  /** The time from which on its processors count, milliseconds since 1970. */
  readonly since: number
  private readonly host: ConsumersHost
  private readonly lists = new ConsumerLists()
  private readonly pauses: Pauses
  private state: State = 'closed'
  private ticking: Timer | undefined
  private tickMs = tickMsMax

  constructor(host: ConsumersHost) {
    this.host = host
    this.since = host.world.now()
    const { world, store, committer, streams, told, ended, maybeIdle } = host
    const named = (processor: string) => this.lists.named(processor)
    const resumed = (processor: string) => {
      const consumer = named(processor)
      consumer?.recovery.run(killsMax, aloneMs).then(() => consumer.pull(), host.fail)
    }
    this.concurrencies = new Concurrencies(host)
    this.acts = new Acts(host)
    this.pauses = new Pauses({ world, store, committer, named, resumed })
    this.resets = new Resets({
      world,
      store,
      committer,
      told,
      ended,
      maybeIdle,
      streamOf: (destination) => streams.ids.get(destination),
      running: named,
      remake: (processor, gone) => this.remake(processor, gone),
    })
  }

  // ── their life ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Takes up the streams, and what is at the desk. */
  async takeUp(): Promise<void> {
    const { store, streams, specs, warn } = this.host
    const paused = new Set((await store.processors.paused()).map(({ processor }) => processor))
    await this.concurrencies.takeUp()
    for (const spec of specs) {
      this.host.checkStarting()
      const { consumer, subscribed, recent } = await this.made(spec, paused)
      const line = newPart(spec, subscribed, recent.head)
      if (line !== undefined) warn(line)
      this.lists.add(consumer, streams.of(spec.destination))
      this.tickMs = Math.max(tickMsMin, Math.min(this.tickMs, spec.timeoutMs / 4))
      await consumer.recovery.takeUp(subscribed.marks)
    }
  }

  private async made(spec: ProcessorSpec, paused: ReadonlySet<string>) {
    const { store, streams, make } = this.host
    const stream = streams.of(spec.destination)
    const recent = streams.recent(stream)
    const subscribed = await subscribe(store, spec, stream)
    const consumer = make(spec, subscribed, recent, this.concurrencies.of(spec))
    if (paused.has(spec.name)) consumer.pause()
    return { consumer, subscribed, recent }
  }

  /** Runs what may have killed the process, one message at a time. */
  async begin(): Promise<void> {
    await this.resets.tell()
    for (const consumer of this.lists.all) await consumer.recovery.run(killsMax, aloneMs)
  }

  /** Takes messages from the log from now on. */
  open(): void {
    if (this.state !== 'closed') return
    this.become('open')
    for (const consumer of this.lists.all) consumer.pull()
  }

  /** Starts nothing more; attempts that run continue. */
  stopTaking(): void {
    if (this.state === 'closed' || this.state === 'open') this.become('stopping')
    for (const consumer of this.lists.all) consumer.stopTaking()
  }

  /** Nothing counts of the attempts that still run. */
  abandon(): void {
    for (const consumer of this.lists.all) consumer.abandon()
  }

  /** Abandons what still runs, and writes how far each processor is. */
  saveAll(): void {
    for (const consumer of this.lists.all) {
      consumer.abandon()
      consumer.writes.write({ consumer: consumer.processor })
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
    for (const consumer of this.lists.all) running += consumer.runningNow
    return running
  }

  get idle(): boolean {
    return this.state !== 'closed' && this.resets.idle && this.lists.all.every((consumer) => consumer.idle)
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
      if (pulls) for (const consumer of this.lists.on(stream)) consumer.pull()
      this.trim(stream)
    }
  }

  /** Mediators and routes take what is committed before it is durable. Returns whether they took anything. */
  pullAhead(appended: readonly Stored[]): boolean {
    if (appended.length === 0 || this.state !== 'open') return false
    let took = false
    for (const consumer of this.lists.ahead) if (consumer.pullAhead(appended)) took = true
    return took
  }

  /** Lets go of the messages in memory that every processor has passed. */
  private trim(stream: number): void {
    const recent = this.host.streams.recent(stream)
    let passed = recent.head
    for (const { position } of this.lists.on(stream)) if (position < passed) passed = position
    recent.trim(passed)
  }

  // ── the clock ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** An attempt has begun: until none runs, each processor is looked at now and then. */
  readonly watch = (): void => {
    if (this.ticking !== undefined) return
    this.ticking = this.host.world.after(this.tickMs, () => {
      this.ticking = undefined
      let active = false
      for (const consumer of this.lists.all) {
        if (consumer.tick()) active = true
      }
      if (active && this.state !== 'ended') this.watch()
    })
  }

  // ── one of them ────────────────────────────────────────────────────────────────────────────────────────────────

  named(name: string): Consumer | undefined {
    return this.lists.named(name)
  }

  /** The one that serves the commands of a type. */
  serving(type: string): Consumer | undefined {
    return this.lists.serving(type)
  }

  // ── for people ─────────────────────────────────────────────────────────────────────────────────────────────────

  list() {
    return this.lists.all.map((consumer) => stateOf(consumer.looked))
  }

  /** The position of each processor that the store knows, on each of its topics and channels. */
  async positions(): Promise<Position[]> {
    return this.host.streams.positions(await this.host.store.progress.rows())
  }

  /** Starts nothing more of a processor until it is resumed. Errors: `millrace/unknown-processor`. */
  pause(processor: string, actor: Actor): Promise<void> {
    return this.pauses.set({ processor, actor, paused: true })
  }

  /** @throws `millrace/unknown-processor` */
  resume(processor: string, actor: Actor): Promise<void> {
    return this.pauses.set({ processor, actor, paused: false })
  }

  /** A processor was closed: one takes its place, made from what is in the store. */
  private async remake(processor: string, gone: Promise<void>): Promise<void> {
    const { store, committer, fail } = this.host
    const old = this.named(processor)!
    try {
      await committer.alone(async () => {
        const paused = new Set((await store.processors.paused()).map((one) => one.processor))
        const { consumer } = await this.made(old.spec, paused)
        consumer.wait()
        if (this.state === 'stopping' || this.state === 'ended') consumer.stopTaking()
        this.lists.replace(old, consumer)
        await consumer.recovery.takeUp([])
        gone.then(() => {
          consumer.goOn()
          if (this.state === 'open') consumer.pull()
        })
      })
    } catch (error) {
      fail(error)
    }
  }

  health(): string[] {
    return this.lists.all.flatMap((consumer) => reasonsOf(consumer.looked))
  }

  private become(state: State): void {
    if (!transitions[this.state].includes(state)) throw new Error(`the processors go from ${this.state} to ${state}`)
    this.state = state
  }
}
