// The reader: a thread with a connection of its own that only reads, for lists, searches and stories.
//
//   none ──asked──→ runs: one question at a time, in order ──answered──→ runs
//                     └──an answer takes too long, or the thread fails──→ ended: the question under way rejects,
//                        and those that waited behind it are asked of the next thread
//
// - It is started by the first question, and costs nothing before.
// - A thread that is ended lets go of the file at once, or when its statement returns: SQLite cannot be interrupted.
//   Two that have not let go are enough: until one has, questions are refused.
// - An answer is given when all that it can show is durable.
import { fault, isMillraceError } from '../../model/errors.ts'
import { messageOf } from '../../model/people.ts'
import type { Thread, ThreadListener } from '../node/thread.ts'
import type { OpenFile, ReadAsk } from './disk.ts'
import { misplacedFault } from './errors.ts'

export interface ReaderAnswer {
  readonly value?: unknown
  readonly error?: string | undefined
  readonly misplaced?: string | undefined
}

export interface ReaderNeeds {
  start(data: { file: string; files: readonly OpenFile[] }, listener: ThreadListener<ReaderAnswer>): Thread
  /** Calls a function after so many milliseconds. Returns what takes that back. */
  after(ms: number, fn: () => void): () => void
}

interface Question {
  readonly ask: ReadAsk
  resolve(value: unknown): void
  reject(error: unknown): void
}

/** The time that one answer may take, milliseconds. Each is bounded; what takes longer hangs, or the disk does. */
export const answerMsMax = 10_000
const leavingMax = 2
/** Questions that wait at once. */
const waitingMax = 1_000

export class Reader {
  private readonly needs: ReaderNeeds
  private file = ''
  private files: readonly OpenFile[] = []
  private thread: Thread | undefined
  private asked: Question | undefined
  private readonly waiting: Question[] = []
  /** Threads that were ended and have not let go yet. */
  private leaving = 0
  private isClosed = false
  private endTimer = () => {}

  constructor(needs: ReaderNeeds) {
    this.needs = needs
  }

  open(file: string, files: readonly OpenFile[]): void {
    this.file = file
    this.files = files
  }

  /** @throws `millrace/reader-ended`, `millrace/files-replaced`, `millrace/threads-missing` */
  ask<T>(ask: ReadAsk): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.isClosed) return reject(this.ended('is closed'))
      if (this.waiting.length >= waitingMax) return reject(this.ended(`has ${waitingMax} questions waiting`))
      this.waiting.push({ ask, resolve: resolve as (value: unknown) => void, reject })
      this.next()
    })
  }

  /** Ends the thread; what was not answered rejects. */
  close(): void {
    this.isClosed = true
    for (const { reject } of this.waiting.splice(0)) reject(this.ended('is closed'))
    if (this.asked !== undefined) this.give('is closed')
    this.thread?.ref()
    this.thread?.post('close')
    this.thread = undefined
  }

  private next(): void {
    if (this.asked !== undefined || this.waiting.length === 0) return
    const question = this.waiting.shift()!
    try {
      if (this.thread === undefined && this.leaving >= leavingMax) throw this.ended('hangs')
      this.thread ??= this.start()
    } catch (error) {
      question.reject(error)
      this.next()
      return
    }
    this.asked = question
    this.endTimer = this.needs.after(answerMsMax, () => this.give(`had no answer after ${answerMsMax} ms`))
    this.thread.post(question.ask)
  }

  private start(): Thread {
    const { file, files } = this
    let why: unknown
    const thread: Thread = this.needs.start(
      { file, files },
      {
        answer: (answer) => {
          if (this.thread === thread) this.answered(answer)
        },
        failed: (error) => {
          why = error
        },
        ended: () => {
          if (this.thread !== thread) this.leaving = Math.max(0, this.leaving - 1)
          else {
            this.thread = undefined
            this.settle()?.reject(isMillraceError(why) ? why : this.ended(`ended: ${messageOf(why)}`))
          }
          this.next()
        },
      },
    )
    thread.unref()
    return thread
  }

  private answered({ value, error, misplaced }: ReaderAnswer): void {
    const question = this.settle()
    if (misplaced !== undefined) question?.reject(misplacedFault(misplaced))
    else if (error !== undefined) question?.reject(this.ended(`failed: ${error}`))
    else question?.resolve(value)
    this.next()
  }

  /** Gives the question under way up, and its thread with it. */
  private give(why: string): void {
    const { thread } = this
    this.thread = undefined
    if (thread !== undefined) this.leaving++
    this.settle()?.reject(this.ended(why))
    thread?.terminate()
    this.next()
  }

  private settle(): Question | undefined {
    const { asked } = this
    this.asked = undefined
    this.endTimer()
    return asked
  }

  private ended(why: string) {
    return fault('millrace/reader-ended', `the reader of ${this.file} ${why}`)
  }
}
