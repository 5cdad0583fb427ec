import assert from 'node:assert/strict'
import test from 'node:test'
import { fault } from '../model/errors.ts'
import { Committer } from './committer.ts'

test('what comes after the end is told so at once: nobody waits for what is never written', async () => {
  const nothing = () => {}
  const committer = new Committer({} as never, {} as never, 1, nothing, nothing, nothing)
  const why = fault('millrace/disk-failed', 'the disk is gone')
  committer.end(why)
  const told = (begin: (resolve: () => void, reject: (error: unknown) => void) => void) =>
    assert.rejects(new Promise<void>(begin), why)
  await assert.rejects(
    committer.alone(async () => {}),
    why,
  )
  await told((_, dropped) => committer.write({ dropped }))
  await told((resolve, reject) => committer.publish({ message: {} as never, resolve, reject }))
  await told((resolve, reject) => {
    const outcome = undefined
    committer.transact({ outgoing: [], withdrawn: [], run: nothing, outcome, resolve, reject })
  })
})
