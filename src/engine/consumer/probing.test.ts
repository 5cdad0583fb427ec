import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Probing } from './probing.ts'

const limits = { probeAfter: 3, probeFirstMs: 10, probeEveryMs: 40, probeMaxMs: 1_000 }

test('failures between attempts that ended well are none in a row, though no commit is known yet', () => {
  const probing = new Probing(limits)
  for (let n = 0; n < 10; n++) {
    assert.equal(probing.failed(`lane ${n}`, 0), undefined)
    assert.equal(probing.failed(`lane ${n}`, 0), undefined)
    probing.returned()
  }
  assert.equal(probing.active, false)
})

test('attempts that end well and whose commits fail are failures in a row', () => {
  const probing = new Probing(limits)
  const attempt = (lane: string) => {
    probing.returned()
    probing.takeBack()
    return probing.failed(lane, 0)
  }
  assert.deepEqual([attempt('a'), attempt('b'), attempt('c')], [undefined, undefined, 10])
  assert.equal(probing.succeeded({ elapsed: () => 0 }), true)
  assert.deepEqual([attempt('a'), attempt('b')], [undefined, undefined])
})
