import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { calendarOf } from './cron.ts'

const crons = ['15,45 2 * * *', '30 2 * * *', '0 2,3 * * *', '0 * * * *', '*/30 2 * * *', '0 0 1 * *', '30 1-3 * * 0']
const zones = ['UTC', 'Europe/Zurich', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu']
const from = Date.UTC(2020, 0, 1)
const to = Date.UTC(2030, 0, 1)

test('forwards and backwards a calendar has the same slots, also where the clocks change', () => {
  const place = fc.tuple(fc.constantFrom(...crons), fc.constantFrom(...zones), fc.integer({ min: from, max: to }))
  fc.assert(
    fc.property(place, ([cron, zone, ms]) => {
      const { after, upTo } = calendarOf('test', cron, zone)
      const slots = [after(ms)!]
      while (slots.length < 5) slots.push(after(slots.at(-1)!)!)
      for (const [n, slot] of slots.entries()) {
        assert.equal(upTo(slot), slot)
        if (n > 0) assert.equal(upTo(slot - 1), slots[n - 1])
      }
      assert(upTo(ms)! <= ms && slots[0]! > ms)
    }),
  )
})

test('a calendar gives the same result at any setting of the clock', () => {
  const slots = () => {
    const { after, upTo } = calendarOf('test', '*/10 * * * * *', 'Europe/Zurich')
    return [after(from), upTo(from), calendarOf('test', '@daily', 'UTC').after(from)]
  }
  const expected = slots()
  const RealDate = Date
  const clockAt = (ms: number) =>
    new Proxy(RealDate, {
      construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [ms] : args, newTarget),
      get: (target, name) => (name === 'now' ? () => ms : Reflect.get(target, name)),
    })
  try {
    for (const ms of [0, from, to, Date.UTC(2100, 0, 1)]) {
      globalThis.Date = clockAt(ms)
      assert.deepEqual(slots(), expected)
    }
  } finally {
    globalThis.Date = RealDate
  }
})
