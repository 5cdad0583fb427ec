// The chain in a process of its own, which publishes in a lane of its name until it is told to finish.
// It says `started`, `accepted N`, `refused CODE`, `finished`. node fault-program.ts URL NAME LEASE_MS
import { setTimeout as delay } from 'node:timers/promises'
import { Ordered } from './support.ts'
import { againMs, chainOn } from './support-faults.ts'

const [url, who, leaseMs] = process.argv.slice(2) as [string, string, string]
const say = (line: string) => void process.stdout.write(`${line}\n`)
const shop = chainOn(url, { who, leaseMs: Number(leaseMs) })
let isOver = false
process.stdin.once('data', () => {
  isOver = true
})
await shop.start({ control: false, waitMs: 600_000 })
say('started')
let refused = ''
for (let n = 0; !isOver; ) {
  try {
    await shop.publish(Ordered, { id: who, n }, { id: `${who}-${n}` })
    say(`accepted ${n}`)
    n++
  } catch (error) {
    const { code } = error as { code: string }
    if (code !== refused) say(`refused ${code}`)
    refused = code
    await delay(againMs)
  }
}
await shop.idle()
await shop.stop()
say('finished')
process.exit()
