import { app, channel, command, event, mediator, processor, sqlite, topic } from 'millrace'
import { z } from 'zod'

const Begun = event('flow.begun', { schema: z.object({ id: z.string() }), context: ({ id }) => id })
const Begins = topic('begins', [Begun])
const Step = command('step', {
  schema: z.object({ id: z.string(), step: z.number().int() }),
  reply: z.object({ step: z.number().int() }),
  context: ({ id }) => id,
})
const Steps = channel('steps', [Step])
let t0 = 0
let log: string[] = []
const say = (x: string) => log.push(`${x} ${(performance.now() - t0).toFixed(2)}`)
const worker = processor('worker', {
  on: Steps,
  handle: {
    step: ({ data: { step } }) => {
      say(`handle ${step}`)
      return { step }
    },
  },
})
let done = () => {}
const m = mediator('c', {
  on: Begins,
  startedBy: Begun,
  sends: [Step],
  run: async ({ data: { id } }, flow) => {
    say('begin')
    for (let step = 0; step < 3; step++) {
      await flow.call(`step ${step}`, Step, { id, step })
      say(`reply ${step}`)
    }
    done()
  },
})
const a = app({ name: 'x', broker: sqlite({ file: `/tmp/seq-${process.pid}.db` }), parts: [Begins, Steps, worker, m] })
await a.start()
for (let i = 0; i < 200; i++) {
  const p = new Promise<void>((r) => {
    done = r
  })
  t0 = performance.now()
  log = []
  await a.publish(Begun, { id: `f${i}` })
  say('published')
  await p
  if (i % 50 === 49) console.log(log.join(', '))
}
await a.stop()
