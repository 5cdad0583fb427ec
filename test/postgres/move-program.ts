// Moves a store, and stands still in the middle until it is killed: while it copies, or when the source is marked.
import { writeSync } from 'node:fs'
import type { Broker } from 'millrace'
import { brokerAt } from '../../src/cli/broker-at.ts'
import { move } from '../../src/operate/move.ts'

const [from = '', to = '', where = ''] = process.argv.slice(2)

function standStill(): never {
  writeSync(1, 'here\n')
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  throw new Error('nobody wakes it')
}

/** The same store, into which no move commits. */
function withoutCommit(broker: Broker): Broker {
  const moves = broker.moves!
  const enter = async () => Object.assign(Object.create(await moves.enter()), { commit: async () => standStill() })
  return { ...broker, moves: { ...moves, enter } }
}

const target = await brokerAt(to)
await move(await brokerAt(from), where === 'marked' ? withoutCommit(target) : target, (table) => {
  if (where === 'copying' && table === 'log') standStill()
})
