// Runs the commands that its parent sends, one after the other, each as a process of its own would: with its standard input,
// its folder and its app files loaded anew. Most of the time of a command goes into the start of its process.
import { registerHooks } from 'node:module'
import { Readable } from 'node:stream'
import { main } from '../../../src/cli/main.ts'
import type { Done } from './millrace.ts'

/** A command, as the parent sends it. */
export interface Asked {
  readonly args: readonly string[]
  readonly input: string | Buffer
  readonly cwd: string
}

const loader = new URL('../../../src/cli/load.ts', import.meta.url).href
let command = 0

registerHooks({
  resolve: (specifier, context, next) => {
    if (context.parentURL === loader && specifier.startsWith('file:')) {
      return { url: `${specifier}?command=${command}`, format: 'module-typescript', shortCircuit: true }
    }
    try {
      return next(specifier, context)
    } catch (error) {
      // An app file elsewhere imports 'millrace': here that is src, as with the command itself.
      const isOurs = /^millrace(\/|$)/.test(specifier) && (error as { code?: unknown }).code === 'ERR_MODULE_NOT_FOUND'
      if (!isOurs) throw error
      return next(specifier, { ...context, parentURL: import.meta.url })
    }
  },
})

async function run({ args, input, cwd }: Asked): Promise<Done> {
  command++
  process.chdir(cwd)
  Object.defineProperty(process, 'stdin', {
    value: Readable.from(input.length === 0 ? [] : [input]),
    configurable: true,
  })
  const said = { out: '', err: '' }
  const into = (where: 'out' | 'err') => (text: string | Uint8Array) => {
    said[where] += text
    return true
  }
  process.stdout.write = into('out')
  process.stderr.write = into('err')
  const status = await main(args)
  return { status, ...said }
}

let last: Promise<unknown> = Promise.resolve()
process.on('message', (asked: Asked) => {
  last = last.then(() => run(asked)).then((done) => process.send!(done))
})
process.on('disconnect', () => process.exit())
