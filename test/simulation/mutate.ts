// Loaded before everything else of a process: puts one mutation into the source of the engine as it is read.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { registerHooks, stripTypeScriptTypes } from 'node:module'
import { fileURLToPath } from 'node:url'
import { mutations } from './mutations.ts'

const edits = mutations[process.env['MILLRACE_MUTATION'] ?? '']
assert(edits !== undefined, 'MILLRACE_MUTATION names no mutation')
const src = new URL('../../src/', import.meta.url).href

registerHooks({
  load(url, context, next) {
    const mine = edits.filter(({ file }) => url === src + file)
    if (mine.length === 0) return next(url, context)
    let source = readFileSync(fileURLToPath(url), 'utf8')
    for (const { from, to, file } of mine) {
      assert.equal(source.split(from).length, 2, `the text to mutate is in src/${file} exactly once: ${from}`)
      source = source.replace(from, () => to)
    }
    return { format: 'module', source: stripTypeScriptTypes(source), shortCircuit: true }
  },
})
