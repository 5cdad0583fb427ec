// What may be called of an app from outside, and what each call takes. The functions of the library are checked by it,
// and so is what comes over the control socket: there is no other table.
import type { DeskState } from '../model/desk.ts'
import type { GroupBy } from '../model/desk-views.ts'
import { fault } from '../model/errors.ts'
import { flowEnds, flowsUnderWay } from '../model/flow.ts'
import { own } from '../model/names.ts'
import type { Desk } from './desk.ts'
import { checkField, type Field } from './fields.ts'
import type { FlowDesk } from './flows.ts'
import type { Messages } from './messages.ts'
import type { Processors } from './processors.ts'
import type { Schedules } from './schedules.ts'
import type { Tokens } from './tokens.ts'

/** Which surface of the app a call is for; the names are those of its functions. */
export type Called = 'desk' | 'processors' | 'flows' | 'messages' | 'schedules' | 'tokens'

/** The parameters of a function, in order, and how many of them it needs. */
export type Takes = readonly [parameters: Readonly<Record<string, Field>>, needs: number]

const id: Field = 'number'
/** Whatever is no number of a flow is one that there is not. */
const flow: Field = 'any'
const actor: Field = { fields: { by: 'text', reason: 'text' }, needs: ['by'] }
const repair: Field = { fields: { by: 'text', reason: 'text', revision: 'whole' }, needs: ['by'] }
const states = ['held', 'deciding', 'trying', 'line', 'handled', 'discarded', 'reset'] as const satisfies DeskState[]
const groupings = ['all', 'processor', 'error', 'type'] as const satisfies GroupBy[]
const pace = { perSecond: 'count', stopAfter: 'count' } as const
const page = { after: 'number', limit: 'count' } as const
const which = { processor: 'text', type: 'text', context: 'text', group: 'number' } as const

export const calls: {
  readonly desk: Readonly<Record<keyof Desk, Takes>>
  readonly processors: Readonly<Record<keyof Processors, Takes>>
  readonly flows: Readonly<Record<keyof FlowDesk, Takes>>
  readonly messages: Readonly<Record<keyof Messages, Takes>>
  readonly schedules: Readonly<Record<keyof Schedules, Takes>>
  readonly tokens: Readonly<Record<keyof Tokens, Takes>>
} = {
  desk: {
    list: [{ filter: { fields: { ...which, states, ...page } } }, 0],
    show: [{ id }, 1],
    line: [{ id, filter: { fields: page } }, 1],
    counts: [{}, 0],
    groups: [{ by: { oneOf: groupings }, filter: { fields: { processor: 'text', limit: 'count' } } }, 0],
    release: [{ id, actor: repair }, 1],
    resubmit: [{ id, data: 'any', actor: repair }, 3],
    form: [{ id }, 1],
    check: [{ id, edit: { fields: { data: 'any', change: 'list' } } }, 2],
    change: [{ id, change: 'list', actor: repair }, 3],
    try: [{ id, options: { fields: { data: 'any', change: 'list', by: 'text', reason: 'text' } } }, 1],
    test: [{ id, options: { fields: { app: 'text', by: 'text', reason: 'text' } } }, 1],
    discard: [{ id, actor: repair }, 2],
    takeBack: [{ id, actor: repair }, 1],
    claim: [
      {
        id,
        options: { fields: { by: 'text', reason: 'text', forMs: 'number', takeOver: 'flag' }, needs: ['by'] },
      },
      2,
    ],
    unclaim: [{ id, actor }, 2],
    note: [{ about: 'any', text: 'text', actor }, 3],
    snooze: [
      {
        group: id,
        options: {
          fields: { by: 'text', reason: 'text', until: 'number', orCount: 'count' },
          needs: ['by', 'reason', 'until'],
        },
      },
      2,
    ],
    wake: [{ group: id, actor }, 2],
    select: [
      {
        action: { oneOf: ['release', 'resubmit', 'discard'] },
        what: { fields: { ...which, items: 'numbers', failedIn: 'text' } },
        options: {
          fields: {
            name: 'text',
            oneFirst: 'flag',
            change: 'list',
            prepare: 'flag',
            ...pace,
            by: 'text',
            reason: 'text',
          },
          needs: ['name', 'by'],
        },
      },
      3,
    ],
    run: [{ operation: id, options: { fields: { ...pace, by: 'text', reason: 'text' }, needs: ['by'] } }, 2],
    preview: [{ operation: id, page: { fields: page } }, 1],
    operations: [{ filter: { fields: { name: 'text', ...page } } }, 0],
    refused: [{ operation: id }, 1],
    outcome: [{ operation: id }, 1],
    abort: [{ operation: id, actor }, 1],
    audit: [
      { filter: { fields: { item: 'number', group: 'number', refused: 'flag', before: 'number', limit: 'count' } } },
      0,
    ],
  },
  processors: {
    list: [{}, 0],
    series: [{ filter: { fields: { processor: 'text' } } }, 0],
    retire: [{ name: 'text', options: { fields: { force: 'flag', by: 'text', reason: 'text' } } }, 1],
    set: [
      {
        name: 'text',
        options: { fields: { concurrency: 'any', by: 'text', reason: 'text' }, needs: ['concurrency'] },
      },
      2,
    ],
    pause: [{ name: 'text', actor }, 1],
    resume: [{ name: 'text', actor }, 1],
    alerts: [{}, 0],
    endpoints: [{}, 0],
    deliveries: [{ name: 'text' }, 1],
    test: [{ name: 'text', actor }, 1],
    reset: [
      {
        name: 'text',
        options: {
          fields: { to: 'any', againToTheWorld: 'flag', dryRun: 'flag', by: 'text', reason: 'text' },
          needs: ['to'],
        },
      },
      2,
    ],
  },
  flows: {
    list: [
      {
        filter: {
          fields: {
            mediator: 'text',
            states: [...flowsUnderWay, ...flowEnds],
            context: 'text',
            step: 'text',
            startedBefore: 'number',
            ...page,
          },
        },
      },
      0,
    ],
    counts: [{}, 0],
    show: [{ id: flow }, 1],
    questions: [{ filter: { fields: { mediator: 'text', to: 'text', ...page } } }, 0],
    form: [{ id: flow, step: 'text' }, 2],
    answer: [{ id: flow, step: 'text', value: 'any', actor }, 3],
    cancel: [{ id: flow, actor }, 1],
    stop: [{ id: flow, actor }, 2],
    pause: [{ id: flow, actor }, 1],
    resume: [{ id: flow, actor }, 1],
    runAgain: [{ id: flow, options: { fields: { by: 'text', reason: 'text', from: 'text' } } }, 1],
  },
  schedules: {
    list: [{}, 0],
    delayed: [{ filter: { fields: { after: 'text', limit: 'count' } } }, 0],
    fire: [{ name: 'text', actor: { fields: { by: 'text', reason: 'text' }, needs: ['by', 'reason'] } }, 2],
  },
  tokens: {
    list: [{}, 0],
    make: [
      {
        name: 'text',
        options: { fields: { grants: 'list', expiresAt: 'number', by: 'text', reason: 'text' }, needs: ['grants'] },
      },
      2,
    ],
    revoke: [{ name: 'text', actor }, 1],
  },
  messages: {
    list: [
      {
        filter: {
          fields: {
            destination: 'text',
            type: 'text',
            context: 'text',
            correlation: 'text',
            since: 'number',
            until: 'number',
            text: 'text',
            order: { oneOf: ['newest', 'oldest'] },
            after: 'text',
            limit: 'count',
          },
        },
      },
      0,
    ],
    show: [{ id: 'text' }, 1],
    receipt: [{ id: 'text' }, 1],
    story: [{ id: 'text', options: { fields: { after: 'text', limit: 'count' } } }, 1],
  },
}

/** Returns the fields that a function takes; undefined when no function has that name. */
export function takenBy(on: Called, name: string): Takes | undefined {
  return own(calls[on], name)
}

/**
 * Checks what a function is given.
 *
 * @throws `millrace/bad-option`, `millrace/unknown-option`
 */
export function checkGiven(where: string, [parameters, needs]: Takes, given: readonly unknown[]): void {
  Object.entries(parameters).forEach(([name, field], at) => {
    const value = given[at]
    if (value !== undefined) checkField(where, name, field, value)
    else if (at < needs && field !== 'any') throw fault('millrace/bad-option', `${where}: ${name} is missing`)
  })
}

type Functions = Readonly<Record<string, (...given: never[]) => Promise<unknown>>>

/** The same functions, each of which checks what it is given before it does anything. */
export function checked<Surface extends object>(on: Called, surface: Surface): Surface {
  const entries = Object.entries(surface as unknown as Functions).map(([name, call]) => {
    const takes = takenBy(on, name)!
    const checks = async (...given: never[]) => {
      checkGiven(`${on}.${name}`, takes, given)
      return call(...given)
    }
    return [name, checks]
  })
  return Object.fromEntries(entries) as Surface
}
