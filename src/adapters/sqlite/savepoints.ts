import type { DatabaseSync, StatementSync } from 'node:sqlite'

interface Level {
  readonly begin: StatementSync
  readonly release: StatementSync
  readonly rollBackTo: StatementSync
}

/** Levels whose statements are kept. */
const keptMax = 16

/** Nested savepoints. Each level has a name of its own, so that an outer one rolls back all that is in it. */
export class Savepoints {
  private readonly db: DatabaseSync
  private readonly kept: Level[] = []

  constructor(db: DatabaseSync) {
    this.db = db
    this.kept.push(this.prepare(0))
  }

  begin(depth: number): void {
    this.at(depth).begin.run()
  }

  release(depth: number): void {
    this.at(depth).release.run()
  }

  /** Rolls back to the beginning of the savepoint, and ends it. */
  rollBack(depth: number): void {
    const { rollBackTo, release } = this.at(depth)
    rollBackTo.run()
    release.run()
  }

  private at(depth: number): Level {
    const kept = this.kept[depth]
    if (kept !== undefined) return kept
    const level = this.prepare(depth)
    if (depth < keptMax) this.kept[depth] = level
    return level
  }

  private prepare(depth: number): Level {
    const name = `millrace_${depth}`
    return {
      begin: this.db.prepare(`savepoint ${name}`),
      release: this.db.prepare(`release ${name}`),
      rollBackTo: this.db.prepare(`rollback to ${name}`),
    }
  }
}
