// The rows of another program, in a database that the app takes up. They stay as they are, whatever becomes of the app,
// except by that program itself, which writes while no process has the file.
import assert from 'node:assert/strict'
import type { DatabaseSync } from 'node:sqlite'
import type { Watched } from '../../src/testing/machine/watch.ts'
import type { Random } from '../../src/testing/random.ts'

export class Theirs {
  private readonly random: Random
  private readonly rows: string[] = []
  private readonly application: number
  private version: number

  constructor(random: Random) {
    this.random = random
    this.version = random.below(3)
    this.application = random.pick([0, 77])
  }

  /** Before a process starts. */
  starting(machine: Watched): void {
    if (machine.starts === 0) machine.found((db) => this.make(db))
    else if (this.random.chance(0.3)) machine.beside((db) => this.change(db))
  }

  /** Whatever is durable, these rows are there. */
  check(db: DatabaseSync): void {
    const found = db.prepare('select text from theirs order by n').all()
    assert.deepEqual(
      found.map(({ text }) => text),
      this.rows,
    )
    assert.equal(db.prepare('pragma user_version').get()!['user_version'], this.version)
    assert.equal(db.prepare('pragma application_id').get()!['application_id'], this.application)
    assert.equal(db.prepare('select count(*) as n from millrace_wal').get()!['n'], 1)
  }

  private make(db: DatabaseSync): void {
    const mode = this.random.pick(['delete', 'wal'])
    db.exec(`pragma page_size = ${this.random.pick([1_024, 4_096])}; pragma journal_mode = ${mode}`)
    db.exec(`create table theirs (n integer primary key, text text); pragma application_id = ${this.application};
      pragma user_version = ${this.version}`)
    for (let n = this.random.below(200); n >= 0; n--) this.change(db)
  }

  private change(db: DatabaseSync): void {
    const text = 'x'.repeat(this.random.below(500))
    db.prepare('insert into theirs (text) values (?)').run(text)
    this.rows.push(text)
    if (!this.random.chance(0.2)) return
    this.version++
    db.exec(`pragma user_version = ${this.version}`)
  }
}
