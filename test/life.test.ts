// What comes of a call that is made while another is under way: every pair of what an app may be doing and what may be
// asked of it, with what the call gives and where the app is in the end. Nothing hangs, and nothing is left behind.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import test, { type TestContext } from 'node:test'
import { type App, app, channel, command, event, isMillraceError, processor, topic } from 'millrace'
import { z } from 'zod'
import type { Disk } from '../src/adapters/sqlite/disk.ts'
import { sqliteOn } from '../src/adapters/sqlite/index.ts'
import { nodeDisk } from '../src/adapters/sqlite/node-disk.ts'
import { fault } from '../src/model/errors.ts'
import { coded, place } from './support.ts'

/** A promise that is never settled is what these tests are after: it ends them at this time, milliseconds. */
const timeout = 20_000

const Happened = event('happened', { schema: z.object({ waits: z.boolean().optional() }) })
const Do = command('do', { schema: z.object({}), reply: z.object({ done: z.boolean() }) })
const Events = topic('events', [Happened])
const Commands = channel('commands', [Do])

/** Something that waits until it is let go on, and whether it has come there. */
class Gate {
  private readonly here = Promise.withResolvers<void>()
  private readonly opened = Promise.withResolvers<void>()
  readonly come = this.here.promise
  open = () => this.opened.resolve()

  async pass(): Promise<void> {
    this.here.resolve()
    await this.opened.promise
  }
}

/** An app on real disks: each of their steps waits where it is told to, and fails where it is told to. */
class Stage {
  readonly file: string
  /** The step of the next disk, or of this one, that waits. */
  readonly gates = new Map<'open' | 'close', Gate>()
  readonly handler = new Gate()
  fails = false
  /** How many disks were opened. */
  disks = 0
  readonly app: App
  setup: () => unknown = () => {}
  handled = 0

  constructor(t: TestContext) {
    this.file = place(t)
    const listens = processor('listens', {
      on: Events,
      handle: {
        happened: async ({ data }) => {
          if (data.waits) await this.handler.pass()
          this.handled++
        },
      },
    })
    const does = processor('does', { on: Commands, handle: { do: () => ({ done: true }) } })
    this.app = app({
      name: 'stage',
      broker: sqliteOn({ file: this.file }, () => this.disk()),
      log: () => {},
      setup: () => this.setup(),
      parts: [Events, Commands, listens, does],
    })
    t.after(async () => {
      for (const gate of this.gates.values()) gate.open()
      this.handler.open()
      await this.app.stop({ graceMs: 0 })
    })
  }

  /** From now on a step waits; gives what lets it go on. */
  hold(step: 'open' | 'close'): Gate {
    const gate = new Gate()
    this.gates.set(step, gate)
    return gate
  }

  private disk(): Disk {
    const disk = nodeDisk()
    this.disks++
    const pass = async (step: 'open' | 'close') => {
      const gate = this.gates.get(step)
      this.gates.delete(step)
      await gate?.pass()
    }
    return {
      ...disk,
      open: async (...what) => {
        await pass('open')
        return disk.open(...what)
      },
      close: async () => {
        await pass('close')
        return disk.close()
      },
      sync: async (pace) => {
        if (!this.fails) return disk.sync(pace)
        this.fails = false
        throw fault('millrace/sync-failed', 'the disk does not answer')
      },
    }
  }
}

/** What an app is doing; each gives what lets it go on, and what that ends with. */
const moments = {
  stopped: async () => ({ goOn: () => {}, under: undefined }),
  starting: async (stage: Stage) => {
    const gate = stage.hold('open')
    const under = outcome(stage.app.start())
    await gate.come
    return { goOn: gate.open, under }
  },
  running: async (stage: Stage) => {
    await stage.app.start()
    return { goOn: () => {}, under: undefined }
  },
  stopping: async (stage: Stage) => {
    await stage.app.start()
    await stage.app.publish(Happened, { waits: true })
    await stage.handler.come
    return { goOn: stage.handler.open, under: outcome(stage.app.stop()) }
  },
  reopening: async (stage: Stage) => {
    await stage.app.start()
    const gate = stage.hold('open')
    stage.fails = true
    await assert.rejects(stage.app.publish(Happened, {}), coded('millrace/sync-failed'))
    await gate.come
    return { goOn: gate.open, under: undefined }
  },
} as const

const calls = {
  start: ({ app }: Stage) => app.start(),
  stop: ({ app }: Stage) => app.stop(),
  publish: ({ app }: Stage) => app.publish(Happened, {}),
  publishMany: ({ app }: Stage) => app.publishMany(Happened, [{ data: {} }]),
  send: ({ app }: Stage) => app.send(Do, {}),
  request: ({ app }: Stage) => app.request(Do, {}),
  transaction: ({ app }: Stage) => app.transaction((tx) => tx.publish(Happened, {})),
  cancel: ({ app }: Stage) => app.cancel(Do, 'none'),
  read: ({ app }: Stage) => app.read`select 1`,
  requestStatus: ({ app }: Stage) => app.requestStatus('none'),
  'processors.list': ({ app }: Stage) => app.processors.list(),
  'desk.list': ({ app }: Stage) => app.desk.list(),
  'flows.list': ({ app }: Stage) => app.flows.list(),
  backup: ({ app, file }: Stage) => app.backup(`${file}-copy`),
  idle: ({ app }: Stage) => app.idle(),
  /** The next sync fails, whoever asks for it. */
  'a crash of the store': async (stage: Stage) => {
    stage.fails = true
  },
}

type Moment = keyof typeof moments
type Call = keyof typeof calls
/** What the call gives, where the app is then, and where something was under way, what that ends with. */
type Cell = readonly [gives: string, then: 'running' | 'stopped', under?: string]

const ok = 'resolved'
const notStarted = 'millrace/not-started'
const stopping = 'millrace/stopping'
const already = 'millrace/already-started'
const failed = 'millrace/disk-failed'
const asked: Readonly<Record<Moment, Cell>> = {
  stopped: [notStarted, 'stopped'],
  starting: [notStarted, 'running', ok],
  running: [ok, 'running'],
  stopping: [stopping, 'stopped', ok],
  reopening: [failed, 'running'],
}
/** A handler that still runs may look at what there is. */
const looked = { ...asked, stopping: [ok, 'stopped', ok] } as const

const table: Readonly<Record<Call, Readonly<Record<Moment, Cell>>>> = {
  start: {
    stopped: [ok, 'running'],
    starting: [already, 'running', ok],
    running: [already, 'running'],
    stopping: [ok, 'running', ok],
    reopening: [already, 'running'],
  },
  stop: {
    stopped: [ok, 'stopped'],
    starting: [ok, 'stopped', stopping],
    running: [ok, 'stopped'],
    stopping: [ok, 'stopped', ok],
    reopening: [ok, 'stopped'],
  },
  publish: asked,
  publishMany: asked,
  send: asked,
  request: asked,
  transaction: asked,
  cancel: asked,
  read: looked,
  requestStatus: looked,
  'processors.list': looked,
  'desk.list': looked,
  'flows.list': looked,
  // It waits for what changes, and of a stopped app the file is copied, where there is one.
  backup: {
    ...asked,
    stopped: ['millrace/no-app', 'stopped'],
    starting: [ok, 'running', ok],
    reopening: [ok, 'running'],
  },
  // What the app stops with has been handled by then.
  idle: { ...asked, stopping: [ok, 'stopped', ok], reopening: [ok, 'running'] },
  'a crash of the store': {
    stopped: [ok, 'stopped'],
    starting: [ok, 'stopped', 'millrace/sync-failed'],
    running: [ok, 'running'],
    stopping: [ok, 'stopped', ok],
    reopening: [ok, 'running'],
  },
}

function outcome(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => ok,
    (error: unknown) => (isMillraceError(error) ? error.code : String(error)),
  )
}

/** What a process has that must not become more: listeners, threads, sockets. */
function has() {
  const listeners = ['uncaughtException', 'unhandledRejection', 'SIGTERM', 'exit'] as const
  const resources = process.getActiveResourcesInfo().filter((name) => /Worker|Message|Pipe|Server/.test(name))
  return { listeners: listeners.map((name) => process.listenerCount(name)), resources: resources.sort() }
}

async function isIn({ app, file }: Stage, state: 'running' | 'stopped'): Promise<void> {
  if (state === 'running') {
    await app.idle()
    // After its store has failed the file is looked at for damage, beside the work.
    const reasons = app.health().reasons.filter((reason) => !reason.includes('millrace/checking'))
    assert.deepEqual(reasons, [])
    await app.publish(Happened, {})
    await app.idle()
    await app.stop()
  } else await assert.rejects(app.publish(Happened, {}), coded(notStarted))
  assert.equal(app.health().status, 'red')
  assert.equal(existsSync(`${file}-control`), false, 'no control socket is left')
  // Nobody has the file: what keeps it would be named here.
  await app.start({ waitMs: 0 })
  await app.publish(Happened, {})
  await app.idle()
  await app.stop()
}

for (const [call, cells] of Object.entries(table) as [Call, Readonly<Record<Moment, Cell>>][]) {
  for (const [moment, [gives, then, under]] of Object.entries(cells) as [Moment, Cell][]) {
    const what = under === undefined ? '' : ` (what is under way: ${under})`
    test(`${call} while the app is ${moment}: ${gives}${what}, then it is ${then}`, { timeout }, async (t) => {
      const stage = new Stage(t)
      const before = has()
      const now = await moments[moment](stage)
      const result = outcome(calls[call](stage))
      // Whatever can be told at once has been told.
      await new Promise((resolve) => setImmediate(resolve))
      now.goOn()
      assert.equal(await result, gives)
      assert.equal(await now.under, under)
      if (stage.fails) {
        await outcome(stage.app.publish(Happened, {}))
        stage.fails = false
      }
      await isIn(stage, then)
      assert.deepEqual(has(), before)
    })
  }
}

// ── more than two ────────────────────────────────────────────────────────────────────────────────────────────────

test('of several starts at once one starts the app, the others are refused', { timeout }, async (t) => {
  const stage = new Stage(t)
  const starts = [stage.app.start(), stage.app.start(), stage.app.start()].map(outcome)
  assert.deepEqual(await Promise.all(starts), [ok, already, already])
  await isIn(stage, 'running')
})

test('several stops at once all resolve when the app has stopped, not before', { timeout }, async (t) => {
  const stage = new Stage(t)
  const { goOn, under } = await moments.stopping(stage)
  const stops = [stage.app.stop(), stage.app.stop(), under]
  let resolved = 0
  for (const stop of stops) void stop.then(() => resolved++)
  const closing = stage.hold('close')
  goOn()
  await closing.come
  assert.equal(resolved, 0)
  closing.open()
  await Promise.all(stops)
  assert.equal(stage.handled, 1)
  await isIn(stage, 'stopped')
})

test('a stop that gives less time shortens the one that is under way', { timeout }, async (t) => {
  const stage = new Stage(t)
  const { under } = await moments.stopping(stage)
  await stage.app.stop({ graceMs: 0 })
  assert.equal(await under, ok)
  assert.equal(stage.handled, 0)
})

test('from the turn of a stop on nothing is published', { timeout }, async (t) => {
  const stage = new Stage(t)
  await stage.app.start()
  const stop = stage.app.stop()
  await assert.rejects(stage.app.publish(Happened, {}), coded(stopping))
  await stop
})

test('a start that waits for a stop is ended by the next stop', { timeout }, async (t) => {
  const stage = new Stage(t)
  const { goOn, under } = await moments.stopping(stage)
  const start = outcome(stage.app.start())
  const stop = outcome(stage.app.stop())
  goOn()
  assert.deepEqual(await Promise.all([under, start, stop]), [ok, stopping, ok])
  await isIn(stage, 'stopped')
})

test('of several starts that wait for a stop one starts the app', { timeout }, async (t) => {
  const stage = new Stage(t)
  const { goOn } = await moments.stopping(stage)
  const starts = [stage.app.start(), stage.app.start()].map(outcome)
  goOn()
  assert.deepEqual(await Promise.all(starts), [ok, already])
  await isIn(stage, 'running')
})

test('the app ends where the last calls say, for any calls in any order', {
  timeout: 3 * timeout,
}, async (t) => {
  for (let seed = 0; seed < 24; seed++) {
    const stage = new Stage(t)
    const settled: Promise<string>[] = []
    for (let step = 0; step < 6; step++) {
      settled.push(outcome((seed >> step) % 2 === 0 ? stage.app.start() : stage.app.stop()))
      for (let turns = (seed * 7 + step * 3) % 5; turns > 0; turns--) await new Promise((go) => setImmediate(go))
    }
    settled.push(outcome(stage.app.stop()))
    for (const gives of await Promise.all(settled)) assert.ok([ok, already, stopping].includes(gives), gives)
    await isIn(stage, 'stopped')
  }
})

// ── starts that fail ─────────────────────────────────────────────────────────────────────────────────────────────

test('after a start that has failed the next one starts', { timeout }, async (t) => {
  const stage = new Stage(t)
  stage.setup = () => {
    throw new Error('no tables today')
  }
  const before = has()
  await assert.rejects(stage.app.start(), /no tables today/)
  assert.deepEqual(has(), before)
  stage.setup = () => {}
  await stage.app.start()
  await isIn(stage, 'running')
})

test('while a start that has failed closes, another is refused and a stop waits', { timeout }, async (t) => {
  const stage = new Stage(t)
  stage.setup = () => {
    throw new Error('no tables today')
  }
  const closing = stage.hold('close')
  const start = stage.app.start()
  const outcomeOfStart = outcome(start)
  await closing.come
  const again = outcome(stage.app.start())
  const stop = stage.app.stop()
  let stopped = false
  void stop.then(() => {
    stopped = true
  })
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(stopped, false)
  closing.open()
  assert.equal(await again, already)
  await stop
  assert.equal(await outcomeOfStart, stopping)
  await assert.rejects(start, (error: Error) => /no tables today/.test(String(error.cause)))
  stage.setup = () => {}
  await isIn(stage, 'stopped')
})

test('a stop ends a start that waits for a file that another app has', { timeout }, async (t) => {
  const stage = new Stage(t)
  await stage.app.start()
  const other = app({ name: 'stage', broker: sqliteOn({ file: stage.file }, nodeDisk), parts: stage.app.parts })
  const start = outcome(other.start({ waitMs: 86_400_000 }))
  await new Promise((resolve) => setImmediate(resolve))
  await other.stop()
  assert.equal(await start, stopping)
  await isIn(stage, 'running')
})

test('a stop while a store that fails again and again is opened anew ends that', { timeout }, async (t) => {
  const stage = new Stage(t)
  const { goOn } = await moments.reopening(stage)
  stage.fails = true
  const closing = stage.hold('close')
  goOn()
  await closing.come
  closing.open()
  await stage.app.stop()
  const { disks } = stage
  await isIn(stage, 'stopped')
  assert.equal(stage.disks, disks + 1, 'nobody has opened it but the check')
})

// ── from inside ──────────────────────────────────────────────────────────────────────────────────────────────────

test('a stop from inside setup ends the start', { timeout }, async (t) => {
  const stage = new Stage(t)
  const stops: Promise<void>[] = []
  stage.setup = () => void stops.push(stage.app.stop())
  await assert.rejects(stage.app.start(), coded(stopping))
  await Promise.all(stops)
  stage.setup = () => {}
  await isIn(stage, 'stopped')
})

test('a setup that waits for its own stop fails, and the app stops', { timeout }, async (t) => {
  const stage = new Stage(t)
  stage.setup = () => stage.app.stop()
  assert.equal(await outcome(stage.app.start()), stopping)
  stage.setup = () => {}
  await isIn(stage, 'stopped')
})

test('a stop from inside tail stops the app when all that was accepted has been told', { timeout }, async (t) => {
  const stage = new Stage(t)
  await stage.app.start()
  const stopped = new Promise<void>((resolve, reject) => {
    const end = stage.app.tail(() => {
      end()
      stage.app.stop().then(resolve, reject)
    })
  })
  await stage.app.publish(Happened, {})
  await stopped
  await isIn(stage, 'stopped')
})

test('a handler that calls stop ends well when it does not wait for it', { timeout }, async (t) => {
  const file = place(t)
  let stopped: Promise<void> | undefined
  const stops = processor('stops', {
    on: Events,
    handle: {
      happened: () => {
        stopped = one.stop()
      },
    },
  })
  const one: App = app({ name: 'one', broker: sqliteOn({ file }, nodeDisk), parts: [Events, stops] })
  await one.start()
  const handled = one.idle()
  await one.publish(Happened, {})
  await outcome(handled)
  await stopped
  await one.start()
  const [row] = await one.processors.list()
  assert.deepEqual([row!.position, row!.lag], [1, 0])
  await one.stop()
})

test('a handler that waits for the stop that it called is handed back after graceMs', { timeout }, async (t) => {
  const file = place(t)
  const done = Promise.withResolvers<void>()
  const stops = processor('stops', {
    on: Events,
    handle: {
      happened: async () => {
        await one.stop({ graceMs: 1 })
        done.resolve()
      },
    },
  })
  const one: App = app({ name: 'one', broker: sqliteOn({ file }, nodeDisk), parts: [Events, stops] })
  await one.start()
  await one.publish(Happened, {}).catch(() => {})
  await done.promise
  await one.start({ only: [] })
  const [row] = await one.processors.list()
  assert.deepEqual([row!.position, row!.lag], [0, 1])
  await one.stop()
})

test('waiting calls are told when the app stops: a request, idle, a transaction in its queue', {
  timeout,
}, async (t) => {
  const stage = new Stage(t)
  await stage.app.start()
  await stage.app.publish(Happened, { waits: true })
  await stage.handler.come
  await stage.app.processors.pause('does')
  const waiting = [stage.app.request(Do, {}), stage.app.idle()].map(outcome)
  const stop = stage.app.stop({ graceMs: 0 })
  assert.deepEqual(await Promise.all(waiting), [stopping, stopping])
  await stop
})

test('a stop at any turn of a start leaves nothing behind', { timeout: 3 * timeout }, async (t) => {
  const outcomes = new Set<string>()
  const before = has()
  for (let turns = 0; !outcomes.has(ok); turns = Math.ceil(turns * 1.5) + 1) {
    const stage = new Stage(t)
    const start = outcome(stage.app.start())
    for (let left = turns; left > 0; left--) await new Promise((go) => setImmediate(go))
    await stage.app.stop()
    outcomes.add(await start)
    assert.equal(existsSync(`${stage.file}-control`), false)
    assert.deepEqual(has(), before)
  }
  assert.deepEqual([...outcomes].sort(), [stopping, ok])
})
