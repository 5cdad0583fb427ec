// Checks whether today's code follows the journals of its flows. Each flow is replayed from its journal, as at a start of
// the app, with a host that writes, sends and withdraws nothing. The steps after the end of the journal are ignored.
import { decode, encode, type Stamp } from '../../model/codec.ts'
import { isMillraceError } from '../../model/errors.ts'
import { type FlowState, flowsUnderWay, type JournalEntry } from '../../model/flow.ts'
import type { FlowRow } from '../../model/flow-views.ts'
import type { Message, MessageType } from '../../model/message.ts'
import { dueOf } from '../../model/time.ts'
import type { FlowReads, FlowSlice } from '../../seam/flow-reads.ts'
import type { World } from '../../seam/world.ts'
import type { FlowHost, MediatorSpec } from './host.ts'
import { FlowRun } from './run.ts'

/** The reason why a flow cannot continue with today's code. */
export interface FlowMisfit {
  readonly message: string
  /** The step of the journal; null where the difference is at no step. */
  readonly journal: string | null
  /** The step of today's code at that place. */
  readonly code: string | null
  /** The last steps before, in order. */
  readonly after: readonly string[]
}

/** A flow whose journal was replayed. */
export interface CheckedFlow {
  readonly flow: number
  readonly mediator: string
  readonly version: number
  readonly context: string | null
  readonly state: FlowState
  /** `fits`; `differs`; `unknown`: it has ended, and today's code lacks what would be needed to run it again. */
  readonly result: 'fits' | 'differs' | 'unknown'
  /** The difference; null where there is none. */
  readonly misfit: FlowMisfit | null
}

/** The code of an app. */
export interface FlowCode {
  readonly mediators: ReadonlyMap<string, MediatorSpec>
  typeOf(name: string): MessageType | undefined
}

const pageRows = 100

/** Where the flows are, and which of them are checked. */
export interface Checking {
  readonly reads: FlowReads
  readonly world: World
  /** True to check flows that have ended too. */
  readonly all: boolean
}

/** Replays the journals of flows, the oldest first. */
export async function* checkJournals(code: FlowCode, { reads, world, all }: Checking): AsyncGenerator<CheckedFlow> {
  const filter = all ? {} : { states: flowsUnderWay }
  const today = namesOfToday(code)
  for (let after: number | undefined = 0; after !== undefined; ) {
    const slice: FlowSlice = await reads.list({ ...filter, after, limit: pageRows })
    for (const found of slice.rows) {
      const row = { ...found, mediator: today(found.mediator) }
      const journal = (await reads.journal(row.id)).map((entry) =>
        startsFlow.has(entry.kind) ? { ...entry, what: today(entry.what) } : entry,
      )
      yield checked(row, await misfitOf(code, row, journal, world))
    }
    after = slice.last
  }
}

/** Steps that name a mediator. */
const startsFlow: ReadonlySet<string> = new Set(['flow', 'continue'])

/** The name of a mediator, as a start with this code renames it. */
function namesOfToday({ mediators }: FlowCode): (mediator: string) => string {
  const names = new Map<string, string>()
  for (const { name, renamedFrom } of mediators.values()) for (const earlier of renamedFrom) names.set(earlier, name)
  return (mediator) => names.get(mediator) ?? mediator
}

function checked(row: FlowRow, found: FlowMisfit | 'no code' | null): CheckedFlow {
  const { id: flow, mediator, version, context, state } = row
  const about = { flow, mediator, version, context, state }
  if (found === 'no code') return { ...about, result: 'unknown', misfit: null }
  return { ...about, result: found === null ? 'fits' : 'differs', misfit: found }
}

async function misfitOf(
  { mediators, typeOf }: FlowCode,
  row: FlowRow,
  journal: readonly JournalEntry[],
  world: World,
): Promise<FlowMisfit | 'no code' | null> {
  const { mediator, version, endedAt } = row
  const spec = mediators.get(mediator)
  // The code of an ended flow may be gone.
  const gone = (message: string) => (endedAt === null ? misfit(message) : 'no code')
  if (spec === undefined) return gone(`today's code has no mediator "${mediator}"`)
  if (!spec.runs.has(version)) return gone(`it began with version ${version}, which is not in \`versions\``)
  const type = typeOf(row.message.type)
  if (type === undefined) return gone(`today's code has no type "${row.message.type}", which started it`)
  let message: Message
  try {
    message = decode(type, row.message)
  } catch (error) {
    if (!isMillraceError(error)) throw error
    return misfit(error.message)
  }
  return replay({ spec, row, message, journal, world })
}

const misfit = (message: string): FlowMisfit => ({ message, journal: null, code: null, after: [] })

const misfits: readonly string[] = ['millrace/flow-mismatch', 'millrace/flow-waits-outside']

interface Replayed {
  readonly spec: MediatorSpec
  readonly row: FlowRow
  readonly message: Message
  readonly journal: readonly JournalEntry[]
  readonly world: World
}

async function replay({ spec, row, message, journal, world }: Replayed): Promise<FlowMisfit | null> {
  const host = hostOf(spec, row, journal.at(-1)?.n ?? 0, world)
  const run = new FlowRun(host, { ...row, state: 'running' })
  await run.begin(message, journal)
  run.status.dismiss()
  const { obstacle } = run.ending
  if (obstacle === null || !misfits.includes(obstacle.code)) return null
  return { ...misfit(obstacle.message), ...(obstacle.data as Partial<FlowMisfit> | undefined) }
}

function hostOf(spec: MediatorSpec, row: FlowRow, lastEntry: number, world: World): FlowHost {
  let n = lastEntry
  const { correlationId, trace, id: causationId } = row.message
  const stamp = (id: string, due: number): Stamp => {
    const source = `/${spec.name}`
    return { stream: 0, id, ownId: false, source, time: world.now(), due, correlationId, causationId, trace }
  }
  // Data are checked as when they are sent: data that did not fit were thrown at the function then.
  const make = (type: MessageType, data: unknown, id: string, due = 0) =>
    encode(type, data, stamp(id, due), Number.POSITIVE_INFINITY)
  return {
    spec,
    now: () => world.now(),
    random: () => world.random(),
    newId: () => world.newId(),
    entryId: () => ++n,
    endsBehind: () => [],
    prompted: () => {},
    encode: (type, data, id, delay) =>
      make(type, data, id, delay === undefined ? 0 : dueOf(`${type.kind} "${type.name}"`, delay, world.now())),
    encodeCall: (type, data, id) => make(type, data, id),
    newFlow: (other, data, id) => ({ ...row, mediator: other.name, message: make(other.startedBy, data, id) }),
    turn: () => new Promise((resolve) => world.soon(resolve)),
    guard: (owner, fn) => world.guard(owner, fn, undefined, undefined),
    blame: (error, owner) => world.blame(error, owner),
    owner: () => world.owner(),
    unprompted: () => {},
    // A late error of a forgotten promise is no difference.
    late: () => {},
    withdraw: async () => 'never',
  }
}
