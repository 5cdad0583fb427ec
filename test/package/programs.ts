// Programs of users, which the tests of the package run and type-check.

/** Everything that the package exports. */
export const everything = `
export * from 'millrace'
export * as adapter from 'millrace/adapter'
export * as testing from 'millrace/testing'
`

/** Prints how much is handled and the health; with "dies" it then ends without a clean stop. */
export const bundled = `
import { app, event, processor, sqlite, topic } from 'millrace'
import { z } from 'zod'

const Rang = event('rang', { schema: z.object({}) })
let handled = 0
const ringer = processor('ringer', { on: topic('bells', [Rang]), handle: { rang: () => void handled++ } })
const bells = app({ name: 'bells', broker: sqlite({ file: 'bells.db' }), parts: [ringer] })
const run = async () => {
  await bells.start({ watchdog: true })
  await bells.publish(Rang, {})
  await bells.idle()
  while (bells.health().status === 'red') await new Promise((resolve) => setTimeout(resolve, 5))
  const { items } = await bells.messages.list({ limit: 1 })
  process.stdout.write(\`handled \${handled} \${items[0]?.type} \${bells.health().status}\\n\`, () => {
    if (process.argv[2] === 'dies') process.kill(process.pid, 'SIGKILL')
    void bells.stop()
  })
}
run().catch((error) => console.log(error.code, error.message, error.help))
`

/** Rows in a file, with every thread that the library starts, and errors that are recognised by their code. */
export const threads = `
import { app, event, isMillraceError, processor, sqlite, topic } from 'millrace'
import { z } from 'zod'

const Paid = event('paid', { schema: z.object({ cents: z.number() }), context: () => 'one' })
const Payments = topic('payments', [Paid])
const ledger = processor('ledger', {
  on: Payments,
  handle: { paid: ({ data }, { commit }) => commit((tx) => tx.query\`insert into ledger values (\${data.cents})\`) },
})
const bank = app({
  name: 'bank',
  broker: sqlite({ file: './bank.db' }),
  setup: (tx) => tx.query\`create table if not exists ledger (cents integer)\`,
  parts: [ledger],
})
await bank.start({ watchdog: true })
await bank.publish(Paid, { cents: 1 }, { id: 'first' })
const { duplicate } = await bank.publish(Paid, { cents: 1 }, { id: 'first' })
await bank.publish(Paid, { cents: 2 })
const wrong = await bank.publish(Paid, { cents: 'three' } as never).catch((error: unknown) => error)
await bank.idle()
const rows = await bank.read<{ cents: number }>\`select cents from ledger order by cents\`
console.log(JSON.stringify(rows), bank.health().status, duplicate, isMillraceError(wrong) ? wrong.code : wrong)
await bank.stop()
`

/** Options whose value may be undefined, as callers have them that pass on what they were given. */
export const passedOn = `
import { type App, app, type Broker, type Event, event, type Processor, processor, sqlite, topic } from 'millrace'
import { z } from 'zod'

const Paid = event('paid', { schema: z.object({ n: z.number() }), context: undefined, version: undefined })
const Payments = topic('payments', [Paid], { retired: undefined })
export const part = (timeoutMs: number | undefined): Processor =>
  processor('p', { on: Payments, handle: {}, timeoutMs, retry: { attempts: undefined }, startAt: undefined })
export const made = (broker: Broker, log: undefined) => app({ name: 'a', broker, parts: [Payments], log, setup: undefined })
export const file = (lockedMs: number | undefined) => sqlite({ file: 'a.db', lockedMs })
export const publish = async (bank: App, type: Event<'e', { n: number }>, id: string | undefined) => {
  await bank.publish(type, { n: 1 }, { id, at: undefined })
  await bank.start({ only: undefined, waitMs: undefined })
  return bank.desk.list({ processor: id, limit: undefined })
}
`

/** A message that cannot be stored. */
export const wrong = `
import { event } from 'millrace'
import { z } from 'zod'
event('wrong', { schema: z.object({ at: z.date() }) })
`
