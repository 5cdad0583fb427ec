// Ways in which the engine could be wrong. Each replaces text of its source, which has to be there exactly once.
import type { Hunt } from './engine.ts'

export interface Edit {
  /** Below `src/`. */
  readonly file: string
  readonly from: string
  readonly to: string
}

export const mutations: Readonly<Record<string, readonly Edit[]>> = {
  'puts an end of a step behind others that a flow has got from its journal': [
    {
      file: 'engine/flow/loading.ts',
      from: 'host.inJournal(row.id, await host.rows.journal(row.id))',
      to: 'await host.rows.journal(row.id)',
    },
  ],
  'turns ends of steps round that are put behind something else': [
    {
      file: 'engine/flow/step-ends-under-way.ts',
      from: '    else last.next = end\n',
      to: '    else this.first.set(flow, Object.assign(end, { next: this.first.get(flow) }))\n',
    },
  ],
  'leaves out what an alert part told under an earlier name': [
    {
      file: 'http/alerts.ts',
      from: 'names.includes((data as AlertRaised).watch)',
      to: '(data as AlertRaised).watch === name',
    },
  ],
  'keeps what a trial has written': [
    {
      file: 'engine/desk/trial.ts',
      from: '    this.leaving = leavingOf(attempt, value)\n    throw takenBack\n',
      to: '    this.leaving = leavingOf(attempt, value)\n    return undefined as never\n',
    },
  ],
  'sends what a trial has collected': [
    {
      file: 'engine/desk/trial.ts',
      from: '    this.leaving = leavingOf(attempt, value)\n    throw takenBack\n',
      to: '    this.leaving = leavingOf(attempt, value)\n    return undefined as never\n',
    },
    {
      file: 'engine/desk/trial.ts',
      from: '  readonly outgoing: readonly Stored[] = []\n',
      to: '  get outgoing(): readonly Stored[] {\n    return this.leaving?.outgoing ?? []\n  }\n',
    },
  ],
  'counts a trial as an act': [{ file: 'model/repairs.ts', from: "'not possible', 'tried', ", to: "'not possible', " }],
  'takes a message that was tried for handled': [
    {
      file: 'engine/desk/trial.ts',
      from: '      await this.handle(attempt, handler)\n',
      to: '      await this.handle(attempt, handler)\n      ;(this.host.committer as unknown as { finish(attempt: Attempt): void }).finish(attempt)\n',
    },
  ],
  'keeps of a trial what an attempt in its function has sent in vain': [
    { file: 'engine/desk/trial.ts', from: '    return this.attempt.savepoint()\n', to: '    return () => {}\n' },
  ],
  'forgets the last message that a trial would send': [
    { file: 'engine/desk/trial.ts', from: '  outgoing: [...outgoing],\n', to: '  outgoing: outgoing.slice(0, -1),\n' },
  ],
  'tries a message whose processor does not say that it may': [
    {
      file: 'engine/desk/trials.ts',
      from: 'if (!owner.spec.trial)',
      to: 'if (owner === undefined)',
    },
  ],
  'tries two messages at once': [
    { file: 'engine/desk/trials.ts', from: '    if (this.busy) throw', to: '    if (this.ended) throw' },
  ],
  'tells an alert twice': [
    {
      file: 'engine/alert/alerts.ts',
      from: '        if (there === undefined) writes.push(this.begins({ name, watch }, finding, facts.now))\n        else',
      to: '        writes.push(this.begins({ name, watch }, finding, facts.now))\n        if (there !== undefined)',
    },
    {
      file: 'adapters/sqlite/alerts.ts',
      from: 'insert or ignore into millrace_alerts',
      to: 'insert or replace into millrace_alerts',
    },
  ],
  'loses the end of an alert': [
    { file: 'adapters/sqlite/alerts.ts', from: 'changed === 0 ? 0', to: "changed === 0 || is === 'ended' ? 0" },
  ],
  'loses the event of a schedule that is fired': [
    { file: 'engine/time/firing.ts', from: 'outgoing: [message]', to: 'outgoing: []' },
  ],
  'publishes the event of a schedule that is fired twice': [
    {
      file: 'engine/time/firing.ts',
      from: 'outgoing: [message]',
      to: 'outgoing: [message, encode(spec, made(spec, at, world), undefined)]',
    },
  ],
  'says that a schedule is fired before that is on disk': [
    {
      file: 'engine/time/firing.ts',
      from: "  await committer.written({ outgoing: [message], changes: [{ do: 'record', audit }] })\n",
      to: "  committer.written({ outgoing: [message], changes: [{ do: 'record', audit }] }).catch(() => {})\n",
    },
  ],
  'forgets the end of an alert after a crash': [
    {
      file: 'engine/alert/alerts.ts',
      from: '    for (const row of await this.host.store.alerts.rows()) this.keep(row)\n',
      to: '',
    },
  ],
  'tells the beginning of an alert again after a crash': [
    {
      file: 'engine/alert/alerts.ts',
      from: '    for (const row of await this.host.store.alerts.rows()) this.keep(row)\n',
      to: '',
    },
    {
      file: 'adapters/sqlite/alerts.ts',
      from: 'insert or ignore into millrace_alerts',
      to: 'insert or replace into millrace_alerts',
    },
  ],
  'gives each attempt at a delivery an id of its own': [
    {
      file: 'http/deliver-target.ts',
      from: 'requestOf(target, { id, now: now() }, event)',
      to: "requestOf(target, { id: id + '+'.repeat(attempt.delivery.attempts), now: now() }, event)",
    },
  ],
  'takes a delivery for done whatever the answer is': [
    { file: 'http/deliver-target.ts', from: '  if (failure !== undefined) throw failure\n', to: '' },
  ],
  'sends an event back to where it came from': [
    {
      file: 'http/deliver-target.ts',
      from: '  if (target.to !== undefined && passed.includes(target.to)) return\n',
      to: '',
    },
  ],
  'takes in an event that has passed it before': [
    {
      file: 'engine/intake.ts',
      from: 'return passedIn(attributes).includes(this.host.app)',
      to: 'return attributes === undefined',
    },
  ],
  'answers 202 to an event that is not on disk': [
    {
      file: 'http/routes/events.ts',
      from: '    return accepted([await call.edge.intake().takeIn(type, data, from)])\n',
      to: '    call.edge.intake().takeIn(type, data, from).catch(() => {})\n    return accepted([{ id: from.id }])\n',
    },
  ],
  'answers 202 to a command that is not on disk': [
    {
      file: 'http/routes/commands.ts',
      from: '    await edge.intake().ask(type, data, id, traceIn(headers))\n',
      to: '    edge.intake().ask(type, data, id, traceIn(headers)).catch(() => {})\n',
    },
  ],
  'takes in the events of a batch one by one': [
    {
      file: 'http/routes/events.ts',
      from: 'await call.edge.intake().takeInMany(all)',
      to: 'await Promise.all(all.map((one) => call.edge.intake().takeIn(one.type, one.data, one.from)))',
    },
  ],
  'accepts an event of another system again under the same id': [
    {
      file: 'adapters/sqlite/log.ts',
      from: 'return this.claim(message, this.newest(message.stream) + 1) ?? this.put(message)',
      to: `return (
      (message.attributes === null || message.context === null
        ? this.claim(message, this.newest(message.stream) + 1)
        : undefined) ?? this.put(message)
    )`,
    },
  ],
  'publishes a webhook before it checks its signature': [
    {
      file: 'http/routes/hooks.ts',
      from: '  if (!verdict.ok) throw fault',
      to: `  const sent = verdict.ok ? verdict.id : headers.get('x-github-delivery')
  await app.publish(hook.publishes, hook.data(jsonOf(textOf(bytes)), headers), { id: \`\${name}/\${sent}\` })
  if (!verdict.ok) throw fault`,
    },
  ],
  'publishes a webhook again that comes again': [
    { file: 'http/routes/hooks.ts', from: '(hook.publishes, data, {', to: '(hook.publishes, data, undefined && {' },
  ],
  'gives a delivery another id after a crash': [
    {
      file: 'http/deliver-target.ts',
      from: '  const request = requestOf(target, { id, now: now() }, event)\n',
      to: `  const runs = ((globalThis as { runs?: Set<unknown> }).runs ??= new Set()).add(exchanges)
  const request = requestOf(target, { id: id + '+'.repeat(runs.size - 1), now: now() }, event)\n`,
    },
  ],
  'lets the next event of a context be sent before the answer': [
    {
      file: 'http/deliver-target.ts',
      from: '  const sent = await exchanges.send({ ...request, headers, signal, within }, about)\n',
      to: `  void exchanges.send(request, about)
  const sent = { is: 'answered', status: 204, headers: {}, body: '', cut: false } as const\n`,
    },
  ],
  'keeps a snooze when as many are held as it allows': [
    {
      file: 'adapters/sqlite/desk-groups.ts',
      from: 'case when held + 1 < snoozed_count then snoozed_until end',
      to: 'snoozed_until',
    },
  ],
  'ends a snooze with the next message that is held': [
    {
      file: 'adapters/sqlite/desk-groups.ts',
      from: 'case when held + 1 < snoozed_count then snoozed_until end',
      to: 'null',
    },
  ],
  'does not obey Retry-After': [
    {
      file: 'http/deliver-answer.ts',
      from: "obeyed.has(status) ? retryAfterOf(headers['retry-after'], now) : undefined",
      to: 'undefined',
    },
  ],
  'forgets Retry-After when another request succeeds': [
    {
      file: 'engine/consumer/probing.ts',
      from: ' && (this.askedUntil === 0 || world.elapsed() >= this.askedUntil)',
      to: '',
    },
  ],
  'uses up attempts while an endpoint is away': [
    {
      file: 'engine/consumer/probing.ts',
      from: 'this.since === undefined ? !away.unread && tookOthers : this.counts(now)',
      to: 'this.counts(now)',
    },
  ],
  'never uses up an attempt at what an endpoint fails for': [
    { file: 'engine/consumer/probing.ts', from: '    this.failingSince = undefined\n', to: '' },
  ],
  'leaves a message out of the index of the finder where its file is opened anew': [
    {
      file: 'adapters/sqlite/finder-table.ts',
      from: '      .iterate(low, stepRows) as',
      to: '      .iterate(low + this.skips(low), stepRows) as',
    },
    {
      file: 'adapters/sqlite/finder-table.ts',
      from: '  close(): void {\n    this.db?.close()',
      to: `  skips(low: number): number {
    const skips = low === 0 || this.begun === true ? 0 : 1
    this.begun = true
    return skips
  }

  close(): void {\n    this.db?.close()`,
    },
  ],
  'acknowledges before the commit': [
    {
      file: 'engine/commit/committer.ts',
      from: '    this.pending.publishes.push(publish)\n',
      to: '    this.pending.publishes.push(publish)\n    publish.resolve({ id: publish.message.id })\n',
    },
  ],
  'accepts what is published together one after the other': [
    {
      file: 'engine/commit/writes.ts',
      from: '      this.many.push(transaction)\n',
      to: `      const { outgoing, reject } = transaction
      const most = new PublishMany(outgoing.slice(0, -1), Number.POSITIVE_INFINITY, () => {}, reject)
      most.behind = transaction.behind
      this.many.push(most, transaction)\n`,
    },
  ],
  'keeps the rest of what is published together where the store refuses one': [
    {
      file: 'engine/commit/group.ts',
      from: '        changes.leave(fn.outgoing)\n',
      to: '        if (fn.label === "publishMany") changes.append.push(...fn.outgoing)\n        else changes.leave(fn.outgoing)\n',
    },
  ],
  'lets later publishes go before what is published together': [
    {
      file: 'engine/commit/writes.ts',
      from: 'this.many[0]?.behind ?? publishesMax',
      to: 'publishesMax',
    },
  ],
  'forgets at a start the concurrency that a person has set': [
    {
      file: 'engine/concurrencies.ts',
      from: 'made.set(this.kept.get(name) ?? null)',
      to: 'made.set(null)',
    },
  ],
  'starts nothing more when a person has set a larger concurrency': [
    { file: 'engine/consumer/concurrency.ts', from: '    this.changed()\n', to: '' },
  ],
  'records no version with a failed attempt': [
    {
      file: 'engine/consumer/failing.ts',
      from: 'at: world.now(), code, message, version }',
      to: 'at: world.now(), code, message }',
    },
  ],
  'gives earlier attempts the version of today': [
    {
      file: 'model/desk.ts',
      from: 'const all = [...tries, version === undefined ? one : { ...one, version }]',
      to: 'const all = [...tries, one].map((one) => ({ ...one, version }))',
    },
  ],
  'counts a message twice that was handled': [
    { file: 'engine/consumer/counters.ts', from: '    this.handledCount++\n', to: '    this.handledCount += 2\n' },
  ],
  'counts as handled what a commit has taken back': [
    {
      file: 'engine/consumer/attempt-host.ts',
      from: '      parts.failing().probing.takeBack()\n',
      to: '      counters.handled(delivery.startedAt, delivery.message.time)\n      parts.failing().probing.takeBack()\n',
    },
  ],
  'skips the fence': [
    {
      file: 'engine/consumer/attempts.ts',
      from: '      this.expired.delete(attempt)\n      return false\n',
      to: '      this.expired.delete(attempt)\n      return true\n',
    },
  ],
  'numbers attempts anew after a wait': [
    {
      file: 'engine/consumer/handler-context.ts',
      from: '    this.#number = attempt.delivery.attempts + 1\n',
      to: '    this.#number = attempt.delivery.entry === undefined ? attempt.delivery.attempts + 1 : 1\n',
    },
  ],
  'forgets the done-set': [
    { file: 'engine/consumer/progress.ts', from: 'low, done: this.encode() }', to: 'low, done: null }' },
  ],
  'carries out a repair of what somebody else has claimed': [
    {
      file: 'engine/consumer/decisions.ts',
      from: 'if (claim !== undefined && claim.by !== by) throw',
      to: 'if (claim?.by === "") throw',
    },
  ],
  'carries out a repair that names an old revision': [
    {
      file: 'engine/consumer/decisions.ts',
      from: 'if (revision === undefined || revision === entry.revision) return',
      to: 'if (revision !== -1) return',
    },
  ],
  'loses the place of a message that is corrected in line': [
    {
      file: 'adapters/sqlite/desk-rows.ts',
      from: "'update millrace_desk set kind = ?, data",
      to: "'update millrace_desk set place = place + 1000, kind = ?, data",
    },
  ],
  'starts a message in line while it is corrected': [
    { file: 'engine/consumer/desk-lanes.ts', from: '    this.pinned.add(context, id)\n', to: '' },
  ],
  'keeps what it has read of a line before a correction': [
    { file: 'engine/consumer/desk-lanes.ts', from: 'lane.unpinned !== unpinned', to: 'false' },
  ],
  'skips one at each page of a line': [
    {
      file: 'adapters/sqlite/desk-reads.ts',
      from: 'place: Math.max(from.place, after)',
      to: 'place: after === 0 ? from.place : after + 1',
    },
  ],
  'releases a lane out of order': [
    {
      file: 'engine/consumer/desk-lanes.ts',
      from: 'const next = lane.line.shift()',
      to: 'const next = lane.line.pop()',
    },
  ],
  'reopens a lane before its commit': [
    {
      file: 'engine/consumer/consumer.ts',
      from: '        this.writes.finish(attempt)\n',
      to: `        const { next } = attempt.delivery
        if (next !== undefined && attempt.delivery.entry === undefined) {
          attempt.delivery.next = undefined
          this.turns.push(next)
        }
        this.writes.finish(attempt)\n`,
    },
  ],
  'reopens a lane after its commit, before the sync': [
    {
      file: 'adapters/sqlite/commit.ts',
      from: "      await durability.sync(group.inChain === true ? 'chained' : 'single')\n      checkpoints.beginWhenDue()\n",
      to: `    for (const fn of group.functions as unknown as { outcome: any; processor: any; delivery: any }[]) {
      if (fn.outcome?.ok !== true || fn.processor === undefined) continue
      fn.processor.committed(fn.delivery)
      fn.processor.pull()
    }
    await durability.sync()
    checkpoints.beginWhenDue()\n`,
    },
    {
      file: 'engine/commit/group.ts',
      from: '        if (outcome.ok) {\n          fn.committed()\n',
      to: '        if (outcome.ok) {\n          fn.flowOutcome?.written()\n',
    },
  ],
  'lets everything leave before the sync': [
    {
      file: 'adapters/sqlite/commit.ts',
      from: "      await durability.sync(group.inChain === true ? 'chained' : 'single')\n      checkpoints.beginWhenDue()\n",
      to: '    durability.sync().catch(() => {})\n    checkpoints.beginWhenDue()\n',
    },
  ],
  'tells of messages before they are on disk': [
    {
      file: 'adapters/sqlite/commit.ts',
      from: '      const tellArrivals = tables.log.arrivals.take()\n',
      to: '      const tellArrivals = tables.log.arrivals.take()\n      tellArrivals()\n',
    },
    {
      file: 'adapters/sqlite/commit.ts',
      from: '      checkpoints.beginWhenDue()\n      tellArrivals()\n',
      to: '      checkpoints.beginWhenDue()\n',
    },
  ],
  'drops what the store had trouble with': [
    { file: 'engine/commit/group.ts', from: '    again.jobs = [...jobs]\n', to: '' },
  ],
  'writes again what the store has found out to be written': [
    {
      file: 'engine/commit/committer.ts',
      from: "answer.state === 'trouble' ? answer.rest : 'written', trouble)",
      to: "answer.state === 'trouble' ? answer.rest : answer.state === 'known' ? 'again' : 'written', trouble)",
    },
  ],
  'goes on with a store that it has lost': [
    { file: 'engine/commit/committer.ts', from: '      throw answer.why\n', to: '      return\n' },
  ],
  'puts functions that came back behind the others': [
    {
      file: 'engine/commit/writes.ts',
      from: '[...back, ...many, ...this.functions]',
      to: '[...many, ...this.functions, ...back]',
    },
  ],
  'loses a commit group now and then': [
    {
      file: 'adapters/sqlite/commit.ts',
      from: '      connection.commit()\n',
      to: '      if (world.random() < 0.03) connection.rollBack()\n      else connection.commit()\n',
    },
  ],
  'names the file that a new -wal begins on as it is after its first transaction': [
    { file: 'adapters/sqlite/commit.ts', from: '      const committed = connection.walMarks.begin()\n', to: '' },
    {
      file: 'adapters/sqlite/commit.ts',
      from: '      connection.commit()\n      tables.committed()\n      committed()\n',
      to: '      const committed = connection.walMarks.begin()\n      connection.commit()\n      tables.committed()\n      committed()\n',
    },
  ],
  'looks for the mark of a -wal in the header only': [
    {
      file: 'adapters/sqlite/wal.ts',
      from: '    if (this.isCheckpointed) return true\n',
      to: '    if (this.page > 0) return true\n',
    },
  ],
  'writes its mark into the header of a file that was taken up': [
    {
      file: 'adapters/sqlite/wal-marks.ts',
      from: '    this.writeMark = isTakenUp(db)\n',
      to: '    this.writeMark = isTakenUp(db) && !db.isOpen\n',
    },
  ],
  'takes a database up in two transactions': [
    {
      file: 'adapters/sqlite/schema.ts',
      from: '    createWalRow(db, first)\n',
      to: "    db.exec('commit; begin immediate')\n    createWalRow(db, first)\n",
    },
  ],
  'replays a -wal into any file': [{ file: 'adapters/sqlite/checked.ts', from: '  checkWal(file)\n', to: '' }],
  'opens its store anew on files that were put in place of its own': [
    {
      file: 'app/life.ts',
      from: "    if (!isMillraceError(error, 'millrace/files-replaced')) return false\n",
      to: '    if (error !== undefined) return false\n',
    },
  ],
  'opens a lane while one is left in its line': [
    {
      file: 'engine/consumer/desk-lanes.ts',
      from: 'if (entries.length > 0 || isOld || lane.written !== written) this.advance(lane)',
      to: 'if (entries.length > 1 || isOld || lane.written !== written) this.advance(lane)',
    },
  ],
  'holds a message without moving past it': [
    {
      file: 'engine/consumer/desk-writes.ts',
      from: 'host.write({ ...job, consumer: host.follower, position: message.position, changes })',
      to: 'host.write({ ...job, changes })',
    },
  ],
  'forgets that a lane waits at the desk when it starts': [
    {
      file: 'engine/consumer/recovery.ts',
      from: '    await host.contexts((context) => host.desk.found(context))\n',
      to: '',
    },
  ],
  'lets a lane go on before what failed is on disk': [
    {
      file: 'engine/consumer/failing.ts',
      from: '      if (deskLane === undefined) host.lanes.moveToLine(delivery.next, context)\n',
      to: '      if (deskLane === undefined) host.lanes.advance(delivery, undefined)\n',
    },
  ],
  'leaves the next in line without its turn': [
    {
      file: 'adapters/sqlite/desk.ts',
      from: "`update millrace_desk set state = 'trying' where state = 'line' and id",
      to: "`update millrace_desk set state = 'line' where state = 'line' and id",
    },
  ],
  'tells each timed write what has become of the first': [
    {
      file: 'engine/commit/group.ts',
      from: 'write.written(written!.timed[index]!)',
      to: 'write.written(written!.timed[index * 0]!)',
    },
  ],
  'says that an end is written though its flow does not exist': [
    {
      file: 'adapters/sqlite/flows.ts',
      from: 'if (!this.entries.enterEnd(flow, entry)) return false',
      to: 'if (!this.entries.enterEnd(flow, entry)) return true',
    },
  ],
  'leaves the next time of flows as it was when one is taken away': [
    { file: 'adapters/sqlite/flows.ts', from: '    this.times.remove(flow, entry.of!)\n', to: '' },
  ],
  'takes back what follows from a function that has never followed': [
    {
      file: 'adapters/sqlite/commit.ts',
      from: '      if (asked) group.rolledBack()\n',
      to: '      group.rolledBack()\n',
    },
  ],
  'drops what a handler publishes': [
    {
      file: 'engine/commit/group.ts',
      from: '    to.leave(attempt.outgoing)\n',
      to: '',
    },
  ],
  'keeps what a commit function published before it failed': [
    { file: 'engine/consumer/attempt.ts', from: '    this.inCommit = undefined\n', to: '' },
  ],
  'lets a function count that has caught its failed statement': [
    {
      file: 'seam/tx-scope.ts',
      from: "    if (this.state === 'failed') throw this.failed('fails, whatever it returned, because one of its statements failed')\n",
      to: '',
    },
  ],
  'keeps what a failed attempt of a commit function published': [
    { file: 'adapters/sqlite/user-tx.ts', from: '        dropCollected?.()\n', to: '' },
  ],
  'keeps the rows of a failed attempt of a commit function': [
    {
      file: 'adapters/sqlite/savepoints.ts',
      from: '    rollBackTo.run()\n',
      to: '    if (depth === 0) rollBackTo.run()\n',
    },
  ],
  'accepts a message again under the same id': [
    {
      file: 'adapters/sqlite/log.ts',
      from: 'return this.claim(message, this.newest(message.stream) + 1) ?? this.put(message)',
      to: 'return this.put(message)',
    },
  ],
  'takes two messages of one id for the same, wherever they come from': [
    {
      file: 'adapters/shared/attributes.ts',
      from: "(attributes === null ? '' : source)\n\n/** The source that",
      to: "(attributes === null ? '' : '')\n\n/** The source that",
    },
  ],
  'loses the attributes of a message from elsewhere at the desk': [
    { file: 'adapters/shared/desk-row.ts', from: '({ entry }) => attributesJson(entry.message)', to: '() => null' },
  ],
  'goes on after a failed sync as if nothing were': [
    {
      file: 'adapters/sqlite/durability.ts',
      from: '    done.catch(this.failed)\n    return done\n',
      to: '    done.catch(this.failed)\n    return done.catch(() => {})\n',
    },
  ],
  'does not write the -wal file out anew before it is used again': [
    { file: 'adapters/sqlite/store.ts', from: '      await renewWal({ file, disk, database, lock })\n', to: '' },
  ],
  'writes the -wal file out anew while others write': [
    {
      file: 'adapters/sqlite/renewed.ts',
      from: "        writer.exec('begin immediate')\n",
      to: '',
    },
  ],
  'begins a second run beside that of a start that failed': [
    { file: 'engine/engine.ts', from: "if (this.status.is === 'starting') {", to: 'if (false) {' },
  ],
  'does not wait for a store that is opened anew before it says idle': [
    {
      file: 'app/life.ts',
      from: "      if (this.state === 'reopening') await this.reopened.promise\n      if (await",
      to: '      if (await',
    },
  ],
  'opens a lane over its line when the head is discarded': [
    { file: 'engine/consumer/desk-side.ts', from: '    this.desk.advance(lane)\n', to: '    this.desk.drop(lane)\n' },
  ],
  'leaves a line without a head when that is discarded': [
    {
      file: 'adapters/sqlite/desk.ts',
      from: '    if (changed !== 1) throw gone(entry)\n    return this.promote(entry, entry.lane)\n',
      to: '    if (changed !== 1) throw gone(entry)\n    return 0\n',
    },
  ],
  'starts what is released before that is on disk': [
    {
      file: 'engine/consumer/decisions.ts',
      from: "    await this.write({ ...job, requests }, [{ do: 'update', entry, leaves }, record])\n",
      to: "    this.write({ ...job, requests }, [{ do: 'update', entry, leaves }, record]).catch(() => {})\n",
    },
  ],
  'resubmits under the old key': [
    { file: 'engine/consumer/decisions.ts', from: '      corrections: corrections + 1,\n', to: '' },
  ],
  'resubmits the old data': [
    {
      file: 'engine/consumer/decisions.ts',
      from: '      message: this.corrected(message, decision),\n',
      to: '',
    },
  ],
  'tells twice that a failure was resolved': [
    {
      file: 'engine/consumer/desk-writes.ts',
      from: '      outgoing: this.host.resolved(entry, state),\n',
      to: '      outgoing: [...this.host.resolved(entry, state), ...this.host.resolved(entry, state)],\n',
    },
  ],
  'never tells that a failure was resolved by a discard': [
    {
      file: 'engine/consumer/desk-writes.ts',
      from: '      outgoing: this.host.resolved(entry, state),\n',
      to: "      outgoing: state === 'discarded' ? [] : this.host.resolved(entry, state),\n",
    },
  ],
  'tells of no failure that a rule looks after': [
    {
      file: 'engine/consumer/failing.ts',
      from: '      outgoing: host.failed(failed),\n',
      to: "      outgoing: failed.state === 'deciding' ? [] : host.failed(failed),\n",
    },
  ],
  'lets what is released or taken back run beside its lane': [
    {
      file: 'engine/consumer/desk-side.ts',
      from: '    if (lane === undefined) this.lanes.queue(delivery)\n',
      to: '    if (lane === undefined) this.host.ready(delivery)\n',
    },
  ],
  'lets a lane that passes go on before what failed is on disk': [
    {
      file: 'engine/consumer/failing.ts',
      from: '    if (context === null) host.desk.forget(entry.id)\n',
      to: `    if (!blocks && context !== null && deskLane === undefined && delivery.next !== undefined) {
      host.lanes.advance(delivery, undefined)
    }
    if (context === null) host.desk.forget(entry.id)
`,
    },
  ],
  'leaves in line what became the head of its lane': [
    { file: 'engine/consumer/desk-lanes.ts', from: 'if (head === entry.id) this', to: 'if (head === -1) this' },
  ],
  'lets what is taken back overtake its line': [
    {
      file: 'engine/consumer/desk-lanes.ts',
      from: 'const place = delivery.entry === undefined ? {} : { place: this.host.nextNumber() }',
      to: 'const place = {}',
    },
  ],
  'does not count down the group of what is held no more': [
    {
      file: 'adapters/sqlite/desk-groups.ts',
      from: '    if (failures === 0) return\n',
      to: '    if (failures >= 0) return\n',
    },
  ],
  'does a pending action again at each start': [
    {
      file: 'engine/desk/desk.ts',
      from: "const changes = [{ do: 'granted', item } as const]",
      to: 'const changes: never[] = []',
    },
  ],
  'forgets at a restart how many attempts were made': [
    { file: 'adapters/shared/desk-row.ts', from: '    attempts: row.attempts,\n', to: '    attempts: 0,\n' },
  ],
  'tries again at once what a restart found waiting': [
    {
      file: 'engine/consumer/recovery.ts',
      from: '    const waitMs = Math.max(0, head.dueAt - now)\n',
      to: '    const waitMs = Math.min(0, head.dueAt - now)\n',
    },
  ],
  'takes a decision about what is held no more': [
    { file: 'engine/consumer/decisions.ts', from: "    checkState(entry, 'held')\n", to: '' },
  ],
  'takes two decisions about one message at once': [
    {
      file: 'engine/kit/keyed-mutex.ts',
      from: '    while (this.taken.has(key)) await this.taken.get(key)\n',
      to: '',
    },
  ],
  'keeps a message by rule and puts nothing of it on record': [
    {
      file: 'engine/consumer/decisions.ts',
      from: ", host.writes.record(entry, 'kept', actor)]",
      to: ']',
    },
  ],
  'tells no caller of a message that has used up its attempts': [
    {
      file: 'engine/consumer/failing.ts',
      from: '          host.held(failed)\n',
      to: '',
    },
  ],
  'tells no caller of a message that its rule holds': [
    {
      file: 'engine/consumer/decisions.ts',
      from: '    host.held(entry)\n',
      to: '',
    },
  ],
  'tells no caller that its request has joined a line': [
    {
      file: 'engine/consumer/desk-lanes.ts',
      from: 'this.host.inLine(entry.message)',
      to: '{}',
    },
  ],
  'tells no caller that waits behind what is held': [
    {
      file: 'engine/request/requests.ts',
      from: 'const ids = lane === null ? [message.id]',
      to: 'const ids = lane !== undefined ? [message.id]',
    },
  ],
  'tells no caller that its request was held before it asked': [
    {
      file: 'engine/request/requests.ts',
      from: '        this.tell(waiter, row)\n      })',
      to: '        if (row.endedAt !== null) this.tell(waiter, row)\n      })',
    },
  ],
  'tells callers that wait when their requests are held': [
    {
      file: 'engine/request/requests.ts',
      from: "    else if (waiter.whenHeld === 'fail') {\n",
      to: '    else {\n',
    },
  ],
  'shows a request as held while its rule decides': [
    {
      file: 'engine/consumer/failing.ts',
      from: "failed.state === 'held' ? heldRequest(failed) : []",
      to: 'heldRequest(failed)',
    },
  ],
  'does not show a request as held that its rule holds': [
    {
      file: 'engine/consumer/decisions.ts',
      from: '{ ...job, requests: heldRequest(entry) }',
      to: 'job',
    },
  ],
  'takes a request for held behind a message that is tried': [
    {
      file: 'adapters/sqlite/requests.ts',
      from: "case state when 'held' then id end",
      to: 'id',
    },
  ],
  'passes over a request before its end is written': [
    {
      file: 'engine/request/withdrawals.ts',
      from: "requests: asked === 'app' ? [this.endOf(id, this.marked.get(id) ?? 'never')] : [],",
      to: 'requests: [],',
    },
  ],
  'shows a request as held after its release': [
    {
      file: 'engine/consumer/decisions.ts',
      from: "message.asked === 'app' ? [{ do: 'released', id: message.id } as const] : []",
      to: '[]',
    },
  ],
  'begins a message in line before it is told that it is there': [
    {
      file: 'engine/consumer/desk-lanes.ts',
      from: 'const entries = end < 0 ? read : read.slice(0, end)',
      to: 'const entries = end < 0 ? read : read.slice(0)',
    },
  ],
  'asks a rule about the same message without end': [
    {
      file: 'engine/desk/rules.ts',
      from: '    if (entry.decisions >= decisionsMax) {\n',
      to: '    if (decisionsMax < 0) {\n',
    },
  ],
  'asks no rule about what a restart found with it': [
    {
      file: 'engine/consumer/recovery.ts',
      from: "      if (state === 'deciding') host.askRule(id)\n      else if (lane",
      to: "      if (state === 'deciding') return\n      else if (lane",
    },
  ],
  'starts what is paused': [
    {
      file: 'engine/consumer/consumer.ts',
      from: "    if (this.status !== 'running') return false\n",
      to: "    if (this.status === 'stopped') return false\n",
    },
  ],
  'forgets at a restart what is paused': [
    {
      file: 'engine/consumers.ts',
      from: '    if (paused.has(spec.name)) consumer.pause()\n',
      to: '',
    },
  ],
  'resets a processor without a new generation': [
    {
      file: 'adapters/sqlite/processors.ts',
      from: 'done = null, generation = generation + 1',
      to: 'done = null',
    },
  ],
  'keeps what was done above the position at a reset': [
    {
      file: 'adapters/sqlite/processors.ts',
      from: 'low = ?, done = null, generation',
      to: 'low = ?, generation',
    },
  ],
  'leaves what a processor has at the desk at a reset': [
    {
      file: 'adapters/sqlite/processors.ts',
      from: '      this.desk.reset(processor, stream, { after, at })\n',
      to: '',
    },
  ],
  'does not tell that a reset has ended a failure': [
    {
      file: 'engine/resets.ts',
      from: 'outgoing: told(entry) })',
      to: 'outgoing: [] })',
    },
  ],
  'tells twice that a reset has ended a failure': [
    {
      file: 'engine/resets.ts',
      from: 'outgoing: told(entry) })',
      to: 'outgoing: [...told(entry), ...told(entry)] })',
    },
  ],
  'keeps the idempotency keys at a reset': [
    {
      file: 'engine/consumer/handler-context.ts',
      from: 'generation === 0 ? corrections',
      to: 'generation >= 0 ? corrections',
    },
  ],
  'lets what is handled again after a reset be taken back': [
    {
      file: 'adapters/sqlite/desk.ts',
      from: 'and position > ?`',
      to: 'and position > ? and false`',
    },
  ],
  'writes a reset twice': [
    {
      file: 'engine/resets.ts',
      from: '      const facts = await committer.alone(() => this.write(request))\n',
      to: '      await committer.alone(() => this.write(request))\n      const facts = await committer.alone(() => this.write(request))\n',
    },
  ],
  'lets what ran before a reset write after it': [
    {
      file: 'engine/resets.ts',
      from: '    const gone = consumer?.close() ?? Promise.resolve()\n',
      to: '    const gone = Promise.resolve()\n',
    },
    {
      file: 'adapters/sqlite/processors.ts',
      from: 'set epoch = epoch + 1, low = ?',
      to: 'set low = ?',
    },
    {
      file: 'adapters/sqlite/progress.ts',
      from: 'epoch = epoch + 1 returning',
      to: 'epoch = epoch returning',
    },
  ],
  'goes on with an operation whose first message failed': [
    {
      file: 'engine/desk/operations.ts',
      from: "const becomes = outcome === 'handled' ? 'running' : 'failed'",
      to: "const becomes = 'running'",
    },
  ],
  'takes up an operation that it was given itself': [
    { file: 'engine/desk/operations.ts', from: '      if (this.ours.has(operation.id)) continue\n', to: '' },
  ],
  'counts what an operation has done in a commit of its own': [
    {
      file: 'engine/desk/carry-out.ts',
      from: '  await decisions.decide(item, decisionOf(operation, actor.reason), actor, { changes: [change] })\n',
      to: '  await decisions.decide(item, decisionOf(operation, actor.reason), actor)\n  host.committer.write({ changes: [change] })\n',
    },
  ],
  'acts on what is only prepared': [
    {
      file: 'engine/desk/operations.ts',
      from: "    if (made.state === 'prepared') await this.expiry.look()\n    else this.enqueue({ operation: made })\n",
      to: '    this.enqueue({ operation: made })\n',
    },
  ],
  'goes on with a ramp after so many failures': [
    {
      file: 'engine/desk/ramp.ts',
      from: "    if (stopAfter !== null && failures >= stopAfter) return { do: 'stop' }\n",
      to: '',
    },
    {
      file: 'engine/desk/ramp.ts',
      from: 'stopAfter === null ? turnMessages : stopAfter - failures - underWay.size',
      to: 'turnMessages',
    },
  ],
  'counts a lane of a ramp again for each of its messages': [
    {
      file: 'engine/desk/ramp.ts',
      from: '    if (begun || lanes.has(lane)) return true\n',
      to: '    lane = lanes.size\n',
    },
  ],
  'forgets at a restart when the next lane of a ramp begins': [
    { file: 'adapters/sqlite/selected.ts', from: 'next_at = coalesce(?, next_at)', to: 'next_at = 0 * ?' },
  ],
  'forgets at a restart which messages of a ramp are tried': [
    {
      file: 'engine/desk/released.ts',
      from: "const awaited = this.await(operation, item, 'other')",
      to: 'const awaited = { item, operation, which: 0 }',
    },
  ],
  'goes on with an operation after its abort': [
    { file: 'engine/desk/operations.ts', from: '      await this.underWay.catch(() => {})\n', to: '' },
  ],
  'goes on after a failed sync that was asked for beside the batches': [
    {
      file: 'engine/commit/committer.ts',
      from: '          if (endsStore(error)) throw error\n',
      to: '',
    },
  ],
  'gives the place of what was taken back away at a restart': [
    { file: 'adapters/sqlite/desk.ts', from: '    if (entry.place > entry.id) this.takeNumber(entry.place)\n', to: '' },
  ],
  'begins at the beginning under a new name': [
    { file: 'adapters/sqlite/names.ts', from: "['progress', 'marks', 'desk',", to: "['marks', 'desk'," },
  ],
  'leaves the desk of a part to its old name': [
    { file: 'adapters/sqlite/names.ts', from: "'marks', 'desk', 'desk_groups',", to: "'marks', 'desk_groups'," },
  ],
  'counts what a part holds under its old name': [
    { file: 'adapters/sqlite/names.ts', from: "'desk', 'desk_groups', 'paused']", to: "'desk', 'paused']" },
  ],
  'ends at a start what this run takes back': [
    {
      file: 'engine/request/withdrawals.ts',
      from: '    for (const id of left) {\n',
      to: '    for (const id of this.marked.keys()) {\n',
    },
  ],
  'says that a request is taken back whose refusal came first': [
    {
      file: 'engine/request/withdrawals.ts',
      from: "row(id))?.state !== 'withdrawn') {",
      to: 'row(id)) === undefined) {',
    },
  ],
  'takes a refusal of one operation for the end of the message that another has released': [
    {
      file: 'engine/desk/operations.ts',
      from: "    if (firstOnly && !possible) this.enqueue(afterFirst(operation, 'not handled'))\n",
      to: "    if (firstOnly && !possible) this.released.ended(chosen[0].item, 'not handled')\n",
    },
  ],
  'looks at the first message of an operation before it hears of its end': [
    {
      file: 'engine/desk/released.ts',
      from: "    const awaited = this.await(operation, item, 'first')\n    const outcome = await this.outcomeOf(item)\n",
      to: "    const outcome = await this.outcomeOf(item)\n    const awaited = this.await(operation, item, 'first')\n",
    },
  ],
  'resumes what was paused under another name': [
    { file: 'adapters/sqlite/names.ts', from: "'desk_groups', 'paused']", to: "'desk_groups']" },
  ],
  'makes idempotency keys of a new name': [
    { file: 'adapters/sqlite/key-names.ts', from: '  const name = keyNameOf(sql, from)\n', to: '  const name = to\n' },
  ],
  'forgets the end of a command in the journal': [
    { file: 'adapters/sqlite/journal.ts', from: 'return this.insert(sql, flow, entry) === 1', to: 'return sql !== ""' },
  ],
  'does not begin flows again at a start that were told something': [
    { file: 'engine/flow/take-up.ts', from: 'slice.filter(({ unfinished }) => unfinished)', to: '[]' },
  ],
  'ends a flow whose journal has more': [
    { file: 'engine/flow/run.ts', from: "where === 'at the end' && !this.branches", to: '!this.branches' },
    { file: 'engine/flow/status.ts', from: '  completed: [],\n', to: "  completed: ['paused'],\n" },
  ],
  'passes its point of no return in a branch that has lost': [
    {
      file: 'engine/flow/calls.ts',
      from: '    if (entry === undefined) return\n    this.flow.steps.note(entry)\n    this.flow.status',
      to: '    if (entry !== undefined) this.flow.steps.note(entry)\n    this.flow.status',
    },
  ],
  'tells ends out of the order of the journal at a replay': [
    {
      file: 'engine/flow/repeats.ts',
      from: '    if (repeated === undefined) return entries\n',
      to: `    const ended = entries.filter(({ of }) => of !== null).reverse()
    for (const [index, { of }] of entries.entries()) if (of !== null) entries[index] = ended.shift()!
    if (repeated === undefined) return entries
`,
    },
  ],
  'undoes in the order of beginning': [
    { file: 'engine/flow/undo.ts', from: 'this.left.push(step)', to: 'this.left.unshift(step)' },
  ],
  'undoes what was undone before a crash': [
    {
      file: 'engine/flow/calls.ts',
      from: '    const known = flow.replay.step(step)\n',
      to: "    const known = step.startsWith('undo ') ? undefined : flow.replay.step(step)\n",
    },
    {
      file: 'engine/flow/calls.ts',
      from: '    if (flow.replay.hasSteps) {\n',
      to: "    if (flow.replay.hasSteps && !step.startsWith('undo ')) {\n",
    },
  ],
  'handles a command that was withdrawn': [
    {
      file: 'engine/consumer/starts.ts',
      from: 'message.asked !== undefined && host',
      to: 'message.asked === undefined && host',
    },
  ],
  'does not fence an attempt at a command that is withdrawn': [
    {
      file: 'engine/consumer/consumer.ts',
      from: '    const fenced = this.attempts.fenceMessage(id, why)\n',
      to: `    for (let one = this.attempts.first; one !== undefined; one = one.after) if (one.message.id === id) return true
    const fenced = undefined as any\n`,
    },
  ],
  'tells a flow ahead of the disk while it has something to write': [
    {
      file: 'engine/flow/run.ts',
      from: 'return this.inbox.isResting && this.journal.isWritten && !this.branches.hasLosers',
      to: 'return this.inbox.isResting',
    },
  ],
  'lets a flow leave memory that has something to write': [
    {
      file: 'engine/flow/memory.ts',
      from: 'if (this.hot.size <= this.hotMax || !run.isFree) return false',
      to: 'if (this.hot.size <= this.hotMax) return false',
    },
  ],
  'lets a flow leave memory before its end is written': [
    {
      file: 'engine/flow/flows.ts',
      from: '    if (changes.some(leaves)) this.memory.drop(run.id)\n',
      to: '    if (run.status.hasEnded || changes.some(leaves)) this.memory.drop(run.id)\n',
    },
  ],
  'starts a flow in a commit of its own': [
    {
      file: 'engine/commit/group.ts',
      from: '      for (const change of flowOutcome.flows) to.flows.push(change)\n',
      to: '      (attempt.processor as any).flows.startAlone(flowOutcome.flows)\n',
    },
    {
      file: 'engine/flow/flows.ts',
      from: '  private turn(): Promise<void> {\n',
      to: `  startAlone(flows: readonly FlowChange[]): void {
    void this.write({ flows })
  }

  private turn(): Promise<void> {
`,
    },
  ],
  'loses mail that came before a wait': [
    { file: 'engine/flow/flows.ts', from: '    if (waits) this.mails.offer(run)\n', to: '' },
  ],
  'gives a mail to a flow twice': [
    {
      file: 'engine/flow/inbox.ts',
      from: '    return this.mailAfter?.get(type) ?? 0\n',
      to: '    return 0\n',
    },
  ],
  'begins a flow of a serial mediator beside another': [
    {
      file: 'engine/flow/loading.ts',
      from: '      if ((await rows.next(mediator, context)) !== id) return undefined\n',
      to: '',
    },
  ],
  'forgets the times of a flow that is paused': [
    {
      file: 'adapters/sqlite/flows.ts',
      from: '    else this.times.wakeAll(flow)\n',
      to: '',
    },
  ],
  'does not tell a flow that the one it waits for has ended': [
    {
      file: 'engine/flow/writing.ts',
      from: 'ends: this.endsOf(run, outbox), ',
      to: '',
    },
  ],
  'tells a function that has failed more of its steps at a replay': [
    {
      file: 'engine/flow/run.ts',
      from: '      this.closeEnded()\n      await this.replayEntry',
      to: '      await this.replayEntry',
    },
  ],
  'tells of what it ends itself before what its journal has': [
    {
      file: 'engine/flow/run.ts',
      from: '        const end = delivery.next()\n',
      to: "        const end = inbox['inputs'].length > 0 ? undefined : delivery.next()\n",
    },
    {
      file: 'engine/flow/end-delivery.ts',
      from: '    for (let end = this.next(); end !== undefined; end = this.next()) this.deliver(end)\n',
      to: '',
    },
  ],
  'tells of what it ends itself before what a replay has ahead': [
    {
      file: 'engine/flow/end-delivery.ts',
      from: '    this.deliverUpTo(before)\n',
      to: '    if (before !== undefined) this.deliverUpTo(before)\n',
    },
  ],
  'ends a flow twice that two people end': [
    {
      file: 'engine/flow/memory.ts',
      from: '    return this.changing.take(id, act)\n',
      to: '    return act()\n',
    },
  ],
  'makes a flow while it is put into another state': [
    {
      file: 'engine/flow/memory.ts',
      from: '    for (let over = this.changing.over(id); over !== undefined; over = this.changing.over(id)) await over\n',
      to: '',
    },
  ],
  'forgets a time that came while its flow was put into another state': [
    {
      file: 'engine/flow/due-times.ts',
      from: '    if (there === undefined || flowEnds.includes(there.state)) return',
      to: '    if (there !== undefined) return',
    },
  ],
  'gives mail again to the flow that goes on for one that had it': [
    {
      file: 'engine/flow/successor.ts',
      from: 'mailAfter: inPlace ? mail : null,',
      to: 'mailAfter: mail && null,',
    },
  ],
  'lets others begin before the flow that goes on for a serial one': [
    { file: 'engine/flow/successor.ts', from: "    state: inPlace ? 'running' : next.state,\n", to: '' },
  ],
  'leaves who waits for a flow alone when it goes on as another': [
    { file: 'engine/flow/successor.ts', from: '    once,\n    parent,\n', to: '    once,\n    parent: null,\n' },
  ],
  'ends a flow before what lost its race is taken back': [
    {
      file: 'engine/flow/run.ts',
      from: "      if (where === 'at the end' && !this.branches.hasLosers) this.complete(end.value)\n",
      to: '      this.complete(end.value)\n',
    },
  ],
  'keeps flows in memory beyond the bound': [
    {
      file: 'engine/flow/memory.ts',
      from: '    return this.hot.get(id) === run && this.hot.delete(id)\n',
      to: '    return this.hot.get(id) === run\n',
    },
  ],
  'keeps the value that a flow is once per when its start fails': [
    { file: 'engine/consumer/attempts.ts', from: '    attempt.flowOutcome?.dropped?.()\n', to: '' },
  ],
  'loses the flows of a mediator with a new name': [
    { file: 'adapters/sqlite/names.ts', from: "    set('or ignore millrace_flows', 'mediator'),\n", to: '' },
  ],
  'loses the mail of a mediator with a new name': [
    { file: 'adapters/sqlite/names.ts', from: "    set('millrace_mail', 'mediator'),\n", to: '' },
  ],
  'does not find a step that began under an old name': [
    { file: 'adapters/sqlite/names.ts', from: "and kind in ('flow', 'continue')", to: "and kind = 'none'" },
  ],
}

/** A test that has to fail. */
export interface Failing {
  readonly file: string
  readonly test: string
}

/** What is wrong with mediators is looked for where there is nothing but them. */
const ofFlows = Object.fromEntries(
  Object.entries(mutations)
    .slice(Object.keys(mutations).indexOf('forgets the end of a command in the journal'))
    .map(([name]) => [name, { bias: { flows: {} } }]),
)

/** What is done so that few seeds are enough: fewer kinds of faults, people who do less. */
const ofEdge = [
  'answers 202 to an event that is not on disk',
  'takes in the events of a batch one by one',
  'accepts an event of another system again under the same id',
  'publishes a webhook before it checks its signature',
  'publishes a webhook again that comes again',
] as const
const ofAlerts = [
  'tells an alert twice',
  'loses the end of an alert',
  'forgets the end of an alert after a crash',
] as const
const ofFires = [
  'loses the event of a schedule that is fired',
  'publishes the event of a schedule that is fired twice',
  'says that a schedule is fired before that is on disk',
] as const
const ofResets = [
  'resets a processor without a new generation',
  'leaves what a processor has at the desk at a reset',
  'does not tell that a reset has ended a failure',
  'tells twice that a reset has ended a failure',
  'keeps the idempotency keys at a reset',
  'writes a reset twice',
  'lets what ran before a reset write after it',
]

export const hunts: Readonly<Record<string, Hunt>> = {
  'keeps what a trial has written': { bias: { trials: true } },
  'sends what a trial has collected': { bias: { trials: true } },
  'tells no caller of a message that has used up its attempts': {
    faults: { handlerFails: true },
    bias: { requests: true },
  },
  'tells no caller of a message that its rule holds': {
    faults: { handlerFails: true },
    bias: { requests: true },
  },
  'tells no caller that its request has joined a line': {
    faults: { handlerFails: true },
    bias: { requests: true },
  },
  'tells no caller that waits behind what is held': { faults: { handlerFails: true }, bias: { requests: true } },
  'tells no caller that its request was held before it asked': {
    faults: { handlerFails: true },
    bias: { requests: true },
  },
  'tells callers that wait when their requests are held': { bias: { requests: true } },
  'shows a request as held while its rule decides': { bias: { requests: true } },
  'does not show a request as held that its rule holds': { bias: { requests: true } },
  'takes a request for held behind a message that is tried': { bias: { requests: true } },
  'shows a request as held after its release': { bias: { requests: true } },
  ...Object.fromEntries(ofEdge.map((name) => [name, { bias: { edge: true } } as const])),
  'answers 202 to a command that is not on disk': { bias: { edge: true, requests: true } },
  'keeps a snooze when as many are held as it allows': { faults: { handlerFails: true }, bias: { people: ['snooze'] } },
  'ends a snooze with the next message that is held': { faults: { handlerFails: true }, bias: { people: ['snooze'] } },
  ...Object.fromEntries(ofAlerts.map((name) => [name, { bias: { alerts: true } } as const])),
  ...Object.fromEntries(ofFires.map((name) => [name, { bias: { people: [], fires: true } } as const])),
  ...Object.fromEntries(ofResets.map((name) => [name, { bias: { people: ['reset', 'release'] } } as const])),
  ...ofFlows,
  'keeps what a commit function published before it failed': { faults: { diskFull: true } },
  'resumes what was paused under another name': { faults: { crash: true }, bias: { people: ['pause'] } },
  'lets a flow leave memory before its end is written': {
    faults: { handlerFails: true },
    bias: { flows: { nodes: ['flow', 'wait', 'withdraw'], people: ['cancel'] } },
  },
  'forgets the times of a flow that is paused': {
    faults: { handlerFails: true },
    bias: { flows: { nodes: ['call', 'sleep', 'all'], people: ['pause', 'resume'] } },
  },
  'tells a function that has failed more of its steps at a replay': {
    faults: { crash: true, handlerSlow: true },
    bias: { flows: { nodes: ['call', 'all', 'fails', 'map'], people: [] } },
  },
  'tells of what it ends itself before what its journal has': {
    bias: { flows: { nodes: ['call', 'all', 'fails', 'sleep'], people: [], hotFlowsMax: 10_000 } },
  },
  'tells a flow ahead of the disk while it has something to write': {
    bias: { flows: { nodes: ['call', 'all', 'map'], people: [], hotFlowsMax: 1 } },
  },
  'loses mail that came before a wait': { bias: { flows: { nodes: ['call', 'wait'], people: [] } } },
  'makes a flow while it is put into another state': {
    bias: { flows: { nodes: ['flow', 'sleep'], people: ['stop', 'pause', 'cancel'], hotFlowsMax: 1 } },
  },
  'forgets a time that came while its flow was put into another state': {
    bias: { flows: { nodes: ['sleep', 'all'], people: ['pause', 'cancel'] } },
  },
  'gives mail again to the flow that goes on for one that had it': {
    bias: { flows: { nodes: ['wait', 'goes on'], people: [] } },
  },
  'lets others begin before the flow that goes on for a serial one': {
    bias: { flows: { nodes: ['call', 'goes on'], people: [] } },
  },
  'leaves who waits for a flow alone when it goes on as another': {
    bias: { flows: { nodes: ['flow', 'goes on'], people: [] } },
  },
  'loses the mail of a mediator with a new name': {
    faults: { crash: true },
    bias: { flows: { nodes: ['call', 'sleep', 'wait'], people: [] } },
  },
  'does not find a step that began under an old name': {
    faults: { crash: true },
    bias: { flows: { nodes: ['call', 'flow', 'sleep'], people: [] } },
  },
  'keeps the value that a flow is once per when its start fails': {
    faults: { handlerFails: true },
    bias: { flows: {} },
  },
}

/** Those that random apps hardly ever meet: the test that shows them. */
export const shown: Readonly<Record<string, Failing>> = {
  'goes on after a failed sync that was asked for beside the batches': {
    file: 'src/engine/commit/committer.test.ts',
    test: 'when work by itself fails to sync, its caller and the run are told, and what waits is not written',
  },
  'puts an end of a step behind others that a flow has got from its journal': {
    file: 'src/engine/flow/loading.test.ts',
    test: 'a run is known before its journal is read, and kept before it is told what has ended since',
  },
  'turns ends of steps round that are put behind something else': {
    file: 'src/engine/flow/step-ends-under-way.test.ts',
    test: 'ends that are put behind something else keep their order',
  },
  'leaves out what an alert part told under an earlier name': {
    file: 'test/deliver/alerts.test.ts',
    test: 'a part that is renamed sends what was told under its old name, and its ends',
  },
  'counts a trial as an act': {
    file: 'test/desk/trials.test.ts',
    test: 'a trial tells what would be read, written, sent and replied, and leaves nothing but its line on record',
  },
  'takes a message that was tried for handled': {
    file: 'test/desk/trials.test.ts',
    test: 'a trial tells what would be read, written, sent and replied, and leaves nothing but its line on record',
  },
  'keeps of a trial what an attempt in its function has sent in vain': {
    file: 'test/desk/trials.test.ts',
    test: 'a trial tells what would be read, written, sent and replied, and leaves nothing but its line on record',
  },
  'forgets the last message that a trial would send': {
    file: 'test/desk/trials.test.ts',
    test: 'a trial tells what would be read, written, sent and replied, and leaves nothing but its line on record',
  },
  'tries a message whose processor does not say that it may': {
    file: 'test/desk/trials.test.ts',
    test: 'only a held message of a processor that says so is tried; what does not fit is refused as a resubmit is',
  },
  'tries two messages at once': {
    file: 'test/desk/trials.test.ts',
    test: 'one message is tried at a time; a handler whose time is over is fenced, and the next trial waits for its end',
  },
  'tells the beginning of an alert again after a crash': {
    file: 'test/deliver/alerts.test.ts',
    test: 'a restart repeats no beginning and forgets no end',
  },
  'goes on with an operation whose first message failed': {
    file: 'test/desk/operations.test.ts',
    test: 'with one first the others stay as they are when that one is held again, refused or given up',
  },
  'sends an event back to where it came from': {
    file: 'test/deliver/sends.test.ts',
    test: 'an event that has passed the other side is not sent to it; the rest continues with one name more',
  },
  'takes in an event that has passed it before': {
    file: 'test/deliver/sends.test.ts',
    test: 'an app takes in nothing that has passed it before',
  },
  'does not obey Retry-After': {
    file: 'test/deliver/sends.test.ts',
    test: 'Retry-After of 429 is obeyed for all contexts, though others succeed at that moment: seconds',
  },
  'forgets Retry-After when another request succeeds': {
    file: 'test/deliver/sends.test.ts',
    test: 'Retry-After of 429 is obeyed for all contexts, though others succeed at that moment: seconds',
  },
  'uses up attempts while an endpoint is away': {
    file: 'test/deliver/sends.test.ts',
    test: 'an endpoint away for 24 hours: probed, nothing at the desk, then all in order: one context',
  },
  'never uses up an attempt at what an endpoint fails for': {
    file: 'test/deliver/sends.test.ts',
    test: 'an endpoint that fails for one event, and takes others, sees that event at the desk in the end',
  },
  'starts a message in line while it is corrected': {
    file: 'src/engine/consumer/desk-lanes.test.ts',
    test: 'a message in line that is pinned has its turn when it is let go, as it is then, and so do those behind it',
  },
  'keeps what it has read of a line before a correction': {
    file: 'src/engine/consumer/desk-lanes.test.ts',
    test: 'a line that was read before a message in it was changed is read again',
  },
  'skips one at each page of a line': {
    file: 'test/desk/line.test.ts',
    test: 'the line behind a message is listed in order, page by page, and each row says behind which it waits',
  },
  'leaves a message out of the index of the finder where its file is opened anew': {
    file: 'test/simulation/finder.test.ts',
    test: 'for twenty seeds of crashes and power cuts the index of the finder is the log in the end',
  },
  'takes two messages of one id for the same, wherever they come from': {
    file: 'test/elsewhere.test.ts',
    test: 'a message from elsewhere is known by its source and its id together, across a restart',
  },
  'loses the attributes of a message from elsewhere at the desk': {
    file: 'test/elsewhere.test.ts',
    test: 'a message held and corrected at the desk keeps its attributes and its source, and its rule sees them',
  },
  'keeps the rest of what is published together where the store refuses one': {
    file: 'test/publish-many.test.ts',
    test: 'one entry that conflicts refuses all, by its index, and concurrent calls are accepted',
  },
  'lets later publishes go before what is published together': {
    file: 'src/engine/commit/writes.test.ts',
    test: 'a group has publishMany behind the publishes that came before it, and no publish that came after it',
  },
  'forgets at a start the concurrency that a person has set': {
    file: 'test/desk/concurrency.test.ts',
    test: 'the number is kept across restarts and crashes, and so is that the code decides again',
  },
  'starts nothing more when a person has set a larger concurrency': {
    file: 'test/desk/concurrency.test.ts',
    test: 'a smaller number starts nothing until fewer run, a larger one starts more at once',
  },
  'drops what the store had trouble with': {
    file: 'src/engine/commit/committer.test.ts',
    test: 'after trouble what was not written is written again, before what has come since; publishers are told',
  },
  'writes again what the store has found out to be written': {
    file: 'src/engine/commit/committer.test.ts',
    test: 'a group that the store knows as committed is not written again',
  },
  'goes on with a store that it has lost': {
    file: 'src/engine/commit/committer.test.ts',
    test: 'when the store is lost, the whole group is refused, and the run is told why',
  },
  'puts functions that came back behind the others': {
    file: 'src/engine/commit/writes.test.ts',
    test: 'writes that are put back come before those that came since',
  },
  'begins a message in line before it is told that it is there': {
    file: 'src/engine/consumer/desk-lanes.test.ts',
    test: 'a message that is read before its way into the line is durable has its turn after that, once',
  },
  'passes over a request before its end is written': {
    file: 'src/engine/request/withdrawals.test.ts',
    test: 'a request that is passed over before its withdrawal is written ends with that, and counts as taken back',
  },
  'leaves in line what became the head of its lane': {
    file: 'src/engine/consumer/desk-lanes.test.ts',
    test: 'a message that the store made the head of its lane begins that lane; any other stays in line',
  },
  'tells each timed write what has become of the first': {
    file: 'src/engine/commit/committer.test.ts',
    test: 'each timed write learns the outcome of its own change, and its appends come after the rest',
  },
  'says that an end is written though its flow does not exist': {
    file: 'src/adapters/sqlite/commit.test.ts',
    test: 'the end of a step is written where its flow exists, and commit says whether it does',
  },
  'leaves the next time of flows as it was when one is taken away': {
    file: 'src/adapters/sqlite/commit.test.ts',
    test: 'a commit that changes times of flows says when the next one comes, another says nothing',
  },
  'takes back what follows from a function that has never followed': {
    file: 'src/adapters/sqlite/commit.test.ts',
    test: 'a group that is repeated one by one has one answer for each transaction that is committed',
  },
  'names the file that a new -wal begins on as it is after its first transaction': {
    file: 'test/faults/foreign-wal.deep.test.ts',
    test: 'after each of a thousand power cuts, before, in and after checkpoints, the file starts with its own -wal',
  },
  'looks for the mark of a -wal in the header only': {
    file: 'src/adapters/sqlite/wal-marks.test.ts',
    test: 'a -wal of a file that was taken up is told from that of an earlier state by the row, though the header is the same',
  },
  'takes a database up in two transactions': {
    file: 'test/faults/adopt.deep.test.ts',
    test: 'wherever a process is killed that takes up a database in mode delete, it is as it was, or taken up',
  },
  'replays a -wal into any file': {
    file: 'test/faults/foreign-wal.deep.test.ts',
    test: 'copies of this run and of earlier ones are not replayed into by the -wal of a crash some messages after the copy',
  },
  'opens its store anew on files that were put in place of its own': {
    file: 'test/faults/files-replaced.test.ts',
    test: 'when the file is replaced by a copy nothing more is accepted, and health says what to do',
  },
  'writes the -wal file out anew while others write': {
    file: 'test/adopt.test.ts',
    test: 'while a start writes the -wal out anew no other program writes',
  },
  'begins a second run beside that of a start that failed': {
    file: 'test/faults/recovery.deep.test.ts',
    test: 'a store that fails once more while it is opened anew, at any of its syncs, is opened a third time and then stays open',
  },
  'does not wait for a store that is opened anew before it says idle': {
    file: 'test/faults/recovery.deep.test.ts',
    test: 'idle called while a store is opened anew waits for it, and is no error',
  },
  'tries again at once what a restart found waiting': {
    file: 'test/desk/retries.test.ts',
    test: 'a wait longer than its processor has now is cut to the new one',
  },
  'acts on what is only prepared': {
    file: 'test/desk/ramps.test.ts',
    test: 'a prepared operation is counted and does nothing until it is run, also across restarts',
  },
  'goes on with a ramp after so many failures': {
    file: 'test/desk/ramps.test.ts',
    test: 'a ramp stops after so many failures: more never fail, and it is run on with the rest',
  },
  'forgets at a restart which messages of a ramp are tried': {
    file: 'test/desk/ramps.test.ts',
    test: 'a ramp stops after so many failures: more never fail, and it is run on with the rest',
  },
  'counts a lane of a ramp again for each of its messages': {
    file: 'test/desk/ramps.test.ts',
    test: 'the rate counts lanes: all of one lane that is held goes at once, and counts once',
  },
  'forgets at a restart when the next lane of a ramp begins': {
    file: 'test/desk/ramps.test.ts',
    test: 'a ramp begins at most its number of lanes in any second, also after kills',
  },
  'takes up an operation that it was given itself': {
    file: 'test/desk/operations.test.ts',
    test: 'one that is made while the app still starts is carried out once, for twenty seeds',
  },
  'ends a flow twice that two people end': {
    file: 'test/flows/people.test.ts',
    test: 'of two people who end a flow at once one does, the other is told that it has ended',
  },
  'ends a flow before what lost its race is taken back': {
    file: 'test/flows/races.test.ts',
    test: 'a race as the last step: despite any crash, a losing command is not handled after the end of its flow',
  },
  'keeps flows in memory beyond the bound': {
    file: 'test/flows/memory.test.ts',
    test: 'after a burst no more flows are in memory than may be, and the others come back when something comes',
  },
  'goes on with an operation after its abort': {
    file: 'src/engine/desk/operations.test.ts',
    test: 'an abort waits for the slice under way, and nothing is done after it',
  },
  'keeps what was done above the position at a reset': {
    file: 'src/adapters/sqlite/processors.test.ts',
    test: 'a reset ends the messages of a processor on a stream in one step: failures are told, untried ones are gone',
  },
  'lets what is handled again after a reset be taken back': {
    file: 'test/desk/reset.test.ts',
    test: 'messages of the processor at the desk end as reset, on record, told once; each is handled again',
  },
  'resumes what was paused under another name': {
    file: 'test/renames.test.ts',
    test: 'a processor under a new name has its progress, its desk, its attempts, its pause and its keys, once',
  },
  'ends at a start what this run takes back': {
    file: 'src/engine/request/withdrawals.test.ts',
    test: 'a start ends the requests that earlier runs have marked, none that this run takes back',
  },
  'says that a request is taken back whose refusal came first': {
    file: 'src/engine/request/withdrawals.test.ts',
    test: 'a request whose refusal is being written is not taken back, and keeps no mark',
  },
  'takes a refusal of one operation for the end of the message that another has released': {
    file: 'src/engine/desk/operations.test.ts',
    test: 'of two operations with the same first message each is told how that ends',
  },
  'looks at the first message of an operation before it hears of its end': {
    file: 'src/engine/desk/operations.test.ts',
    test: 'after a restart the first message may end while it is looked at',
  },
  'gives the place of what was taken back away at a restart': {
    file: 'test/desk/order.test.ts',
    test: 'a message taken back keeps its place after a restart: later ones wait behind it',
  },
  'ends a flow whose journal has more': {
    file: 'src/engine/flow/run.test.ts',
    test: 'code that ends before its journal does is paused; that is the one state that it leaves, and nothing is taken back',
  },
  'passes its point of no return in a branch that has lost': {
    file: 'src/engine/flow/run.test.ts',
    test: 'a branch that has lost its race passes no point of no return',
  },
  'tells of what it ends itself before what a replay has ahead': {
    file: 'src/engine/flow/run.test.ts',
    test: 'ends that came while a flow was not made are given in one order, also where it ends a step itself between them',
  },
}
