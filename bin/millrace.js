#!/usr/bin/env node
// The command `millrace`. In the repository it runs the source, in a published package dist/.
import { existsSync } from 'node:fs'

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 24 || (major === 24 && minor < 15)) {
  console.error(`millrace needs Node.js 24.15 or later, this is ${process.versions.node} (${process.execPath})`)
  process.exit(1)
}
const source = new URL('../src/cli/main.ts', import.meta.url)
const published = source.pathname.includes('/node_modules/') || !existsSync(source)
if (!published) {
  // Application files import 'millrace': here that is src/, as with --conditions=millrace-source.
  const { registerHooks } = await import('node:module')
  registerHooks({
    resolve: (specifier, context, next) =>
      next(specifier, { ...context, conditions: [...context.conditions, 'millrace-source'] }),
  })
}
const { main } = await import(published ? '../dist/cli/main.js' : source.href)
process.exitCode = await main(process.argv.slice(2))
