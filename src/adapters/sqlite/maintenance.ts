// The thread for maintenance: checkpoints and looks for damage, one question at a time. It is started when first needed.
//
//   none ──asked──→ runs ──answers──→ runs ──ends by itself──→ none: the question fails, the next starts it anew
import { fault, isMillraceError, type MillraceError } from '../../model/errors.ts'
import type { Thread, ThreadListener } from '../node/thread.ts'
import type { OpenFile } from './disk.ts'
import { misplacedFault } from './errors.ts'

/** A question. `check` names one table, so that checkpoints have their turn between two of them. */
export type Ask = 'checkpoint' | 'tables' | { readonly check: string }

/** The answer of the thread. */
export interface MaintenanceAnswer {
  readonly value?: unknown
  readonly error?: string | undefined
  readonly misplaced?: string | undefined
}

export interface MaintenanceNeeds {
  start(data: { file: string; files: readonly OpenFile[] }, listener: ThreadListener<MaintenanceAnswer>): Thread
  /** Why a sync has failed: nothing is asked after that. */
  broken(): MillraceError | undefined
  /** Other files are in the place of those that are open. */
  misplaced(error: MillraceError): void
}

interface Waiting {
  resolve(value: unknown): void
  reject(error: unknown): void
}

export class Maintenance {
  private readonly needs: MaintenanceNeeds
  private file = ''
  private files: readonly OpenFile[] = []
  private thread: Thread | undefined
  private asked: Waiting | undefined
  private turn: Promise<unknown> = Promise.resolve()

  constructor(needs: MaintenanceNeeds) {
    this.needs = needs
  }

  open(file: string, files: readonly OpenFile[]): void {
    this.file = file
    this.files = files
  }

  /** @throws `millrace/disk-failed`, `millrace/files-replaced` */
  ask<T>(question: Ask): Promise<T> {
    const answer = this.turn.then(() => {
      this.check(question)
      this.thread ??= this.start()
      return new Promise<T>((resolve, reject) => {
        this.asked = { resolve: resolve as (value: unknown) => void, reject }
        this.thread!.post(question)
      })
    })
    this.turn = answer.catch(() => {})
    return answer
  }

  /** Ends the thread when it has answered. */
  async close(): Promise<void> {
    await this.turn
    this.thread?.ref()
    this.thread?.post('close')
  }

  private check(question: Ask): void {
    const broken = this.needs.broken()
    if (broken === undefined) return
    if (broken.code === 'millrace/files-replaced') throw broken
    const what = question === 'checkpoint' ? 'checkpoint' : 'check'
    throw fault('millrace/disk-failed', `a sync of ${this.file} has failed: no ${what} before it is opened anew`)
  }

  private start(): Thread {
    const { file, files } = this
    let why: unknown
    const thread: Thread = this.needs.start(
      { file, files },
      {
        answer: (answer) => this.answered(answer),
        failed: (error) => {
          why = error
        },
        ended: () => {
          const text = () => `the maintenance thread of ${file} ended: ${String(why)}`
          this.asked?.reject(isMillraceError(why) ? why : fault('millrace/disk-failed', text()))
          if (this.thread === thread) this.thread = undefined
        },
      },
    )
    thread.unref()
    return thread
  }

  private answered({ value, error, misplaced }: MaintenanceAnswer): void {
    if (misplaced !== undefined) {
      const replaced = misplacedFault(misplaced)
      this.needs.misplaced(replaced)
      this.asked?.reject(this.needs.broken() ?? replaced)
    } else if (error === undefined) this.asked?.resolve(value)
    else this.asked?.reject(fault('millrace/disk-failed', `maintenance of ${this.file} failed: ${error}`))
  }
}
