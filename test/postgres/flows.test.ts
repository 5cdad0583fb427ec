import test from 'node:test'
import type { StateFacets } from '../../src/adapters/postgres/state.ts'
import { newFlowRow } from '../../src/model/flow-views.ts'
import type { UnderWay } from '../../src/seam/flow-take-up.ts'
import type { FlowChange } from '../../src/seam/flows.ts'
import { type Random, randomOf } from '../../src/testing/random.ts'
import { BothStores, onServer, same } from '../support/both-stores.ts'
import { mailOf, messageOf, stepOf } from '../support/flow-tables.ts'
import { assertNoScans } from '../support/plans.ts'
import { needsServer } from '../support/postgres.ts'

const mediators = ['m', 'n']
const contexts = ['a', 'b', null]

/** Flows under random changes, of which each fits what is there. */
class RandomFlows {
  readonly both: BothStores
  private readonly random: Random
  private lastFlow = 0
  private lastEntry = 0
  private lastMail = 0
  private at = 1_000
  /** The open steps of flows: the entry with which each began. */
  private readonly steps: { readonly flow: number; readonly n: number }[] = []

  constructor(both: BothStores, random: Random) {
    this.both = both
    this.random = random
  }

  async commit(): Promise<void> {
    const changes: FlowChange[] = []
    for (let left = 1 + this.random.below(8); left > 0; left--) changes.push(...(await this.change()))
    await this.both.write(
      ({ flows }) => flows.write(changes),
      (state, db) => state.flows.write(db, changes),
    )
  }

  private async change(): Promise<FlowChange[]> {
    const { random } = this
    this.at += random.below(100)
    const some = random.below(16)
    const flow = 1 + random.below(this.lastFlow + 1)
    const step = this.steps[random.below(this.steps.length + 1)]
    if (some < 3 || this.lastFlow === 0) return [this.start()]
    if (some < 5) return this.begun(flow)
    if (some === 5) return [{ do: 'ended', flow: step?.flow ?? 999, entry: this.entry(step?.n ?? 1) }]
    if (some === 6 && step !== undefined) return [{ do: 'entry', flow: step.flow, entry: this.entry(step.n, 'ask') }]
    if (some < 10) return [this.state(flow)]
    if (some === 10 && step !== undefined) return [{ do: 'untimer', ...step }]
    if (some === 11 && step !== undefined) return [{ do: random.pick(['asleep', 'awake']), ...step }]
    if (some === 12 && step !== undefined) return [{ do: 'escalate', ...step, to: 'boss' }]
    if (some === 13) {
      const mail = mailOf(++this.lastMail, { context: random.pick(['a', 'b']), mediator: random.pick(mediators) })
      return [{ do: 'mail', mail: { ...mail, at: this.at } }]
    }
    return [{ do: random.pick(['withdraw', 'passed']), id: `c${random.below(6)}` }]
  }

  private start(): FlowChange {
    const { random } = this
    const id = ++this.lastFlow
    const context = random.pick(contexts)
    const message = messageOf('begun', context)
    const row = newFlowRow({ id, mediator: random.pick(mediators), version: 1, message, startedAt: this.at })
    const parent = random.chance(0.2) ? { flow: random.below(id) + 1, n: random.below(9) } : null
    const once = random.chance(0.3) ? `once ${id}` : null
    const state = random.pick(['running', 'queued'] as const)
    const journal = random.chance(0.5) ? [this.entry()] : undefined
    return { do: 'start', row: { ...row, state, parent, once, mailAfter: random.pick([null, { paid: 1 }]) }, journal }
  }

  private begun(flow: number): FlowChange[] {
    const { random } = this
    if (flow > this.lastFlow) return []
    const entry = this.entry(null, random.pick(['call', 'wait', 'ask', 'sleep']))
    this.steps.push({ flow, n: entry.n })
    const changes: FlowChange[] = [{ do: 'entry', flow, entry }]
    if (entry.kind === 'ask') changes.push({ do: 'ask', flow, entry })
    if (random.chance(0.6)) changes.push({ do: 'timer', flow, n: entry.n, due: this.at + random.below(2_000) })
    if (random.chance(0.1)) {
      const n = ++this.lastEntry
      this.steps.pop()
      changes.push({ do: 'renumber', flow, from: entry.n, n })
    }
    return changes
  }

  private entry(of: number | null = null, kind: 'call' | 'wait' | 'ask' | 'sleep' = 'call') {
    const { random } = this
    const data = kind === 'ask' && of === null ? { to: random.pick([null, 'ann']), due: null } : { value: { mail: 1 } }
    const what = kind === 'wait' ? 'paid' : 'do'
    const n = ++this.lastEntry
    const step = of === null ? `step ${n}` : random.pick(['', `step ${of}`])
    return stepOf(n, { of, kind, data, what, step, at: this.at })
  }

  private state(flow: number): FlowChange {
    const state = this.random.pick(['running', 'paused', 'compensating', 'completed', 'failed'] as const)
    const isEnd = state === 'completed' || state === 'failed'
    const error = state === 'failed' ? ({ code: 'E', message: 'no' } as never) : null
    return { do: 'state', flow, state, error, result: isEnd ? { flow } : undefined, endedAt: isEnd ? this.at : null }
  }

  /** What everybody reads is alike. */
  async look(): Promise<void> {
    const { both, random } = this
    const flow = 1 + random.below(this.lastFlow)
    const step = random.below(this.lastEntry)
    const questions: ((facets: StateFacets) => Promise<unknown>)[] = [
      ({ flows }) => flows.rows.row(flow),
      ({ flows }) => flows.rows.stateOf(flow),
      ({ flows }) => flows.rows.journal(flow),
      ({ flows }) => flows.rows.startedBy({ flow, n: random.below(1) + 3 }),
      ({ flows }) => flows.rows.hasOnce('m', `once ${flow}`),
      ({ flows }) => flows.rows.next('m', 'a'),
      ({ flows }) => flows.rows.hasEnd(flow, step),
      ({ flows }) => flows.times.due(this.at, 50),
      ({ flows }) => flows.times.asleep(undefined, 50),
      ({ flows }) => flows.mail.underWay('m', 'a', 2, 5),
      ({ flows }) => flows.mail.next('m', 'a', 'paid', 1),
      ({ flows }) => flows.takeUp.underWayByMediator([]),
      ({ flows }) => flows.takeUp.underWayByMediator(['m']),
      ({ flows }) => flows.takeUp.waiting('m', '', 5),
      ({ flows }) => flows.takeUp.withdrawn('', 10),
      (facets) => underWay(facets),
      ({ flowReads }) => flowReads.whole(flow),
      ({ flowReads }) => flowReads.list({}),
      ({ flowReads }) => flowReads.list({ mediator: 'm', states: ['running', 'paused'], limit: 3 }),
      ({ flowReads }) => flowReads.list({ context: 'a', step: `step ${step}`, after: 2 }),
      ({ flowReads }) => flowReads.questions({}),
      ({ flowReads }) => flowReads.questions({ to: 'ann', mediator: 'm', limit: 3 }),
      ({ flowReads }) => flowReads.states(1, 6),
    ]
    for (const question of questions) {
      same(await question(both.postgres.facets), await question(both.sqlite.facets), String(question))
    }
  }

  /** Both forget alike. */
  async forget(): Promise<void> {
    const before = this.at - 1_000
    for (const { flows } of [this.both.sqlite.facets]) {
      const other = this.both.postgres.facets.flows
      same(await other.rows.forget(before), await flows.rows.forget(before))
      same(await other.mail.forget(0, before), await flows.mail.forget(0, before))
    }
  }
}

/** The flows under way of a mediator, slice by slice. */
async function underWay({ flows }: StateFacets): Promise<UnderWay[]> {
  const found: UnderWay[] = []
  for (;;) {
    const slice = await flows.takeUp.underWay('m', found.at(-1), 2)
    if (slice.length === 0) return found
    found.push(...slice)
  }
}

for (const seed of [1, 2]) {
  test(`flows under random changes are the same in both stores, seed ${seed}`, needsServer, async () => {
    await using both = await BothStores.open()
    const flows = new RandomFlows(both, randomOf(seed))
    for (let round = 0; round < 30; round++) {
      await flows.commit()
      if (round % 5 === 0) await flows.look()
      if (round % 11 === 10) await flows.forget()
    }
    await flows.look()
    await assertNoScans(both.connection, both.asked)
  })
}

test('numbers of flows, entries and mails go on behind those that were forgotten', needsServer, async () => {
  await using both = await BothStores.open()
  const row = newFlowRow({ id: 7, mediator: 'm', version: 1, message: messageOf('begun'), startedAt: 1 })
  const changes: FlowChange[] = [
    { do: 'start', row, journal: [stepOf(9)] },
    { do: 'mail', mail: mailOf(5) },
    { do: 'state', flow: 7, state: 'completed', error: null, endedAt: 2 },
  ]
  await both.write(
    ({ flows }) => flows.write(changes),
    (state, db) => state.flows.write(db, onServer(changes)),
  )
  await both.postgres.facets.flows.rows.forget(10)
  const { last } = await both.postgres.flows.found(both.connection)
  same([last.flow >= 7, last.entry >= 9, last.mail >= 5], [true, true, true])
})
