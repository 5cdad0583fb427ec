import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import test from 'node:test'
import { nodeWorld } from './world.ts'

const uuid7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const timeOf = (id: string) => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
const silent = () => {}

test('ids are UUIDs of version 7 with the time in them, each after the one before, none twice', () => {
  const { newId, now } = nodeWorld(silent)
  const before = now()
  const ids = Array.from({ length: 50_000 }, newId)
  const after = now()
  for (const id of ids) assert.match(id, uuid7)
  assert.deepEqual(ids, ids.toSorted())
  assert.equal(new Set(ids).size, ids.length)
  assert(timeOf(ids[0]!) >= before)
  // More than 4,096 in a millisecond borrow from the next ones.
  assert(timeOf(ids.at(-1)!) <= after + 50_000 / 4_096)
})

test('ids rise also while the clock stands, goes back and jumps forward', (t) => {
  let ms = 1_700_000_000_000
  t.mock.method(Date, 'now', () => ms)
  const { newId } = nodeWorld(silent)
  const ids: string[] = []
  for (const step of [0, 0, -1, -86_400_000, 1, 10, -5, 172_800_000, 0]) {
    ms += step
    for (let n = 0; n < 5_000; n++) ids.push(newId())
  }
  assert.deepEqual(ids, ids.toSorted())
  assert.equal(new Set(ids).size, ids.length)
  for (const id of ids) assert.match(id, uuid7)
  assert.equal(timeOf(ids[0]!), 1_700_000_000_000)
  assert(timeOf(ids.at(-1)!) >= ms)
})

test('from one millisecond to the next all 62 random bits change, each every other time', (t) => {
  let ms = 1_700_000_000_000
  t.mock.method(Date, 'now', () => ms++)
  const { newId } = nodeWorld(silent)
  const ones = new Array<number>(64).fill(0)
  const count = 4_000
  for (let n = 0; n < count; n++) {
    const bits = BigInt(`0x${newId().slice(19).replace('-', '')}`)
    for (let bit = 0; bit < 64; bit++) ones[bit]! += Number((bits >> BigInt(bit)) & 1n)
  }
  assert.deepEqual([ones[63], ones[62]], [count, 0])
  for (const one of ones.slice(0, 62)) assert(Math.abs(one - count / 2) < 300, `${one} of ${count}`)
})

test('a timer fires once after its time, unless it is cancelled', async () => {
  const world = nodeWorld(silent)
  const fired: string[] = []
  const begun = world.elapsed()
  await new Promise<void>((resolve) => {
    world.after(5, () => fired.push('cancelled')).cancel()
    world.after(1, () => fired.push('first'))
    world.after(20, resolve)
    // The timers do not keep the process alive by themselves, this does.
    setTimeout(() => {}, 200)
  })
  assert.deepEqual(fired, ['first'])
  assert(world.elapsed() - begun >= 19)
})

test('a wait of months is not over at once, and can be cancelled in the middle', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const world = nodeWorld(silent)
  const day = 86_400_000
  const fired: string[] = []
  world.after(90 * day, () => fired.push('first'))
  const second = world.after(90 * day, () => fired.push('second'))
  // By the hour: a timer that is made within a tick begins at its end.
  const pass = (days: number) => {
    for (let hour = 0; hour < days * 24; hour++) t.mock.timers.tick(day / 24)
  }
  pass(60)
  second.cancel()
  pass(29)
  assert.deepEqual(fired, [])
  pass(2)
  assert.deepEqual(fired, ['first'])
})

test('soon comes after what is ready now', async () => {
  const world = nodeWorld(silent)
  const order: string[] = []
  await new Promise<void>((resolve) => {
    world.soon(() => {
      order.push('soon')
      resolve()
    })
    Promise.resolve().then(() => order.push('promise'))
    order.push('now')
  })
  assert.deepEqual(order, ['now', 'promise', 'soon'])
})

test('a timer that waits does not keep the process alive', () => {
  const program = `
    const { nodeWorld } = await import(${JSON.stringify(new URL('./world.ts', import.meta.url).href)})
    nodeWorld(() => {}).after(60_000, () => {})`
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    timeout: 30_000,
  })
  assert.equal(stderr, '')
  assert.equal(status, 0)
})
