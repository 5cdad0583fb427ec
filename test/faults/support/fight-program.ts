// Takes a file that others want too, publishes one message and lets go. argv: file, n
import { mkdirSync, rmdirSync } from 'node:fs'
import { app, event, sqlite, topic } from 'millrace'
import { z } from 'zod'

const [file = '', n = '0'] = process.argv.slice(2)
const Asked = event('asked', { schema: z.object({ n: z.number().int() }), context: () => 'all' })
const fighter = app({ name: 'fighter', broker: sqlite({ file }), parts: [topic('questions', [Asked])] })
await fighter.start({ control: false, waitMs: 60_000 })
// There is one of these, and whoever is alone inside can make it.
mkdirSync(`${file}-inside`)
await fighter.publish(Asked, { n: Number(n) })
rmdirSync(`${file}-inside`)
await fighter.stop()
