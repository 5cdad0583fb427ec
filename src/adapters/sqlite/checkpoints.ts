// When the pages of the -wal file are copied into the database. The first pass, beside the work, does most of it; commits
// wait for the second, which ends it.
//
//   growing ──`bytesMax` written──→ beside the work ──→ commits wait at the gate ──→ growing
//                                          └────────────fails─────────┴──told──────────↑

export interface CheckpointNeeds {
  /** Copies pages as far as readers allow. */
  checkpoint(): Promise<unknown>
  /** Called as a checkpoint begins; the result is called when it has ended, however it ended. */
  begins(): () => void
  failed(error: unknown): void
}

export class Checkpoints {
  private readonly needs: CheckpointNeeds
  private readonly bytesMax: number
  private written = 0
  private running: Promise<void> | undefined
  /** While set, no transaction may begin. It never rejects: a failed checkpoint fails no commit. */
  gate: Promise<unknown> | undefined

  constructor(bytesMax: number, needs: CheckpointNeeds) {
    this.needs = needs
    this.bytesMax = bytesMax
  }

  /** Counts bytes that transactions wrote, roughly. */
  wrote(bytes: number): void {
    this.written += bytes
  }

  beginWhenDue(): void {
    if (this.running !== undefined || this.written < this.bytesMax) return
    this.written = 0
    const ended = this.needs.begins()
    this.running = this.run()
      .catch((error) => this.needs.failed(error))
      .finally(() => {
        this.gate = undefined
        this.running = undefined
        ended()
      })
  }

  /** Resolves when the checkpoint under way has ended; undefined where there is none. */
  get ended(): Promise<void> | undefined {
    return this.running
  }

  private async run(): Promise<void> {
    await this.needs.checkpoint()
    const last = this.needs.checkpoint()
    this.gate = last.catch(() => {})
    await last
  }
}
