// Statements that were sent and not answered yet.

const ignore = () => {}

/** Answers in the order in which they were asked for. A failure is thrown where they are awaited, and nowhere else. */
export class Sent {
  private readonly all: Promise<unknown>[] = []

  /** Takes what was sent, and returns it. */
  add<T>(sent: Promise<T>): Promise<T> {
    sent.catch(ignore)
    this.all.push(sent)
    return sent
  }

  /** Resolves when all are answered. Throws the first failure, in the order of sending. */
  async answered(): Promise<void> {
    for (const one of this.all) await one
  }
}
