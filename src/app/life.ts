// The life of an app: one run of the engine after the other, and what is asked for while one begins or ends.
//
//   stopped ──start──→ starting ──┬──begun──→ running ──its store fails──→ reopening ──begun──→ running
//      ↑ ↑───────fails────┘       │              │  └──its files are not there──┴──→ lost
//      │                          └─────stop─────┴────────────stop──────────────┴──────┘
//      └───────────────── all is closed ──── stopping ←─────────┘
//
// - A start that comes while the app stops begins after that. One that comes at any other time is refused.
// - A stop ends whatever is under way: a start rejects, a store that is opened anew is closed. It resolves when all is
//   closed, however often it is called.
// - Only a running app takes anything. `idle` waits for a store that is opened anew.
import { Engine } from '../engine/engine.ts'
import type { EnginePlan } from '../engine/plan.ts'
import { fault, isMillraceError, type MillraceError, reasonOf } from '../model/errors.ts'
import type { Broker } from '../seam/store.ts'
import type { World } from '../seam/world.ts'
import { Pause } from './pause.ts'

export type LifeState = 'stopped' | 'starting' | 'running' | 'reopening' | 'lost' | 'stopping'

const transitions: Readonly<Record<LifeState, readonly LifeState[]>> = {
  stopped: ['starting'],
  starting: ['running', 'stopping', 'stopped'],
  running: ['reopening', 'lost', 'stopping'],
  reopening: ['running', 'lost', 'stopping'],
  lost: ['stopping'],
  stopping: ['stopped'],
}

/** The control socket, beside the engine while an app runs. */
export interface Beside {
  /** Called before the store is given back. */
  stopTaking(): void
  /** Called when the app has stopped. */
  goodbye(): void
}

/** The run that a start begins. */
export interface Run {
  readonly plan: Omit<EnginePlan, 'failed'>
  readonly broker: Broker
  /** Called first, and awaited. */
  before(): Promise<void>
  /** Called when the engine has begun; returns the function that ends the watch. */
  watch(): () => void
  /** Called after that; it may fail only by giving nothing. */
  beside(): Promise<Beside | undefined>
}

/** After the store has failed to open anew, how long until the next try, milliseconds. */
const reopenMs = 1_000

export class Life {
  private readonly app: string
  private readonly world: World
  private state: LifeState = 'stopped'
  private engine: Engine | undefined
  /** A start, or the opening of a store anew, that is under way; these never reject. */
  private readonly work = new Set<Promise<void>>()
  /** The stop that is under way. */
  private ending: Promise<void> | undefined
  /** Set while a stop waits for something before it ends the engine: nothing is taken in that time either. */
  private waits = false
  /** The number of stops that were asked for: a start that waits for one is ended by the next. */
  private stops = 0
  /** Resolves when the last run whose store failed has closed it. */
  private closed: Promise<void> = Promise.resolve()
  private reopened = Promise.withResolvers<void>()
  /** Why the store is not opened anew: other files are in its place. */
  private why: MillraceError | undefined
  private readonly pause: Pause
  private beside: Beside | undefined
  private readonly ends: (() => void)[] = []

  constructor(app: string, world: World) {
    this.app = app
    this.world = world
    this.pause = new Pause(world)
  }

  /**
   * The engine of an app that runs.
   *
   * @throws `millrace/not-started`, `millrace/stopping`, `millrace/disk-failed`, `millrace/files-replaced`
   */
  get running(): Engine {
    if (this.engine !== undefined && !this.waits) return this.engine
    if (this.why !== undefined) throw this.why
    const { app } = this
    switch (this.state) {
      case 'reopening':
        throw fault('millrace/disk-failed', `the store of app "${app}" has failed and is being opened anew`)
      case 'stopping':
        throw this.stopped('is stopping and accepts nothing')
      case 'starting':
        throw fault('millrace/not-started', `app "${app}" is starting: wait until start() has resolved`)
      default:
        throw fault('millrace/not-started', `app "${app}" is not started`)
    }
  }

  health(): { status: 'green' | 'red'; reasons: readonly string[] } {
    if (this.engine !== undefined) return this.engine.health()
    const reason = this.why === undefined ? `app "${this.app}" is not running` : reasonOf(this.why)
    return { status: 'red', reasons: [reason] }
  }

  /** @throws `millrace/already-started`, `millrace/stopping` when a stop comes first; as the engine does */
  async start(run: Run): Promise<void> {
    const { stops } = this
    while (this.ending !== undefined) await this.ended()
    if (this.stops !== stops) throw this.stopped('was stopped before it had started')
    if (this.state !== 'stopped') throw fault('millrace/already-started', `app "${this.app}" is ${this.state}`)
    this.become('starting')
    const starting = this.begin(run)
    this.during(starting)
    try {
      await starting
    } finally {
      // Where a stop has ended it, it rejects when all is closed.
      await this.ended()
    }
  }

  /**
   * Ends what is under way, after `first`; resolves when the app has stopped. Of several the shortest time for handlers
   * counts.
   */
  stop(graceMs: number, first?: Promise<void>): Promise<void> {
    this.stops++
    if (this.state === 'stopped') return first ?? Promise.resolve()
    if (this.ending !== undefined) {
      this.engine?.hurry(graceMs)
      return this.ending
    }
    this.become('stopping')
    this.ending = this.end(graceMs, first)
    return this.ending
  }

  /** A run that ends because its store failed is followed by another, which continues with what is on disk. */
  async idle(): Promise<void> {
    for (;;) {
      if (this.state === 'reopening') await this.reopened.promise
      if (await this.running.idle()) return
      if (this.state === 'reopening') continue
      throw this.stopped('was stopped before it was idle')
    }
  }

  /** Set while a start or a reopening is under way: it resolves when that has ended, however that was. */
  get changing(): Promise<unknown> | undefined {
    return this.state === 'starting' || this.state === 'reopening' ? Promise.all(this.work) : undefined
  }

  /**
   * Whether the app runs; false when it is stopped.
   *
   * @throws `millrace/stopping`, `millrace/files-replaced`
   */
  get runs(): boolean {
    if (this.state === 'stopped') return false
    if (this.state === 'stopping') throw this.stopped('is stopping')
    return this.running !== undefined
  }

  private async begin(run: Run): Promise<void> {
    this.ends.push(this.world.listen())
    try {
      await run.before()
      await this.open(run, run.plan)
    } catch (error) {
      if (this.is('stopping')) throw this.stopped('was stopped while it was starting', error)
      this.endBeside()
      this.become('stopped')
      throw error
    }
    this.ends.push(run.watch())
    this.beside = await run.beside()
    if (this.is('stopping')) throw this.stopped('was stopped while it was starting')
  }

  /** Opens the store and begins to work, unless a stop comes first. */
  private async open(run: Run, plan: Run['plan']): Promise<void> {
    const stops = () => this.state === 'stopping'
    const failed = (error: unknown, closed: Promise<void>) => this.failed(run, error, closed)
    const engine = await Engine.open({ ...plan, failed }, this.world, run.broker, stops)
    try {
      if (stops()) throw this.stopped('was stopped')
      engine.begin()
    } catch (error) {
      await engine.stop(0)
      throw error
    }
    this.engine = engine
    this.become('running')
  }

  /** The store failed: what is in memory is gone, and a new run takes up what is on disk. */
  private failed(run: Run, error: unknown, closed: Promise<void>): void {
    this.engine = undefined
    this.closed = closed
    // A stop ends all the same.
    if (this.state === 'stopping' || this.isLost(error)) return
    this.tell('opens its store anew', error)
    this.become('reopening')
    this.reopened = Promise.withResolvers()
    this.during(this.reopen(run))
  }

  /** Where other files are in the place of its own, nothing is opened until a person has seen to it. */
  private isLost(error: unknown): boolean {
    if (!isMillraceError(error, 'millrace/files-replaced')) return false
    this.tell('does not open its store anew: its files are not there', error)
    this.why = error
    this.become('lost')
    this.reopened.resolve()
    return true
  }

  private async reopen(run: Run): Promise<void> {
    await this.closed
    while (this.is('reopening')) {
      try {
        await this.open(run, { ...run.plan, tellsChanges: false })
        this.reopened.resolve()
      } catch (error) {
        if (!this.is('reopening') || this.isLost(error)) return
        await this.pause.for(reopenMs)
        if (this.is('reopening')) this.tell('opens its store anew', error)
      }
    }
  }

  private async end(graceMs: number, first: Promise<void> | undefined): Promise<void> {
    try {
      // In the same turn, where there is nothing to wait for: from then on nothing is taken.
      if (first !== undefined) {
        this.waits = true
        await first
        this.waits = false
      }
      this.pause.end()
      this.reopened.resolve()
      if (this.work.size > 0) await Promise.all(this.work)
      this.beside?.stopTaking()
      await this.engine?.stop(graceMs)
      await this.closed
    } finally {
      this.engine = undefined
      this.why = undefined
      this.endBeside()
      this.become('stopped')
      this.ending = undefined
    }
  }

  /** Resolves when no stop is under way. */
  private async ended(): Promise<void> {
    await this.ending?.catch(() => {})
  }

  private endBeside(): void {
    this.beside?.goodbye()
    this.beside = undefined
    for (const end of this.ends.splice(0).reverse()) end()
  }

  private during(work: Promise<void>): void {
    const settled = work
      .catch(() => {})
      .then(() => {
        this.work.delete(settled)
      })
    this.work.add(settled)
  }

  private tell(what: string, error: unknown): void {
    this.world.log('error', `app "${this.app}" ${what}`, { error: String(error) })
  }

  private stopped(how: string, cause?: unknown): MillraceError {
    return fault('millrace/stopping', `app "${this.app}" ${how}`, { cause })
  }

  /** Also after something was waited for, where the compiler takes the state for what it was before. */
  private is(state: LifeState): boolean {
    return this.state === state
  }

  private become(state: LifeState): void {
    if (!transitions[this.state].includes(state))
      throw new Error(`app "${this.app}" goes from ${this.state} to ${state}`)
    this.state = state
  }
}
