// The machine on which simulated processes run, one after the other: its clock, its chance, its disk, its crashes.
//
//   down ──start──→ starting ──→ up ──stop──→ down
//                      └──dies──────┴──dies──→ down: the next process finds the files as they were left

import { join } from 'node:path'
import { inspect } from 'node:util'
import { blame, callback, guard, listen, ownerNow } from '../adapters/node/late-errors.ts'
import { DatabaseSync } from '../adapters/node/sqlite.ts'
import type { Disk, Synced } from '../adapters/sqlite/disk.ts'
import { sqliteOn } from '../adapters/sqlite/index.ts'
import type { OpenDatabase } from '../adapters/sqlite/owner.ts'
import type { App } from '../app/app.ts'
import { appIn } from '../app/running.ts'
import { Attempt } from '../engine/consumer/attempt.ts'
import { Branch } from '../engine/flow/run.ts'
import type { Failure } from '../engine/spec.ts'
import { fault } from '../model/errors.ts'
import type { Message } from '../model/message.ts'
import { defaults } from '../model/options.ts'
import { inBrief } from '../model/people.ts'
import type { Store } from '../seam/store.ts'
import type { World } from '../seam/world.ts'
import { simulatedDatabase } from './database.ts'
import type { FaultPlan, HandlerFault, Step } from './faults.ts'
import { Files, makeFolder, removeFolder } from './files.ts'
import { type Random, randomOf } from './random.ts'
import { type Life, Scheduler } from './scheduler.ts'
import { withSlowReads } from './slow-reads.ts'
import { decideSql } from './sql.ts'
import { Trace } from './trace.ts'

/** Thrown where a simulated process has died: whatever its code does about it, nothing comes of it. */
class Died extends Error {
  override name = 'Died'
}

/** What injected failures say, so that they are known again. */
export const injected = 'failed by the simulation'

/** When a simulation begins, unless it says otherwise: milliseconds since 1970. */
export const beginsAtDefaultMs = Date.UTC(2026, 0, 1)

const syncMsMax = 2
const checkpointMsMax = 5
const readMsMax = 1
const smallCheckpointBytes = 64 * 1024
const plentyBytes = Number.MAX_SAFE_INTEGER

/** Looks on closely: for proving the engine itself. What it throws ends the run. */
export interface Watch {
  /** Steps that a wait may take; more lead nowhere. */
  readonly stepsMax?: number | undefined
  /** All that was committed is on disk, and nobody has heard of it yet. */
  durable(machine: Machine): void
  /** A client was told that its message is accepted. */
  accepted(type: string, id: string): void
  /** The engine calls a handler. */
  called?(processor: string): void
  /** A sync failed: no other may come before the store is opened anew. */
  syncFailed?(): void
  /** The store is being opened. */
  opening?(): void
  /** A process is about to start. */
  starting?(machine: Machine): void
  /** In the end, nothing is under way; gives whether it did something of which more may come. */
  rested?(app: App): Promise<boolean>
}

export interface MachineOptions {
  readonly make: () => App
  readonly seed: number
  /** When it begins, milliseconds since 1970. */
  readonly beginsAt: number
  readonly faults: FaultPlan
  readonly watch?: Watch | undefined
  /** Called between two steps after that. */
  readonly check?: (() => Promise<void>) | undefined
}

export class Machine {
  readonly random: Random
  readonly scheduler: Scheduler
  readonly trace: Trace
  readonly faults: FaultPlan
  readonly folder = makeFolder()
  /** The app of the process that runs; undefined while none does. */
  app: App | undefined
  /** What ended the run: an error that belongs to nobody. */
  broken: unknown
  private readonly options: MachineOptions
  private process: SimulatedProcess | undefined
  private looking: DatabaseSync | undefined
  private count = 0
  /** By how much the wall clock was set. */
  private clockMs = 0
  private files: Files
  private checkDue = false
  private disposed = false
  /** Whose code its processes have called, by owner of the call. */
  private readonly calls = new WeakMap<object, string>()
  private readonly interfered = new Set<string>()
  private readonly dead: SimulatedProcess[] = []
  private readonly endListening = listen()

  constructor(options: MachineOptions) {
    this.options = options
    this.faults = options.faults
    this.random = randomOf(options.seed, 'machine')
    const owner = { late: (error: unknown) => this.late(error) }
    const around = (run: () => void) =>
      guard(
        owner,
        () => {
          try {
            run()
          } catch (error) {
            this.late(error)
          }
        },
        undefined,
        undefined,
      )
    const between = () => this.between()
    this.scheduler = new Scheduler(this.random.fork('order'), around, between, options.watch?.stepsMax)
    this.trace = new Trace(() => this.scheduler.elapsed, `${this.folder}/`)
    this.files = new Files(join(this.folder, '0.db'))
  }

  now(): number {
    return this.options.beginsAt + this.clockMs + Math.floor(this.scheduler.elapsed)
  }

  setClock(to: number): void {
    this.clockMs += to - this.now()
    this.trace.add(`the clock is set to ${new Date(to).toISOString()}`)
  }

  /** How many processes have been started. */
  get starts(): number {
    return this.count
  }

  /** Begins to start a process; gives whether it has started, or died on the way. */
  begin(): Promise<boolean> {
    if (this.process !== undefined) throw fault('millrace/already-started', 'the simulated process runs already')
    this.options.watch?.starting?.(this)
    this.endLooking()
    this.files.keepWal()
    const process = new SimulatedProcess(this, this.files, ++this.count)
    this.process = process
    this.trace.add(`process ${this.count} starts`)
    const app = appIn(this.options.make(), process.world)
    const broker = sqliteOn(
      { file: this.files.database, checkpointBytes: smallCheckpointBytes },
      () => process.disk,
      (file, how) => process.database(file, how),
    )
    const create = (world: World) => {
      if (!process.life.alive) throw new Died()
      return process.readingTakesTime(broker.create(world))
    }
    this.app = app
    const born = Promise.withResolvers<boolean>()
    process.ended.promise.then(() => born.resolve(false))
    app.start({ broker: { ...broker, create }, control: false }).then(
      () => born.resolve(true),
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
    const { process, app } = this
    if (process === undefined) return
    await app!.stop({ graceMs: 0 })
    if (this.process !== process) return
    this.trace.add(`process ${process.number} stops`)
    this.end(process)
  }

  /** The process is gone; with `powerCut` also what was not synced. `wal` is left where another is not yet written. */
  die(how: 'crash' | 'powerCut', where: string, wal?: Buffer): void {
    const { process } = this
    if (process === undefined) return
    this.trace.add(`process ${process.number} dies: ${how} ${where}`)
    const next = join(this.folder, `${this.count}.db`)
    this.files = how === 'crash' ? this.files.afterKill(next, wal) : this.files.afterPowerCut(next, this.random)
    this.end(process)
  }

  /** Resolves when the process that runs now is gone. */
  ends(): Promise<void> {
    return this.process === undefined ? Promise.resolve() : this.process.ended.promise
  }

  private end(process: SimulatedProcess): void {
    this.endLooking()
    process.life.alive = false
    process.ended.resolve()
    this.process = undefined
    this.app = undefined
    this.dead.push(process)
  }

  /** A connection of its own, for looking at what the process has committed. */
  look<T>(use: (db: DatabaseSync) => T): T {
    if (this.disposed) throw fault('millrace/not-started', 'the simulation has ended, and its files are gone')
    if (this.count === 0) throw fault('millrace/not-started', 'nothing has been started yet that could be looked at')
    if (this.looking === undefined) {
      this.looking = new DatabaseSync(this.files.database, { readOnly: this.process !== undefined })
      this.looking.exec('pragma query_only=1')
      decideSql(this.looking, () => this.now(), this.random.fork('looking'))
    }
    return use(this.looking)
  }

  /** Changes the database while no process has it, as a command from beside does. */
  beside(use: (db: DatabaseSync) => void): void {
    this.endLooking()
    const db = new DatabaseSync(this.files.database)
    try {
      // Syncs as it goes; when it closes, the -wal file is written back and emptied.
      db.exec('pragma journal_mode=wal; pragma synchronous=full; begin immediate')
      use(db)
      db.exec('commit')
    } finally {
      db.close()
    }
    this.files.checkpointed()
  }

  endLooking(): void {
    this.looking?.close()
    this.looking = undefined
  }

  /** Ends everything and leaves nothing behind. */
  dispose(): void {
    this.disposed = true
    if (this.process !== undefined) this.end(this.process)
    this.endLooking()
    this.bury()
    this.endListening()
    removeFolder(this.folder)
  }

  // ── what its processes do ──────────────────────────────────────────────────────────────────────────────────────

  /** A step of the store, before or after which the process may die. */
  step(process: SimulatedProcess, step: Step, where: string, wal?: Buffer): void {
    if (!process.life.alive) throw new Died()
    const how = this.faults.dies(step)
    if (how === undefined) return
    this.die(how, where, wal)
    throw new Died()
  }

  /** Notes a call of a handler or a rule; `touched` when the simulation makes it go wrong. */
  noteCall(owner: object, who: string, processor: string, message: Named, touched: boolean): void {
    this.calls.set(owner, who)
    if (touched) this.interfered.add(keyOf(processor, message))
  }

  /** How the owner of a call is called. */
  named(owner: object, who: string): void {
    this.calls.set(owner, who)
  }

  /** What the owner of a call by one of its processes is called. */
  readonly nameOf = (owner: object): string | undefined => this.calls.get(owner)

  /** Whether the simulation has made a message fail since it was asked last. */
  hasInterfered(processor: string, message: Named): boolean {
    return this.interfered.delete(keyOf(processor, message))
  }

  get watch(): Watch | undefined {
    return this.options.watch
  }

  durable(): void {
    this.watch?.durable(this)
    this.checkDue = true
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

  /** Ends the run: an error that is nobody's, or what no app may do. */
  late(error: unknown): void {
    if (isDeath(error)) return
    this.broken ??= error
  }
}

type Named = Pick<Message, 'type' | 'id'>

const keyOf = (processor: string, { type, id }: Named) => `${processor} ${type} ${id}`

/** About how long a slow rule takes at most, but for those that take too long. */
const ruleMs = defaults.decideMs.default

function isDeath(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof Died) return true
  return false
}

/** One process: the world that its app sees, and its connections. */
class SimulatedProcess {
  readonly life: Life = { alive: true }
  readonly ended: { readonly promise: Promise<void>; resolve(): void } = Promise.withResolvers<void>()
  readonly files: Files
  readonly disk: Disk
  readonly world: World
  readonly number: number
  private readonly machine: Machine
  private readonly connections: DatabaseSync[] = []
  private keeper: DatabaseSync | undefined
  private owner: DatabaseSync | undefined
  private syncFailed = false
  /** Attempts the next read of which takes its time. */
  private readonly slow = new WeakSet<object>()

  constructor(machine: Machine, files: Files, number: number) {
    this.machine = machine
    this.number = number
    this.files = files
    this.disk = this.makeDisk()
    this.world = this.makeWorld()
  }

  /** Closes what it had open, for the process that runs the simulation. */
  bury(): void {
    for (const db of [...this.connections, this.keeper]) {
      try {
        if (db !== undefined) DatabaseSync.prototype.close.call(db)
      } catch {
        // It was closed by the process itself.
      }
      // What was put around it holds the whole machine, and the garbage collector does not see through SQLite.
      if (db !== undefined) for (const name of ['prepare', 'exec', 'close']) delete (db as never)[name]
    }
  }

  database(file: string, how: Parameters<OpenDatabase>[1]): DatabaseSync {
    if (file.endsWith('-owner')) {
      // Who has it does not let go while somebody waits: nothing else runs meanwhile.
      const owner = new DatabaseSync(file, { ...how, timeout: 0 })
      if (this.owner?.isOpen) this.machine.late(new Error('the app opens its store though it has not closed it'))
      this.owner = owner
      this.connections.push(owner)
      return owner
    }
    const { machine } = this
    const db = simulatedDatabase(file, how, {
      read: (run) => {
        if (!this.life.alive) throw new Died()
        return run()
      },
      write: (text, values, run) => this.write(text, values, run),
    })
    this.connections.push(db)
    decideSql(db, () => machine.now(), machine.random.fork(`sql ${this.number} ${this.connections.length}`))
    return db
  }

  private write<T>(text: string, values: readonly unknown[], run: () => T): T {
    const { machine, files } = this
    const { trace, faults, scheduler } = machine
    const commits = text === 'commit'
    const checkpoints = text === 'close' || text.includes('wal_checkpoint')
    const step = commits ? 'commit' : checkpoints ? 'checkpoint' : 'statement'
    const shown = text.length > 60 ? `${text.slice(0, 60).replaceAll(/\s+/g, ' ')}…` : text
    machine.step(this, step, `before ${shown}`)
    if (text === 'begin immediate' && faults.locked(scheduler.elapsed)) throw databaseLocked()
    if (faults.full(scheduler.elapsed, commits) && !checkpoints && text !== 'rollback') throw diskFull()
    trace.blend(text)
    for (const value of values) trace.blend(String(value))
    if (text === 'close') machine.endLooking()
    // Before its pages SQLite syncs the -wal file.
    if (checkpoints) files.walSynced(files.wal())
    const wal = checkpoints ? files.wal() : undefined
    const result = run()
    if (commits) trace.add(`commits ${trace.fingerprint}`)
    if (text.includes('journal_mode')) files.databaseSynced()
    if (checkpoints) {
      // SQLite has written its pages, not synced them, and not yet emptied the -wal file.
      machine.step(this, step, `in the middle of ${shown}`, wal)
      files.checkpointed()
    }
    machine.step(this, step, `after ${shown}`)
    return result
  }

  private makeDisk(): Disk {
    const { machine, files, life } = this
    const { scheduler, faults, random } = machine
    /** Answers after a while, if the process still lives. */
    const later = <T>(msMax: number, work: (resolve: (value: T) => void, reject: (error: unknown) => void) => void) =>
      new Promise<T>((resolve, reject) => {
        scheduler.after(random() * msMax, life, () => work(resolve, reject))
      })
    const free = () => (faults.full(scheduler.elapsed, false) ? 0 : plentyBytes)
    return {
      open: async () => {},
      renewWal: async () => {
        machine.step(this, 'sync', 'before the -wal file is written out anew')
        files.walRenewed()
        this.syncFailed = false
        machine.watch?.opening?.()
        machine.step(this, 'sync', 'after the -wal file was written out anew')
      },
      freeBytes: free,
      sync: () => {
        const wal = files.wal()
        return later<Synced>(syncMsMax, (resolve, reject) => {
          machine.step(this, 'sync', 'before a sync')
          if (faults.syncFails()) {
            machine.trace.add('a sync fails')
            files.syncFailed()
            this.syncFailed = true
            machine.watch?.syncFailed?.()
            reject(fault('millrace/sync-failed', `the sync was ${injected}`))
            return
          }
          files.walSynced(wal)
          machine.durable()
          machine.step(this, 'sync', 'after a sync')
          resolve({ freeBytes: free() })
        })
      },
      checkpoint: () =>
        later<boolean>(checkpointMsMax, (resolve, reject) => {
          if (this.syncFailed) {
            reject(fault('millrace/disk-failed', 'no checkpoint is begun after a failed sync'))
            return
          }
          machine.step(this, 'checkpoint', 'before a checkpoint')
          files.walSynced(files.wal())
          const { log, checkpointed } = this.keep().prepare('pragma wal_checkpoint(passive)').get() as {
            log: number
            checkpointed: number
          }
          machine.step(this, 'checkpoint', 'in the middle of a checkpoint')
          files.databaseSynced()
          machine.step(this, 'checkpoint', 'after a checkpoint')
          resolve(log === checkpointed)
        }),
      quickCheck: () => later<string[]>(checkpointMsMax, (resolve) => resolve([])),
      close: async () => {
        this.keeper?.close()
        this.keeper = undefined
      },
    }
  }

  private keep(): DatabaseSync {
    if (this.keeper === undefined) {
      this.keeper = new DatabaseSync(this.files.database, { timeout: 5_000 })
      this.keeper.exec('pragma synchronous=normal; pragma wal_autocheckpoint=0')
    }
    return this.keeper
  }

  private makeWorld(): World {
    const { machine, life } = this
    const { scheduler, random, trace } = machine
    const ids = random.fork(`ids ${this.number}`)
    let count = 0
    return {
      now: () => machine.now(),
      elapsed: () => scheduler.elapsed,
      after: (ms, fn) => scheduler.after(ms, life, fn),
      soon: (fn) => void scheduler.after(0, life, fn),
      random: random.fork(`world ${this.number}`),
      newId: () => uuid(machine.now(), this.number, count++, ids),
      guard: (owner, fn, a, b) => {
        const call = () => guard(owner, fn, a, b)
        if (owner instanceof Branch) {
          machine.named(owner, `mediator "${owner.run.host.spec.name}"`)
          return call()
        }
        const ends = owner instanceof Attempt ? this.handle(owner, call) : this.judge(owner, a as never, call)
        return ends as never
      },
      callback,
      bind: (fn) => fn,
      blame,
      owner: ownerNow,
      listen: () => () => {},
      log: (level, text, fields) => {
        const error = fields?.['error']
        const why =
          error === undefined
            ? ''
            : `: ${typeof error === 'string' ? error : inspect(error, { breakLength: Infinity })}`
        if (life.alive) trace.add(`${level}: ${text}${why}`)
      },
    }
  }

  /**
   * Lets every read take a moment, so that others come between it and its answer. What a handler reads may be in the
   * middle when its time ends, or the process does.
   */
  readingTakesTime(store: Store): Store {
    const { query } = store
    const { random, faults } = this.machine
    const slowly = async (...given: Parameters<typeof query>) => {
      const attempt = ownerNow()
      const slow = attempt instanceof Attempt && this.slow.delete(attempt)
      await this.pause(slow ? faults.slowMs(attempt.processor.spec.timeoutMs) : random() * readMsMax)
      return query(...given)
    }
    const chance = random.fork(`reads ${this.number}`)
    return withSlowReads(Object.assign(store, { query: slowly }), () => this.pause(chance() * readMsMax))
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.machine.scheduler.after(ms, this.life, resolve))
  }

  /** Calls a handler, or makes it fail or take its time. */
  private handle(attempt: Attempt, call: () => unknown): unknown {
    const { processor, delivery } = attempt
    const { name, spec } = processor
    this.machine.watch?.called?.(name)
    const what = this.what(attempt, `processor "${name}"`, `${name} handles`, name, delivery.message)
    if (what === 'slowInside') {
      this.slow.add(attempt)
      return call()
    }
    // Once the engine has given it up, a handler that begins would be one that nobody called.
    return this.goingWrong(what, spec.timeoutMs, call, () => attempt.state === 'running')
  }

  /** The same with the rule of a desk. */
  private judge(owner: object, { processor, message }: Failure, call: () => unknown): unknown {
    const what = this.what(
      owner,
      `the rule for processor "${processor}"`,
      `rule for ${processor} judges`,
      processor,
      message,
    )
    // One that the engine has given up is not called: a rule begins at once, or not at all.
    return this.goingWrong(what === 'slowBefore' ? 'slowAfter' : what, ruleMs, call, () => true)
  }

  private what(owner: object, who: string, does: string, processor: string, message: Named): HandlerFault | undefined {
    if (!this.life.alive) throw new Died()
    const { faults, trace } = this.machine
    const what = faults.handler()
    this.machine.noteCall(owner, who, processor, message, what !== undefined)
    trace.add(`${does} ${message.type} ${message.id}${what === undefined ? '' : `, ${said[what]}`}`)
    return what
  }

  private goingWrong(
    what: HandlerFault | undefined,
    timeMs: number,
    call: () => unknown,
    wanted: () => boolean,
  ): unknown {
    const pause = () => this.pause(this.machine.faults.slowMs(timeMs))
    switch (what) {
      case 'failsBefore':
        throw new Error(injected)
      case 'failsAfter':
        return Promise.resolve(call()).then(() => {
          throw new Error(injected)
        })
      case 'slowBefore':
        return pause().then(() => {
          if (!wanted()) throw new Error(injected)
          return call()
        })
      case 'slowAfter':
        return Promise.resolve(call()).then((result) => pause().then(() => result))
      default:
        return call()
    }
  }
}

const said: Readonly<Record<HandlerFault, string>> = {
  failsBefore: 'fails at once',
  failsAfter: 'fails at its end',
  slowBefore: 'begins late',
  slowInside: 'reads slowly',
  slowAfter: 'ends late',
}

function databaseLocked(): Error {
  return Object.assign(new Error('database is locked'), { code: 'ERR_SQLITE_ERROR', errcode: 5 })
}

function diskFull(): Error {
  return Object.assign(new Error('database or disk is full'), { code: 'ERR_SQLITE_ERROR', errcode: 13 })
}

/** UUIDv7: the time, a count, which process, and random bits, so that no two of a run are the same. */
function uuid(ms: number, process: number, count: number, random: Random): string {
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0')
  const time = hex(ms, 12)
  const tail = `${hex(process & 0xffff, 4)}${hex(random.below(0x1_0000), 4)}${hex((count >> 12) & 0xffff, 4)}`
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(count & 0xfff, 3)}-8${hex(random.below(0x1000), 3)}-${tail}`
}
