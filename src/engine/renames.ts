// Parts that were renamed. At a start each takes over what the store keeps under its earlier name, in the transaction of
// the take-over, before anything else is looked at.
//
//   the new name is   earlier names that are known
//   unknown           none   nothing to take over: the part is new (see `new-parts.ts`)
//   unknown           one    renamed
//   known             none   nothing: an earlier start has renamed it, or this store never had the earlier name
//   otherwise                refused: each has progress of its own, and only a person knows which counts
//
// A name is known where a processor has progress under it. Flows of a mediator that no topic starts have none: what is
// under an earlier name joins them at any start.
import { commandLine } from '../model/command-line.ts'
import { fault } from '../model/errors.ts'
import type { FoundParts, Rename } from '../seam/names.ts'
import { checkNewParts } from './new-parts.ts'
import type { Line } from './part-changes.ts'
import type { EnginePlan } from './plan.ts'
import type { ProcessorSpec } from './spec.ts'

/** The parts of an app, those that are left out too. */
export type AllParts = Pick<EnginePlan, 'processors' | 'leftOut' | 'others'>

/**
 * Finds what a start renames.
 *
 * @throws `millrace/both-names-known`; `millrace/renamed-or-new` as `checkNewParts`
 */
export function renamesOf(parts: AllParts, found: FoundParts): Rename[] {
  const known = new Set(found.progress.map(({ processor }) => processor))
  const specs = [...parts.processors, ...parts.leftOut]
  const renames = specs.flatMap((spec) => renamesOfProcessor(spec, known))
  checkNewParts(specs, after(found, renames))
  for (const { kind, name: to, renamedFrom } of parts.others) {
    const schedules = new Set(found.schedules)
    const from = renamedFrom.find((earlier) => schedules.has(earlier))
    if (kind === 'schedule' && from !== undefined && !schedules.has(to)) renames.push({ what: kind, from, to })
    if (kind === 'mediator' && !specs.some(({ name, part }) => part.name === to && known.has(name))) {
      renames.push(...renamedFrom.map((from) => ({ what: kind, from, to })))
    }
  }
  return renames
}

function renamesOfProcessor(spec: ProcessorSpec, known: ReadonlySet<string>): Rename[] {
  const { name: to, renamedFrom, ownsChannel } = spec
  const [from, ...more] = renamedFrom.filter((earlier) => known.has(earlier))
  if (from === undefined) return []
  if (known.has(to)) throw bothKnown(spec, from, to)
  if (more.length > 0) throw bothKnown(spec, more[0]!, from)
  const rename: Rename = { what: 'processor', from, to }
  return ownsChannel ? [rename, { ...rename, what: 'stream' }, { ...rename, what: 'type' }] : [rename]
}

function bothKnown({ part }: ProcessorSpec, earlier: string, later: string) {
  const what = `${part.kind} "${part.name}" was renamed, and the store knows both "${earlier}" and "${later}"`
  const retire = (name: string) => commandLine(`processors retire --db FILE ${name} --force`)
  return fault(
    'millrace/both-names-known',
    `${what}: each has handled messages by itself. Stop the app, and retire the one whose progress does not count:
  ${retire(earlier)}
  ${retire(later)}`,
  )
}

/** What is found, under the names of today. */
function after({ progress, streams, schedules }: FoundParts, renames: readonly Rename[]): FoundParts {
  const names = (kind: Rename['what']) =>
    new Map(renames.flatMap(({ what, from, to }) => (what === kind ? [[from, to]] : [])))
  const [processors, channels] = [names('processor'), names('stream')]
  return {
    progress: progress.map((row) => ({ ...row, processor: processors.get(row.processor) ?? row.processor })),
    streams: streams.map((stream) => ({ ...stream, name: channels.get(stream.name) ?? stream.name })),
    schedules,
  }
}

/** The lines about parts that have taken over what was under an earlier name. */
export function renameLines({ processors, leftOut, others }: AllParts, renamed: readonly Rename[]): Line[] {
  const parts = [...processors.map(({ part }) => part), ...leftOut.map(({ part }) => part), ...others]
  const kinds = new Map(parts.map(({ kind, name }) => [name, kind]))
  const earlier = new Map(renamed.map(({ from, to }) => [to, from]))
  return [...earlier].flatMap(([to, from]) => {
    const kind = kinds.get(to)
    return kind === undefined ? [] : [[`${kind} "${to}" takes over what "${from}" had`, {}] as const]
  })
}
