// Ways in which the engine could be wrong. Each replaces text of its source, which has to be there exactly once.

export interface Edit {
  /** Below `src/`. */
  readonly file: string
  readonly from: string
  readonly to: string
}

export const mutations: Readonly<Record<string, readonly Edit[]>> = {
  'acknowledges before the commit': [
    {
      file: 'engine/committer.ts',
      from: '    this.publishes.push(publish)\n',
      to: '    this.publishes.push(publish)\n    publish.resolve({ id: publish.message.id })\n',
    },
  ],
  'skips the fence': [
    {
      file: 'engine/consumer.ts',
      from: '      attempt.gone?.()\n      return false\n',
      to: '      attempt.gone?.()\n      return true\n',
    },
  ],
  'forgets the done-set': [{ file: 'engine/progress.ts', from: 'low, done: this.encode() }', to: 'low, done: null }' }],
  'releases a lane out of order': [
    { file: 'engine/desk-lanes.ts', from: 'const next = lane.line.shift()', to: 'const next = lane.line.pop()' },
  ],
  'reopens a lane before its commit': [
    {
      file: 'engine/consumer.ts',
      from: '    if (counts) this.around.committer.finish(attempt)\n',
      to: `    const { next } = attempt.delivery
    if (counts && next !== undefined && attempt.delivery.entry === undefined) {
      attempt.delivery.next = undefined
      this.ready.push(next)
    }
    if (counts) this.around.committer.finish(attempt)\n`,
    },
  ],
  'reopens a lane after its commit, before the sync': [
    {
      file: 'adapters/sqlite/store.ts',
      from: '    await this.sync()\n    this.checkpointWhenDue()\n',
      to: `    for (const fn of functions as unknown as { outcome: any; consumer: any; delivery: any }[]) {
      if (fn.outcome?.ok !== true || fn.consumer === undefined) continue
      fn.consumer.completed(fn.delivery)
      fn.consumer.pull()
    }
    await this.sync()
    this.checkpointWhenDue()\n`,
    },
    {
      file: 'engine/committer.ts',
      from: '        if (outcome.ok) fn.consumer.completed(fn.delivery)\n        else {',
      to: '        if (!outcome.ok) {',
    },
  ],
  'lets everything leave before the sync': [
    {
      file: 'adapters/sqlite/store.ts',
      from: '    await this.sync()\n    this.checkpointWhenDue()\n',
      to: '    this.sync().catch(() => {})\n    this.checkpointWhenDue()\n',
    },
  ],
  'loses a batch now and then': [
    {
      file: 'adapters/sqlite/store.ts',
      from: '      open.commit.run()\n',
      to: '      if (this.world.random() < 0.03) open.rollback.run()\n      else open.commit.run()\n',
    },
  ],
  'opens a lane while one is left in its line': [
    {
      file: 'engine/desk-lanes.ts',
      from: 'if (entries.length > 0 || lane.written !== written) this.advance(lane)',
      to: 'if (entries.length > 1 || lane.written !== written) this.advance(lane)',
    },
  ],
  'holds a message without moving past it': [
    {
      file: 'engine/consumer.ts',
      from: 'committer.write({ ...job, consumer: this, position, changes:',
      to: 'committer.write({ ...job, changes:',
    },
  ],
  'forgets that a lane waits at the desk when it starts': [
    {
      file: 'engine/consumer.ts',
      from: '        if (lane !== null) this.desk.wait(lane)\n',
      to: '',
    },
  ],
  'lets a lane go on before what failed is on disk': [
    {
      file: 'engine/consumer.ts',
      from: '      if (deskLane === undefined) this.moveToLine(delivery.next, context)\n',
      to: '      if (deskLane === undefined) this.openNext(delivery)\n',
    },
  ],
  'leaves the next in line without its turn': [
    {
      file: 'adapters/sqlite/desk.ts',
      from: "`update millrace_desk set state = 'trying' where state = 'line' and id",
      to: "`update millrace_desk set state = 'line' where state = 'line' and id",
    },
  ],
  'drops what a handler publishes': [
    {
      file: 'engine/committer.ts',
      from: '    for (const message of attempt.outgoing) append.push(message)\n',
      to: '',
    },
  ],
  'keeps what a commit function published before it failed': [
    { file: 'engine/attempt.ts', from: '    this.inCommit = undefined\n', to: '' },
  ],
  'accepts a message again under the same id': [
    {
      file: 'adapters/sqlite/log.ts',
      from: '    if (message.ownId && !this.claim(message, this.head(message.stream) + 1)) return\n',
      to: '',
    },
  ],
  'goes on after a failed sync as if nothing were': [
    {
      file: 'adapters/sqlite/store.ts',
      from: '    this.durable = done.catch(() => {})\n    return done\n',
      to: '    this.durable = done.catch(() => {})\n    return done.catch(() => {})\n',
    },
  ],
  'does not write the -wal file out anew before it is used again': [
    { file: 'adapters/sqlite/store.ts', from: '      await this.disk.renewWal(this.file)\n', to: '' },
  ],
  'begins a second run beside that of a start that failed': [
    { file: 'engine/engine.ts', from: "const starting = this.state === 'starting'", to: 'const starting = false' },
  ],
  'does not wait for a store that is opened anew before it says idle': [
    {
      file: 'app.ts',
      from: "      if (this.state === 'reopening') await this.reopened\n      if (await",
      to: '      if (await',
    },
  ],
}

/** Those that few seeds meet: the seed from which they are looked for. */
export const rare: Readonly<Record<string, number>> = {
  'does not write the -wal file out anew before it is used again': 123,
  'begins a second run beside that of a start that failed': 374,
  'does not wait for a store that is opened anew before it says idle': 335,
}
