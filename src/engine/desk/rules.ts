// The rules of one desk decide about messages that have used up their attempts. They run beside the processors and never
// hold them up.
//
// All of them:   closed (messages queue) ──begin──→ open ──end──→ ended
//
// One message:   queued (by number) → loaded → decided → carried out by the processor that owns the lane
//                                              └ no rule, threw, took too long, no decision, too many → held, with why
import { asStored, decode, deepFreeze } from '../../model/codec.ts'
import { type Decision, type DeskEntry, decisionOf, hold } from '../../model/desk.ts'
import { isMillraceError, recordError } from '../../model/errors.ts'
import { toldOfFrozen } from '../../model/frozen.ts'
import type { Message } from '../../model/message.ts'
import { inBrief } from '../../model/people.ts'
import { fieldsWithout, secretsOf } from '../../model/secrets.ts'
import type { Store } from '../../seam/store.ts'
import type { World } from '../../seam/world.ts'
import type { Decisions } from '../consumer/decisions.ts'
import { Fifo } from '../kit/fifo.ts'
import type { DeskSpec, Failure, ProcessorSpec } from '../spec.ts'

/** A processor whose messages rules decide about. */
export interface Judged {
  readonly name: string
  readonly spec: Pick<ProcessorSpec, 'handlers'>
  readonly decisions: Pick<Decisions, 'decideByRule'>
}

/** The engine, as rules need it. */
export interface RulesHost {
  readonly world: Pick<World, 'after' | 'guard' | 'log'>
  readonly store: Pick<Store, 'desk' | 'query'>
  /** Called when all may be decided. */
  maybeIdle(): void
}

type State = 'closed' | 'open' | 'ended'

const transitions: Readonly<Record<State, readonly State[]>> = {
  closed: ['open', 'ended'],
  open: ['ended'],
  ended: [],
}

export class Rules {
  private readonly spec: DeskSpec
  private readonly host: RulesHost
  /** Messages that wait for their rule. */
  private readonly queue = new Fifo<{ readonly consumer: Judged; readonly item: number }>()
  /** The number of rules that decide now. */
  private running = 0
  private state: State = 'closed'

  constructor(spec: DeskSpec, host: RulesHost) {
    this.spec = spec
    this.host = host
  }

  ask(consumer: Judged, item: number): void {
    this.queue.push({ consumer, item })
    this.pump()
  }

  /** Asks the rules from now on; until then messages queue. */
  begin(): void {
    this.become('open')
    this.pump()
  }

  end(): void {
    this.become('ended')
  }

  get idle(): boolean {
    return this.running === 0 && this.queue.isEmpty
  }

  private pump(): void {
    while (this.state === 'open' && this.running < this.spec.rulesAtOnce && !this.queue.isEmpty) {
      const { consumer, item } = this.queue.shift()
      this.running++
      this.decide(consumer, item)
        .catch((error) => {
          if (!this.hasEnded) this.host.world.log('error', `desk "${this.spec.name}" failed`, { error: inBrief(error) })
        })
        .finally(() => {
          this.running--
          this.pump()
          this.host.maybeIdle()
        })
    }
  }

  private async decide(consumer: Judged, item: number): Promise<void> {
    const entry = await this.host.store.desk.entry(item)
    if (entry?.state !== 'deciding') return
    const by = this.spec.rules.has(entry.message.type) ? `rule ${this.spec.name}` : 'millrace'
    const decision = await this.decisionOn(consumer, entry)
    if (this.hasEnded) return
    try {
      await consumer.decisions.decideByRule(item, decision, by)
    } catch (error) {
      // The decision cannot be carried out: the data do not fit, or the context differs. A person has to look.
      if (!isMillraceError(error) || error.code === 'millrace/stopping' || this.hasEnded) throw error
      await consumer.decisions.decideByRule(
        item,
        because(`the rule wanted to ${decision.do}, but ${error.message}`),
        by,
      )
    }
  }

  private async decisionOn(consumer: Judged, entry: DeskEntry): Promise<Decision> {
    const { decisionsMax, rules } = this.spec
    if (!rules.has(entry.message.type)) return hold('the app has no rule for it any longer')
    if (entry.decisions >= decisionsMax) {
      return hold(`its rule has decided ${entry.decisions} times, and it failed again after each decision`)
    }
    try {
      const given = decisionOf(await this.call(consumer, entry))
      return given ?? hold('the rule returned no decision: it must return retry, resubmit, hold or discard')
    } catch (error) {
      const { code, message } = recordError(toldOfFrozen('it', error))
      return because(`the rule failed with ${code}: ${message}`)
    }
  }

  private late(consumer: Judged, { id, message }: DeskEntry, error: unknown): void {
    const what = `a rule of desk "${this.spec.name}" threw after it had ended`
    const secrets = secretsOf(consumer.spec.handlers.get(message.type)?.type, message)
    const about = fieldsWithout(secrets, { error: recordError(error) })
    this.host.world.log('error', what, { code: 'millrace/late-error', item: id, ...about })
  }

  /** Calls the rule; rejects when it takes too long. An error that it throws later is logged and changes nothing. */
  private call(consumer: Judged, entry: DeskEntry): Promise<unknown> {
    const { world, store } = this.host
    const { name, rules, decideMs } = this.spec
    const rule = rules.get(entry.message.type)!
    const { code, message, data } = entry.error!
    const failure: Failure = {
      message: readable(consumer, entry),
      processor: consumer.name,
      error: data === undefined ? { code, message } : { code, message, data },
      attempts: entry.attempts,
      read: store.query,
    }
    return new Promise((resolve, reject) => {
      const timer = world.after(decideMs, () => reject(new Error(`it did not decide within ${decideMs} ms`)))
      let over = false
      const owner = { late: (error: unknown) => (over ? this.late(consumer, entry, error) : reject(error)) }
      const run = (about: Failure) => rule(about)
      new Promise((decided) => decided(world.guard(owner, run, failure, undefined)))
        .then(resolve, reject)
        .finally(() => {
          over = true
          timer.cancel()
        })
      world.log('info', `desk "${name}" is asked`, { item: entry.id })
    })
  }

  private get hasEnded(): boolean {
    return this.state === 'ended'
  }

  private become(state: State): void {
    if (!transitions[this.state].includes(state)) throw new Error(`rules go from ${this.state} to ${state}`)
    this.state = state
  }
}

/** Holds a message for a reason, which is cut to the length that a reason may have. */
function because(why: string): Decision {
  return hold(why.slice(0, whyMax))
}

const whyMax = 1_000

/** The message as a handler gets it; where it cannot be decoded, its data as they are stored. */
function readable(consumer: Judged, { message }: DeskEntry): Message {
  const handler = consumer.spec.handlers.get(message.type)
  try {
    if (handler !== undefined) return decode(handler.type, message)
  } catch {
    // The rule may be there to correct that.
  }
  const { id, type, source, time, context, correlationId, causationId, version, json, attributes } = message
  return Object.freeze({
    id,
    type,
    source,
    time,
    context: context ?? undefined,
    correlationId,
    causationId: causationId ?? undefined,
    version,
    data: deepFreeze(asStored(json)),
    ...(attributes === null ? {} : { attributes }),
  })
}
