import { join } from 'node:path'
import { app, sqlite } from 'millrace'
import type { Served } from './deploy.ts'
import { closedLoop } from './measure.ts'
import { order } from './message.ts'
import { contextsUsual, OrderPlaced, Orders, observer } from './millrace.ts'

const waitMs = 30_000
const inFlight = 100

const tell = (what: Served) => process.send?.(what)
const now = () => performance.timeOrigin + performance.now()

process.on('disconnect', () => process.exit(1))

const shop = app({
  name: 'bench',
  log: () => {},
  broker: sqlite({ file: join(process.argv[2] ?? '', 'millrace.db') }),
  parts: [Orders, observer('p0')],
})
tell({ is: 'starting' })
await shop.start({ waitMs })

let [serves, sequence, lastMs] = [true, 0, 0]
process.once('SIGTERM', async () => {
  serves = false
  await shop.stop()
  tell({ is: 'stopped', lastMs })
})
const publish = async () => {
  await shop.publish(OrderPlaced, order(sequence++, contextsUsual))
  const isFirst = lastMs === 0
  lastMs = now()
  if (isFirst) tell({ is: 'serving', firstMs: lastMs })
}
// What the stop no longer takes is not acknowledged.
await closedLoop(
  inFlight,
  () => serves,
  () => publish().catch(() => {}),
)
