// An app with one message whose handler leaves something behind that goes wrong. Prints what became of it.
// argv: file, way
import { app, event, processor, sqlite, topic } from 'millrace'
import { z } from 'zod'

const [file = '', way = ''] = process.argv.slice(2)
const Rang = event('rang', { schema: z.object({ n: z.number().int() }) })
const Bells = topic('bells', [Rang])

const aborted = (signal: AbortSignal) => new Promise((resolve) => signal.addEventListener('abort', resolve))
const soon = (fn: () => void) => void setTimeout(fn, 1)
const fail = () => {
  throw new Error('gone wrong')
}

const first: Record<string, (signal: AbortSignal) => unknown> = {
  'a promise that the running handler has forgotten rejects': (signal) => {
    Promise.reject(new Error('gone wrong'))
    return aborted(signal)
  },
  'a callback throws while the handler runs': (signal) => {
    setImmediate(fail)
    return aborted(signal)
  },
  'a callback throws after the handler has returned': () => soon(fail),
  'a promise rejects after the handler has returned': () => soon(() => void Promise.reject(new Error('gone wrong'))),
}

const ofCommit = 'a promise of the commit function rejects after the handler has returned'

/** What the listeners of the app itself are told: nothing of what has an owner. */
const heardOfLate: string[] = []
for (const event of ['unhandledRejection', 'uncaughtException', 'uncaughtExceptionMonitor']) {
  if (!way.endsWith('of nobody')) process.on(event, () => heardOfLate.push(event))
}

let attempts = 0
let logged: () => void = () => {}
let said = false
const heard = new Promise<void>((resolve) => {
  logged = resolve
})
const ringer = processor('ringer', {
  on: Bells,
  retry: { attempts: 2, firstDelayMs: 1 },
  handle: {
    rang: async ({ data: { n } }, { commit, signal }) => {
      if (++attempts === 1) await first[way]?.(signal)
      return commit((tx) => {
        if (way === ofCommit) Promise.reject(new Error('gone wrong'))
        return tx.query`insert into rung values (${n})`
      })
    },
  },
})
const bells = app({
  name: 'bells',
  broker: sqlite({ file }),
  log: (_, text) => {
    if (!text.includes('after its attempt had ended')) return
    said = true
    logged()
  },
  setup: (tx) => tx.query`create table rung (n int unique)`,
  parts: [ringer],
})

await bells.start()
if (way === 'a rejection of nobody') Promise.reject(new Error('of nobody'))
if (way === 'an exception of nobody') {
  soon(() => {
    throw new Error('of nobody')
  })
}
await bells.publish(Rang, { n: 0 })
await bells.idle()
if (way.endsWith('has returned')) await heard
if (way.endsWith('of nobody')) await new Promise(() => {})
const rung = await bells.read`select n from rung`
const { held } = await bells.desk.counts()
await bells.stop()
process.stdout.write(JSON.stringify({ attempts, said, rung, held, heard: heardOfLate }))
