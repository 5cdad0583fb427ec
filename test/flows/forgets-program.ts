// A mediator that forgets to wait for calls that are refused. Prints what was logged, and the state of its flow.
// argv: file
import { app, sqlite } from 'millrace'
import { conductor, Do, Orders, Paid, Placed, setup, worker } from './support.ts'

const lines: string[] = []
const forgets = conductor(async (data, flow) => {
  void flow.call('a', Do, { ...data, step: 'a' })
  void flow.call('b', Do, { ...data, step: 'b' }).then((reply) => reply.done)
  await flow.wait('paid', Paid)
})
const running = app({
  name: 'warehouse',
  broker: sqlite({ file: process.argv[2] ?? '' }),
  log: (level, text) => void lines.push(`${level}: ${text}`),
  setup,
  parts: [Orders, worker({ a: 'refuse', b: 'refuse' }), forgets],
})
await running.start()
await running.publish(Placed, { order: 'o-1' })
// The flow has got both refusals, and waits.
await running.idle()
await running.publish(Paid, { order: 'o-1' })
await running.idle()
const state = (await running.flows.show(1))?.state
await running.stop()
process.stdout.write(JSON.stringify({ lines, state }))
