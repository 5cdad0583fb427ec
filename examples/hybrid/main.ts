// Runs the web application: `node examples/hybrid/main.ts express`, or `hono`; a port may follow.
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import shop from './app.ts'
import { withExpress } from './express.ts'
import { withHono } from './hono.ts'

const [name = 'express', port = '3000'] = process.argv.slice(2)
const make = { express: withExpress, hono: withHono }[name]
if (make === undefined || !/^\d{1,5}$/.test(port)) {
  console.error('usage: node main.ts [express | hono] [PORT]')
  process.exit(2)
}
const server = make(shop)
process.exitCode = await shop.run({
  report: async (state) => {
    if (state === 'stopping') {
      server.close()
      server.closeIdleConnections()
    }
    if (state !== 'running') return
    server.listen(Number(port), '127.0.0.1')
    await once(server, 'listening')
    console.log(`listening at http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  },
})
server.closeAllConnections()
