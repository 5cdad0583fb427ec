import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import * as millrace from 'millrace'
import * as adapter from 'millrace/adapter'
import * as http from 'millrace/http'
import * as testing from 'millrace/testing'
import { apiPages } from '../tools/api.ts'
import { statementsOf } from '../tools/declarations.ts'

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')

test('the pages of docs/api are as node tools/docs.ts writes them', () => {
  for (const [path, text] of Object.entries(apiPages())) {
    assert(read(path) === text, `${path} is not current: run node --conditions=millrace-source tools/docs.ts`)
  }
})

for (const [path, exports] of Object.entries({ millrace, adapter, http, testing })) {
  test(`docs/api/${path}.md has each export, described there or linked`, () => {
    const page = read(`docs/api/${path}.md`)
    const described = [...page.matchAll(/^### (?:function|const|class) (\w+)$/gm)].map(([, name]) => name!)
    const linked = [...page.matchAll(/^\[`(\w+)`\]\(millrace\.md#/gm)].map(([, name]) => name!)
    const missing = Object.keys(exports).filter((name) => !described.includes(name) && !linked.includes(name))
    assert.deepEqual(missing, [])
  })
}

test('a page has the members that a type gets from types of no page', () => {
  const page = read('docs/api/millrace.md')
  const entry = (name: string) => page.split(/^### /m).find((text) => text.startsWith(`interface ${name}\n`))!
  assert.match(entry('AppOptions'), /^- `messageBytesMax\?: number`: Size of the data of one message/m)
  assert.match(entry('ProcessorOptions'), /^- `probeAfter\?: number`: Failed attempts in a row/m)
  assert.match(entry('EventOptions'), /^- `schema: /m)
  assert.match(entry('Failure'), /^- `attempts: number`/m)
  assert.match(entry('App'), /^- all of \[`Publishing`\]\(#interface-publishing\)$/m)
})

test('declarations are split into statements, and these into members, each with its comment', () => {
  const text = `import type { A } from './a.ts';
/** What it is. */
export interface B<T extends {}> extends A {
    /**
     * Has "a;" and '}'.
     *
     * @returns text
     */
    readonly a: () => { b: ';'; };
    c(): void;
}
export type D = {
    readonly e: 1;
} | \`;}\`;
`
  const [first, second, third] = statementsOf(text)
  assert.deepEqual(first, { doc: '', code: "import type { A } from './a.ts';" })
  assert.equal(second!.doc, 'What it is.')
  assert.deepEqual(third, { doc: '', code: 'export type D = {\n    readonly e: 1;\n} | `;}`;' })
  assert.deepEqual(statementsOf(second!.code.slice(second!.code.indexOf('A {') + 3, -1)), [
    { doc: 'Has "a;" and \'}\'.\n\n@returns text', code: "readonly a: () => { b: ';'; };" },
    { doc: '', code: 'c(): void;' },
  ])
})
