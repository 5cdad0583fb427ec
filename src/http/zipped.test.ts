import assert from 'node:assert/strict'
import test from 'node:test'
import { gunzipSync } from 'node:zlib'
import { zipped } from './zipped.ts'

const long = { items: Array.from({ length: 100 }, (_, id) => ({ id, state: 'held' })), next: null }
const answer = (json: unknown) => ({ status: 200, headers: { 'cache-control': 'no-store' }, json })

test('a list is sent as gzip where that is accepted and it is larger than 1 KiB', async () => {
  for (const accepted of ['gzip', 'br, GZIP;q=0.5', '*', 'deflate, *;q=0.1']) {
    const { status, headers, json, body } = await zipped(answer(long), accepted)
    assert.deepEqual(headers, {
      'cache-control': 'no-store',
      vary: 'accept-encoding',
      'content-type': 'application/json',
      'content-encoding': 'gzip',
    })
    assert.deepEqual([status, json, JSON.parse(String(gunzipSync(body as Uint8Array)))], [200, undefined, long])
  }
  const headers = { 'cache-control': 'no-store', vary: 'accept-encoding' }
  for (const accepted of [null, '', 'br', 'gzip;q=0', '*, gzip;q=0.0', 'gzip;q=x']) {
    assert.deepEqual(await zipped(answer(long), accepted), { status: 200, headers, json: long })
  }
  const short = { items: ['x'.repeat(1_024 - 26)], next: null }
  assert.equal(JSON.stringify(short).length, 1_024)
  assert.deepEqual(await zipped(answer(short), 'gzip'), { status: 200, headers, json: short })
})
