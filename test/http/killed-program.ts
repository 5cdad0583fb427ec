// The app of the tests of the edge as a program: it says where it is served.
import { shopOn } from './shop.ts'

const shop = shopOn({ file: process.argv[2]! })
await shop.start()
const { url } = await shop.serve({ port: 0, access: { open: true } })
console.log(url)
