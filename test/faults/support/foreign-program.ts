// Fails by something that has nothing to do with Millrace, with an app that runs or without one.
// argv: file, or - for no app; what fails; who listens
import { app, event, processor, sqlite, topic } from 'millrace'
import { z } from 'zod'

const [file = '', fails = '', listens = ''] = process.argv.slice(2)
const Rang = event('rang', { schema: z.object({}) })
const bells = app({
  name: 'bells',
  broker: sqlite({ file }),
  parts: [processor('ringer', { on: topic('bells', [Rang]), handle: { rang: () => {} } })],
})
if (file !== '-') {
  await bells.start({ control: false })
  await bells.publish(Rang, {})
  await bells.idle()
}

const say = (who: string) => (what: unknown, origin: unknown) =>
  console.log(who, what instanceof Error ? what.message : String(what), typeof origin === 'string' ? origin : '')
if (listens !== 'nobody') process.on(listens, say(listens))
const reasons: Record<string, () => unknown> = {
  'an error': () => new Error('of another library'),
  'a string': () => 'of another library',
  undefined: () => undefined,
}
// In a turn of its own, so that its stack is the same with an app and without.
setImmediate(() => {
  const reason = reasons[fails.replace(/^(a rejection|an exception) with /, '')]!()
  if (fails.startsWith('a rejection')) Promise.reject(reason)
  else throw reason
})
await new Promise<void>((resolve) => setTimeout(resolve, 50))
console.log('alive', process.listenerCount('unhandledRejection'), process.listenerCount('uncaughtException'))
if (file !== '-') await bells.stop()
