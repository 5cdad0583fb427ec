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
  // Application files import 'millrace': here that is src/, as with --conditions=millrace-source, wherever they are.
  const { registerHooks } = await import('node:module')
  const ours = new URL('../src/', import.meta.url).href
  registerHooks({
    resolve: (specifier, context, next) => {
      // A file of ours is where its import says: what Node.js looks at to find that out is a third of a start.
      if (specifier[0] === '.' && specifier.endsWith('.ts') && context.parentURL?.startsWith(ours)) {
        return { url: new URL(specifier, context.parentURL).href, format: 'module-typescript', shortCircuit: true }
      }
      const conditions = [...context.conditions, 'millrace-source']
      try {
        return next(specifier, { ...context, conditions })
      } catch (error) {
        if (error.code !== 'ERR_MODULE_NOT_FOUND' || !/^millrace(\/|$)/.test(specifier)) throw error
        return next(specifier, { ...context, conditions, parentURL: import.meta.url })
      }
    },
  })
}
const { main } = await import(published ? '../dist/cli/main.js' : source.href)
const status = await main(process.argv.slice(2))
// An app file may keep timers and connections of its own: a command is over all the same, once what it said is out.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', () => {})
  if (stream.writable) await new Promise((resolve) => stream.write('', resolve))
}
process.exit(status)
