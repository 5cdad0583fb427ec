import type { FlowState } from './flow.ts'

/** The number of flows of a mediator in a state. */
interface Count {
  readonly mediator: string
  readonly state: FlowState
  readonly flows: number
}

/** Counts flows by mediator and state, slice by slice. */
export class FlowTally {
  private readonly found = new Map<string, Count>()

  add(flows: readonly Pick<Count, 'mediator' | 'state'>[]): void {
    for (const { mediator, state } of flows) {
      const key = `${state} ${mediator}`
      this.found.set(key, { mediator, state, flows: (this.found.get(key)?.flows ?? 0) + 1 })
    }
  }

  /** The counts by mediator, then by state. */
  get counts(): Count[] {
    const order = (one: string, other: string) => (one < other ? -1 : one > other ? 1 : 0)
    return [...this.found.values()].sort((a, b) => order(a.mediator, b.mediator) || order(a.state, b.state))
  }
}
