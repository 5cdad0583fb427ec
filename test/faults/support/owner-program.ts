// Takes a file, publishes one message, says so, and stays. argv: file
import { app, event, sqlite, topic } from 'millrace'
import { z } from 'zod'

const [file = ''] = process.argv.slice(2)
const Asked = event('asked', { schema: z.object({ n: z.number().int() }), context: () => 'all' })
const owner = app({ name: 'asking', broker: sqlite({ file }), parts: [topic('questions', [Asked])] })
await owner.start()
await owner.publish(Asked, { n: 0 })
process.stdout.write('here\n')
setInterval(() => {}, 1_000)
