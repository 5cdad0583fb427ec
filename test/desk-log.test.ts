// What operators are told of messages that fail for good.
import assert from 'node:assert/strict'
import test from 'node:test'
import { app, desk, event, hold, processor, Refused, resubmit, sqlite, topic } from 'millrace'
import { z } from 'zod'
import { place } from './support.ts'

test('a failure that the rule of a desk repairs is no error in the log; one left to a person is, with its code', async (t) => {
  const Counted = event('counted', { schema: z.object({ n: z.number() }) })
  const Counts = topic('counts', [Counted])
  const errors: unknown[] = []
  const counter = processor('counter', {
    on: Counts,
    handle: {
      counted: ({ data: { n } }) => {
        if (n < 1) throw new Refused('too small')
      },
    },
  })
  const mend = desk('mend', {
    on: Counts,
    decide: { counted: ({ message: { data } }) => (data.n === 0 ? resubmit({ n: 1 }, 'no zero') : hold('no idea')) },
  })
  const counts = app({
    name: 'counts',
    broker: sqlite({ file: place(t) }),
    parts: [Counts, counter, mend],
    log: (level, text, fields) => {
      if (level !== 'info') errors.push([level, text, fields])
    },
  })
  await counts.start({ control: false })
  t.after(() => counts.stop())
  await counts.publish(Counted, { n: 0 })
  await counts.idle()
  assert.deepEqual(errors, [])
  const { id } = await counts.publish(Counted, { n: -1 })
  await counts.idle()
  assert.deepEqual(errors, [
    [
      'error',
      'processor "counter" holds a message',
      { type: 'counted', id, context: null, attempts: 1, code: 'refused', error: 'too small' },
    ],
  ])
})
