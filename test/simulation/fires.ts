// A schedule that people fire, as the model follows it: the event and its line of the audit log are one write.
import assert from 'node:assert/strict'

/** The schedule that they fire. */
export const fired = 'yearly'

export class Fires {
  /** The ids of events that lines tell of, and of those that are in the log. */
  private readonly told = new Set<string>()
  private readonly logged = new Set<string>()

  /** A line says that it was fired. */
  tells(detail: string): void {
    const { id } = JSON.parse(detail) as { id: string }
    assert(!this.told.has(id), `the audit log tells twice that ${id} was fired`)
    this.told.add(id)
  }

  /** A message came into the log. */
  read({ id, source }: { readonly id: string; readonly source: string }): void {
    if (source === `/simulated/${fired}` && !id.startsWith(`${fired}@`)) this.logged.add(id)
  }

  judge(): void {
    assert.deepEqual(this.logged, this.told, 'what was fired, in the log and in the audit log')
  }
}
