// The log of an app that the command runs, as JSON.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import test from 'node:test'
import { app, event, type Logger, processor, sqlite, topic } from 'millrace'
import { z } from 'zod'
import { place, started } from '../support.ts'
import { appFile, begin, folder, linesOf, millrace } from './support/millrace.ts'

test('start --log json writes each line of the log as an object with time and level', async (t) => {
  const place = folder(t)
  const file = join(place, 'mill.db')
  const mill = begin(t, ['start', appFile, '--db', file, '--log', 'json'])
  await mill.says('ready')
  const order = JSON.stringify({ orderId: 'a', fail: join(place, 'mended') })
  await millrace(['publish', '--db', file, 'order.placed', order, '--id', 'o-1'])
  await mill.says('holds a message')
  mill.process.kill('SIGTERM')
  const { err } = await mill.done
  const [failed, held] = linesOf(err).map((line) => JSON.parse(line) as Record<string, unknown>)
  const { time, nextInMs, ...rest } = failed!
  assert.match(String(time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  assert.equal(typeof nextInMs, 'number')
  assert.deepEqual(rest, {
    ...{
      level: 'warn',
      message: 'attempt 1 of processor "stock" failed',
      type: 'order.placed',
      id: 'o-1',
      context: 'a',
    },
    error: 'no stock',
  })
  assert.deepEqual([held!['level'], held!['message']], ['error', 'processor "stock" holds a message'])
})

test('start knows no other form of the log', async () => {
  const { status, err } = await millrace(['start', appFile, '--log', 'xml'])
  assert.equal(status, 2)
  assert.match(err, /--log <form>.*Allowed choices are json/)
})

test('a logger like that of pino gets the lines of the engine and of handlers, fields first', async (t) => {
  const Said = event('said', { schema: z.object({}) })
  const lines: string[] = []
  const line = (level: string) => (fields: Readonly<Record<string, unknown>>, said: string) =>
    void lines.push(`${level} ${said} ${fields['id']}`)
  const log: Logger = { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') }
  const hears = processor('hears', {
    on: topic('talk', [Said]),
    retry: { attempts: 1 },
    handle: {
      said: (_, { log }) => {
        log.info('heard')
        throw new Error('too loud')
      },
    },
  })
  const file = place(t)
  const one = await started(t, app({ name: 'talk', broker: sqlite({ file }), parts: [hears], log }))
  await one.publish(Said, {}, { id: 'a' })
  await one.idle()
  assert.deepEqual(lines, ['info heard a', 'error processor "hears" holds a message a'])
  await one.stop()
  const others: string[] = []
  await one.start({ log: (level, said) => void others.push(`${level} ${said}`) })
  await one.publish(Said, {}, { id: 'b' })
  await one.idle()
  assert.deepEqual([lines.length, others], [2, ['info heard', 'error processor "hears" holds a message']])
})
