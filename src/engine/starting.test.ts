import assert from 'node:assert/strict'
import test from 'node:test'
import type { CommitFunction, CommitGroup } from '../seam/commit.ts'
import { setUp } from './starting.ts'

type Owner = { late(error: unknown): void }

/** A store that answers each commit in turn: `again` leaves the function without an outcome. */
function storeOf(...answers: ('again' | 'runs' | Error)[]) {
  const logged: unknown[] = []
  let owner: Owner | undefined
  const commit = async ({ functions: [fn] }: CommitGroup) => {
    const answer = answers.shift()!
    if (answer instanceof Error) return { state: 'lost', why: answer }
    if (answer === 'again') return { state: 'answered', written: [] }
    const one = fn as CommitFunction
    try {
      one.outcome = { ok: true, value: await one.run('tx' as never, {} as never) }
    } catch (error) {
      one.outcome = { ok: false, error }
    }
    return { state: 'answered', written: [] }
  }
  const world = {
    log: (_level: string, text: string, facts: object) => void logged.push([text, facts]),
    callback: (given: Owner, fn: () => unknown) => {
      owner = given
      return fn()
    },
  }
  return { host: { world, store: { commit } } as never, logged, owner: () => owner! }
}

test('setup runs in a transaction, once', async () => {
  const given: unknown[] = []
  await setUp((tx) => void given.push(tx), storeOf('runs').host)
  assert.deepEqual(given, ['tx'])
})

test('a setup that comes back without an outcome is written again', async () => {
  let runs = 0
  await setUp(() => void runs++, storeOf('again', 'again', 'runs').host)
  assert.equal(runs, 1)
})

test('what setup throws, and why nothing can be written, end the start', async () => {
  const refused = setUp(() => {
    throw new Error('no such table')
  }, storeOf('runs').host)
  await assert.rejects(refused, /no such table/)
  await assert.rejects(
    setUp(() => {}, storeOf(new Error('the disk is full')).host),
    /the disk is full/,
  )
})

test('an error that setup throws after its end is logged', async () => {
  const { host, logged, owner } = storeOf('runs')
  await setUp(() => {}, host)
  owner().late(new Error('forgotten'))
  assert.deepEqual(logged, [['setup threw after it had ended', { code: 'millrace/late-error', error: 'forgotten' }]])
})
