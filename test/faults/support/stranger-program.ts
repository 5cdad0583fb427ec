// Starts an app as a user who owns nothing, and prints what comes of it. argv: file
import { app, event, sqlite, topic } from 'millrace'
import { z } from 'zod'

const [file = ''] = process.argv.slice(2)
/** Permissions do not bind root. */
const nobody = 65_534
const Asked = event('asked', { schema: z.object({}) })
const stranger = app({ name: 'stranger', broker: sqlite({ file }), parts: [topic('questions', [Asked])] })
if (process.getuid?.() === 0) {
  process.setgid?.(nobody)
  process.setuid?.(nobody)
}
const print = (what: unknown) => process.stdout.write(`${JSON.stringify(what)}\n`)
try {
  await stranger.start({ control: false, waitMs: 0 })
  print({ code: 'started' })
  await stranger.stop()
} catch (error) {
  const { code, message } = error as { code?: string; message: string }
  print({ code, message })
}
