// The machine on which simulated processes run, one after the other: its clock, its chance, its files, its crashes.
//
//   down ──begin──→ starting ──→ up ──stop──→ down ──dispose──→ gone
//                      └──dies────┴──dies──→ down: the next process finds the files as they were left
import { join } from 'node:path'
import { guard, listen } from '../../adapters/node/late-errors.ts'
import type { DatabaseSync } from '../../adapters/node/sqlite.ts'
import { sqliteOn } from '../../adapters/sqlite/index.ts'
import type { App } from '../../app/app.ts'
import { appIn } from '../../app/running.ts'
import { fault } from '../../model/errors.ts'
import { inBrief } from '../../model/people.ts'
import type { World } from '../../seam/world.ts'
import type { FaultPlan } from '../faults.ts'
import { Files, makeFolder, removeFolder } from '../files.ts'
import { type Random, randomOf } from '../random.ts'
import { Scheduler } from '../scheduler.ts'
import { decideSql } from '../sql.ts'
import { Trace } from '../trace.ts'
import { Calls } from './calls.ts'
import { Died, isDeath } from './death.ts'
import { Looking } from './looking.ts'
import type { Network } from './network.ts'
import { SimulatedProcess } from './process.ts'
import type { Watch, Watched } from './watch.ts'

/** When a simulation begins, unless it says otherwise: milliseconds since 1970. */
export const beginsAtDefaultMs = Date.UTC(2026, 0, 1)

const smallCheckpointBytes = 64 * 1024

export interface MachineOptions {
  readonly make: () => App
  readonly seed: number
  /** When it begins, milliseconds since 1970. */
  readonly beginsAt: number
  readonly faults: FaultPlan
  readonly watch?: Watch | undefined
  /** What answers the requests of its app. */
  readonly network?: Network | undefined
  /** Called between two steps after that. */
  readonly check?: (() => Promise<void>) | undefined
}

type State =
  | { readonly is: 'down' }
  | { readonly is: 'starting' | 'up'; readonly process: SimulatedProcess; readonly app: App }
  | { readonly is: 'gone' }

const next: Readonly<Record<State['is'], readonly State['is'][]>> = {
  down: ['starting', 'gone'],
  starting: ['up', 'down', 'gone'],
  up: ['down', 'gone'],
  gone: [],
}

export class Machine implements Watched {
  readonly random: Random
  readonly scheduler: Scheduler
  readonly trace: Trace
  readonly calls = new Calls()
  /** The number of processes that have been started. */
  starts = 0
  private readonly options: MachineOptions
  private readonly folder = makeFolder()
  private readonly looking: Looking
  private readonly endListening = listen()
  private state: State = { is: 'down' }
  private files: Files
  /** How far the wall clock was set from where it would be, milliseconds. */
  private clockMs = 0
  private checkDue = false
  /** The error that ends the run: one that belongs to nobody. */
  private broken: unknown
  private readonly dead: SimulatedProcess[] = []

  constructor(options: MachineOptions) {
    this.options = options
    this.random = randomOf(options.seed, 'machine')
    const owner = { late: (error: unknown) => this.late(error) }
    const guarded = (run: () => void) => {
      try {
        run()
      } catch (error) {
        this.late(error)
      }
    }
    const around = (run: () => void) => guard(owner, guarded, run, undefined)
    const between = () => this.between()
    this.scheduler = new Scheduler(this.random.fork('order'), around, between, options.watch?.stepsMax)
    this.trace = new Trace(() => this.scheduler.elapsed, `${this.folder}/`)
    this.files = new Files(join(this.folder, '0.db'))
    const files = () => this.files
    const inUse = () => this.running !== undefined
    this.looking = new Looking({
      get files() {
        return files()
      },
      get inUse() {
        return inUse()
      },
      decideSql: (db) => this.decideSql(db, 'looking'),
    })
  }

  get faults(): FaultPlan {
    return this.options.faults
  }

  get network(): Network | undefined {
    return this.options.network
  }

  get watch(): Watch | undefined {
    return this.options.watch
  }

  /** The app of the process that runs; undefined while none does. */
  get app(): App | undefined {
    return this.running?.app
  }

  private get running() {
    const { state } = this
    return state.is === 'starting' || state.is === 'up' ? state : undefined
  }

  private become(state: State): void {
    if (!next[this.state.is].includes(state.is))
      throw new Error(`a machine that is ${this.state.is} is not ${state.is} next`)
    this.state = state
  }

  now(): number {
    return this.options.beginsAt + this.clockMs + Math.floor(this.scheduler.elapsed)
  }

  setClock(to: number): void {
    this.clockMs += to - this.now()
    this.trace.add(`the clock is set to ${new Date(to).toISOString()}`)
  }

  /** Begins to start a process; resolves with whether it has started, or died on the way. */
  begin(): Promise<boolean> {
    if (this.running !== undefined) throw fault('millrace/already-started', 'the simulated process runs already')
    this.watch?.starting?.(this)
    this.endLooking()
    this.files.keepWal()
    const process = new SimulatedProcess(this, this.files, ++this.starts)
    this.trace.add(`process ${this.starts} starts`)
    const app = appIn(this.options.make(), process.world)
    this.become({ is: 'starting', process, app })
    return this.born(process, app)
  }

  private born(process: SimulatedProcess, app: App): Promise<boolean> {
    const broker = sqliteOn(
      { file: this.files.database, checkpointBytes: smallCheckpointBytes, adopt: true },
      () => process.disk,
      (file, how) => process.database(file, how),
    )
    const create = (world: World) => {
      if (!process.life.alive) throw new Died()
      const store = process.readingTakesTime(broker.create(world))
      return this.watch?.around?.(store, world) ?? store
    }
    const born = Promise.withResolvers<boolean>()
    process.ended.promise.then(() => born.resolve(false))
    app.start({ broker: { ...broker, create }, control: false }).then(
      () => {
        if (process.life.alive) this.become({ is: 'up', process, app })
        born.resolve(true)
      },
      (error: unknown) => {
        if (!process.life.alive) return
        this.trace.add(`process ${process.number} does not start: ${inBrief(error)}`)
        // First: that it has ended is no answer to who asks why.
        born.reject(error)
        this.end(process)
      },
    )
    return born.promise
  }

  /** Stops the app as it wants to be stopped. */
  async stop(): Promise<void> {
    const { running } = this
    if (running === undefined) return
    const { process, app } = running
    await app.stop({ graceMs: 0 })
    if (this.running?.process !== process) return
    this.trace.add(`process ${process.number} stops`)
    this.end(process)
  }

  /** Ends the process; with `powerCut` also what was not synced. `wal` is left where another is not yet written. */
  die(how: 'crash' | 'powerCut', where: string, wal?: Buffer): void {
    const { running } = this
    if (running === undefined) return
    const { process } = running
    this.trace.add(`process ${process.number} dies: ${how} ${where}`)
    const file = join(this.folder, `${this.starts}.db`)
    this.files = how === 'crash' ? this.files.afterKill(file, wal) : this.files.afterPowerCut(file, this.random)
    this.end(process)
  }

  /** Resolves when the process that runs now has ended. */
  ends(): Promise<void> {
    return this.running?.process.ended.promise ?? Promise.resolve()
  }

  private end(process: SimulatedProcess): void {
    this.endLooking()
    this.become({ is: 'down' })
    process.end()
    this.dead.push(process)
  }

  look<T>(use: (db: DatabaseSync) => T): T {
    if (this.state.is === 'gone') {
      throw fault('millrace/not-started', 'the simulation has ended, and its files are gone')
    }
    if (this.starts === 0) {
      throw fault('millrace/not-started', 'nothing has been started yet that could be looked at')
    }
    return this.looking.look(use)
  }

  found(use: (db: DatabaseSync) => void): void {
    this.looking.found(use)
  }

  beside(use: (db: DatabaseSync) => void): void {
    this.looking.beside(use)
  }

  endLooking(): void {
    this.looking.end()
  }

  /** Ends everything and leaves nothing behind. */
  dispose(): void {
    const { running } = this
    if (running !== undefined) this.end(running.process)
    this.become({ is: 'gone' })
    this.endLooking()
    this.bury()
    this.endListening()
    removeFolder(this.folder)
  }

  decideSql(db: DatabaseSync, name: string): void {
    decideSql(db, () => this.now(), this.random.fork(name))
  }

  durable(): void {
    this.watch?.durable(this)
    this.checkDue = true
  }

  /** Ends the run: an error that is nobody's, or what no app may do. */
  late(error: unknown): void {
    if (isDeath(error)) return
    this.broken ??= error
  }

  private between(): Promise<void> | undefined {
    if (this.dead.length > 0) this.bury()
    if (this.broken !== undefined) throw this.broken
    if (!this.checkDue) return undefined
    this.checkDue = false
    return this.options.check?.()
  }

  private bury(): void {
    for (const process of this.dead.splice(0)) process.bury()
  }
}
