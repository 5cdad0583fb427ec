import assert from 'node:assert/strict'
import test from 'node:test'
import { coded } from '../../test/support.ts'
import { fault } from '../model/errors.ts'
import { Consumers, type ConsumersHost } from './consumers.ts'

/** Processors whose calls are noted; `fails`: pausing is not written. */
function processors(fails = { pausing: false }) {
  const told: string[] = []
  const ticks: (() => void)[] = []
  const recents = new Map([1, 2].map((id) => [id, { head: 9, trim: (to: number) => told.push(`trim ${id} to ${to}`) }]))
  const make = (spec: { name: string; position: number; active: boolean }) => {
    const note = (what: string) => () => void told.push(`${spec.name} ${what}`)
    return {
      ...spec,
      spec,
      idle: true,
      isPaused: false,
      pull: note('pulls'),
      pullAhead: () => spec.name === 'route' && told.push('route pulls ahead') > 0,
      recovery: { takeUp: async () => {}, run: async () => note('runs suspects')() },
      tick: note('ticks'),
      stopTaking: note('stops'),
      abandon: note('abandons'),
      pause: note('pauses'),
      resume: note('resumes'),
    }
  }
  const spec = (name: string, on: string) => ({
    name,
    destination: { name: on, kind: 'topic' },
    timeoutMs: 40,
    runsAhead: name === 'route',
    position: name === 'ledger' ? 4 : 7,
    active: false,
    startAt: 'beginning',
    handlers: new Map(),
  })
  const host = {
    world: {
      now: () => 1,
      after: (ms: number, fn: () => void) => ticks.push(fn) && { cancel: () => told.push(`${ms}`) },
    },
    store: {
      log: { first: async () => 1 },
      progress: {
        subscribe: async () => ({ epoch: 2, low: 0 }),
        rows: async () => [{ processor: 'ledger' }, { processor: 'gone' }],
      },
      processors: {
        paused: async () => [{ processor: 'labels' }],
        untold: async () => [],
        concurrencies: async () => [],
        pause: async () => {
          if (fails.pausing) throw fault('millrace/disk-full', 'no room')
          told.push('pause written')
        },
        resume: async () => void told.push('resume written'),
      },
    },
    committer: { alone: (work: () => unknown) => work(), write: () => {} },
    streams: {
      of: ({ name }: { name: string }) => (name === 'orders' ? 1 : 2),
      recent: (id: number) => recents.get(id),
    },
    specs: [spec('ledger', 'orders'), spec('labels', 'orders'), spec('route', 'payments')],
    make,
    checkStarting: () => {},
    warn: () => {},
    fail: () => {},
  }
  return { made: new Consumers(host as unknown as ConsumersHost), told, ticks }
}

test('processors take nothing before they are open: messages that may have killed the process run first', async () => {
  const { made, told } = processors()
  await made.takeUp()
  assert.deepEqual(told.splice(0), ['labels pauses'])
  made.pullFrom(new Set([1]))
  assert.deepEqual([told.splice(0), made.idle, made.pullAhead([{} as never])], [['trim 1 to 4'], false, false])
  await made.begin()
  made.open()
  assert.deepEqual(told.splice(0, 3), ['ledger runs suspects', 'labels runs suspects', 'route runs suspects'])
  assert.deepEqual([told.splice(0), made.idle], [['ledger pulls', 'labels pulls', 'route pulls'], true])
})

test('new messages of a stream are taken by its processors, and let go when all have passed them', async () => {
  const { made, told } = processors()
  await made.takeUp()
  made.open()
  told.length = 0
  made.pull(new Set([made.named('route')!]))
  made.pullFrom(new Set([1]))
  assert.deepEqual(told.splice(0), ['route pulls', 'ledger pulls', 'labels pulls', 'trim 1 to 4'])
  assert.equal(made.pullAhead([{} as never]), true)
})

test('processors that stop take nothing, and are looked at by the clock until they have ended', async () => {
  const { made, told, ticks } = processors()
  await made.takeUp()
  made.open()
  made.stopTaking()
  told.length = 0
  made.pullFrom(new Set([1]))
  assert.deepEqual(told.splice(0), ['trim 1 to 4'])
  made.watch()
  made.watch()
  assert.equal(ticks.length, 1)
  ticks[0]!()
  assert.deepEqual(told.splice(0), ['ledger ticks', 'labels ticks', 'route ticks'])
  made.end()
  made.end()
  made.open()
  assert.equal(
    told.some((line) => line.endsWith('pulls')),
    false,
  )
})

test('a pause holds at once and a resume only when it is written; a pause that is not written is taken back', async () => {
  const { made, told } = processors()
  await made.takeUp()
  told.length = 0
  await made.pause('ledger', { by: 'ada' })
  assert.deepEqual(told.splice(0), ['ledger pauses', 'pause written'])
  await made.resume('ledger', { by: 'ada' })
  assert.deepEqual(told.splice(0), ['resume written', 'ledger resumes', 'ledger runs suspects', 'ledger pulls'])
  const broken = processors({ pausing: true })
  await broken.made.takeUp()
  broken.told.length = 0
  await assert.rejects(broken.made.pause('ledger', { by: 'ada' }), coded('millrace/disk-full'))
  assert.deepEqual(broken.told, ['ledger pauses', 'ledger resumes'])
  await assert.rejects(made.pause('ledgr', { by: 'ada' }), coded('millrace/unknown-processor', /did you mean "ledger"/))
})
