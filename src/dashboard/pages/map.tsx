// The map: topics, channels, parts and desks, and what flows between them, with what each does now. A list beside it says the
// same. A large app is shown part by part: what is around one node.

import { useSignal } from '@preact/signals'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import { isSolid, typesShownOf } from '../../describe/drawn.ts'
import { around, curve, lineHeight, type Placed, placed } from '../../describe/layout.ts'
import type { Topology, TopologyNode } from '../../describe/topology.ts'
import type { ProcessorRow } from '../../operate/processors.ts'
import { ask, problemOf } from '../client.ts'
import { type Loaded, useRead } from '../data.ts'
import { reached } from '../live.ts'
import { Badge } from '../parts/badge.tsx'
import { Head } from '../parts/head.tsx'
import { Empty, Shown, Trouble } from '../parts/states.tsx'
import { type Look, type Mark, marksOf, markText, partOfIn, toneOf } from '../pure/marks.ts'
import { addressOf } from '../pure/routes.ts'
import { count, visible } from '../pure/words.ts'
import { go, href, query } from '../router.ts'

/** More nodes than this are hard to read at once. */
const nodesMax = 40
const hopsMax = 3

export function MapPage() {
  const topology = useTopology()
  return (
    <>
      <header class="head">
        <div>
          <h1>Map</h1>
          <p class="lead">
            What the app is made of, and what flows between its parts. Pale lines have carried nothing yet.
          </p>
        </div>
        <a class="button" href={href('/api/topology.svg')} download="map.svg">
          Save as SVG
        </a>
      </header>
      <Shown of={topology} what="The map">
        {(value) =>
          value.nodes.length === 0 ? (
            <Empty>
              <p>The app has no parts yet.</p>
            </Empty>
          ) : (
            <Drawn topology={value} />
          )
        }
      </Shown>
    </>
  )
}

/** The newest, so that the map is there at once when it is shown again. */
let known: Pick<Loaded<Topology>, 'value' | 'at'> | undefined

/** What is declared, and what has flowed; looked at again once a minute, since messages flow that had not. */
function useTopology() {
  const again = () => void look()
  const loaded = useSignal<Loaded<Topology>>({ value: undefined, at: 0, problem: undefined, ...known, again })
  const look = async () => {
    try {
      known = { value: (await ask('GET', '/api/topology')) as Topology, at: Date.now() }
      loaded.value = { ...known, problem: undefined, again }
    } catch (error) {
      const problem = problemOf(error)
      loaded.value = { ...loaded.peek(), problem }
    }
  }
  const isReached = reached.value.is
  useEffect(() => {
    void look()
    const timer = setInterval(look, 60_000)
    return () => clearInterval(timer)
  }, [isReached])
  return loaded
}

/** The marks of the parts, from the newest two looks at the processors. */
function useMarks(topology: Topology, value: readonly ProcessorRow[] | undefined): Map<string, Mark> {
  const looks = useRef<{ before: Look | undefined; now: Look | undefined }>({ before: undefined, now: undefined })
  return useMemo(() => {
    const { current } = looks
    if (value === undefined) return new Map()
    if (current.now?.rows !== value) {
      current.before = current.now
      current.now = { at: Date.now(), rows: value }
    }
    return marksOf(current.now!, current.before, partOfIn(topology.nodes))
  }, [value, topology])
}

function Drawn({ topology }: { readonly topology: Topology }) {
  const parts = useRead({ path: '/api/parts' })
  const marks = useMarks(topology, parts.value.value)
  const asked = query.value.get('around') ?? undefined
  const hops = Math.min(hopsMax, Math.max(1, Number(query.value.get('hops') ?? 1) || 1))
  const isLarge = topology.nodes.length > nodesMax
  const isWhole = asked === undefined && (!isLarge || query.value.get('all') === 'yes')
  // Where it begins is decided once: what is looked at is not taken away by news.
  const begun = useRef<string | undefined>(undefined)
  if (marks.size > 0) begun.current ??= firstOf(topology, marks)
  const center = asked ?? (isWhole ? undefined : (begun.current ?? firstOf(topology, marks)))
  const shown = useMemo(
    () => (center === undefined ? topology : around(topology, center, hops)),
    [topology, center, hops],
  )
  const places = useMemo(() => placed(shown), [shown])
  const node = topology.nodes.find(({ id }) => id === center)
  return (
    <>
      <Trouble of={parts} what="What each part does now" />
      <div class="chips">
        <Finder nodes={topology.nodes} />
        {node !== undefined && (
          <>
            {Array.from({ length: hopsMax }, (_, n) => n + 1).map((n) => (
              <a
                key={n}
                href={href(addressOf('/map', { around: node.id, hops: n }))}
                aria-current={n === hops ? 'true' : undefined}
              >
                {count(n, 'step')} around {visible(node.name)}
              </a>
            ))}
            <a href={href(addressOf('/map', { all: isLarge ? 'yes' : undefined }))}>
              all {count(topology.nodes.length, 'node')}
            </a>
          </>
        )}
      </div>
      {shown.nodes.length === 0 ? (
        <Empty>
          <p>The app has nothing of that name.</p>
          <a href={href('/map')}>Show the map</a>
        </Empty>
      ) : (
        <>
          <Picture app={topology.app} places={places} marks={marks} center={center} />
          <Flows shown={shown} marks={marks} />
        </>
      )}
    </>
  )
}

/** Where the map of a large app begins: at the part with the worst state, else at the first topic. */
function firstOf({ nodes }: Topology, marks: Map<string, Mark>): string | undefined {
  const troubled = nodes.find((node) => {
    const mark = markOf(node, marks)
    return mark !== undefined && ['failing', 'held'].includes(toneOf(mark))
  })
  return (troubled ?? nodes.find(({ kind }) => kind === 'topic') ?? nodes[0])?.id
}

const partKinds: readonly TopologyNode['kind'][] = ['processor', 'mediator', 'route', 'gather']
const markOf = ({ kind, name }: TopologyNode, marks: Map<string, Mark>) =>
  partKinds.includes(kind) ? marks.get(name) : undefined

function Finder({ nodes }: { readonly nodes: readonly TopologyNode[] }) {
  return (
    <form
      class="find"
      onSubmit={(event) => {
        event.preventDefault()
        const name = String(new FormData(event.currentTarget).get('name')).trim()
        const found = nodes.find((node) => node.name === name) ?? nodes.find((node) => node.name.includes(name))
        if (name !== '') go(addressOf('/map', { around: found?.id ?? name }))
      }}
    >
      <label>
        <span class="quietly">Find a part, topic or channel</span>
        <input type="search" name="name" list="nodes" placeholder="Find a part or topic" autocomplete="off" />
      </label>
      <datalist id="nodes">
        {nodes.map(({ id, name }) => (
          <option key={id} value={name} />
        ))}
      </datalist>
    </form>
  )
}

interface PictureProps {
  readonly app: string
  readonly places: Placed
  readonly marks: Map<string, Mark>
  readonly center: string | undefined
}

function Picture({ app, places, marks, center }: PictureProps) {
  const { width, height, nodes, edges } = places
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
    <section class="map" tabIndex={0} aria-label="Picture of the map">
      <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-label={`The parts of ${visible(app)}`}>
        <defs>
          <marker id="end" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
            <path d="M0 0L8 4L0 8z" />
          </marker>
        </defs>
        {edges.map(({ edge, points, x, y }, at) => (
          <g key={`${edge.from} ${edge.to} ${edge.does} ${at}`}>
            <path
              class={`edge ${isSolid(edge) ? '' : 'dashed'} ${edge.flowed === false ? 'pale' : ''}`}
              d={curve(points)}
              marker-end="url(#end)"
            />
            {typesShownOf(edge).map((type, row, all) => (
              <text key={type} class="type" x={x} y={y + (row - (all.length - 1) / 2) * lineHeight + 4}>
                {visible(type)}
              </text>
            ))}
          </g>
        ))}
        {nodes.map(({ node, x, y, width, height }) => {
          const mark = markOf(node, marks)
          const tone = mark === undefined ? '' : toneOf(mark)
          return (
            <a key={node.id} href={href(addressOf('/map', { around: node.id }))} class={`${node.kind} ${tone}`}>
              <title>{`${node.kind} ${visible(node.name)}${mark === undefined ? '' : `: ${markText(mark)}`}`}</title>
              <rect
                class={node.id === center ? 'center' : undefined}
                {...{ x, y, width, height }}
                rx={node.kind === 'topic' || node.kind === 'channel' ? 22 : 4}
              />
              <text class="name" x={x + width / 2} y={y + height / 2 - 2}>
                {visible(node.name)}
              </text>
              <text class={`kind ${tone}`} x={x + width / 2} y={y + height / 2 + 14}>
                {mark === undefined ? node.kind : markText(mark)}
              </text>
            </a>
          )
        })}
      </svg>
    </section>
  )
}

interface FlowsProps {
  readonly shown: Pick<Topology, 'nodes' | 'edges'>
  readonly marks: Map<string, Mark>
}

/** The same as a list. */
function Flows({ shown, marks }: FlowsProps) {
  const names = new Map(shown.nodes.map((node) => [node.id, node]))
  const link = (id: string) => {
    const node = names.get(id)!
    return <a href={href(addressOf('/map', { around: id }))}>{visible(node.name)}</a>
  }
  return (
    <section aria-labelledby="parts">
      <h2 id="parts">The same as a list</h2>
      <div class="scroll">
        <table>
          <Head of={['Name', 'Kind', 'Now', 'From', 'To']} />
          <tbody>
            {shown.nodes.map((node) => {
              const mark = markOf(node, marks)
              const others = (ids: readonly string[]) =>
                [...new Set(ids)].map((id, at) => (
                  <span key={id}>
                    {at > 0 && ', '}
                    {link(id)}
                  </span>
                ))
              return (
                <tr key={node.id}>
                  <th scope="row">{link(node.id)}</th>
                  <td>{node.kind}</td>
                  <td>
                    {mark === undefined ? (
                      '–'
                    ) : (
                      <>
                        <Badge state={mark.state} /> <span class="muted">{markText(mark)}</span>
                      </>
                    )}
                  </td>
                  <td>{others(shown.edges.filter(({ to }) => to === node.id).map(({ from }) => from))}</td>
                  <td>{others(shown.edges.filter(({ from }) => from === node.id).map(({ to }) => to))}</td>
                </tr>
              )
            })}
          </tbody>
        </table>
      </div>
    </section>
  )
}
