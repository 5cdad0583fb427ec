import assert from 'node:assert/strict'
import test from 'node:test'
import { Chain } from './chain.ts'

/** Groups that take a time, each so long after the one before, and whether others wait at its end. */
function chained(groups: readonly { readonly gap: number; readonly others?: boolean }[]): boolean[] {
  const chain = new Chain()
  let now = 0
  return groups.map(({ gap, others = false }) => {
    now += gap
    const is = chain.begins(now)
    now += 0.3
    chain.ends(now, others ? 'others wait' : 'nothing waits')
    return is
  })
}

const times = <T>(count: number, of: readonly T[]) => Array.from({ length: count }, () => of).flat()

test('groups that follow from each other at once are a chain after a few, and none once that stops', () => {
  const flow = times(10, [{ gap: 0.1 }])
  assert.deepEqual(chained([...flow, { gap: 5 }, { gap: 5 }, { gap: 5 }]), [
    ...[false, false, false, false],
    ...times(6, [true]),
    ...[true, true, false],
  ])
})

test('the messages that a group begins as they arrive follow from it; a waiting one does not', () => {
  const chain = new Chain()
  const chained = Array.from({ length: 6 }, (_, group) => {
    const is = chain.begins(group)
    chain.arrives('nothing waits')
    chain.arrives('others wait')
    chain.ends(group + 0.9, 'others wait')
    return is
  })
  assert.deepEqual(chained, [false, false, false, false, true, true])
  chain.arrives('others wait')
  chain.ends(6.9, 'nothing waits')
  assert(!chain.begins(7))
})

test('one step in four that begins anew does not break a chain', () => {
  assert(
    chained(times(10, [{ gap: 0.1, others: true }, ...times(3, [{ gap: 0.1 }])]))
      .slice(28)
      .every(Boolean),
  )
})

test('events from outside are no chain, each by itself, or many that wait while one is written', () => {
  assert(!chained(times(50, [{ gap: 2 }, { gap: 0.1 }])).some(Boolean))
  assert(!chained(times(50, [{ gap: 0.05, others: true }])).some(Boolean))
  assert(!chained(times(50, [{ gap: 0.05, others: true }, { gap: 0.05 }])).some(Boolean))
})
