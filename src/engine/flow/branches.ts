// The branches of a flow's code: its function, each undo, each branch of a race. The world knows by them what code runs.
//
//   branch:                    running ──another branch of its race ends first──→ lost: it begins no further step
//   open step of a lost one:   losing ──withdrawn, or its subflow was told to end──→ ended or released
//
// A flow does not end while it has losing steps.
import { toldOfFrozen } from '../../model/frozen.ts'
import type { Owner } from '../../seam/world.ts'
import type { Step } from './host.ts'

/** What branches need of the engine. */
export interface BranchesHost {
  readonly spec: { readonly name: string }
  /** As those of `World`. */
  guard<T>(owner: Owner, fn: () => T): T
  owner(): object | undefined
  /** Takes an error that no code awaits. */
  late(error: unknown): void
}

/** How a function of the user has ended. */
export interface FunctionEnd {
  readonly ok: boolean
  readonly value: unknown
}

/** Code of a mediator that runs, and the steps that it has begun. */
export class Branch implements Owner {
  readonly branches: Branches
  readonly outer: Branch | undefined
  readonly steps: Step[] = []
  lost = false

  constructor(branches: Branches, outer?: Branch) {
    this.branches = branches
    this.outer = outer
  }

  /** The name of the mediator. */
  get mediator(): string {
    return this.branches.host.spec.name
  }

  late(error: unknown): void {
    this.branches.host.late(error)
  }
}

export class Branches {
  readonly host: BranchesHost
  /** The owner of errors that are thrown into the code. */
  readonly root: Branch
  private losing: Set<Step> | undefined

  constructor(host: BranchesHost) {
    this.host = host
    this.root = new Branch(this)
  }

  /** Runs a function of the user outside any branch of another; its error is a value. */
  run(fn: () => unknown): Promise<FunctionEnd> {
    return this.host.guard(new Branch(this), async () => {
      try {
        return { ok: true, value: await fn() }
      } catch (value) {
        return { ok: false, value: toldOfFrozen(`mediator "${this.host.spec.name}"`, value) }
      }
    })
  }

  /** True where the code that runs now is of a branch that lost its race. */
  get isLost(): boolean {
    for (let branch = this.current(); branch !== undefined; branch = branch.outer) if (branch.lost) return true
    return false
  }

  /** Adds a step to the branch that begins it, and to those around it. */
  join(step: Step): void {
    for (let branch = this.current(); branch !== undefined; branch = branch.outer) branch.steps.push(step)
  }

  /** Runs branches until one has ended; then `lose` is called with each open step of the others. */
  async race(branches: readonly (() => unknown)[], lose: (step: Step) => void): Promise<unknown> {
    const outer = this.current()
    const all = branches.map(() => new Branch(this, outer))
    const running = branches.map((fn, index) => this.host.guard(all[index]!, async () => fn()))
    let first = -1
    try {
      return await Promise.race(
        running.map((one, index) =>
          one.finally(() => {
            if (first === -1) first = index
          }),
        ),
      )
    } finally {
      for (const [index, branch] of all.entries()) if (index !== first) this.lose(branch, lose)
    }
  }

  private lose(branch: Branch, lose: (step: Step) => void): void {
    branch.lost = true
    for (const step of branch.steps) {
      if (step.outcome !== undefined) continue
      const { kind } = step.entry
      if (kind === 'call' || kind === 'flow') this.losing = (this.losing ?? new Set()).add(step)
      lose(step)
    }
  }

  /** Forgets a step: its subflow was told to end, and its result does not matter. */
  release(step: Step): void {
    this.losing?.delete(step)
  }

  /** True where the flow does not end before a step is withdrawn. */
  awaits(step: Step): boolean {
    return this.losing?.has(step) === true
  }

  /** True while a step that lost its race is open. */
  get hasLosers(): boolean {
    const { losing } = this
    if (losing === undefined) return false
    for (const step of losing) {
      if (step.outcome === undefined) return true
      losing.delete(step)
    }
    return false
  }

  private current(): Branch | undefined {
    const owner = this.host.owner()
    return owner instanceof Branch && owner.branches === this ? owner : undefined
  }
}
