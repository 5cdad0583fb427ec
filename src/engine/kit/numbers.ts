/**
 * Rising numbers for rows of the store. The owner of the store draws them in memory; at each take-over they begin after
 * the highest that the store knows.
 */
export class Numbers {
  private last: number | undefined

  /** @param last the highest number that may be in use */
  begin(last: number): void {
    this.last = last
  }

  /** @throws when they have not begun */
  next(): number {
    if (this.last === undefined) throw new Error('numbers are drawn before the store is taken over')
    return ++this.last
  }
}
