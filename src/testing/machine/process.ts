// One simulated process: the world that its app sees, its disk, its connections, and what makes its handlers go wrong.
import type { DatabaseSync } from '../../adapters/node/sqlite.ts'
import type { OpenDatabase } from '../../adapters/sqlite/owner.ts'
import type { Store } from '../../seam/store.ts'
import type { World } from '../../seam/world.ts'
import type { FaultPlan, Step } from '../faults.ts'
import type { Files } from '../files.ts'
import type { Random } from '../random.ts'
import type { Life, Scheduler } from '../scheduler.ts'
import { withSlowReads } from '../slow-reads.ts'
import type { Trace } from '../trace.ts'
import type { Calls } from './calls.ts'
import { Connections } from './connections.ts'
import { Died } from './death.ts'
import { SimulatedDisk } from './disk.ts'
import { Interference } from './interference.ts'
import { type Network, simulatedSend } from './network.ts'
import type { Watch } from './watch.ts'
import { simulatedWorld } from './world.ts'

const readMsMax = 1

/** What a process needs of the machine that it runs on. */
export interface ProcessHost {
  readonly random: Random
  readonly scheduler: Scheduler
  readonly trace: Trace
  readonly faults: FaultPlan
  readonly calls: Calls
  readonly watch: Watch | undefined
  /** What answers the requests of its app. */
  readonly network: Network | undefined
  /** The wall clock, milliseconds since 1970. */
  now(): number
  /** Decides what SQL itself would take from the clock and from chance. */
  decideSql(db: DatabaseSync, name: string): void
  /** All that was committed is on disk. */
  durable(): void
  /** Closes what the simulation has open itself. */
  endLooking(): void
  /** Ends the running process as if it were killed, or the power cut. */
  die(how: 'crash' | 'powerCut', where: string, wal?: Buffer): void
  /** Ends the run. */
  late(error: unknown): void
}

export class SimulatedProcess {
  readonly number: number
  readonly life: Life = { alive: true }
  readonly ended: { readonly promise: Promise<void>; resolve(): void } = Promise.withResolvers<void>()
  readonly disk: SimulatedDisk
  readonly world: World
  private readonly host: ProcessHost
  private readonly connections: Connections
  private readonly interference: Interference

  constructor(host: ProcessHost, files: Files, number: number) {
    this.host = host
    this.number = number
    const { life } = this
    const { random, scheduler, trace, faults, calls, watch } = host
    const shared = { life, files, random, scheduler, trace, faults }
    const step = (kind: Step, where: string, wal?: Buffer) => this.step(kind, where, wal)
    this.disk = new SimulatedDisk({
      ...shared,
      step,
      durable: () => host.durable(),
      syncFailed: () => watch?.syncFailed?.(),
      opening: () => watch?.opening?.(),
    })
    this.connections = new Connections({
      ...shared,
      step,
      decideSql: (db, count) => host.decideSql(db, `sql ${number} ${count}`),
      endLooking: () => host.endLooking(),
      late: (error) => host.late(error),
    })
    this.interference = new Interference({
      ...shared,
      calls,
      called: (processor) => watch?.called?.(processor),
      pause: (ms) => this.pause(ms),
    })
    this.world = simulatedWorld({
      ...shared,
      number,
      now: () => host.now(),
      guarded: (owner, given, call) => this.interference.guarded(owner, given, call),
      send: simulatedSend({ ...shared, random: random.fork(`network ${number}`), network: host.network }),
    })
  }

  /** Opens a connection for the app. */
  database(file: string, how: Parameters<OpenDatabase>[1]): DatabaseSync {
    return this.connections.database(file, how)
  }

  /**
   * Makes every read of a store take a moment, so that others come between it and its answer. The time of a handler, or
   * the life of its process, may end in the middle of its read.
   */
  readingTakesTime(store: Store): Store {
    const { query } = store
    const { random } = this.host
    const slowly = async (...given: Parameters<typeof query>) => {
      await this.pause(this.interference.slowReadMs() ?? random() * readMsMax)
      return query(...given)
    }
    const chance = random.fork(`reads ${this.number}`)
    return withSlowReads(Object.assign(store, { query: slowly }), () => this.pause(chance() * readMsMax))
  }

  /** Ends it. What it had open is closed later, between two steps. */
  end(): void {
    this.life.alive = false
    this.ended.resolve()
  }

  /** Closes what it had open, for the real process that runs the simulation. */
  bury(): void {
    this.connections.bury()
    this.disk.bury()
  }

  /** A step of the store, before or after which it may die. */
  private step(step: Step, where: string, wal?: Buffer): void {
    if (!this.life.alive) throw new Died()
    const how = this.host.faults.dies(step)
    if (how === undefined) return
    this.host.die(how, where, wal)
    throw new Died()
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.host.scheduler.after(ms, this.life, resolve))
  }
}
