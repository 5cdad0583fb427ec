/** How many handlers of a processor may run at once: as its code says, unless a person has set another number. */
export class Concurrency {
  now: number
  /** Called when it has changed: more may start. */
  changed: () => void = () => {}
  private readonly inCode: number

  constructor(inCode: number) {
    this.inCode = inCode
    this.now = inCode
  }

  /** What runs continues to its end. `null`: as the code says. */
  set(most: number | null): void {
    this.now = most ?? this.inCode
    this.changed()
  }
}
