import type { DatabaseSync, StatementSync } from 'node:sqlite'

/** How many numbers are taken from the file at once: one write of a row for so many. */
const reserved = 1_024

/**
 * Numbers that rise as long as the file lives. The highest that may be in use is a row of its own: rows that had numbers
 * are forgotten, and to look for the highest among those that are left would read them all.
 */
export class Numbers {
  private readonly key: string
  private readonly find: StatementSync
  private readonly put: StatementSync
  /** What the file says. */
  private kept: number

  constructor(db: DatabaseSync, key: 'entries' | 'mails') {
    this.key = key
    this.find = db.prepare('select value from millrace_meta where key = ?')
    this.put = db.prepare('insert or replace into millrace_meta values (?, ?)')
    this.kept = this.read()
  }

  /** The highest that may be in use. */
  get highest(): number {
    return this.kept
  }

  /** A row with a number is written, in the transaction under way. */
  use(number: number): void {
    if (number <= this.kept) return
    this.kept = number + reserved
    this.put.run(this.key, this.kept)
  }

  /** The transaction under way was rolled back, with what it had taken. */
  rollback(): void {
    this.kept = this.read()
  }

  private read(): number {
    return (this.find.get(this.key) as { value: number } | undefined)?.value ?? 0
  }
}
