import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import type { Topology } from '../../src/describe/topology.ts'
import { appFile, folder, millrace, millraces } from './support/millrace.ts'

test('graph draws an app in four formats, and opens no file that is not there', async (t) => {
  const db = join(folder(t), 'none.db')
  const [mermaid, dot, svg, json, same] = await millraces([
    ['graph', appFile, '--db', db],
    ['graph', appFile, '--db', db, '--format', 'dot'],
    ['graph', appFile, '--db', db, '--format', 'svg'],
    ['graph', appFile, '--db', db, '--format', 'json'],
    ['graph', appFile, '--db', db, '--json'],
  ])
  assert.match(mermaid!.out, /^flowchart LR\n/)
  assert.match(dot!.out, /^digraph "[\w-]+" \{\n[\s\S]*\n\}\n$/)
  assert.match(svg!.out, /^<svg [\s\S]*<\/svg>\n$/)
  const { nodes, edges } = JSON.parse(json!.out) as Topology
  assert.ok(nodes.length > 2)
  assert.ok(edges.every(({ declared, flowed }) => declared && flowed === null))
  assert.equal(same!.out, json!.out)
  assert.equal(existsSync(db), false)
})

test('graph shows what has flowed in the file of the app', async (t) => {
  const db = join(folder(t), 'mill.db')
  assert.equal((await millrace(['publish', appFile, '--db', db, 'order.placed', '{"orderId":"o-1"}'])).status, 0)
  const [all, declared] = await millraces([
    ['graph', appFile, '--db', db, '--json'],
    ['graph', appFile, '--db', db, '--json', '--declared'],
  ])
  const { nodes, edges } = JSON.parse(all!.out) as Topology
  const added = edges.filter((edge) => !edge.declared)
  assert.deepEqual(
    added.map(({ types, flowed }) => ({ types, flowed })),
    [{ types: ['order.placed'], flowed: true }],
  )
  assert.equal(nodes.at(-1)?.kind, 'app')
  assert.equal(
    (JSON.parse(declared!.out) as Topology).edges.every((edge) => edge.flowed === null),
    true,
  )
})

test('asyncapi prints the document, and says on standard error what it cannot describe', async (t) => {
  const odd = join(folder(t), 'odd.ts')
  writeFileSync(
    odd,
    `import { app, event, sqlite, topic } from '${new URL('../../src/index.ts', import.meta.url).href}'
const schema = { '~standard': { version: 1, vendor: 'own', validate: (value) => ({ value }) } }
export default app({ name: 'odd', broker: sqlite({ file: 'odd.db' }), parts: [topic('t', [event('e.e', { schema })])] })
`,
  )
  const [pretty, line, none] = await millraces([['asyncapi', odd], ['asyncapi', odd, '--json'], ['asyncapi']])
  assert.equal(
    pretty!.err,
    'millrace: e.e: its data are described as anything: a schema of own gives no JSON Schema by itself\n',
  )
  assert.equal(JSON.parse(pretty!.out).asyncapi, '3.0.0')
  assert.equal(line!.out.trimEnd().split('\n').length, 1)
  assert.deepEqual(JSON.parse(line!.out), JSON.parse(pretty!.out))
  assert.equal(none!.status, 2)
})

test('wrong words are refused', async () => {
  const [format, both, without] = await millraces([
    ['graph', appFile, '--format', 'png'],
    ['graph', appFile, '--format', 'svg', '--json'],
    ['graph', '--db', 'a.db'],
  ])
  assert.match(format!.err, /Allowed choices are mermaid, dot, svg, json/)
  assert.match(both!.err, /--json and --format do not go together/)
  assert.match(without!.err, /name the app file/)
  for (const one of [format, both, without]) assert.equal(one!.status, 2)
})
