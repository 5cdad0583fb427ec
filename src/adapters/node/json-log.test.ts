import assert from 'node:assert/strict'
import test from 'node:test'
import { coded } from '../../../test/support.ts'
import { AppLog, checkLog } from './app-log.ts'
import { jsonLine } from './json-log.ts'

const time = new Date('2026-01-02T03:04:05.678Z')
const begins = '{"time":"2026-01-02T03:04:05.678Z","level":"warn","message":'

test('a line of the log is one object, with its time, its level and its fields', () => {
  assert.equal(jsonLine(time, 'warn', 'no "stock"'), `${begins}"no \\"stock\\""}`)
  const fields = { id: 'a', n: 7n, none: undefined, of: [1], level: 'deep', time: 3, error: new RangeError('far') }
  const { error, ...rest } = JSON.parse(jsonLine(time, 'warn', 'two\nlines', fields)) as { error: { code: string } }
  assert.deepEqual(rest, {
    ...{ time: time.toISOString(), level: 'warn', message: 'two\nlines' },
    ...{ id: 'a', n: '7', of: [1], level_: 'deep', time_: 3 },
  })
  assert.equal(error.code, 'RangeError')
})

test('a field that is no JSON, or too large, is text for people, and never ends the line', () => {
  const circle: Record<string, unknown> = {}
  circle['it'] = circle
  const throws = {
    get it() {
      throw new Error('not now')
    },
  }
  const line = jsonLine(time, 'warn', 'x', { circle, throws, large: 'y'.repeat(10_000), fn: () => {} })
  const { circle: shown, throws: thrown, large, fn } = JSON.parse(line) as Record<string, string>
  assert.match(shown!, /circle|\[/)
  assert.match(thrown!, /not now/)
  assert(large!.length <= 4_000)
  assert.equal(fn, undefined)
  assert(!line.includes('\n'))
})

test('a logger is called as that of pino, with itself as this; a start may have another log', () => {
  const lines: unknown[] = []
  class Fake {
    readonly name = 'fake'
    debug() {}
    info(fields: object, text: string) {
      lines.push([this.name, 'info', fields, text])
    }
    warn(fields: object, text: string) {
      lines.push([this.name, 'warn', fields, text])
    }
    error() {}
  }
  checkLog('here', new Fake())
  checkLog('here', console)
  const log = new AppLog(new Fake())
  log.line('info', 'begins')
  log.use((level, text) => void lines.push([level, text]))
  log.line('warn', 'other', { n: 1 })
  log.use(undefined)
  log.line('warn', 'again', { n: 1 })
  assert.deepEqual(lines, [
    ['fake', 'info', {}, 'begins'],
    ['warn', 'other'],
    ['fake', 'warn', { n: 1 }, 'again'],
  ])
})

test('a value that is no log is refused, with the methods that it lacks', () => {
  for (const log of [null, 7, 'json', {}]) assert.throws(() => checkLog('app "a"', log), coded('millrace/bad-option'))
  const says = /^app "a": log must be a function, or an object with .*; it lacks debug, warn$/
  assert.throws(() => checkLog('app "a"', { info() {}, error() {} }), coded('millrace/bad-option', says))
})
