// The context of a flow: the function of a mediator calls it, and each call is a step of the run, by name. It checks the
// arguments of each call; the run knows the journal.

import { fault } from '../../model/errors.ts'
import { checkStep, commandIdOf, type StepKind } from '../../model/flow.ts'
import type { Command, Event, MessageType } from '../../model/message.ts'
import { checkOptions, limit } from '../../model/options.ts'
import { shownValue } from '../../model/people.ts'
import { isRefused } from '../../model/refused.ts'
import { type AnySchema, isSchema } from '../../model/schema.ts'
import { type Delay, dueOf } from '../../model/time.ts'
import { checkMs, checkTexts, checkUndo } from './arguments.ts'
import type { FlowHost, MediatorSpec, StepPlan } from './host.ts'
import type { AskOptions, CallOptions, CallRetry, RaceOptions } from './options.ts'

/** What the calls of a function need of the flow that it runs for. */
export interface FlowCalls {
  readonly id: number
  readonly host: CallsHost
  /** Begins a step that will have an end. */
  step(kind: StepKind, name: string, what: string, plan: StepPlan): Promise<unknown>
  /** Records a step that ends as it begins; returns its data. */
  note(kind: StepKind, name: string, what: string, plan: StepPlan): unknown
  version(change: string, latest: number): number
  continueAs(data: unknown): void
  noReturn(): void
  race(branches: readonly (() => unknown)[]): Promise<unknown>
}

/** What those calls need of the engine. */
export type CallsHost = Pick<FlowHost, 'spec' | 'now' | 'random' | 'newId' | 'encode' | 'encodeCall' | 'newFlow'>

/** The second argument of a mediator's function: the run-time side of the public `FlowContext`. */
export class Flow {
  readonly #run: FlowCalls

  constructor(run: FlowCalls) {
    this.#run = run
  }

  call(name: string, type: Command, data: unknown, options: CallOptions<unknown> = {}): Promise<unknown> {
    checkStep('call', name)
    this.#declared(type)
    checkOptions(`call "${name}"`, options, ['timeoutMs', 'undo', 'retry'])
    checkUndo(`call "${name}"`, options.undo)
    const { retry } = options
    if (retry === undefined) return this.#callOnce(name, type, data, options)
    checkOptions(`call "${name}": retry`, retry, ['attempts', 'firstDelayMs', 'maxDelayMs'])
    return this.#callAgain(name, type, data, { ...options, retry })
  }

  #callOnce(name: string, type: Command, data: unknown, { timeoutMs, undo }: CallOptions<unknown>): Promise<unknown> {
    const run = this.#run
    const { host } = run
    let context: string | null = null
    return run.step('call', name, type.name, {
      command: type,
      undo,
      outgoing: (n) => {
        const message = host.encodeCall(type, data, commandIdOf(run.id, n))
        context = message.context
        return message
      },
      data: () => (undo === undefined ? { context } : { context, undo: true }),
      dueAt: this.#due(name, timeoutMs),
    })
  }

  async #callAgain(name: string, type: Command, data: unknown, options: CallOptions<unknown> & { retry: CallRetry }) {
    const { retry } = options
    const where = `call "${name}": retry`
    const attempts = limit(where, 'attempts', retry.attempts, 'attempts')
    const longest = limit(where, 'maxDelayMs', retry.maxDelayMs)
    let wait = limit(where, 'firstDelayMs', retry.firstDelayMs)
    for (let left = attempts - 1; ; left--) {
      try {
        return await this.#callOnce(name, type, data, options)
      } catch (error) {
        if (isRefused(error) || left === 0) throw error
        await this.#sleep(`${name} again`, Math.min(wait, longest))
        wait *= 2
      }
    }
  }

  send(type: Command, data: unknown, delay?: Delay): void {
    this.#leave('send', type, data, delay)
  }

  publish(type: Event, data: unknown, delay?: Delay): void {
    this.#leave('publish', type, data, delay)
  }

  wait(name: string, type: Event, options: { readonly timeoutMs?: number | undefined } = {}): Promise<unknown> {
    const run = this.#run
    checkStep('wait', name)
    checkOptions(`wait "${name}"`, options, ['timeoutMs'])
    const { spec } = run.host
    if (!spec.waits.has(type?.name)) {
      throw fault('millrace/undeclared', `mediator "${spec.name}": "${type?.name}" is not in its waits`)
    }
    return run.step('wait', name, type.name, { dueAt: this.#due(name, options.timeoutMs) })
  }

  async sleep(name: string, ms: number): Promise<void> {
    checkStep('sleep', name)
    checkMs(`sleep "${name}"`, 'ms', ms)
    await this.#sleep(name, ms)
  }

  async #sleep(name: string, ms: number): Promise<void> {
    await this.#run.step('sleep', name, '', { dueAt: this.#due(name, ms) })
  }

  ask(name: string, options: AskOptions<AnySchema>): Promise<unknown> {
    const run = this.#run
    checkStep('ask', name)
    const where = `ask "${name}"`
    checkOptions(where, options, ['schema', 'title', 'to', 'timeoutMs', 'escalate'])
    const { schema, title, to = null, timeoutMs, escalate } = options
    if (!isSchema(schema)) throw fault('millrace/bad-option', `${where}: schema must be a Standard Schema`)
    checkTexts(where, { title, ...(to === null ? {} : { to }) })
    if (escalate !== undefined) {
      checkOptions(`${where}: escalate`, escalate, ['afterMs', 'to'])
      checkTexts(`${where}: escalate`, { to: escalate.to })
      checkMs(`${where}: escalate`, 'afterMs', escalate.afterMs)
    }
    const dueAt = this.#due(name, timeoutMs)
    let answered = false
    let question = 0
    const answer = run.step('ask', name, title, {
      schema,
      dueAt,
      data: () => ({ to, due: dueAt ?? null }),
      begun: ({ n }) => {
        question = n
      },
    })
    if (escalate === undefined) return answer
    const ended = () => {
      answered = true
    }
    answer.then(ended, ended)
    this.#sleep(`${name} escalates`, escalate.afterMs).then(() => {
      const change = { do: 'escalate', flow: run.id, n: question, to: escalate.to } as const
      if (!answered) run.note('value', `${name} escalated`, escalate.to, { change })
    })
    return answer
  }

  subflow(name: string, mediator: { readonly spec: MediatorSpec }, data: unknown, options: CallOptions<unknown> = {}) {
    const run = this.#run
    checkStep('flow', name)
    checkOptions(`subflow "${name}"`, options, ['undo', 'timeoutMs'])
    checkUndo(`subflow "${name}"`, options.undo)
    const { spec } = run.host
    const other = mediator?.spec
    if (!spec.starts.has(other)) {
      throw fault('millrace/undeclared', `mediator "${spec.name}": "${other?.name}" is not in its starts`)
    }
    const { undo, timeoutMs } = options
    let flow = 0
    return run.step('flow', name, other.name, {
      undo,
      starts: (n) => {
        const row = run.host.newFlow(other, data, commandIdOf(run.id, n))
        flow = row.id
        return { ...row, parent: { flow: run.id, n } }
      },
      data: () => (undo === undefined ? { flow } : { flow, undo: true }),
      dueAt: this.#due(name, timeoutMs),
    })
  }

  continueAs(data: unknown): void {
    this.#run.continueAs(data)
  }

  all(branches: readonly unknown[]): Promise<unknown[]> {
    if (branches.some((one) => typeof one === 'function')) {
      throw fault('millrace/bad-option', 'all: a branch is a function: call it, and pass its promise')
    }
    return Promise.all(branches)
  }

  race(branches: readonly unknown[], options: RaceOptions = {}): Promise<unknown> {
    checkOptions('race', options, ['losers'])
    const { losers = 'continue' } = options
    if (losers === 'continue') return Promise.race(branches.map((one) => (typeof one === 'function' ? one() : one)))
    if (losers !== 'withdraw' || !branches.every((one) => typeof one === 'function')) {
      const what = "losers must be 'continue' or 'withdraw', with 'withdraw' each branch a function"
      throw fault('millrace/bad-option', `race: ${what}`)
    }
    return this.#run.race(branches as readonly (() => unknown)[])
  }

  async map(
    items: readonly unknown[],
    fn: (item: unknown, index: number) => unknown,
    options: { readonly limit?: number | undefined } = {},
  ): Promise<unknown[]> {
    checkOptions('map', options, ['limit'])
    const atOnce = limit('map', 'concurrency', options.limit, 'limit')
    const results: unknown[] = []
    let next = 0
    let failed = false
    const branch = async () => {
      for (let index = next++; index < items.length && !failed; index = next++) {
        try {
          results[index] = await fn(items[index], index)
        } catch (error) {
          failed = true
          throw error
        }
      }
    }
    await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, branch))
    return results
  }

  version(change: string, latest = 1): number {
    checkStep('version', change)
    if (!Number.isSafeInteger(latest) || latest < 1) {
      throw fault(
        'millrace/bad-option',
        `version "${change}": latest is ${shownValue(latest)}, but must be a whole number from 1`,
      )
    }
    return this.#run.version(change, latest)
  }

  noReturn(): void {
    this.#run.noReturn()
  }

  now(): number {
    return this.#run.note('value', 'now', 'now', { data: () => this.#run.host.now() }) as number
  }

  random(): number {
    return this.#run.note('value', 'random', 'random', { data: () => this.#run.host.random() }) as number
  }

  id(): string {
    return this.#run.note('value', 'id', 'id', { data: () => this.#run.host.newId() }) as string
  }

  #due(name: string, ms: number | undefined): number | undefined {
    if (ms === undefined) return undefined
    checkMs(`"${name}"`, 'timeoutMs', ms)
    const now = this.#run.host.now()
    return dueOf(`"${name}"`, { delayMs: ms }, now) || now
  }

  #leave(kind: 'send' | 'publish', type: MessageType, data: unknown, delay: Delay | undefined): void {
    const run = this.#run
    this.#declared(type)
    run.note(kind, type.name, type.name, {
      outgoing: (n) => run.host.encode(type, data, commandIdOf(run.id, n), delay),
    })
  }

  #declared(type: MessageType): void {
    const { spec } = this.#run.host
    if (spec.declared.has(type)) return
    const list = type?.kind === 'command' ? 'sends' : 'publishes'
    throw fault('millrace/undeclared', `mediator "${spec.name}": "${type?.name}" is not in its ${list}`)
  }
}
