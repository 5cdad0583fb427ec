// A connection that breaks at a commit: nothing is lost, and nothing is there twice.
import assert from 'node:assert/strict'
import test from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { needsServer, testDatabase } from '../support/postgres.ts'
import { tcpProxy } from '../support/tcp-proxy.ts'
import { Ordered, shopOn, takenOf, upTo } from './support.ts'

for (const lost of ['answer', 'commit'] as const) {
  test(`where the ${lost} of a commit is lost, each order is taken once, in order`, needsServer, async () => {
    await using database = await testDatabase()
    await using proxy = await tcpProxy(database.url)
    const shop = shopOn(proxy.url)
    await shop.start({ control: false })
    for (let n = 0; n < 8; n++) {
      if (n % 2 === 1) proxy.lose(lost)
      // Its id says whether it was kept: publishing again adds nothing.
      for (let accepted = false; !accepted; ) {
        await turn()
        accepted = await shop.publish(Ordered, { id: 'o-1', n }, { id: `order-${n}` }).then(
          () => true,
          (error: { retryable?: boolean }) => {
            assert.equal(error.retryable, true, String(error))
            return false
          },
        )
      }
    }
    await shop.idle()
    assert.deepEqual(await takenOf(shop, 'o-1'), upTo(8))
    await shop.stop()
  })
}
