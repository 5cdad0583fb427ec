// What handlers may do wrong, and that it stays their own: in process where they fail, in processes that really die
// where they block the event loop or end the process.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { app, type Context, event, processor, Refused, sqlite, topic } from 'millrace'
import { z } from 'zod'

const Rang = event('rang', { schema: z.object({ bell: z.string(), n: z.number().int() }), context: (r) => r.bell })
const Bells = topic('bells', [Rang])

type Ring = (n: number, context: Context<never, never>, attempt: number) => unknown
interface Options {
  readonly attempts?: number
  readonly timeoutMs?: number
  readonly lingerMs?: number
  readonly concurrency?: number
}

/** Bell `a` is rung by the handler under test, bell `b` by the same processor without harm. */
async function ringing(t: { after(fn: () => unknown): void }, ring: Ring, options: Options = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-handlers-'))
  const { attempts = 2, ...rest } = options
  const made = new Map<number, number>()
  const ringer = processor('ringer', {
    on: Bells,
    retry: { attempts, firstDelayMs: 1, maxDelayMs: 1 },
    ...rest,
    handle: {
      rang: async ({ data: { bell, n } }, context) => {
        if (bell === 'a') {
          made.set(n, (made.get(n) ?? 0) + 1)
          await ring(n, context as never, made.get(n)!)
        }
        return context.commit((tx) => tx.query`insert into rung values (${bell}, ${n})`)
      },
    },
  })
  const bells = app({
    name: 'bells',
    broker: sqlite({ file: join(folder, 'bells.db') }),
    log: () => {},
    setup: (tx) => tx.query`create table rung (bell text, n int, unique (bell, n))`,
    parts: [ringer],
  })
  await bells.start()
  t.after(async () => {
    await bells.stop({ graceMs: 0 })
    rmSync(folder, { recursive: true, force: true })
  })
  const rung = async (bell: string) =>
    (await bells.read<{ n: number }>`select n from rung where bell = ${bell} order by rowid`).map(({ n }) => n)
  return { bells, rung, made }
}

const thrown: Record<string, unknown> = {
  'an error': new Error('broken'),
  'a string': 'broken',
  undefined: undefined,
  null: null,
  'a frozen object': Object.freeze({ broken: true }),
  'an error whose message throws': Object.defineProperty(new Error('x'), 'data', { get: () => BigInt(1) }),
}
for (const [what, value] of Object.entries(thrown)) {
  test(`a handler that throws ${what} fails, is tried again, and is held; others continue`, async (t) => {
    const { bells, rung, made } = await ringing(t, (n) => {
      if (n === 1) throw value
    })
    for (const n of [0, 1, 2]) for (const bell of ['a', 'b']) await bells.publish(Rang, { bell, n })
    await bells.idle()
    assert.deepEqual(await rung('a'), [0])
    assert.deepEqual(await rung('b'), [0, 1, 2])
    assert.equal(made.get(1), 2, 'attempts are bounded')
    const [held] = await bells.desk.list({ states: ['held'] })
    assert.equal(typeof held?.error?.message, 'string')
    assert.equal(held?.waiting, 1)
  })
}

test('a refusal goes straight to the desk, with its reason and data', async (t) => {
  const { bells, made } = await ringing(
    t,
    () => {
      throw new Refused('no bell', { bell: 'cracked' })
    },
    { attempts: 5 },
  )
  await bells.publish(Rang, { bell: 'a', n: 0 })
  await bells.idle()
  const [held] = await bells.desk.list()
  assert.equal(made.get(0), 1)
  assert.equal(held?.error?.code, 'refused')
  assert.equal(held?.error?.message, 'no bell')
  assert.deepEqual(held?.error?.data, { bell: 'cracked' })
})

// In processes of their own: the test runner takes errors that come late for failures of the test.
const late = {
  'a promise that the running handler has forgotten rejects': { attempts: 2, said: false },
  'a callback throws while the handler runs': { attempts: 2, said: false },
  'a callback throws after the handler has returned': { attempts: 1, said: true },
  'a promise rejects after the handler has returned': { attempts: 1, said: true },
  'a promise of the commit function rejects after the handler has returned': { attempts: 1, said: true },
}
const lateProgram = fileURLToPath(new URL('./support/late-program.ts', import.meta.url))
for (const [way, { attempts, said }] of Object.entries(late)) {
  const consequence = said ? 'is logged and the message stays done' : 'fails its attempt, and the next one counts'
  test(`when ${way}, that ${consequence}`, (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-late-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--conditions=millrace-source', lateProgram, join(folder, 'bells.db'), way],
      { encoding: 'utf8' },
    )
    assert.equal(status, 0, stderr)
    assert.deepEqual(JSON.parse(stdout), { attempts, said, rung: [{ n: 0 }], held: 0, heard: [] })
  })
}

test('an error outside any handler ends the process as Node.js would end it', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-late-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const way of ['a rejection of nobody', 'an exception of nobody']) {
    const { status, stderr } = spawnSync(
      process.execPath,
      ['--conditions=millrace-source', lateProgram, join(folder, `${way}.db`), way],
      { encoding: 'utf8' },
    )
    assert.equal(status, 1, way)
    assert.match(stderr, /Error: of nobody/)
  }
})

test('a handler that never ends is failed at its deadline and held, its signal aborted, its slots named in health', async (t) => {
  let aborted = 0
  const { bells, rung } = await ringing(
    t,
    (_, { signal }) => {
      signal.addEventListener('abort', () => aborted++)
      return new Promise(() => {})
    },
    { timeoutMs: 20, lingerMs: 1, concurrency: 2 },
  )
  await bells.publish(Rang, { bell: 'a', n: 0 })
  await bells.idle()
  assert.equal(aborted, 2)
  assert.deepEqual(await rung('a'), [])
  const [held] = await bells.desk.list()
  assert.equal(held?.error?.code, 'millrace/timed-out')
  assert.equal((await bells.processors.list())[0]?.state, 'stuck')
  assert.equal(bells.health().status, 'red')
  assert.match(bells.health().reasons.join(), /"ringer" is stuck/)
})

test('an attempt that ends after its deadline can commit no more: the next one counts, once', async (t) => {
  let finish: () => void = () => {}
  const { bells, rung, made } = await ringing(
    t,
    (_, __, attempt) => (attempt === 1 ? new Promise<void>((resolve) => (finish = resolve)) : finish()),
    { timeoutMs: 20, lingerMs: 1 },
  )
  await bells.publish(Rang, { bell: 'a', n: 0 })
  await bells.idle()
  assert.equal(made.get(0), 2)
  // Two commits of the same row would have failed the second: the row is unique.
  assert.deepEqual(await rung('a'), [0])
  assert.deepEqual(await bells.desk.counts(), { held: 0, snoozed: 0, waiting: 0, discarded: 0 })
})

test('publishing after its time or its end is refused to an attempt', async (t) => {
  const codes: string[] = []
  let context: Context<never, never> | undefined
  const { bells } = await ringing(t, (_, given) => {
    context = given
  })
  await bells.publish(Rang, { bell: 'a', n: 0 })
  await bells.idle()
  for (const late of [
    () => context!.commit(() => {}),
    () => (context!.publish as (type: unknown, data: unknown) => void)(Rang, { bell: 'a', n: 9 }),
  ]) {
    try {
      late()
    } catch (error) {
      codes.push((error as { code: string }).code)
    }
  }
  assert.deepEqual(codes, ['millrace/commit-twice', 'millrace/after-end'])
})

const program = fileURLToPath(new URL('./support/deadly-program.ts', import.meta.url))

/** Starts the program again and again, as a supervisor would, until it ends well; gives how often it died. */
function supervise(file: string, way: string): number {
  for (let deaths = 0; deaths < 20; deaths++) {
    const { status, stderr } = spawnSync(process.execPath, ['--conditions=millrace-source', program, file, way], {
      encoding: 'utf8',
    })
    if (status === 0) return deaths
    assert.ok(!stderr.includes('AssertionError'), stderr)
  }
  return assert.fail('the program never came through')
}

for (const way of ['exits', 'kills', 'blocks', 'blocks in commit', 'aborts']) {
  test(`a message whose handler ${way} is found after some deaths and held; every other one is handled once`, (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-deadly-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const file = join(folder, 'deadly.db')
    const deaths = supervise(file, way)
    assert.ok(deaths >= 1 && deaths <= 5, `died ${deaths} times`)
    const db = new DatabaseSync(file, { readOnly: true })
    const rows = db
      .prepare('select bell, group_concat(n) as ns from (select * from rung order by rowid) group by bell')
      .all()
    assert.deepEqual(Object.fromEntries(rows.map(({ bell, ns }) => [bell, ns])), {
      a: '0,1,2',
      b: '0,1,2,3,4,5',
      c: '0,1,2,3,4,5',
    })
    const desk = db.prepare('select state, error, data from millrace_desk order by id').all()
    db.close()
    assert.deepEqual(
      desk.map(({ state, data }) => [state, JSON.parse(String(data)).n]),
      [
        ['held', 3],
        ['line', 4],
        ['line', 5],
      ],
    )
    assert.equal(JSON.parse(String(desk[0]!.error)).code, 'millrace/killed-the-process')
  })
}
