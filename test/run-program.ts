// A program that is an app: it runs until a signal. Its first argument is the file, the second what it does.
import { app, event, processor, sqlite, topic } from 'millrace'
import { z } from 'zod'

const [file = '', way = ''] = process.argv.slice(2)
const Rang = event('rang', { schema: z.object({}) })
const Bells = topic('bells', [Rang])
const stopping = Promise.withResolvers<void>()
const ringer = processor('ringer', {
  on: Bells,
  handle: {
    rang: async () => {
      console.log('rings')
      if (way === 'rings until it stops') await stopping.promise
      if (way === 'rings forever') await new Promise(() => {})
      console.log('rang')
    },
  },
})
const tower = app({ name: 'tower', broker: sqlite({ file }), parts: [ringer], log: () => {} })
if (way === 'leaves a timer') setInterval(() => {}, 1_000)
const running = tower.run({
  graceMs: way === 'leaves a timer' ? 0 : 60_000,
  waitMs: way === 'waits for the file' ? 60_000 : 0,
  report: async (state) => {
    console.log(state)
    if (state === 'stopping') stopping.resolve()
    if (state !== 'running') return
    if (way.startsWith('rings')) await tower.publish(Rang, {})
    if (way === 'stops by itself') await tower.stop()
    if (way === 'looks at its health') {
      const looking = setInterval(() => {
        if (tower.health().status === 'green') return
        console.log('red')
        clearInterval(looking)
      }, 10)
    }
    if (way === 'report fails') throw new Error('no report')
  },
})
if (way === 'waits for the file') console.log('starting')
console.log('status', await running, process.exitCode)
