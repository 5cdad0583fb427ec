import assert from 'node:assert/strict'
import test from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { TestClock } from '../../../test/clock.ts'
import type { Decision } from '../../model/desk.ts'
import { fault } from '../../model/errors.ts'
import type { DeskSpec } from '../spec.ts'
import { type Judged, Rules, type RulesHost } from './rules.ts'

type Rule = (failure: { readonly attempts: number }) => unknown

/** The rules of a desk about messages that all wait for a decision; `decided` has what was carried out. */
function desk(rule: Rule | undefined, changes: { rulesAtOnce?: number; decisions?: number; refuses?: boolean } = {}) {
  const { rulesAtOnce = 2, decisions = 0, refuses = false } = changes
  const clock = new TestClock()
  const decided: string[] = []
  const rules = new Map(rule === undefined ? [] : [['placed', rule]])
  const message = { type: 'placed', json: '{}', attributes: null }
  const entry = { state: 'deciding', decisions, attempts: 3, error: { code: 'test', message: 'no' }, message }
  const host = {
    world: Object.assign(clock, {
      log: () => {},
      guard: (_owner: unknown, fn: (given: unknown) => unknown, given: unknown) => fn(given),
    }),
    store: { desk: { entry: async (id: number) => ({ ...entry, id }) }, query: async () => [] },
    maybeIdle: () => {},
  }
  const spec = { name: 'rules', rules, decideMs: 50, decisionsMax: 5, rulesAtOnce } as unknown as DeskSpec
  const decideByRule = async (item: number, decision: Decision, by: string) => {
    if (refuses && decision.do !== 'hold') throw fault('millrace/bad-data', 'it has no customer')
    const why = 'reason' in decision ? `: ${decision.reason}` : ''
    decided.push(`${by}: ${decision.do} ${item}${why}`)
  }
  const processor = { name: 'ledger', spec: { handlers: new Map() }, decisions: { decideByRule } } as unknown as Judged
  return { made: new Rules(spec, host as unknown as RulesHost), clock, decided, processor }
}

test('a rule is asked once rules are open, and its decision is carried out', async () => {
  const { made, decided, processor } = desk(() => ({ do: 'retry' }))
  made.ask(processor, 7)
  await turn()
  assert.deepEqual([decided, made.idle], [[], false])
  made.begin()
  await turn()
  assert.deepEqual([decided, made.idle], [['rule rules: retry 7'], true])
})

test('rules of one desk that run at once are bounded', async () => {
  const { promise, resolve } = Promise.withResolvers<Decision>()
  let asked = 0
  const { made, processor } = desk(() => {
    asked++
    return promise
  })
  made.begin()
  for (const item of [1, 2, 3]) made.ask(processor, item)
  await turn()
  assert.equal(asked, 2)
  resolve({ do: 'retry' })
  await turn()
  assert.deepEqual([asked, made.idle], [3, true])
})

for (const [what, rule, changes, expected] of [
  ['that is not there', undefined, {}, /^millrace: hold 1: the app has no rule for it/],
  [
    'that throws',
    () => {
      throw new Error('broken')
    },
    {},
    /hold 1: the rule failed with Error: broken/,
  ],
  ['that gives no decision', () => 'yes', {}, /hold 1: the rule (gave|returned|made) no decision/],
  ['that has decided too often', () => ({ do: 'retry' }), { decisions: 5 }, /hold 1: its rule has decided 5 times/],
  [
    'whose decision cannot be carried out',
    () => ({ do: 'retry' }),
    { refuses: true },
    /hold 1: the rule wanted to retry, but it has no customer/,
  ],
] as const) {
  test(`a message of a rule ${what} is held, with why`, async () => {
    const { made, decided, processor } = desk(rule, changes)
    made.begin()
    made.ask(processor, 1)
    await turn()
    assert.match(decided[0]!, expected)
  })
}

test('a rule that takes too long is abandoned, and its late decision changes nothing', async () => {
  const { promise, resolve } = Promise.withResolvers<Decision>()
  const { made, clock, decided, processor } = desk(() => promise)
  made.begin()
  made.ask(processor, 1)
  await turn()
  clock.pass(50)
  await turn()
  resolve({ do: 'retry' })
  await turn()
  assert.deepEqual(decided, ['rule rules: hold 1: the rule failed with Error: it did not decide within 50 ms'])
})

test('after the end nothing is decided, even by a rule that is running', async () => {
  const { promise, resolve } = Promise.withResolvers<Decision>()
  const { made, decided, processor } = desk(() => promise)
  made.begin()
  made.ask(processor, 1)
  await turn()
  made.end()
  resolve({ do: 'retry' })
  await turn()
  assert.deepEqual(decided, [])
  assert.throws(() => made.begin(), /go from ended to open/)
})
