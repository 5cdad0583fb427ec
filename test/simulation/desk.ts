// The desk as the model follows it: each message by the lines of the audit log about it, and against these the table of
// the desk, the groups, the operations, the pauses and what was told on the topic of failures.
import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import type { DeskAction, DeskState } from '../../src/model/desk.ts'
import { displaced, isOpen, type Logged, type Model, type Place } from './model.ts'
import { firstNames } from './names.ts'

export type Read = <Row>(sql: string, ...values: (string | number)[]) => Row[]

export interface DeskRow {
  readonly id: number
  readonly processor: string
  /** The name of the processor as it is on disk. */
  readonly today: string
  readonly stream: number
  readonly position: number
  readonly message_id: string
  readonly type: string
  readonly context: string | null
  readonly lane: string | null
  readonly place: number
  readonly state: DeskState
  readonly due_at: number
  readonly attempts: number
  readonly kills: number
  readonly corrections: number
  readonly revision: number
  readonly failures: number
  readonly decisions: number
  readonly group_id: number | null
  readonly resolved_at: number | null
  readonly data: string
  readonly original: string | null
  readonly tries: string | null
}

/** A message that is or was at the desk. */
export interface Item {
  readonly id: number
  readonly processor: string
  readonly position: number
  /** As it is on disk; undefined once it is gone. */
  row: DeskRow | undefined
  /** The last line about it. */
  last: DeskAction | undefined
  /** How often it has failed for good. */
  failed: number
  /** How often it was let run again. */
  runs: number
  corrections: number
  /** How much was done about it. */
  revision: number
  resolved: number
  /** Decisions of rules since a person's. */
  byRule: number
  takenBack: boolean
  /** It is of a generation of its processor that a reset has ended. */
  former: boolean
  /** Who works on it, and until when. */
  claim?: { readonly by: string; readonly until: number }
  /** Today's data. */
  json: string
}

interface Line {
  readonly id: number
  readonly at: number
  readonly who: string
  readonly action: DeskAction
  readonly item: number | null
  readonly subject: string
  readonly detail: string | null
  readonly group: number | null
}

/** Whether a processor is paused. */
export interface Pausing {
  readonly processor: string
  readonly paused: boolean
}

interface Snooze {
  readonly until: number
  readonly orCount: number
}

interface Group {
  readonly id: number
  readonly held: number
  readonly today: string
  readonly type: string
  readonly until: number | null
  readonly orCount: number | null
}

interface Operation {
  readonly id: number
  readonly name: string
  readonly who: string
  readonly one_first: number
  readonly state: string
  readonly total: number
  readonly done: number
  readonly refused: number
  readonly failures: number
  readonly stop_after: number | null
}

/** What people do about a message in line. */
const inLine = ['corrected', 'discarded'] as const

/** What may come after a line about a message, and the states in which it is then. */
const after: Readonly<Record<string, { next: readonly DeskAction[]; states: readonly DeskState[] }>> = {
  nothing: { next: ['held', ...inLine], states: ['trying', 'line', 'reset'] },
  held: { next: ['kept', 'released', 'resubmitted', 'discarded', 'reset'], states: ['deciding', 'held'] },
  kept: { next: ['released', 'resubmitted', 'discarded', 'reset'], states: ['held'] },
  released: { next: ['held', 'handled', 'reset', ...inLine], states: ['trying', 'line'] },
  resubmitted: { next: ['held', 'handled', 'reset', ...inLine], states: ['trying', 'line'] },
  corrected: { next: ['held', 'handled', 'reset', ...inLine], states: ['trying', 'line', 'reset'] },
  'taken back': { next: ['held', 'handled', 'reset', ...inLine], states: ['trying', 'line'] },
  handled: { next: [], states: ['handled'] },
  // Where it is handled again, it cannot be taken back.
  discarded: { next: ['taken back'], states: ['discarded', 'reset'] },
  reset: { next: [], states: ['reset'] },
}

const columns = `d.id, processor, processor as today, stream, position, message_id, type, context, lane, place, state, due_at, attempts,
  kills, corrections, revision, failures, decisions, group_id, resolved_at, data, original, tries`
const killsMax = 2
const triesMax = 50
const ended = ['done', 'failed', 'aborted', 'expired']

/** The versions of the app in the attempts of a row, each as the number of runs before it. */
const versionsIn = (tries: string | null): number[] =>
  (JSON.parse(tries ?? '[]') as { readonly version?: string }[]).map(({ version }) => {
    assert(version !== undefined && /^version \d+$/.test(version), `an attempt has the version ${version}`)
    return Number(version.slice('version '.length))
  })

/** Actions on operations. */
const ofOperations: readonly DeskAction[] = ['selected', 'run', 'stopped', 'expired']

/** Answers after which it is certain that nothing was done. */
const refusals = new Set(
  [
    'unknown-item',
    'not-held',
    'not-discarded',
    'stale-revision',
    'claimed',
    'too-late',
    'unknown-processor',
    'bad-data',
    'context-changed',
    'nothing-selected',
    'duplicate-name',
    'unknown-operation',
    'unknown-group',
    'operation-ended',
    'already-running',
    'on-channel',
    'bad-position',
    'trial-busy',
    'no-trial',
    'change-does-not-fit',
    'unknown-schedule',
  ].map((code) => `millrace/${code}`),
)

export class DeskModel {
  readonly paused = new Set<string>()
  /** As people have set it. */
  private readonly concurrency = new Map<string, number>()
  private readonly model: Model
  private readonly items = new Map<number, Item>()
  private heads = new Map<string, Item>()
  /** The last place of each lane. */
  private ends = new Map<string, number>()
  /** Messages that are in a lane. */
  private inLane = new Set<number>()
  private lines = 0
  /** What each person has done; each does one thing. */
  private readonly done = new Map<string, Line[]>()
  private readonly refused = new Set<string>()
  /** The corrected data that each wanted, as JSON. */
  private readonly wanted = new Map<string, Set<string>>()
  /** The number that an operation writes into each message. */
  private readonly changes = new Map<string, number>()
  /** The revision that each person has seen and named. */
  private readonly seen = new Map<string, number>()
  private readonly ending = new Map<string, string>()
  /** Where each person wanted a processor to begin anew. */
  private readonly resetsTo = new Map<string, unknown>()
  private readonly resetCount = new Map<string, number>()
  /** The last snooze of each group; undefined once it was woken. */
  private readonly snoozes = new Map<number, Snooze | undefined>()
  private operations = new Map<string, Operation>()
  private readonly failures = new Map<string, { failed: number; resolved: number }>()

  constructor(model: Model) {
    this.model = model
  }

  // ── what becomes durable ───────────────────────────────────────────────────────────────────────────────────────

  read(all: Read): void {
    const rows = all<DeskRow>(
      `select ${columns} from millrace_desk d join millrace_kinds k on k.id = d.kind order by lane, place`,
    )
    const before = new Map([...this.items].map(([id, { row, runs }]) => [id, { row, runs }]))
    for (const item of this.items.values()) item.row = undefined
    for (const row of rows) this.itemOf(row).row = row
    this.readAudit(all)
    for (const item of this.items.values()) this.judge(item, before.get(item.id))
    this.readLanes(rows)
    this.readGroups(all, rows)
    this.readOperations(all)
    this.readPaused(all)
    this.compareTold()
  }

  private itemOf(row: DeskRow): Item {
    const known = this.items.get(row.id)
    if (known !== undefined) return known
    const { id, processor, position, message_id } = row
    const place = this.placeOf(processor)
    const other = place.items.get(position)
    assert(other === undefined, `"${processor}" has position ${position} at the desk as ${other?.id} and as ${id}`)
    const { json } = this.model.byId.get(message_id)!
    const item: Item = {
      id,
      processor,
      position,
      row,
      last: undefined,
      failed: 0,
      runs: 0,
      corrections: 0,
      revision: 0,
      resolved: 0,
      byRule: 0,
      takenBack: false,
      former: false,
      json,
    }
    this.items.set(id, item)
    place.items.set(position, item)
    return item
  }

  private placeOf(processor: string): Place {
    const place = this.model.places.get(processor)
    assert(place !== undefined, `"${processor}" has something at the desk before its start is on disk`)
    return place
  }

  private readAudit(all: Read): void {
    const [{ count }] = all<{ count: number }>(
      'select count(*) as count from millrace_audit where id <= ?',
      this.lines,
    ) as [{ count: number }]
    assert.equal(count, this.lines, 'the audit log has lost a line')
    for (const line of all<Line>(
      'select id, at, who, action, item, subject, detail, group_id as "group" from millrace_audit where id > ? order by id',
      this.lines,
    )) {
      assert.equal(line.id, this.lines + 1, 'the audit log has a gap')
      this.lines = line.id
      this.readLine(line)
    }
  }

  private readLine(line: Line): void {
    const { who, action, item, subject } = line
    // The edge has kept who was not let in.
    if (action === 'refused') return
    assert(!this.refused.has(who), `${who} was told that nothing was done, and ${action} ${subject}`)
    if (item !== null) this.follow(this.items.get(item)!, line)
    else if (action === 'reset') this.readReset(line)
    else if (action === 'fired') this.model.fires.tells(line.detail!)
    else if (action === 'aborted') this.ending.set(subject, action)
    else if (line.group !== null)
      this.snoozes.set(line.group, action === 'snoozed' ? JSON.parse(line.detail!) : undefined)
    else if (action === 'set') {
      const { concurrency } = JSON.parse(line.detail!) as { concurrency: number | 'default' }
      if (concurrency === 'default') this.concurrency.delete(subject)
      else this.concurrency.set(subject, concurrency)
    } else if (!ofOperations.includes(action) && !subject.startsWith('flow '))
      this.paused[action === 'paused' ? 'add' : 'delete'](subject)
    if (who === 'millrace' || who.startsWith('rule ') || who.startsWith('app ')) return
    // A reset is one action, whatever it ends.
    if (action === 'reset' && item !== null) return
    // A flow gives up those that it has started, as often as it has to.
    if (who.startsWith('flow ')) return
    const lines = this.done.get(who) ?? []
    const once = lines.length === 0 || (item !== null && lines.every((one) => one.item !== item))
    const operation = lines[0]?.action === 'selected'
    assert(once && (lines.length === 0 || operation), `${who} wanted one thing, and it was done again: ${action}`)
    if (operation)
      assert(!this.ending.has(lines[0]!.subject), `${lines[0]!.subject} was aborted, and ${action} ${item}`)
    this.done.set(who, [...lines, line])
  }

  private readReset({ who, subject, detail }: Line): void {
    const { begins } = JSON.parse(detail!) as { begins: number }
    const { after, generation } = this.placeOf(subject)
    this.resetCount.set(subject, (this.resetCount.get(subject) ?? 0) + 1)
    assert.equal(generation, this.resetCount.get(subject), `how often "${subject}" was reset`)
    assert.equal(after, begins - 1, `where "${subject}" begins anew`)
    const to = this.resetsTo.get(who)
    if (to === 'beginning') assert.equal(begins, 1, `${who} wanted "${subject}" to begin at the beginning`)
    if (typeof to === 'number') assert.equal(begins, to, `${who} wanted "${subject}" to begin elsewhere`)
  }

  private follow(item: Item, { action, who, detail, at }: Line): void {
    if (action === 'claimed') {
      item.claim = { by: who, until: (JSON.parse(detail!) as { until: number }).until }
      return
    }
    // Nothing of a trial is left but its line.
    if (action === 'tried') return
    const { claim } = item
    const isOthers = claim !== undefined && claim.by !== who && claim.until > at
    const isBound = !/^(millrace$|rule |app |flow )/.test(who) && action !== 'reset' && action !== 'not possible'
    assert(!isOthers || !isBound, `${who} has ${action} message ${item.id}, which ${claim?.by} works on`)
    // A pending action that became impossible is on record and changed nothing.
    if (action === 'not possible') {
      assert(who.startsWith('pending '), `${who} was told at once whether it is possible`)
      return
    }
    const { last } = item
    const seen = this.seen.get(who)
    assert(seen === undefined || seen === item.revision, `${who} has ${action} revision ${item.revision}, not ${seen}`)
    item.revision++
    assert(
      after[last ?? 'nothing']!.next.includes(action),
      `message ${item.id} of "${item.processor}" was ${action} after ${last ?? 'nothing'}`,
    )
    item.last = action
    if (action === 'handled') versionsIn(`[${detail}]`)
    if (action === 'held') item.failed++
    else if (action === 'handled' || action === 'discarded') item.resolved += item.failed > 0 ? 1 : 0
    else if (action !== 'kept' && action !== 'reset' && action !== 'corrected') item.runs++
    if (action === 'resubmitted' || action === 'corrected') {
      const { before, after: now } = JSON.parse(detail!) as { before: unknown; after: unknown }
      assert.deepEqual(before, JSON.parse(item.json), `what message ${item.id} was before it was resubmitted`)
      item.corrections++
      item.json = JSON.stringify(now)
      const asked = who.startsWith('rule ') ? `rule ${item.processor} ${item.row!.message_id}` : who
      const n = this.changes.get(asked)
      const fits =
        n === undefined ? this.wanted.get(asked)?.has(item.json) : isDeepStrictEqual(now, { ...(before as object), n })
      assert(fits, `${asked} wanted no ${item.json} in place of message ${item.id}`)
    }
    if (action === 'taken back') item.takenBack = true
    if (who.startsWith('rule ')) item.byRule++
    // Millrace releases what its caller has taken back.
    else if (action !== 'corrected' && (who !== 'millrace' || action === 'released')) item.byRule = 0
  }

  // ── each message ───────────────────────────────────────────────────────────────────────────────────────────────

  private judge(item: Item, before: Pick<Item, 'row' | 'runs'> | undefined): void {
    const { row, last, failed, corrections, processor, byRule, runs } = item
    const what = `message ${item.id} of "${processor}"`
    const { known, done } = this.placeOf(processor)
    if (row === undefined) {
      assert.equal(last, undefined, `${what} was ${last} and is gone from the desk`)
      return
    }
    assert(before === undefined || before.row !== undefined, `${what} was gone and is back`)
    const { state, lane, context } = row
    assert(after[last ?? 'nothing']!.states.includes(state), `${what} is ${state} after ${last ?? 'nothing'}`)
    assert.equal(row.failures, failed, `how often ${what} has failed`)
    assert.equal(row.corrections, corrections, `how often the data of ${what} were replaced`)
    assert.equal(row.revision, item.revision, `the revision of ${what}`)
    assert.equal(row.data, item.json, `the data of ${what}`)
    assert.equal(
      row.original,
      corrections > 0 ? this.model.byId.get(row.message_id)!.json : null,
      `the first data of ${what}`,
    )
    if (isOpen(item)) assert.equal(row.decisions, byRule, `how often a rule has decided about ${what}`)
    assert(byRule <= known.decisionsMax + 1, `a rule has decided about ${what} ${byRule} times`)
    assert(row.attempts <= known.attemptsMax, `${what} has had ${row.attempts} attempts of ${known.attemptsMax}`)
    this.judgeVersions(what, row, before?.row)
    assert(row.kills <= killsMax, `${what} has killed ${row.kills} times`)
    if (before?.row !== undefined && before.runs === runs) {
      assert(
        row.attempts >= before.row.attempts,
        `${what} has had ${before.row.attempts} attempts, now ${row.attempts}`,
      )
    }
    // A failure that a reset has ended has no end until that is told.
    if (state !== 'reset' || failed === 0)
      assert.equal(row.resolved_at !== null, ['handled', 'discarded', 'reset'].includes(state), `${what} is ${state}`)
    assert.equal(item.former && !['handled', 'discarded'].includes(state), state === 'reset', `${what} is ${state}`)
    assert.equal(row.group_id !== null, state === 'held', `${what} is ${state} and its group ${row.group_id}`)
    assert(item.former || done.has(item.position), `${what} is at the desk and not done in the log`)
    const closes = context !== null && isOpen(item) && !displaced(known, item)
    assert(lane === null || lane === context, `${what} is in the lane of "${lane}"`)
    if (closes) assert.equal(lane, context, `${what} closes its lane`)
    if (row.resolved_at !== null || (known.onHold === 'pass' && ['held', 'deciding'].includes(state))) {
      assert.equal(lane, null, `${what} is in no lane`)
    }
  }

  /** Each failed attempt has the version of the app of its time, and keeps it. */
  private judgeVersions(what: string, { tries }: DeskRow, before: DeskRow | undefined): void {
    const versions = versionsIn(tries)
    assert.deepEqual(
      versions,
      [...versions].sort((a, b) => a - b),
      `the versions of the attempts of ${what}`,
    )
    assert((versions.at(-1) ?? 0) <= this.model.begun, `an attempt of ${what} has a version that is to come`)
    const known = versionsIn(before?.tries ?? null)
    if (versions.length < triesMax) assert.deepEqual(versions.slice(0, known.length), known, `what ${what} has tried`)
  }

  /** How many messages a processor holds. */
  heldBy(processor: string): number {
    return [...this.items.values()].filter((item) => item.processor === processor && item.row?.state === 'held').length
  }

  headOf(processor: string, context: string): Item | undefined {
    return this.heads.get(`${processor} ${context}`)
  }

  /** Each lane has one head, the others are in line behind it, in order. */
  private readLanes(rows: readonly DeskRow[]): void {
    const heads = new Map<string, Item>()
    const ends = new Map<string, number>()
    const last = new Map<string, number>()
    const inLane = new Set<number>()
    for (const { id, processor, position, lane: context, state, place } of rows) {
      if (context === null) continue
      const lane = `${processor} ${context}`
      const item = this.items.get(id)!
      const head = heads.get(lane)
      if (head === undefined) heads.set(lane, item)
      assert.equal(
        state === 'line',
        head !== undefined,
        `${state} position ${position} of ${lane} behind ${head?.position}`,
      )
      ends.set(lane, place)
      inLane.add(id)
      const end = this.ends.get(lane)
      if (end !== undefined && !this.inLane.has(id)) {
        assert(place > end, `position ${position} came into the line of ${lane} before others`)
      }
      if (displaced(this.placeOf(processor).known, item)) continue
      const before = last.get(lane) ?? 0
      assert(before < position, `the line of ${lane} has ${position} behind ${before}`)
      last.set(lane, position)
    }
    this.heads = heads
    this.ends = ends
    this.inLane = inLane
  }

  // ── what is counted ────────────────────────────────────────────────────────────────────────────────────────────

  private readGroups(all: Read, rows: readonly DeskRow[]): void {
    const counts = new Map<number, number>()
    for (const { group_id: id } of rows) if (id !== null) counts.set(id, (counts.get(id) ?? 0) + 1)
    const groups = all<Group>(
      `select id, held, processor as today, type, snoozed_until as until, snoozed_count as orCount
       from millrace_desk_groups`,
    )
    for (const group of groups) {
      const { id, held } = group
      assert.equal(held, counts.get(id) ?? 0, `how many are held of group ${id}`)
      this.judgeSnooze(group)
    }
    for (const { id, group_id, today, type } of rows) {
      if (group_id === null) continue
      const group = groups.find((one) => one.id === group_id)
      assert.deepEqual([group?.today, group?.type], [today, type], `the group of message ${id}`)
    }
  }

  /** A group is snoozed as a person has said, and until it has so many. */
  private judgeSnooze({ id, held, until, orCount }: Group): void {
    const said = this.snoozes.get(id)
    if (until === null) {
      assert(said === undefined || said.orCount < 1_000, `the snooze of group ${id} is gone`)
      return
    }
    assert.deepEqual({ until, orCount }, said, `the snooze of group ${id}`)
    assert(held < orCount!, `group ${id} has ${held} and is snoozed until it has ${orCount}`)
  }

  private readOperations(all: Read): void {
    const operations = all<Operation>('select * from millrace_operations')
    assert(operations.length >= this.operations.size, 'an operation is gone')
    if (operations.length === 0) return
    const selected = all<{ operation: number; item: number; error: string | null; done: number }>(
      'select operation, item, error, done from millrace_selected order by item',
    )
    for (const operation of operations)
      this.readOperation(
        operation,
        selected.filter((one) => one.operation === operation.id),
      )
    this.operations = new Map(operations.map((operation) => [operation.name, operation]))
  }

  private readOperation(
    operation: Operation,
    selected: readonly { item: number; error: string | null; done: number }[],
  ): void {
    const { name, who, state, one_first } = operation
    const before = this.operations.get(name)
    if (before !== undefined && ended.includes(before.state)) {
      assert.deepEqual(
        { ...operation, failures: 0 },
        { ...before, failures: 0 },
        `operation ${name} had ended and has changed`,
      )
    }
    const dealt = selected.filter(({ done }) => done === 1)
    const acted = dealt.filter(({ error }) => error === null).map(({ item }) => item)
    const counts = { total: selected.length, done: dealt.length, refused: dealt.length - acted.length }
    const { total, done, refused } = operation
    assert.deepEqual({ total, done, refused }, counts, `the counts of operation ${name}`)
    const lines = (this.done.get(who) ?? []).flatMap(({ item }) => item ?? [])
    assert.deepEqual(
      lines.sort((a, b) => a - b),
      acted,
      `what operation ${name} has done`,
    )
    assert.equal(state === 'aborted', this.ending.has(name), `operation ${name} is ${state}`)
    if (state === 'done') assert.equal(done, total, `operation ${name} is done`)
    if (state === 'prepared' || state === 'expired') assert.equal(done, 0, `operation ${name} is ${state}`)
    const { stop_after: most, failures } = operation
    if (most !== null)
      assert(failures <= most, `${failures} of operation ${name} have failed, and it stops after ${most}`)
    if (state === 'stopped') assert.equal(failures, most, `operation ${name} has stopped`)
    if (one_first === 1 && (done > 1 || (state === 'done' && total > 1))) {
      assert.equal(this.items.get(selected[0]!.item)!.last, 'handled', `the first of operation ${name}`)
    }
  }

  private readPaused(all: Read): void {
    const paused = all<{ processor: string }>('select processor from millrace_paused').map(({ processor }) => processor)
    assert.deepEqual(new Set(paused), this.paused, 'the processors that are paused')
    const set = all<{ processor: string; most: number }>(
      "select substr(key, 13) as processor, value as most from millrace_meta where key like 'concurrency %'",
    )
    const most = set.map((one) => [one.processor, one.most] as const)
    assert.deepEqual(new Map(most), this.concurrency, 'the concurrency that people have set')
  }

  // ── what is told ───────────────────────────────────────────────────────────────────────────────────────────────

  /** An event on the topic of failures. */
  told({ type, json }: Logged): void {
    const { processor, message } = JSON.parse(json) as { processor: string; message: { id: string } }
    const key = `${firstNames(processor)} ${message.id}`
    const count = this.failures.get(key) ?? { failed: 0, resolved: 0 }
    if (type === 'processing.failed') count.failed++
    else count.resolved++
    this.failures.set(key, count)
  }

  private compareTold(): void {
    const wanted = new Map<string, { failed: number; resolved: number }>()
    for (const { row, processor, failed, resolved, last } of this.items.values()) {
      if (row === undefined || this.placeOf(processor).known.source === 'failures') continue
      const key = `${processor} ${row.message_id}`
      const sum = wanted.get(key) ?? { failed: 0, resolved: 0 }
      const ended = last === 'reset' && failed > 0 && row.resolved_at !== null ? 1 : 0
      wanted.set(key, { failed: sum.failed + failed, resolved: sum.resolved + resolved + ended })
    }
    for (const [key, counts] of wanted) {
      const told = this.failures.get(key) ?? { failed: 0, resolved: 0 }
      assert.deepEqual(told, counts, `how often it was told that ${key} has failed and was resolved`)
    }
    for (const key of this.failures.keys())
      assert(wanted.has(key), `${key} was told to have failed and is not at the desk`)
  }

  // ── what people are told ───────────────────────────────────────────────────────────────────────────────────────

  resets(who: string, to: unknown): void {
    this.resetsTo.set(who, to)
  }

  sees(who: string, revision: number): void {
    this.seen.set(who, revision)
  }

  wantsChange(who: string, n: number): void {
    this.changes.set(who, n)
  }

  wants(who: string, data: unknown): void {
    this.wanted.set(who, new Set(this.wanted.get(who)).add(JSON.stringify(data)))
  }

  answered(who: string, refused: string | undefined, is?: Pausing): void {
    const lines = this.done.get(who) ?? []
    // A pause of what is paused is no action, and leaves no line.
    if (is !== undefined && this.paused.has(is.processor) === is.paused) return
    if (refused === undefined)
      assert.notEqual(lines.length, 0, `${who} was told that it is done, and it is not on disk`)
    else if (refusals.has(refused)) {
      assert.equal(lines.length, 0, `${who} was told ${refused}, and it was done`)
      this.refused.add(who)
    }
  }

  // ── in the end ─────────────────────────────────────────────────────────────────────────────────────────────────

  complete(): void {
    for (const item of this.items.values()) {
      if (!isOpen(item)) continue
      const { processor, state, lane } = item.row
      const head = lane === null ? item : this.headOf(processor, lane)!
      assert.equal(head.row!.state, 'held', `${state} message ${item.id} of "${processor}" waits for a person`)
    }
    for (const { name, state } of this.operations.values())
      assert([...ended, 'stopped', 'prepared'].includes(state), `operation ${name} is ${state}`)
    assert.equal(this.paused.size, 0)
  }
}
