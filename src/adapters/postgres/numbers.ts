// Numbers that rise as long as the database lives, whatever becomes of the rows that had them. A sequence keeps the highest
// that may be in use: to set it is no change of a row, and no rollback takes it back.
import { one, type Statements } from './statements.ts'

/** How many numbers are taken at once: the sequence is set once for so many. */
const reserved = 1_024

export class Numbers {
  private readonly setText: string
  private readonly readText: string
  /** What the sequence says, at least. */
  private kept = 0

  constructor(sequence: 'flow_numbers' | 'entry_numbers' | 'mail_numbers') {
    this.setText = `select setval('millrace.${sequence}', greatest($1::int8, last_value)) from millrace.${sequence}`
    this.readText = `select last_value as last from millrace.${sequence}`
  }

  /** The highest that may be in use, as a take-over finds it. */
  async highest(db: Statements): Promise<number> {
    return (await one<{ last: number }>(db, this.readText))!.last
  }

  /**
   * Rows with numbers up to this one are written, in the transaction under way. Returns what was sent, where something
   * had to be.
   */
  use(db: Statements, number: number): Promise<unknown> | undefined {
    if (number <= this.kept) return undefined
    const next = number + reserved
    const sent = db.all(this.setText, [next])
    // Until it is answered the sequence may not say so.
    return sent.then(() => {
      this.kept = Math.max(this.kept, next)
    })
  }
}
