import assert from 'node:assert/strict'
import test from 'node:test'
import { z } from 'zod'
import { asyncApiOf } from '../../src/describe/asyncapi.ts'
import { dotOf, mermaidOf } from '../../src/describe/drawn.ts'
import { withFlowed } from '../../src/describe/flowed.ts'
import { svgOf } from '../../src/describe/svg.ts'
import { homesOf, topologyOf } from '../../src/describe/topology.ts'
import { jsonSchemaOf, placedAt } from '../../src/model/json-schema.ts'
import { chain, empty, garden, lone, oddApps } from './odd-apps.ts'

const arrows = (app: Parameters<typeof topologyOf>[0]) =>
  topologyOf(app).edges.map(({ from, does, to, types }) => `${from} ${does} ${to}: ${types.join(' ')}`)

test('the topology has each part with its declarations', () => {
  assert.deepEqual(arrows(garden), [
    'channel:garden handles processor:gardener: tree.plant tree.water',
    'processor:gardener publishes topic:trees: tree.grown',
    'topic:trees handles mediator:season: tree.cut-2_x',
    'topic:trees waits mediator:season: tree.grown',
    'mediator:season sends channel:garden: tree.plant',
    'mediator:forest starts mediator:season: tree.cut-2_x',
    'topic:trees handles route:fork: tree.moved',
    'route:fork sends channel:garden: tree.water',
    'route:fork starts mediator:forest: tree.moved',
    'topic:trees handles gather:stack: tree.cut-2_x',
    'gather:stack publishes topic:stacks: stack.full',
    'schedule:spring publishes topic:trees: tree.moved',
    'topic:trees repairs desk:rules: tree.cut-2_x tree.grown tree.moved',
    'topic:failures handles processor:watch: processing.failed',
  ])
  const { nodes } = topologyOf(garden)
  assert.equal(new Set(nodes.map(({ id }) => id)).size, nodes.length)
  assert.equal(nodes.find(({ name }) => name === 'gardener')?.owner, 'team "green" <green@example.org>')
  assert.deepEqual(topologyOf(empty), { app: 'empty', nodes: [], edges: [] })
})

test('used connections are marked, and undeclared ones are added', () => {
  const topology = withFlowed(topologyOf(garden), homesOf(garden), {
    published: [
      { type: 'tree.grown', source: '/garden/gardener' },
      { type: 'tree.grown', source: '/garden' },
      { type: 'tree.cut-2_x', source: '' },
      { type: 'tree.plant', source: '/garden/season' },
      { type: 'tree.moved', source: '/garden/gone' },
      { type: 'stack.full', source: '/garden/stack.due' },
      { type: 'long.gone', source: '/garden' },
    ],
    handled: [{ processor: 'gardener', destination: 'garden' }],
  })
  const of = (wanted: boolean) =>
    topology.edges.filter((edge) => edge.flowed === wanted).map(({ from, to }) => `${from} ${to}`)
  assert.deepEqual(of(true), [
    'channel:garden processor:gardener',
    'processor:gardener topic:trees',
    'mediator:season channel:garden',
    'gather:stack topic:stacks',
    'app:garden topic:trees',
    'elsewhere:other systems topic:trees',
    'processor:gone topic:trees',
  ])
  assert.equal(of(false).includes('route:fork channel:garden'), true)
  const undeclared = topology.edges.filter(({ declared }) => !declared)
  assert.deepEqual(
    undeclared.map(({ types }) => types),
    [['tree.grown'], ['tree.cut-2_x'], ['tree.moved']],
  )
})

test('a schema says its own JSON Schema, one that cannot takes anything, with the reason', () => {
  const said = jsonSchemaOf(z.object({ a: z.string() }), 'draft-07')
  assert.deepEqual(said, {
    schema: {
      $schema: 'http://json-schema.org/draft-07/schema#',
      type: 'object',
      properties: { a: { type: 'string' } },
      required: ['a'],
    },
  })
  assert.match(jsonSchemaOf(z.object({ at: z.date() }), 'draft-07').why!, /Date cannot be represented/)
  assert.equal(jsonSchemaOf(z.date(), 'draft-07').schema, true)
  const thrown = {
    '~standard': {
      get jsonSchema() {
        throw new Error('no')
      },
    },
  }
  assert.deepEqual(jsonSchemaOf(thrown as never, 'draft-07'), { schema: true, why: 'Error: no' })
})

test('a schema that refers to itself does so where it lies', () => {
  const schema = {
    $schema: 'x',
    properties: { next: { $ref: '#' }, other: { $ref: '#/definitions/o' }, $ref: { $ref: 'x' } },
  }
  assert.deepEqual(placedAt(schema, '#/components/x'), {
    properties: {
      next: { $ref: '#/components/x' },
      other: { $ref: '#/components/x/definitions/o' },
      $ref: { $ref: 'x' },
    },
  })
})

test('AsyncAPI: messages with schemas, operations of each part, replies of commands', () => {
  const { document, warnings } = asyncApiOf(garden)
  const { info, channels, operations, components } = document as Record<string, Record<string, never>>
  assert.deepEqual(info, { title: 'garden', version: '4.2' })
  assert.deepEqual(Object.keys(channels!), ['trees', 'stacks', 'garden', 'garden.replies', 'failures'])
  assert.deepEqual(operations!['gardener.handles.garden'], {
    action: 'receive',
    channel: { $ref: '#/channels/garden' },
    messages: [{ $ref: '#/channels/garden/messages/tree.plant' }, { $ref: '#/channels/garden/messages/tree.water' }],
    reply: {
      channel: { $ref: '#/channels/garden.replies' },
      messages: [
        { $ref: '#/channels/garden.replies/messages/tree.plant.reply' },
        { $ref: '#/channels/garden.replies/messages/tree.plant.refusal' },
        { $ref: '#/channels/garden.replies/messages/tree.water.reply' },
      ],
    },
  })
  assert.equal((operations!['gardener.publishes.trees'] as unknown as { action: string }).action, 'send')
  assert.equal((components!.messages!['tree.cut-2_x'] as Record<string, unknown>)['x-version'], 3)
  assert.deepEqual(
    warnings.map((line) => line.split(':')[0]),
    ['tree.moved'],
  )
})

/** Every place to which a document refers is in it. */
function checkRefs(document: unknown): void {
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    for (const [key, one] of Object.entries(value)) {
      if (key !== '$ref') {
        visit(one)
        continue
      }
      const steps = String(one).slice(2).split('/')
      const target = steps.reduce<unknown>((at, step) => (at as Record<string, unknown>)?.[step], document)
      assert.notEqual(target, undefined, String(one))
    }
  }
  visit(document)
}

test('every reference of the document of each odd app leads somewhere', () => {
  for (const app of Object.values(oddApps)) checkRefs(asyncApiOf(app).document)
})

test('Mermaid and DOT name every part once, with awkward texts escaped', () => {
  const mermaid = mermaidOf(topologyOf(garden))
  assert.match(mermaid, /^flowchart LR\n {2}n1\(\["trees"\]\)\n/)
  assert.match(mermaid, / n\d+ -->\|"tree\.plant<br>tree\.water"\| n\d+\n/)
  assert.match(mermaid, / n1 -\.-> n\d+\n/, 'a desk is no way of a message')
  const dot = dotOf({ app: 'a"b', nodes: [{ id: 'x', kind: 'topic', name: 'q"\\', owner: null }], edges: [] })
  assert.match(dot, /^digraph "a\\"b" \{/)
  assert.match(dot, /n1 \[shape=cds, label="q\\"\\\\"\]/)
  assert.equal(mermaidOf(topologyOf(empty)), 'flowchart LR\n')
  assert.match(
    mermaidOf({ app: 'a', nodes: [{ id: 'x', kind: 'topic', name: '"<#', owner: null }], edges: [] }),
    /"#34;#60;#35;"/,
  )
})

test('the picture has every part, is the same each time, and carries no text as markup', () => {
  const picture = svgOf(topologyOf(garden))
  assert.equal(svgOf(topologyOf(garden)), picture)
  for (const { name } of topologyOf(garden).nodes) assert.ok(picture.includes(`>${name}<`), name)
  assert.ok(picture.includes('team &#34;green&#34; &#60;green@example.org&#62;'))
  assert.doesNotMatch(picture, /NaN|undefined|<script/)
  assert.match(svgOf(topologyOf(empty)), /^<svg [^>]*width="32" height="32"/)
})

test('in the picture of a long chain no part lies on another', () => {
  const boxes = [
    ...svgOf(topologyOf(chain)).matchAll(/<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)" rx/g),
  ].map(([, x, y, width, height]) => ({ x: Number(x), y: Number(y), width: Number(width), height: Number(height) }))
  assert.equal(boxes.length, 119)
  for (const [at, a] of boxes.entries()) {
    for (const b of boxes.slice(at + 1)) {
      assert.ok(a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y)
    }
  }
})

test('an app whose schemas take anything is described', () => {
  const { document, warnings } = asyncApiOf(lone)
  assert.deepEqual(warnings, [])
  assert.deepEqual(Object.keys((document as { channels: object }).channels), ['lone', 'nothing'])
})
