// The script of a flow under test: results of its steps, by the name of the step or by its type.
import { fault, recordError } from '../model/errors.ts'
import { type JournalEntry, outcomeOf, type Outcome as StepOutcome } from '../model/flow.ts'
import type { Command, Event, MessageType } from '../model/message.ts'
import { suggest } from '../model/names.ts'
import { isRefused } from '../model/refused.ts'
import { check } from '../model/schema.ts'
import type { AnyMediator, Mediator } from '../parts/mediator.ts'

/** The scripted result of a step, from its data and the number of earlier steps of the same line. */
type Line = (data: unknown, times: number) => StepOutcome

/** The scripted results of steps. */
export class Script {
  readonly byStep = new Map<string, Line>()
  readonly byType = new Map<string, Line>()
  readonly events: { readonly type: Event; readonly data: unknown }[] = []
  cancels: string | undefined
  private readonly part: Mediator
  private readonly times = new Map<string, number>()

  constructor(part: Mediator) {
    this.part = part
  }

  put(what: MessageType | AnyMediator | string, list: 'sends' | 'starts' | undefined, line: Line): void {
    if (typeof what === 'string') {
      this.byStep.set(what, line)
      return
    }
    if (list !== undefined && !(this.part[list] as readonly unknown[]).includes(what)) {
      const names = this.part[list].map(({ name }) => name)
      const hint = suggest(String(what?.name), names)
      throw fault(
        'millrace/undeclared',
        `given mediator "${this.part.name}": "${what?.name}" is not in its ${list}${hint}`,
      )
    }
    this.byType.set(what.name, line)
  }

  /** Adds an event that the flow may wait for. */
  happens(type: Event, data: unknown): void {
    const { name, waits } = this.part
    if (!waits.includes(type)) {
      const names = waits.map((one) => one.name)
      const hint = suggest(String(type?.name), names)
      throw fault('millrace/undeclared', `given mediator "${name}": "${type?.name}" is not in its waits${hint}`)
    }
    this.events.push({ type, data })
  }

  /** The result of a step; undefined where the script has none. */
  endOf({ step, what, kind }: JournalEntry, data: unknown): StepOutcome | undefined {
    const line = this.byStep.get(step) ?? (kind === 'ask' ? undefined : this.byType.get(what))
    if (line === undefined) return undefined
    const key = this.byStep.has(step) ? `step ${step}` : what
    const times = this.times.get(key) ?? 0
    this.times.set(key, times + 1)
    return line(data, times)
  }
}

/** A line with a value, or with a function that computes it. */
export function scripted(value: unknown, type?: Command): Line {
  return (data, times) => resultOf(() => (typeof value === 'function' ? value(data, times) : value), type)
}

/** Makes the result of a line: its value, a refusal or a failure. */
function resultOf(value: () => unknown, type?: Command): StepOutcome {
  try {
    const is = value()
    return {
      ok: true,
      value: type?.reply === undefined ? (is ?? null) : check(`reply to "${type.name}"`, type.reply, is),
    }
  } catch (error) {
    const { code, message, data } = recordError(error)
    if (isRefused(error)) return outcomeOf('refused', { message, ...(data === undefined ? {} : { data }) })
    if (code === 'millrace/bad-data') throw error
    return { ok: false, code: 'millrace/subflow-failed', message, effects: 'never' }
  }
}
