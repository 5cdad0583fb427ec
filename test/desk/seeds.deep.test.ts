// Everything at once, by seeds: failures, refusals, rules, releases, resubmits, discards, take-backs, operations, pauses,
// crashes and power cuts, while the file has to stay sound and the audit log, the topic of failures and what was handled
// have to tell the same story.
import assert from 'node:assert/strict'
import test from 'node:test'
import { type DeskPart, desk, failures, type Processor, processor, Refused, retry } from 'millrace'
import type { Simulation } from 'millrace/testing'
import { type Random, randomOf } from '../../src/testing/random.ts'
import { assertDeskSound, bank, ledger, Moved, Moves, upTo } from './support.ts'

const seeds = 40
const steps = 40
const accounts = ['a', 'b', 'c']
const actions = ['held', 'handled', 'discarded']

interface Trouble {
  mended: boolean
  /** How often a message fails for a processor, and how. */
  readonly plan: (who: string, account: string, n: number) => { fails: number; refuses: boolean }
}

function troubled(name: string, trouble: Trouble, random: Random, failed: Map<string, number>): Processor {
  const options = {
    name,
    onHold: random.pick(['block', 'block', 'pass'] as const),
    concurrency: random.pick([1, 2, 16]),
    retry: {
      attempts: 1 + random.below(3),
      immediate: random.below(2),
      firstDelayMs: random.pick([0, 1, 3, 50]),
      maxDelayMs: 500,
    },
    // So that some probe now and then.
    probeAfter: random.pick([3, 20]),
    probeFirstMs: 20,
    probeEveryMs: 100,
    probeMaxMs: random.pick([0, 300]),
  }
  return ledger(async ({ account, n }, { id }) => {
    const { fails, refuses } = trouble.plan(name, account, n)
    const key = `${name} ${id}`
    const before = failed.get(key) ?? 0
    if (n % 3 === 0) await null
    if (trouble.mended || before >= fails) return
    failed.set(key, before + 1)
    throw refuses ? new Refused(`refused ${n}`) : new Error(`broken "${n}" of ${before % 2 === 0 ? 'even' : 'odd'}`)
  }, options)
}

/** Writes down what it is told of failures, once each. */
const listener = processor('listener', {
  on: failures,
  handle: {
    'processing.failed': (message, { commit }) =>
      commit((tx) => tx.query`insert into told (id, what) values (${message.id}, 'held')`),
    'processing.resolved': (message, { commit }) =>
      commit((tx) => tx.query`insert into told (id, what) values (${message.id}, ${message.data.outcome})`),
  },
})

function rule(random: Random): DeskPart {
  const decisions = random.pick(['retry', 'hold', 'throw', 'resubmit', 'mixed'])
  let asked = 0
  return desk('order-desk', {
    on: Moves,
    decisionsMax: 2,
    decide: {
      moved: async ({ message, read }) => {
        asked++
        if (asked % 2 === 0) await read`select 1`
        const what = decisions === 'mixed' ? ['retry', 'throw', 'resubmit'][asked % 3] : decisions
        if (what === 'retry') return retry()
        if (what === 'throw') throw new Error('no idea')
        if (what === 'resubmit')
          return { do: 'resubmit', data: { ...message.data, note: `by rule ${asked}` }, note: 'noted' }
        return { do: 'hold', reason: 'no rule' }
      },
    },
  })
}

interface Item {
  readonly who: string
  readonly id: string
}

/** What the audit log and the topic of failures say of each message: held, handled, discarded, in order. */
function assertSameStory(sim: Simulation, seed: number): void {
  const audited = new Map<string, string[]>()
  for (const { item, action } of sim.rows<{ item: number | null; action: string }>('millrace_audit')) {
    if (item === null || !actions.includes(action)) continue
    const [row] = sim.query<{ processor: string; message_id: string }>`
      select processor, message_id from millrace_desk where id = ${item}`
    assert(row !== undefined, `seed ${seed}: ${item} is in the audit log and not at the desk`)
    const key = `${row.processor} ${row.message_id}`
    audited.set(key, [...(audited.get(key) ?? []), action])
  }
  const told = new Map<string, string[]>()
  const [stream] = sim.query<{ id: number }>`select id from millrace_streams where name = 'failures'`
  for (const { data } of sim.rows<{ data: string }>(`millrace_log_${stream!.id}`)) {
    const { processor: who, message, outcome = 'held' } = JSON.parse(data)
    const key = `${who} ${message.id}`
    told.set(key, [...(told.get(key) ?? []), outcome])
  }
  assert.deepEqual(told, audited, `seed ${seed}`)
}

async function story(sim: Simulation, random: Random, people: Random, trouble: Trouble): Promise<void> {
  const next = new Map(accounts.map((account) => [account, 0]))
  let pending: Promise<unknown>[] = []
  /** Begins something and does not wait: what comes next may come at the same moment. */
  const begin = (promise: Promise<unknown>) =>
    pending.push(
      promise.catch((error) => {
        assert(/^millrace\//.test(error.code ?? ''), `an error to be told, not ${String(error.stack)}`)
      }),
    )
  let operations = 0
  const act = {
    publish: () => {
      const account = random.pick(accounts)
      const n = next.get(account)!
      next.set(account, n + 1)
      begin(sim.publish(Moved, { account, n }))
    },
    decide: () => {
      const held = sim.held()
      if (held.length === 0) return
      const { id, message } = people.pick(held)
      const { app } = sim
      const actor = { by: people.pick(['ann', 'bob']), reason: 'so it is' }
      const what = people.pick(['release', 'release', 'resubmit', 'discard', 'twice'])
      if (what === 'resubmit') {
        begin(sim.settled(app.desk.resubmit(id, { ...JSON.parse(message.json), note: 'mended' }, actor)))
      } else if (what === 'discard') begin(sim.settled(app.desk.discard(id, actor)))
      else for (const _ of what === 'twice' ? [1, 2] : [1]) begin(sim.settled(app.desk.release(id, actor)))
    },
    takeBack: () => {
      const gone = sim.query<{ id: number }>`select id from millrace_desk where state = 'discarded'`
      if (gone.length > 0) begin(sim.settled(sim.app.desk.takeBack(people.pick(gone).id)))
    },
    operate: () => {
      const options = { name: `operation ${operations++}`, by: 'ann', reason: 'all', oneFirst: people.chance(0.3) }
      begin(sim.settled(sim.app.desk.select('release', people.chance(0.5) ? {} : { context: 'a' }, options)))
    },
    pause: async () => {
      begin(sim.settled(sim.app.processors.pause('one')))
      await sim.advance(people() * 20)
      begin(sim.settled(sim.app.processors.resume('one')))
    },
    wait: () => sim.advance(random() * random.pick([2, 20, 300])),
    crash: async () => {
      await sim.crash({ power: random.chance(0.5) })
      await Promise.all(pending)
      pending = []
      await sim.restart()
    },
    restart: async () => {
      await Promise.all(pending)
      pending = []
      await sim.restart()
    },
  }
  const chances: (keyof typeof act)[] = [
    ...Array<'publish'>(12).fill('publish'),
    ...Array<'decide'>(8).fill('decide'),
    ...Array<'wait'>(6).fill('wait'),
    'takeBack',
    'takeBack',
    'operate',
    'pause',
    'crash',
    'crash',
    'restart',
  ]
  await sim.advance(0)
  for (let step = 0; step < steps; step++) {
    await act[random.pick(chances)]()
    assertDeskSound(sim)
    if (step % 8 === 7) assertSameStory(sim, sim.seed)
  }
  await Promise.all(pending)
  trouble.mended = true
  await sim.settled(sim.app.processors.resume('one'))
  for (let round = 0; ; round++) {
    assert(round < 200, `seed ${sim.seed}: held again and again`)
    await sim.untilIdle()
    const held = sim.held()
    if (held.length === 0) return
    for (const { id } of held) await sim.release(id).catch(() => {})
  }
}

function assertEnd(sim: Simulation, seed: number, passing: ReadonlySet<string>): void {
  assertDeskSound(sim)
  assertSameStory(sim, seed)
  const left = sim.query`select id, state from millrace_desk where resolved_at is null`
  assert.deepEqual(left, [], `seed ${seed}: nothing is left at the desk`)
  const [stream] = sim.query<{ id: number }>`select id from millrace_streams where name = 'moves'`
  const log = sim.rows<{ id: string; data: string; context: string; position: number }>(`millrace_log_${stream!.id}`)
  const at = new Map(log.map(({ id, position }) => [id, position]))
  const acted = (item: Item, ...which: string[]) =>
    sim.query`select 1 from millrace_audit a join millrace_desk d on d.id = a.item
      where d.processor = ${item.who} and d.message_id = ${item.id} and a.action in (${which[0]!}, ${which[1] ?? ''})`
      .length > 0
  for (const who of ['one', 'two']) {
    const seen = sim.query<{
      id: string
      account: string
    }>`select id, account from seen where who = ${who} order by place`
    assert.equal(new Set(seen.map(({ id }) => id)).size, seen.length, `seed ${seed}: nothing is handled twice`)
    const discarded = sim.query<{ message_id: string }>`
      select message_id from millrace_desk where processor = ${who} and state = 'discarded'`.map(
      (row) => row.message_id,
    )
    assert.deepEqual(
      [...seen.map(({ id }) => id), ...discarded].sort(),
      log.map(({ id }) => id).sort(),
      `seed ${seed}: each message is handled or given up, for "${who}"`,
    )
    for (const account of accounts) {
      const positions = seen
        .filter(
          ({ id, account: of }) => of === account && !acted({ who, id }, 'taken back', passing.has(who) ? 'held' : ''),
        )
        .map(({ id }) => at.get(id)!)
      assert.deepEqual(
        positions,
        positions.toSorted((a, b) => a - b),
        `seed ${seed}: ${account} in order for "${who}"`,
      )
    }
  }
  const heard = sim.rows<{ id: string }>('told')
  const [failed] = sim.query<{ id: number }>`select id from millrace_streams where name = 'failures'`
  const events = sim.rows<{ id: string; context: string }>(`millrace_log_${failed!.id}`)
  assert.deepEqual(
    heard.map(({ id }) => id).sort(),
    events.map(({ id }) => id).sort(),
    `seed ${seed}: all is heard once`,
  )
  for (const account of accounts) {
    const mine = new Set(events.filter(({ context }) => context === account).map(({ id }) => id))
    assert.deepEqual(
      heard.map(({ id }) => id).filter((id) => mine.has(id)),
      [...mine],
      `seed ${seed}: what is told of ${account} is heard in order`,
    )
  }
}

test(`for ${seeds} seeds of failures, decisions and crashes no lane is out of order, nothing is lost or double, and all that is told agrees`, async (t) => {
  const from = Number(process.env['DESK_SEED'] ?? 1)
  const count = process.env['DESK_SEED'] === undefined ? seeds : Number(process.env['DESK_SEEDS'] ?? 1)
  for (const seed of upTo(from + count, from)) {
    const random = randomOf(seed, 'story')
    const unruly = random.pick([0.1, 0.3, 0.6])
    const drawn = randomOf(seed, 'trouble')
    const plans = new Map<string, { fails: number; refuses: boolean }>()
    const trouble: Trouble = {
      mended: false,
      plan: (who, account, n) => {
        const key = `${who} ${account} ${n}`
        if (!plans.has(key)) {
          plans.set(key, {
            fails: drawn.chance(unruly) ? drawn.pick([1, 2, 4, 8, 100]) : 0,
            refuses: drawn.chance(0.2),
          })
        }
        return plans.get(key)!
      },
    }
    const failed = new Map<string, number>()
    const processors = ['one', 'two'].map((name) => troubled(name, trouble, random, failed))
    const parts = [...processors, listener, ...(random.chance(0.5) ? [rule(random)] : [])]
    const sim = bank(t, parts, {
      seed,
      windowMessages: random.pick([1, 4, 4_096]),
      setup: async (tx) => {
        await tx.query`create table if not exists seen (place integer primary key, who text, account text, n int, id text)`
        await tx.query`create table if not exists told (place integer primary key, id text, what text)`
      },
    })
    try {
      await story(sim, random, randomOf(seed, 'people'), trouble)
      assertEnd(sim, seed, new Set(processors.filter(({ onHold }) => onHold === 'pass').map(({ name }) => name)))
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error })
    }
    await sim.stop()
  }
})
