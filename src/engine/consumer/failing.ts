// What follows from a failed attempt: `dispositionOf` decides, `Failing` carries it out.
//
//   failed ──refused, and somebody asked──→ refuse: the asker is told, the message is done
//      ├──attempts are left, at once──────→ again: at the end of what is ready
//      ├──attempts are left, later────────→ wait: at the desk, durably
//      └──attempts are used up, refused───→ hold: at the desk, where a rule or a person decides
//
// While the processor probes, failures use up no attempt; nor do those of another system that is away.
import type { Watching } from '../../model/attempt-end.ts'
import { type Away, awayOf } from '../../model/away.ts'
import { type Refusal, refusalOf, type Stored } from '../../model/codec.ts'
import { type DeskEntry, withTry } from '../../model/desk.ts'
import { type ErrorRecord, recordError } from '../../model/errors.ts'
import { toldOfFrozen } from '../../model/frozen.ts'
import { isRefused } from '../../model/refused.ts'
import { fieldsWithout, secretsOf } from '../../model/secrets.ts'
import type { World } from '../../seam/world.ts'
import type { Job } from '../commit/writes.ts'
import type { ProcessorSpec } from '../spec.ts'
import type { Counters } from './counters.ts'
import { type Delivery, endOf } from './delivery.ts'
import type { DeskLane, DeskLanes } from './desk-lanes.ts'
import { type DeskWrites, heldRequest } from './desk-writes.ts'
import type { Lanes } from './lanes.ts'
import { type ProbeLimits, Probing } from './probing.ts'
import { consequence, policyFor, type RetryPolicy } from './retry.ts'

export interface Failure {
  readonly error: unknown
  /** The refusal of a command that somebody asked for. */
  readonly refusal?: Refusal | undefined
  /** Failed attempts, this one included. */
  readonly attempts: number
  /** The policy and a number from 0 up to 1 for its jitter; undefined for a failure that uses up no attempt. */
  readonly policy?: RetryPolicy | undefined
  readonly random?: number | undefined
  /** Whether the handler has not ended, so that the next attempt has to wait for it. */
  readonly lingers: boolean
}

export type Disposition =
  | { readonly do: 'refuse'; readonly refusal: Refusal }
  | { readonly do: 'again' }
  | { readonly do: 'wait'; readonly delayMs: number }
  | { readonly do: 'hold' }

export function dispositionOf({ error, refusal, attempts, policy, random = 0, lingers }: Failure): Disposition {
  if (refusal !== undefined) return { do: 'refuse', refusal }
  const next = policy === undefined ? atOnce : consequence(error, attempts, policy, random)
  if (next.do === 'hold') return next
  return next.delayMs === 0 && !lingers ? { do: 'again' } : { do: 'wait', delayMs: next.delayMs }
}

const atOnce = { do: 'retry', delayMs: 0 } as const

export interface FailingHost {
  readonly spec: Pick<ProcessorSpec, 'name' | 'handlers' | 'retry' | 'onHold' | 'desk' | keyof ProbeLimits>
  readonly messageBytesMax: number
  readonly appVersion: string | undefined
  readonly watching: Watching | undefined
  readonly counters: Pick<Counters, 'failed' | 'refused'>
  readonly world: Pick<World, 'now' | 'elapsed' | 'after' | 'random' | 'callback' | 'log'>
  readonly lanes: Pick<Lanes, 'again' | 'wait' | 'wake' | 'moveToLine' | 'advance'>
  readonly desk: Pick<DeskLanes, 'of' | 'wait' | 'forget'>
  readonly writes: Pick<DeskWrites, 'keep' | 'record' | 'requestEnd'>
  /** Writes the end of a message, and calls {@link Consumer.committed} when it is durable. */
  finish(delivery: Delivery, more: Job): void
  /** An expired attempt at a message at the desk still runs. */
  outlives(item: number, gone: Promise<void>): void
  /** Calls `then` when no attempt at a message at the desk runs. */
  whenGone(item: number, then: () => void): void
  /** The message has not killed the process in this attempt. Returns whether the disk still says otherwise. */
  survived(delivery: Delivery): boolean
  /** Makes the messages that tell of a failure. */
  failed(entry: DeskEntry): readonly Stored[]
  askRule(item: number): void
  /** It is durable that a message is held. */
  held(entry: DeskEntry): void
  /** A message that was released is held again. */
  notHandled(item: number): void
  pump(): void
  maybeIdle(): void
}

export class Failing {
  readonly probing: Probing
  private readonly host: FailingHost

  constructor(host: FailingHost) {
    this.host = host
    this.probing = new Probing(host.spec)
  }

  /** `gone`: the handler has not ended; the next attempt waits for this. */
  failed(delivery: Delivery, thrown: unknown, gone?: Promise<void>): void {
    const { host } = this
    const { message } = delivery
    const suspect = host.survived(delivery)
    const told = toldOfFrozen(`processor "${host.spec.name}"`, thrown, message.decoded)
    const { error, refusal } = this.refusalIn(message, thrown, told)
    const lingers = gone !== undefined
    host.counters[isRefused(error) ? 'refused' : 'failed'](host.world.elapsed() - delivery.startedAt)
    if (refusal !== undefined) {
      const { attempts } = delivery
      this.tell(delivery, { outcome: 'refused', attempt: attempts + 1, error: this.shown(message, recordError(error)) })
      this.carryOut(delivery, dispositionOf({ error, refusal, attempts, lingers }))
      return
    }
    const record = this.shown(message, recordError(error, host.messageBytesMax))
    const away = awayOf(error)
    const counts = isRefused(error) || this.probing.uses(host.world, away, delivery.tries)
    if (counts) this.tried(delivery, record)
    const isAway = !counts || away?.retryAfterMs !== undefined
    if (!isRefused(error)) this.mayProbe(message, isAway ? away : undefined)
    const { attempts } = delivery
    const policy = counts ? this.policyFor(delivery, error) : undefined
    const random = counts ? host.world.random() : 0
    const disposition = dispositionOf({ error, attempts, policy, random, lingers })
    if (suspect && disposition.do === 'again') host.writes.keep(delivery, { kills: 0 }, () => ({}))
    if (disposition.do !== 'hold') {
      const nextInMs = disposition.do === 'wait' ? Math.round(disposition.delayMs) : 0
      this.tell(delivery, { outcome: 'failed', error: record, nextInMs })
      if (this.logs) this.logFailed(message, counts ? `attempt ${attempts}` : 'a probe', record, nextInMs)
    }
    this.carryOut(delivery, disposition, record, gone)
  }

  /** A message that cannot be decoded, or has come too late: that is as final as a refusal. */
  unreadable(delivery: Delivery, error: unknown): void {
    const record = this.shown(delivery.message, recordError(error))
    this.host.counters.failed(0)
    this.tried(delivery, record)
    this.hold(delivery, record)
  }

  private carryOut(delivery: Delivery, disposition: Disposition, record?: ErrorRecord, gone?: Promise<void>): void {
    switch (disposition.do) {
      case 'refuse':
        this.refuse(delivery, disposition.refusal)
        break
      case 'again':
        this.host.lanes.again(delivery)
        this.host.pump()
        break
      case 'wait':
        this.wait(delivery, record!, disposition.delayMs, gone)
        break
      case 'hold':
        this.hold(delivery, record!, gone)
        break
    }
  }

  /** A refusal that its asker cannot be told is an error like any other. */
  private refusalIn(message: Stored, thrown: unknown, error: unknown): Pick<Failure, 'error' | 'refusal'> {
    const { spec, messageBytesMax } = this.host
    if (!isRefused(thrown)) return { error }
    try {
      const refusal = refusalOf(spec.handlers.get(message.type)!.type, thrown, messageBytesMax)
      return { error, refusal: message.asked === undefined ? undefined : refusal }
    } catch (unfit) {
      return { error: unfit }
    }
  }

  private tried(delivery: Delivery, record: ErrorRecord): void {
    delivery.attempts++
    const { world, appVersion: version } = this.host
    const { code, message } = record
    delivery.tries = withTry(delivery.tries, { at: world.now(), code, message, version })
  }

  private policyFor({ attempts, message }: Delivery, error: unknown): RetryPolicy {
    const { spec, world } = this.host
    const { retry, name } = spec
    const { id, type, context } = message
    try {
      const about = { id, type, context: context ?? undefined }
      const choose = () => policyFor(`processor "${name}": retry`, retry, { error, attempts, message: about })
      return world.callback({ late: (why) => this.byErrorFailed(why) }, choose)
    } catch (why) {
      this.byErrorFailed(why)
      return retry
    }
  }

  private byErrorFailed(why: unknown): void {
    const what = `byError of processor "${this.host.spec.name}" failed; the other numbers of its retry policy apply`
    this.host.world.log('error', what, { error: recordError(why).message })
  }

  /** A dependency of all lanes may be down: then one message at a time is tried until one succeeds. */
  private mayProbe({ context, id }: Stored, away: Away | undefined): void {
    const { host, probing } = this
    const { world } = host
    const was = probing.active
    const now = world.elapsed()
    const waitMs = away === undefined ? probing.failed(context ?? id, now) : probing.away(away, now)
    if (waitMs === undefined) return
    // A timer may come a little early by the other clock.
    world.after(waitMs + 1, () => host.pump())
    if (was) return
    const probes = 'is probing: its last attempts all failed; it now tries one message at a time'
    world.log('error', `processor "${host.spec.name}" ${probes}`)
  }

  private get logs(): boolean {
    return this.host.watching?.logged !== false
  }

  private tell(delivery: Delivery, how: Parameters<typeof endOf>[2]): void {
    this.host.watching?.told(endOf(this.host.spec.name, delivery, how))
  }

  private logFailed(message: Stored, what: string, { message: error }: ErrorRecord, nextInMs: number): void {
    const { type, id, context } = message
    const about = { type, ...this.shown(message, { id, context, error }), nextInMs }
    this.host.world.log('warn', `${what} of processor "${this.host.spec.name}" failed`, about)
  }

  /** Fields, or an error as it is kept for people and rules, without the secrets of a message. */
  private shown<T extends object>(message: Stored, fields: T): T {
    return fieldsWithout(secretsOf(this.host.spec.handlers.get(message.type)?.type, message), fields)
  }

  /** The asker is told at once; the command is done. */
  private refuse(delivery: Delivery, refusal: Refusal): void {
    const requests = [this.host.writes.requestEnd(delivery.message, 'refused', refusal, delivery.span?.trace)]
    this.host.finish(delivery, { requests, written: () => delivery.span?.settled('refuse') })
  }

  /** Lets a message wait at the desk for its next attempt, durably. */
  wait(delivery: Delivery, error: ErrorRecord, delayMs: number, gone: Promise<void> | undefined): void {
    const { world, lanes } = this.host
    const { attempts, tries } = delivery
    const dueAt = Math.ceil(world.now() + delayMs)
    lanes.wake(lanes.wait(delivery, { state: 'trying', dueAt, attempts, tries, error }), delayMs, gone)
  }

  /** Its attempts are used up: a rule or a person decides about it at the desk. */
  hold(delivery: Delivery, error: ErrorRecord, gone?: Promise<void>): void {
    const { host } = this
    const { message, attempts, tries, entry: known } = delivery
    const { context, type } = message
    const deskLane = known === undefined ? undefined : host.desk.of(known)
    const blocks = host.spec.onHold === 'block' && context !== null
    const state = host.spec.desk?.rules.has(type) === true ? 'deciding' : 'held'
    const failures = (known?.failures ?? 0) + 1
    const fields = { state, lane: blocks ? context : null, dueAt: 0, attempts, tries, error, failures } as const
    this.tell(delivery, { outcome: 'held', error })
    if (state === 'held' && this.logs) this.logHeld({ message, attempts, error })
    const entry = host.writes.keep(delivery, fields, (failed) => ({
      ...this.told(failed, error),
      written: () => {
        delivery.span?.settled('hold')
        if (state === 'deciding') host.askRule(failed.id)
        else {
          host.held(failed)
          if (failures > 1) host.notHandled(failed.id)
        }
        if (!blocks && context !== null) host.whenGone(failed.id, () => this.advance(delivery, deskLane))
      },
    }))
    if (gone !== undefined) host.outlives(entry.id, gone)
    if (context === null) host.desk.forget(entry.id)
    else if (blocks) {
      host.desk.wait(context)
      if (deskLane === undefined) host.lanes.moveToLine(delivery.next, context)
      delivery.next = undefined
    }
    host.pump()
  }

  /** What tells of a failure: the audit log, the topic of failures, the request. */
  private told(failed: DeskEntry, { code, message: text }: ErrorRecord): Job {
    const { host } = this
    const { attempts } = failed
    return {
      changes: [host.writes.record(failed, 'held', { by: 'millrace' }, { code, message: text, attempts })],
      outgoing: host.failed(failed),
      requests: failed.state === 'held' ? heldRequest(failed) : [],
    }
  }

  /** The lane continues past a held message. */
  private advance(delivery: Delivery, deskLane: DeskLane | undefined): void {
    this.host.lanes.advance(delivery, deskLane)
    this.host.pump()
    this.host.maybeIdle()
  }

  /** Logged only when no rule is left to ask: a failure that a rule repairs is nothing for operators. */
  logHeld({ message, attempts, error: record }: Pick<DeskEntry, 'message' | 'attempts' | 'error'>): void {
    const { type, id, context } = message
    const { code, message: error } = record!
    const { spec, world } = this.host
    const about = { type, ...this.shown(message, { id, context, attempts, code, error }) }
    world.log('error', `processor "${spec.name}" holds a message`, about)
  }
}
