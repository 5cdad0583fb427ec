// Alerts at work: every few seconds they look at what is not well, and write what has begun and what has ended.
//
//   off ──begin──→ waiting ──a time has passed──→ looking ──judged, and written──→ waiting
//   end leads from each to ended.
//
// One alert, as of model/alerts.ts: `raised` has those whose beginning is written and whose end is not. It is read from
// the store at a start, so a crash repeats no beginning and forgets no end. A look ends when all of it is written, so no
// two looks write about one alert. A look costs a few reads by an index, each with a limit, whatever waits.
import {
  type AlertEnd,
  type AlertEnded,
  type AlertKind,
  type AlertRaised,
  type AlertWatch,
  alertTypes,
  type Finding,
} from '../../model/alerts.ts'
import type { Stored } from '../../model/codec.ts'
import type { Event } from '../../model/message.ts'
import { inBrief } from '../../model/people.ts'
import type { AlertChange, AlertRow } from '../../seam/alerts.ts'
import type { Store } from '../../seam/store.ts'
import type { Timer, World } from '../../seam/world.ts'
import type { Committer } from '../commit/committer.ts'
import type { Service } from '../service.ts'
import type { AlertSpec } from '../spec.ts'
import { type Facts, type Judged, judge, type Lagging } from './judge.ts'
import { wordsOf } from './words.ts'

/** Time between two looks, milliseconds. */
const lookMs = 10_000
const groupsRead = 200
const questionsRead = 100

/** A processor that runs, as alerts look at it. */
interface Looked {
  readonly name: string
  readonly destination: string
  readonly position: number
  readonly lag: number
  readonly state: Lagging['state']
}

export interface AlertsHost {
  readonly world: Pick<World, 'after' | 'now' | 'newId' | 'log'>
  readonly store: Pick<Store, 'alerts' | 'flowReads' | 'processors' | 'room' | 'health'>
  readonly committer: Pick<Committer, 'writeTimed'>
  readonly specs: readonly AlertSpec[]
  readonly passing: ReadonlySet<string>
  /** Processors that do not run this time: what is told of them stays. */
  readonly leftOut: ReadonlySet<string>
  processors(): readonly Looked[]
  /** The messages of a topic or channel after a position. */
  after(destination: string, position: number, limit: number): Promise<readonly Stored[]>
  encode(type: Event, data: object, part: string): Stored
}

/** An alert whose beginning is written. */
interface Raised {
  readonly row: AlertRow
  readonly data: AlertRaised
  /** The time since which it is not seen; undefined while it is. */
  calmSince: number | undefined
}

export class Alerts implements Service {
  private readonly host: AlertsHost
  /** Nobody waits for it. */
  readonly idle = true
  /** By part, then by alert. */
  private readonly raised = new Map<string, Map<string, Raised>>()
  private timer: Timer | undefined
  private hasFailed = false
  private isOver = false

  constructor(host: AlertsHost) {
    this.host = host
    for (const { name } of host.specs) this.raised.set(name, new Map())
  }

  begin(): void {
    this.read().then(
      () => this.wait(),
      (error) => {
        this.tell(error)
        if (!this.isOver) this.timer = this.host.world.after(lookMs, () => this.begin())
      },
    )
  }

  end(): void {
    this.isOver = true
    this.timer?.cancel()
  }

  /** Those of a part that is gone stay in the store, and are told ended when it is back. */
  private async read(): Promise<void> {
    for (const row of await this.host.store.alerts.rows()) this.keep(row)
  }

  private keep(row: AlertRow): void {
    this.raised.get(row.watch)?.set(row.alert, { row, data: JSON.parse(row.data), calmSince: undefined })
  }

  private wait(): void {
    if (this.isOver) return
    this.timer = this.host.world.after(lookMs, () => {
      this.look()
        .then(
          () => {
            this.hasFailed = false
          },
          (error) => this.tell(error),
        )
        .then(() => this.wait())
    })
  }

  private async look(): Promise<void> {
    const { specs } = this.host
    const facts = await this.facts()
    const writes: Promise<void>[] = []
    for (const { name, watch } of specs) {
      const raised = this.raised.get(name)!
      const kinds = new Map([...raised].map(([alert, { data }]) => [alert, data.kind]))
      const judged = judge(name, watch, facts, kinds)
      for (const finding of judged.found.values()) {
        const there = raised.get(finding.alert)
        if (there === undefined) writes.push(this.begins({ name, watch }, finding, facts.now))
        else there.calmSince = undefined
      }
      for (const one of raised.values()) {
        const end = this.endOf(one, { watch, judged, now: facts.now })
        if (end !== undefined) writes.push(this.ends(one, end, facts.now))
      }
    }
    await Promise.all(writes)
  }

  private async facts(): Promise<Facts> {
    const { world, store, specs, passing } = this.host
    const watches = (...kinds: AlertKind[]) => specs.some(({ watch }) => kinds.some((kind) => isWatched(watch, kind)))
    const now = world.now()
    const groups = watches('group', 'closed') ? await store.alerts.heldGroups(groupsRead, now) : []
    const questions = watches('question') ? await store.flowReads.questions({ limit: questionsRead }) : []
    const paused = watches('paused') ? await store.processors.paused() : []
    const lagging = watches('behind') ? await this.lagging() : []
    // With nothing published nobody has looked at the disk: its health measures it.
    if (watches('disk')) store.health()
    return {
      now,
      groups: { rows: groups, isCut: groups.length === groupsRead },
      questions: { rows: questions, isCut: questions.length === questionsRead },
      paused,
      lagging,
      isFull: store.room() !== undefined,
      passing,
    }
  }

  private async lagging(): Promise<Lagging[]> {
    const { processors, after } = this.host
    const found: Lagging[] = []
    for (const { name, destination, position, lag, state } of processors()) {
      if (lag === 0) continue
      const [oldest] = await after(destination, position, 1)
      if (oldest !== undefined) found.push({ name, lag, state, since: Math.max(oldest.time, oldest.due) })
    }
    return found
  }

  /** How a raised alert ends now; undefined where it stays. */
  private endOf(one: Raised, { watch, judged, now }: { watch: AlertWatch; judged: Judged; now: number }) {
    const { alert, kind, part } = one.data
    if (!isWatched(watch, kind)) return 'not watched'
    if (judged.quiet.has(alert)) return 'quiet'
    if (judged.found.has(alert) || judged.cut.has(kind) || this.host.leftOut.has(part ?? '')) return undefined
    one.calmSince = Math.min(one.calmSince ?? now, now)
    return now - one.calmSince >= watch.calmMs ? 'well' : undefined
  }

  private begins({ name, watch }: AlertSpec, finding: Finding, at: number): Promise<void> {
    const incident = this.host.world.newId(at)
    const data: AlertRaised = { watch: name, incident, ...finding, at, ...wordsOf(finding, watch) }
    const row = { watch: name, alert: finding.alert, data: JSON.stringify(data) }
    const message = this.host.encode(alertTypes.raised, data, name)
    return this.write({ do: 'alert', is: 'raised', row, message }, () => this.keep(row))
  }

  private ends({ row, data }: Raised, end: AlertEnd, endedAt: number): Promise<void> {
    const ended: AlertEnded = { ...data, endedAt, end }
    const message = this.host.encode(alertTypes.ended, ended, row.watch)
    return this.write({ do: 'alert', is: 'ended', row, message }, () => {
      this.raised.get(row.watch)!.delete(row.alert)
    })
  }

  private write(change: AlertChange, written: () => void): Promise<void> {
    return new Promise((resolve, dropped) => {
      const done = () => {
        written()
        resolve()
      }
      this.host.committer.writeTimed<'alert'>({ change, written: done, dropped, patient: true })
    })
  }

  /** One line for failures that follow one another. */
  private tell(error: unknown): void {
    if (this.hasFailed || this.isOver) return
    this.hasFailed = true
    this.host.world.log('warn', 'alerts could not be looked for; they are tried again', { error: inBrief(error) })
  }
}

function isWatched(watch: AlertWatch, kind: AlertKind): boolean {
  const { group, closedMs, behindMs, questionMs, paused, disk } = watch
  return { group, closed: closedMs, behind: behindMs, question: questionMs, paused, disk }[kind] !== false
}
