// An app that publishes, handles and says how that went; it dies as by kill -9, or stops. argv: file, dies | stops
import { app, event, isMillraceError, processor, sqlite, topic } from 'millrace'
import { z } from 'zod'

const [file = '', ends = ''] = process.argv.slice(2)
const Rang = event('rang', { schema: z.object({}) })
let handled = 0
const bells = app({
  name: 'bells',
  broker: sqlite({ file }),
  parts: [processor('ringer', { on: topic('bells', [Rang]), handle: { rang: () => void handled++ } })],
})
const told: unknown[] = []
try {
  await bells.start({ watchdog: true })
  for (let n = 0; n < 3; n++) await bells.publish(Rang, {})
  await bells.idle()
  // After an unclean stop the file is looked at for damage first.
  while (bells.health().status === 'red') await new Promise((resolve) => setTimeout(resolve, 5))
  told.push(handled, bells.health().status)
} catch (error) {
  told.push(isMillraceError(error) ? { code: error.code, retryable: error.retryable, help: error.help } : String(error))
}
process.stdout.write(`${JSON.stringify(told)}\n`, async () => {
  if (ends === 'dies') process.kill(process.pid, 'SIGKILL')
  await bells.stop()
  // Under --watch the process stays until it is told to end.
  if (ends === 'stays') setInterval(() => {}, 1_000)
})
