import assert from 'node:assert/strict'
import test from 'node:test'
import { Pauses } from './pauses.ts'

function pauses({ paused = false, fails = false } = {}) {
  const told: string[] = []
  const consumer = {
    isPaused: paused,
    pause: () => void told.push('pauses'),
    resume: () => void told.push('resumes'),
  }
  const write = (what: string) => async (processor: string, actor: { by: string }, at: number) => {
    if (fails) throw new Error('the disk is full')
    told.push(`${what} written: ${processor} by ${actor.by} at ${at}`)
  }
  const all = new Pauses({
    world: { now: () => 9 },
    store: {
      progress: { rows: async () => [{ processor: 'stock' }, { processor: 'elsewhere' }] },
      processors: { pause: write('pause'), resume: write('resume') },
    } as never,
    committer: { alone: (work) => work() },
    named: (name) => (name === 'stock' ? consumer : undefined),
    resumed: (name) => void told.push(`${name} continues`),
  })
  return { all, told }
}

const actor = { by: 'ann' }

test('a processor pauses at once and is resumed after the write', async () => {
  const { all, told } = pauses()
  await all.set({ processor: 'stock', actor, paused: true })
  await all.set({ processor: 'stock', actor, paused: false })
  assert.deepEqual(told, [
    'pauses',
    'pause written: stock by ann at 9',
    'resume written: stock by ann at 9',
    'resumes',
    'stock continues',
  ])
})

test('a pause that cannot be written is taken back, but for a processor that was paused before', async () => {
  for (const [paused, expected] of [
    [false, ['pauses', 'resumes']],
    [true, ['pauses']],
  ] as const) {
    const { all, told } = pauses({ paused, fails: true })
    await assert.rejects(all.set({ processor: 'stock', actor, paused: true }), /the disk is full/)
    assert.deepEqual(told, expected)
  }
})

test('a processor that does not run here is paused in the store', async () => {
  const { all, told } = pauses()
  await all.set({ processor: 'elsewhere', actor, paused: true })
  assert.deepEqual(told, ['pause written: elsewhere by ann at 9'])
})

test('a processor that the store does not know is refused, and nothing pauses', async () => {
  const { all, told } = pauses()
  await assert.rejects(all.set({ processor: 'stok', actor, paused: true }), { code: 'millrace/unknown-processor' })
  assert.deepEqual(told, [])
})
