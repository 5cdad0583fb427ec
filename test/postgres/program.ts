// The shop in a process of its own: publishes one order after the other, and says the number of each that was accepted.
import { Ordered, shopOn } from './support.ts'

const shop = shopOn(process.argv[2]!)
await shop.start({ control: false })
for (let n = 0; ; n++) {
  await shop.publish(Ordered, { id: 'o-1', n })
  process.stdout.write(`${n}\n`)
}
