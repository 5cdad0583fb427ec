// The writes of one processor, on their way to the committer.
//
//   open ──close──→ closed: takes nothing more; the writes that it took before are still written
//
// Invariant: when a closed one has none on their way, nothing of its processor is written from then on.
import type { MillraceError } from '../../model/errors.ts'
import type { Committer } from '../commit/committer.ts'
import type { Handled } from '../commit/handled.ts'
import type { Job, Mark } from '../commit/writes.ts'

type Takes = Pick<Committer, 'write' | 'finish' | 'mark'>

export class OwnWrites {
  private readonly committer: Takes
  private why: MillraceError | undefined
  private onTheWay = 0

  constructor(committer: Takes) {
    this.committer = committer
  }

  write(job: Job): void {
    if (this.why !== undefined) {
      job.dropped?.(this.why)
      return
    }
    const { written, dropped } = job
    this.onTheWay++
    this.committer.write({
      ...job,
      written: (heads) => {
        this.onTheWay--
        written?.(heads)
      },
      dropped: (error) => {
        this.onTheWay--
        dropped?.(error)
      },
    })
  }

  /** The same. Resolves when it is written; rejects when it never is, or the run ends before that is known. */
  written(job: Job): Promise<void> {
    return new Promise((resolve, reject) => this.write({ ...job, written: () => resolve(), dropped: reject }))
  }

  /** Takes an attempt that ended well. {@link settled} is called when its commit is durable, or has failed. */
  finish(attempt: Handled): void {
    if (this.why !== undefined) {
      attempt.flowOutcome?.dropped?.()
      return
    }
    this.onTheWay++
    this.committer.finish(attempt)
  }

  settled(): void {
    this.onTheWay--
  }

  mark(mark: Mark): void {
    if (this.why !== undefined) return
    this.onTheWay++
    const written = () => {
      this.onTheWay--
      mark.written()
    }
    this.committer.mark({ ...mark, written })
  }

  /** `why` is told to all whose writes come too late. */
  close(why: MillraceError): void {
    this.why ??= why
  }

  get isClosed(): boolean {
    return this.why !== undefined
  }

  /** Whether any is on its way. */
  get areUnderWay(): boolean {
    return this.onTheWay > 0
  }
}
