// Parts that are new to a store. A new part handles all messages of its topic or channel. A part that was renamed looks
// new too: where that would repeat commands, and a part is gone from the same place, a start asks which it is.
import { commandLine } from '../model/command-line.ts'
import { fault } from '../model/errors.ts'
import { suggest } from '../model/names.ts'
import type { FoundParts } from '../seam/names.ts'
import type { ProcessorSpec } from './spec.ts'

interface Doubtful {
  readonly spec: ProcessorSpec
  readonly messages: number
  /** The processors that are gone from its topic or channel. */
  readonly gone: readonly string[]
}

/** Errors: `millrace/renamed-or-new`. It names every part in doubt. */
export function checkNewParts(specs: readonly ProcessorSpec[], found: FoundParts): void {
  const doubtful = specs.flatMap((spec) => inDoubt(spec, specs, found) ?? [])
  // Each part once, however many processors it has.
  const parts = new Map(doubtful.toReversed().map((one) => [one.spec.part.name, one]))
  if (parts.size === 0) return
  throw fault('millrace/renamed-or-new', [...parts.values()].reverse().map(question).join('\n'))
}

function inDoubt(spec: ProcessorSpec, specs: readonly ProcessorSpec[], found: FoundParts): Doubtful | undefined {
  const { name, destination, isPlaced, renamedFrom } = spec
  if (isPlaced || !(repeatsCommands(spec) || renamedFrom.length > 0)) return undefined
  const stream = found.streams.find((one) => one.name === destination.name)
  if (stream === undefined || stream.first > stream.head) return undefined
  const known = found.progress.flatMap((row) => (row.stream === stream.id ? row.processor : []))
  if (known.includes(name)) return undefined
  const present = new Set(specs.flatMap((one) => (one.destination.name === stream.name ? one.name : [])))
  const gone = known.filter((one) => !present.has(one))
  return gone.length === 0 ? undefined : { spec, messages: stream.head - stream.first + 1, gone }
}

/** Whether commands would be carried out again: it sends some, is a mediator or a route, or carries them out itself. */
function repeatsCommands({ runsAhead, declared, destination }: ProcessorSpec): boolean {
  return runsAhead || destination.kind === 'channel' || [...declared].some(({ kind }) => kind === 'command')
}

/** Names the part, and what to do, as code. */
function question({ spec, messages, gone }: Doubtful): string {
  const { part, destination, renamedFrom } = spec
  const all = messages === 1 ? 'the message' : `all ${messages} messages`
  const unknown = renamedFrom.map((one) => `; the store knows no "${one}"${suggest(one, gone)}`).join('')
  const likely = nearest(part.name, gone)
  // A mediator has its own name on the topic that starts it; on others that of the topic is added.
  const added = `.${destination.name}`
  const earlier = part.kind === 'mediator' && likely.endsWith(added) ? likely.slice(0, -added.length) : likely
  const code = (option: string) => `    ${part.kind}('${part.name}', { ${option}, … })`
  const isOver = gone.length === 1 ? `"${gone[0]}" is over` : 'they are over'
  return [
    `${part.kind} "${part.name}" is new on ${destination.kind} "${destination.name}", and ${listed(gone)} gone from it${unknown}`,
    ...(earlier === part.name ? [] : [`  if it is "${earlier}" under a new name:`, code(`renamedFrom: '${earlier}'`)]),
    `  if it is new; with 'beginning' it handles ${all} there:`,
    code("startAt: 'now'"),
    `  if ${isOver}; "${part.name}" then handles ${all} there:`,
    ...gone.map((one) => `    ${commandLine(`processors retire app.ts ${one}`)}`),
  ].join('\n')
}

/** The name that begins alike for longest. */
function nearest(name: string, others: readonly string[]): string {
  const alike = (other: string) => {
    let length = 0
    while (length < name.length && name[length] === other[length]) length++
    return length
  }
  return others.reduce((best, other) => (alike(other) > alike(best) ? other : best))
}

function listed(names: readonly string[]): string {
  const quoted = names.map((name) => `"${name}"`)
  return quoted.length === 1 ? `${quoted[0]} is` : `${quoted.slice(0, -1).join(', ')} and ${quoted.at(-1)} are`
}
