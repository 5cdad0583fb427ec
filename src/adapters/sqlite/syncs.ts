// The syncs that were asked for and are not answered yet. A thread does them; both sides share memory.
//
//   asked (a number) ──the thread has synced up to it──→ answered, after a look at the files if it took long
//        └──the thread fails, or other files are in the place──→ broken: this sync and every later one rejects
import { fault, isMillraceError, type MillraceError } from '../../model/errors.ts'
import type { Synced, SyncPace } from './disk.ts'
import { misplacedFault } from './errors.ts'
import { lookMs, place, places, reached } from './sync-memory.ts'

/** A sync that took longer is answered only after another look at the files, milliseconds. */
const lookAgainMs = 10
/** The time between two looks at each of the files, whatever their folder says, milliseconds. */
const lookAtAllMs = 500

/** Looks whether the files are in their place: see `FilesLook`. */
export interface Look {
  glance(): string | undefined
  misplaced(): string | undefined
}

/** The answer of the thread. */
export type SyncAnswer = Synced & { readonly number: number; readonly error?: string | undefined }

interface Waiting {
  readonly number: number
  resolve(value: Synced): void
  reject(error: unknown): void
}

export class Syncs {
  /** Shared with the thread: see `sync-memory.ts`. */
  readonly memory = new Int32Array(new SharedArrayBuffer(4 * places))
  /** Why nothing more is synced. */
  broken: MillraceError | undefined
  /** Two threads that look for each other need a processor each. */
  private readonly mayLook: boolean
  private file = ''
  /**
   * The look at the files at each sync runs beside the thread that syncs: in that thread it would delay every
   * acknowledgement.
   */
  private files: Look | undefined
  private lookedAt = Number.NEGATIVE_INFINITY
  private lookedAtAll = Number.NEGATIVE_INFINITY
  private waiting: Waiting[] = []
  private last: Synced = { freeBytes: Number.MAX_SAFE_INTEGER }

  constructor(processors: number) {
    this.mayLook = processors > 1
  }

  open(file: string, files: Look): void {
    this.file = file
    this.files = files
  }

  ask(pace: SyncPace): Promise<Synced> {
    return new Promise((resolve, reject) => {
      if (this.broken !== undefined) {
        reject(this.broken)
        return
      }
      const { memory } = this
      const looks = pace === 'chained' && this.mayLook
      Atomics.store(memory, place.looks, looks ? 1 : 0)
      const number = (Atomics.add(memory, place.asked, 1) + 1) | 0
      this.waiting.push({ number, resolve, reject })
      Atomics.notify(memory, place.asked)
      this.look()
      if (looks) setImmediate(this.lookFor, number, performance.now() + lookMs)
    })
  }

  answered(answer: SyncAnswer): void {
    if (answer.error !== undefined) {
      this.fail(answer.error)
      return
    }
    this.last = answer
    this.synced(answer.number)
  }

  /** Fails all syncs, those that are asked for later too. */
  fail(why: unknown): void {
    const text = () => `syncing ${this.file}-wal failed: ${String(why)}`
    this.broken ??= isMillraceError(why) ? why : fault('millrace/sync-failed', text())
    const failed = this.waiting
    this.waiting = []
    for (const { reject } of failed) reject(this.broken)
  }

  /** Tells the thread to end. */
  end(): void {
    Atomics.store(this.memory, place.ends, 1)
    Atomics.add(this.memory, place.asked, 1)
    Atomics.notify(this.memory, place.asked)
  }

  /** Fails all syncs where other files are in the place of those that are open. */
  private look(): void {
    this.lookedAt = performance.now()
    const all = this.lookedAt - this.lookedAtAll >= lookAtAllMs
    if (all) this.lookedAtAll = this.lookedAt
    const why = all ? this.files!.misplaced() : this.files!.glance()
    if (why !== undefined) this.fail(misplacedFault(why))
  }

  /** The syncs up to a number are on disk. */
  private synced(number: number): void {
    if (performance.now() - this.lookedAt > lookAgainMs) this.look()
    while (this.waiting.length > 0 && reached(number, this.waiting[0]!.number)) this.waiting.shift()!.resolve(this.last)
  }

  private readonly lookFor = (number: number, until: number): void => {
    if (reached(Atomics.load(this.memory, place.done), number)) this.synced(number)
    else if (performance.now() < until) setImmediate(this.lookFor, number, until)
  }
}
