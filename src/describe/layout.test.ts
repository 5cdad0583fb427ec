import assert from 'node:assert/strict'
import test from 'node:test'
import { around, placed } from './layout.ts'
import type { Topology, TopologyEdge } from './topology.ts'

/** A chain of so many nodes: n0 to n1 to n2 … */
function chain(count: number): Topology {
  const nodes = Array.from({ length: count }, (_, n) => ({
    ...({ id: `n${n}`, kind: 'processor', name: `n${n}`, owner: null } as const),
  }))
  const edges = nodes.slice(1).map(({ id }, n): TopologyEdge => {
    return { from: `n${n}`, to: id, does: 'publishes', types: ['done'], declared: true, flowed: null }
  })
  return { app: 'chain', nodes, edges }
}

const ids = ({ nodes }: Pick<Topology, 'nodes'>) => nodes.map(({ id }) => id)

test('the part around a node reaches so many edges in both directions', () => {
  const topology = chain(7)
  assert.deepEqual(ids(around(topology, 'n3', 0)), ['n3'])
  assert.deepEqual(ids(around(topology, 'n3', 1)), ['n2', 'n3', 'n4'])
  const two = around(topology, 'n1', 2)
  assert.deepEqual(ids(two), ['n0', 'n1', 'n2', 'n3'])
  assert.deepEqual(
    two.edges.map(({ from, to }) => `${from}-${to}`),
    ['n0-n1', 'n1-n2', 'n2-n3'],
  )
  assert.deepEqual(around(topology, 'other', 2), { nodes: [], edges: [] })
})

test('nodes do not overlap and lie within the picture, from left to right', () => {
  const { width, height, nodes, edges } = placed(chain(5))
  nodes.forEach((one, at) => {
    const next = nodes[at + 1]
    assert(next === undefined || one.x + one.width < next.x)
    assert(one.x >= 0 && one.y >= 0 && one.x + one.width <= width && one.y + one.height <= height)
  })
  assert(edges.every(({ points }) => points.length >= 2))
})
