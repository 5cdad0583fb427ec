// An app in a process whose event loop is blocked, by a handler or by something else. argv: file, way
import { spawnSync } from 'node:child_process'
import { app, event, processor, sqlite, topic } from 'millrace'
import { z } from 'zod'

const [file = '', way = ''] = process.argv.slice(2)
const Rang = event('rang', { schema: z.object({}) })
const Bells = topic('bells', [Rang])

function countForever(): never {
  for (;;);
}

async function ringSlowly(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
  countForever()
}

const ringer = processor('ringer', {
  on: Bells,
  handle: {
    rang: (_, { commit }) => {
      if (way === 'a handler') countForever()
      if (way === 'a handler that goes on') return ringSlowly()
      if (way === 'a commit function') return commit(() => countForever())
      return undefined
    },
  },
})
const bells = app({ name: 'bells', broker: sqlite({ file }), blockedMs: 200, log: () => {}, parts: [ringer] })
await bells.start({ watchdog: true, control: false })
if (way === 'no handler')
  setImmediate(function reportOfTheMonth() {
    countForever()
  })
else if (way === 'a call into the system') spawnSync('sleep', ['60'])
else await bells.publish(Rang, {})
await new Promise(() => {})
